"""PyOperon behind the house's interface: genetic programming with fitted constants.

The low-level classes are used, not `pyoperon.sklearn`, which would make
scikit-learn a dependency. Operon keeps pointers to what it is built from, so
every part is held in a local name until the run is over.
"""

import math
import time
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np

from limbeck._errors import BackendFailed, BackendUnavailable, InputError
from limbeck.expressions import Expression, parse

from ._problem import Found, Problem, SearchConfig

MAX_DEPTH = 10
SYMBOLS = {
    "+": ("Add",),
    "-": ("Sub",),
    "*": ("Mul",),
    "/": ("Div",),
    "^": ("Square", "Pow"),
    "exp": ("Exp",),
    "log": ("Log",),
    "sqrt": ("Sqrt",),
    "sin": ("Sin",),
    "cos": ("Cos",),
    "tanh": ("Tanh",),
    "abs": ("Abs",),
    "min": ("Fmin", "Fmax"),
    "max": ("Fmin", "Fmax"),
}


def search_pyoperon(problem: Problem, config: SearchConfig, seed: int) -> Found:
    """Search with PyOperon's multi-objective genetic algorithm (error and length).

    Comparisons and `IF` have no counterpart and are left out. It weighs no rows: where
    the problem has weights, rows are drawn again in proportion to them, by the seed.

    Args:
        problem: What to explain.
        config: How long and how wide to search.
        seed: Seed of the engine; the result is the same for a seed while no time limit strikes.

    Returns:
        The Pareto front with Operon's lengths.

    Raises:
        BackendUnavailable: If PyOperon is not installed.
        BackendFailed: If it gave no equation.
        InputError: If it has none of the operators.
    """
    try:
        import pyoperon
    except ImportError as error:
        raise BackendUnavailable(
            "the engine 'pyoperon' has no wheel for this platform: choose --engine enumerate"
        ) from error
    used = pyoperon_operators(problem.operators)
    if not used:
        raise InputError(
            f"the engine 'pyoperon' has none of the operators {' '.join(problem.operators)}: choose --engine enumerate"
        )
    run = _Run(pyoperon, _resampled(replace(problem, operators=used), seed), config, seed)
    candidates = run.candidates()
    if not candidates:
        raise BackendFailed(f"PyOperon found no equation for {problem.name!r}")
    return Found(candidates, run.evaluations, run.out_of_time)


def pyoperon_version() -> str:
    """Version of the installed PyOperon."""
    return version("pyoperon")


def pyoperon_operators(operators: tuple[str, ...]) -> tuple[str, ...]:
    """The operators that PyOperon has.

    Args:
        operators: Operator symbols of a problem.

    Returns:
        Those that it uses.
    """
    return tuple(symbol for symbol in operators if symbol in SYMBOLS)


def _kinds(op: Any, symbol: str) -> tuple[str, ...]:
    """PyOperon's node types for an operator."""
    # PyOperon 0.6 has `Fmin` and `Fmax` the wrong way round, so each is asked for its name.
    if symbol not in ("min", "max"):
        return SYMBOLS[symbol]
    return tuple(kind for kind in SYMBOLS[symbol] if op.Node(getattr(op.NodeType, kind)).Name == f"f{symbol}")


def _resampled(problem: Problem, seed: int) -> Problem:
    """As many rows, drawn in proportion to their weights; the problem itself where it has none."""
    if problem.weights is None:
        return problem
    shares = problem.weights / problem.weights.sum()
    rows = np.random.default_rng(seed).choice(len(shares), size=len(shares), p=shares)
    return replace(problem, inputs=problem.inputs[rows], target=problem.target[rows], weights=None)


class _Run:
    """One run of the genetic algorithm and the parts that it points to."""

    def __init__(self, operon: Any, problem: Problem, config: SearchConfig, seed: int) -> None:
        """Build every part and run."""
        self.operon = operon
        self.names = problem.variables
        # Operon refuses read-only arrays and keeps no copy.
        self.target = np.array(problem.target, dtype=float)
        self.table = np.asfortranarray(np.column_stack([problem.inputs, self.target]))
        self.dataset = operon.Dataset(self.table)
        self.columns = sorted(self.dataset.Variables, key=lambda variable: variable.Index)
        self.problem = self._operon_problem(problem)
        self.dispatch = operon.DispatchTable()
        started = time.monotonic()
        self.front, self.evaluations = self._evolve(config, seed)
        self.out_of_time = config.time_limit > 0 and time.monotonic() - started >= math.ceil(config.time_limit)

    def _operon_problem(self, problem: Problem) -> Any:
        """Samples, target and operators in Operon's terms."""
        op = self.operon
        made = op.Problem(self.dataset)
        made.TrainingRange = op.Range(0, self.dataset.Rows)
        made.TestRange = op.Range(self.dataset.Rows - 1, self.dataset.Rows)
        made.Target = self.columns[-1]
        made.InputHashes = [column.Hash for column in self.columns[:-1]]
        kinds = ["Constant", "Variable", *(kind for symbol in problem.operators for kind in _kinds(op, symbol))]
        made.ConfigurePrimitiveSet(sum(int(getattr(op.NodeType, kind)) for kind in kinds))
        return made

    def _evolve(self, config: SearchConfig, seed: int) -> tuple[Any, int]:
        """Run NSGA-II on error and length; every local below is pointed to by the algorithm."""
        op, inputs, longest = self.operon, self.problem.InputHashes, config.max_complexity
        primitives = self.problem.PrimitiveSet
        creator = op.BalancedTreeCreator(primitives, inputs, 0.0)
        coefficients = op.NormalCoefficientInitializer()
        coefficients.ParameterizeDistribution(0, 1)
        optimiser = op.LMOptimizer(self.dispatch, self.problem, config.constant_steps, 0)
        metric = op.R2()
        error = op.Evaluator(self.problem, self.dispatch, metric, True)
        length = op.LengthEvaluator(self.problem)
        evaluator = op.MultiEvaluator(self.problem)
        for part in (error, length):
            part.Budget = config.evaluations
            evaluator.Add(part)
        evaluator.Budget = config.evaluations
        comparison = op.CrowdedComparison()
        mothers, fathers = op.TournamentSelector(comparison), op.TournamentSelector(comparison)
        reinserter = op.KeepBestReinserter(comparison)
        crossover = op.SubtreeCrossover(0.9, MAX_DEPTH, longest)
        mutations = self._mutations(primitives, creator, coefficients, longest)
        mutator = op.MultiMutation()
        for mutation in mutations:
            mutator.Add(mutation, 1.0)
        local_search = op.CoefficientOptimizer(optimiser)
        generator = op.BasicOffspringGenerator(evaluator, crossover, mutator, mothers, fathers, local_search)
        trees = op.UniformLengthTreeInitializer(creator)
        trees.ParameterizeDistribution(min(2, longest), min(10, longest))
        trees.MinDepth, trees.MaxDepth = 1, 1_000
        settings = _algorithm_settings(op, config, seed)
        sorter = op.RankSorter()
        algorithm = op.NSGA2Algorithm(settings, self.problem, trees, coefficients, generator, reinserter, sorter)
        random = op.RandomGenerator(np.uint64(seed))
        algorithm.Run(random, None, config.threads, False)
        return list(algorithm.BestFront), int(error.CallCount)

    def _mutations(self, primitives: Any, creator: Any, coefficients: Any, longest: int) -> list[Any]:
        """Every way in which a tree may change."""
        op, inputs = self.operon, self.problem.InputHashes
        one, many = op.NormalOnePointMutation(), op.NormalMultiPointMutation()
        for mutation in (one, many):
            mutation.ParameterizeDistribution(0, 1)
        return [
            one,
            many,
            op.ChangeVariableMutation(inputs),
            op.ChangeFunctionMutation(primitives),
            op.InsertSubtreeMutation(creator, coefficients, MAX_DEPTH, longest),
            op.ReplaceSubtreeMutation(creator, coefficients, MAX_DEPTH, longest),
            op.RemoveSubtreeMutation(primitives),
        ]

    def candidates(self) -> list[tuple[Expression, int]]:
        """The front as expressions, with Operon's linear scaling written out."""
        op = self.operon
        names = {column.Hash: name for column, name in zip(self.columns, (*self.names, "target"), strict=True)}
        everything = op.Range(0, self.dataset.Rows)
        found = []
        for individual in self.front:
            value = np.array(op.Evaluate(self.dispatch, individual.Genotype, self.dataset, everything), dtype=float)
            if not np.isfinite(value).all():
                continue
            slope, offset = np.linalg.lstsq(np.column_stack([value, np.ones_like(value)]), self.target, rcond=None)[0]
            text = op.InfixFormatter.Format(individual.Genotype, names, 12)
            scaled = f"({float(slope)!r})*({text}) + ({float(offset)!r})"
            found.append((parse(scaled, self.names), len(individual.Genotype.Nodes)))
        return found


def _algorithm_settings(op: Any, config: SearchConfig, seed: int) -> Any:
    """Operon's settings (whole seconds); `epsilon` is tiny since a good fit of a wrong form must not end a search."""
    limit = {"max_time": math.ceil(config.time_limit)} if config.time_limit else {}
    return op.GeneticAlgorithmConfig(
        generations=1_000_000,
        max_evaluations=config.evaluations,
        local_iterations=config.constant_steps,
        population_size=config.population,
        pool_size=config.population,
        p_crossover=1.0,
        p_mutation=0.25,
        p_local=1.0,
        p_lamarck=1.0,
        epsilon=1e-12,
        seed=seed,
        **limit,
    )
