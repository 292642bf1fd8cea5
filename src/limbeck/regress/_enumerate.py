"""An engine of our own that runs everywhere: every small form, none twice, its numbers solved for.

Bottom-up enumeration in plain NumPy, all candidates of a size at once:

1. every tree over the variables up to the size that the budget reaches (`_grow`),
   alone, in pairs and in triples, their coefficients and offset by linear least squares (`_terms`);
2. products of powers times functions of one argument with a constant inside (`_factors`, `_families`);
3. laws of two sides where `IF` is allowed (`_thresholds`);
   of few variables without units, sums under powers of `1 + x`, `1 - x**2` and their like (`_leaves`);
4. numbers inside the best forms by Levenberg-Marquardt, and one more number at every place (`_inner_constants`).

Deterministic for a seed: the budget counts trees that are evaluated and steps of
a fit, and the clock is only a guard. Sums are read off scalar products and are
not counted. The search ends when the samples are explained to rounding, or to what
looks like noise (`_noise_level`): nothing larger could be told from what it has.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from limbeck._types import Samples
from limbeck.expressions import Call, Constant, Expression, Variable, evaluate, simplify, variables

from ._climb import unit_price
from ._description import is_series
from ._factors import MOST_FACTORS, Split, arguments, factors, splits, times
from ._families import Atoms, atoms_of, waves
from ._grow import Forest, grow
from ._inner_constants import EXACT, decorated, form_of, shortened, size_of
from ._leaves import Law, functions_seen_through, sums_under_leaves
from ._noise_level import NoiseTest
from ._pool import Pool
from ._problem import Found, Problem, SearchConfig
from ._sample import Sample, draw, fitted
from ._target import Target, multiples, targets
from ._terms import ONE, best_groups, best_pairs, directions, written
from ._thresholds import placed, two_sided

SEARCHED = 256  # samples that candidates are made on
FITTED = 4_000  # samples that the last fit is made on
SMALL = 4  # largest tree of the first round
LARGEST = 11
SHIFTS = (1e-3, 0.02, 1.0)  # of the parts of a product, in units of their median size
KINKS = {"abs", "min", "max"}
SHORT = 5  # nodes of an equation that nothing shorter can stand for: a term with a factor and an offset
FEW = 2  # variables, in which a sum is compared with functions that it may begin
REFITTED = 8  # candidates that are fitted to all samples after a round: the few that it is made on mislead
JUDGED = 3  # of them that are compared with noise
FEWEST = 20  # samples by which a free curve can be told from any other
SPLITS = 6
FAMILY_SHARE = 0.05  # of the budget, for the functions of one split
TERM_STEPS = 2  # times `constant_steps`, for a first fit
LAST_STEPS = 20  # times `constant_steps`, for the last
REFINED = 4  # candidates of each size whose numbers are fitted after a round
DECORATED = 12  # candidates that are given one more number
FORMS = 50  # functions of one argument whose numbers are fitted alone
ADDED = 600  # trees, and functions of each variable, that are tried as terms of one sum
LEAF_SHARE = 20  # part of the budget that is spent on trees with leaves in them
HANDED_BACK, CHEAPEST = 3, 120  # candidates of each size, and those of all sizes with the shortest description


def search_enumerate(problem: Problem, config: SearchConfig, seed: int) -> Found:
    """Search by enumeration.

    Args:
        problem: What to explain.
        config: `evaluations`, `constant_steps` and `max_complexity` (nodes, numbers included) are used; the
            time limit is a guard.
        seed: Decides which samples are looked at where there are many.

    Returns:
        The best equations of each size, each with its number of nodes.
    """
    started = time.monotonic()

    def too_late() -> bool:
        return 0 < config.time_limit <= time.monotonic() - started

    with np.errstate(all="ignore"):  # what overflows is left out; users need not hear of it
        return _enumerated(problem, config, seed, too_late)


def _enumerated(problem: Problem, config: SearchConfig, seed: int, too_late: Callable[[], bool]) -> Found:
    """Search, then fit the leaders to many samples."""
    pool = Pool(draw(problem, SEARCHED, seed), problem.operators, config.evaluations, too_late)
    whole = draw(problem, FITTED, seed)
    _Search(config, pool, whole, problem.leaves).run()
    mean = Constant(float(np.average(whole.target, weights=whole.root**2)))
    found: list[tuple[Expression, int]] = [(mean, 1)]
    for _, candidate in dict([*pool.leaders(HANDED_BACK), *pool.cheapest(CHEAPEST)]).items():
        if candidate.size <= config.max_complexity or candidate.loss < EXACT:
            steps = 1 if too_late() else LAST_STEPS * config.constant_steps
            law = placed(fitted(candidate.expression, whole, steps)[0], whole)
            found += [(law, candidate.size), (shortened(law, whole), candidate.size)]
    return Found(found, max(pool.spent, 1), too_late())


class _Search:
    """The rounds of one search."""

    def __init__(self, config: SearchConfig, pool: Pool, whole: Sample, leaves: tuple[Expression, ...]) -> None:
        """Take note of what is searched, and of all samples, on which candidates are compared with noise."""
        self.leaves = leaves
        self.pool = pool
        self.whole = whole
        self.noise = None if config.past_noise else NoiseTest(whole)
        self.refitted: dict[Expression, float] = {}
        self.explained_by, self.is_series_told = math.inf, False
        self.sample = pool.sample
        self.operators = pool.operators
        self.sums = "+" in pool.operators or "-" in pool.operators
        self.config = config
        self.steps = TERM_STEPS * config.constant_steps
        self.none = (ONE, np.ones(len(self.sample.target)))
        self.plain = Target(self.sample, lambda inner: inner, True)

    def run(self) -> None:
        """Search, and see which function a sum that leaves noise may be the beginning of."""
        names = [Variable(name) for name in self.sample.columns]
        self.rounds(names)
        if self.is_series_told and not self.leaves and len(names) <= FEW:
            self.functions_from_outside()
            self.more_numbers()

    def rounds(self, names: Sequence[Expression]) -> None:
        """Round after round until the pool says that it is over."""
        forest = self.trees(names, SMALL, self.config.evaluations // 4)
        if self.is_explained() and self.explained_by <= SHORT and not (self.leaves and self.is_series_told):
            return
        if self.leaves and self.explained_with_leaves(forest, names):
            return
        found = self.splits()
        if self.products(found):
            return
        self.sides(forest)
        if self.pool.over and not KINKS & set(self.operators):
            return  # only another function with an edge could be the same law
        # These run all the same: a law that is exact may stand in a longer form than it needs.
        self.outer_functions(forest)
        self.one_argument(found)
        for following in (
            lambda: self.terms_of_all(forest),
            self.more_numbers,
            lambda: self.trees(names, LARGEST, (self.config.evaluations - self.pool.spent) // 2),
            self.more_numbers,
            self.fewer_variables,
            self.more_numbers,
        ):
            if self.is_explained():
                return
            following()

    def is_explained(self) -> bool:
        """Whether the search is over, or what the cheapest candidates leave of all samples is noise."""
        if self.pool.over:
            self.explained_by = min((c.size for c in self.pool.found.values() if c.loss < EXACT), default=math.inf)
            return True
        if self.noise is None or math.isfinite(self.explained_by):
            return math.isfinite(self.explained_by)
        return self.is_noise_left_by(self.hopeful())

    def is_noise_left_by(self, laws: list[tuple[float, int, Expression]]) -> bool:
        """Whether one of the cheapest laws explains all samples to noise; each comes with its cost and size."""
        for _, size, law in sorted(laws, key=lambda item: item[0])[:JUDGED]:
            finished = self.finished(law)
            self.pool.offer(finished)
            if self.pool.over or (self.noise is not None and self.noise.passes(finished)):
                self.explained_by, self.is_series_told = size, not self.pool.over and is_series(simplify(finished))
                return True
        return False

    def finished(self, law: Expression) -> Expression:
        """A law with its numbers fitted to all samples."""
        return placed(fitted(law, self.whole, LAST_STEPS * self.config.constant_steps)[0], self.whole)

    def hopeful(self) -> list[tuple[float, int, Expression]]:
        """Cost, size and refit to all samples of the cheapest candidates that were not refitted yet."""
        few, many = len(self.sample.target), len(self.whole.target)
        fresh = [
            (_cost(candidate.loss, candidate.size, few), form, candidate)
            for form, candidate in self.pool.leaders(REFINED)
            if self.refitted.get(form, math.inf) > candidate.loss
        ]
        found = []
        for _, form, candidate in sorted(fresh, key=lambda item: item[0])[:REFITTED]:
            self.refitted[form] = candidate.loss
            law, loss = fitted(candidate.expression, self.whole, self.steps)
            found.append((_cost(loss, candidate.size, many), candidate.size, law))
        return found

    def trees(self, leaves: Sequence[Expression], largest: int, budget: int) -> Forest:
        """Grow trees over some leaves and take in what explains most."""
        none = self.none[1]
        forest = grow(
            list(leaves),
            np.stack([evaluate(leaf, self.sample.columns) for leaf in leaves]),
            self.operators,
            budget=max(len(leaves), budget),
            largest=largest,
            score=lambda values: directions(values, self.sample, none).explained,
            too_late=self.pool.too_late,
        )
        self.pool.spent += forest.evaluated
        self.explain(forest, self.plain)
        return forest

    def explain(self, forest: Forest, target: Target) -> None:
        """Take in the best sums of trees for a target."""
        made = []
        looked_at = directions(forest.values, target.sample, self.none[1])
        for group in best_groups(looked_at, forest.sizes, sums=self.sums):
            terms = [forest.expression(k) for k in group]
            for inner, loss in written(terms, forest.values[list(group)], target.sample, self.none):
                made.append(self.pool.offer(target.outer(inner), loss if target.plain else None))
        self.pool.refine(self.pool.leaders(REFINED, made), self.steps)

    def outer_functions(self, forest: Forest) -> None:
        """Sums inside an inverse, a root or an exponential."""
        for target in targets(self.sample, self.operators):
            if not self.pool.empty:
                self.explain(forest, target)

    def explained_with_leaves(self, forest: Forest, names: Sequence[Expression]) -> bool:
        """Search few variables deeper, with leaves beside them; true if that is enough.

        What fits to noise ends nothing before the end: the shortest of many forms that do is looked for.

        Returns:
            Whether it is.
        """
        several = self.trees([*names, *self.leaves], SMALL, self.config.evaluations // LEAF_SHARE)
        under = sums_under_leaves(self.leaves, several, self.sample, sums=self.sums)
        outer, sums, larger, functions = (
            lambda: self.outer_functions(forest),
            lambda: self.take_in(under, refined=False),
            lambda: self.trees(names, LARGEST, self.config.evaluations // 4),
            self.functions_from_outside,
        )
        # Functions of one variable are nearer than larger trees of it, and sums of few terms fit any curve.
        first = (sums, outer, functions, larger) if len(names) == 1 else (outer, sums, larger, functions)
        for following in (*first, lambda: self.outer_functions(several), self.more_numbers):
            if not self.pool.over:
                following()
        return self.is_explained()

    def functions_from_outside(self) -> None:
        """Functions of one variable, plain, inside an inverse, a root or an exponential, and under a power of it."""
        seen = (self.plain, *targets(self.sample, self.operators), *multiples(self.sample, self.operators))
        self.take_in(functions_seen_through(seen, self.sample, self.operators), refined=True)

    def take_in(self, found: Iterator[list[Law]], *, refined: bool) -> None:
        """Take in laws until the pool is over, with their numbers fitted where they have any inside."""
        for laws in found:
            made = [self.pool.offer(*law) for law in laws]
            self.pool.spent += len(made)
            if refined:
                self.pool.refine(self.pool.leaders(REFINED, made, behind=np.inf), self.steps)
            if self.pool.over:
                return

    def sides(self, forest: Forest) -> None:
        """Laws of two sides."""
        made = [self.pool.offer(law) for law in two_sided(forest, self.sample, self.operators)]
        self.pool.spent += len(made)
        self.pool.refine(self.pool.leaders(REFINED, made), self.steps)

    def splits(self) -> list[Split]:
        """The products of powers under which a free curve explains most."""
        if len(self.sample.target) < FEWEST:
            return []
        candidates, rows = arguments(self.sample, self.operators), len(self.sample.target)
        # The best of N curves of k numbers through n rows of noise leaves little where log N + k comes near n: few
        # rows are asked for no more splits than they can tell apart, the simplest.
        most = MOST_FACTORS if rows >= SEARCHED else min(MOST_FACTORS, 1 + rows**2 // max(1, len(candidates)))
        return splits(self.sample, factors(self.sample, self.operators, most), candidates, SPLITS, self.pool.too_late)

    def products(self, found: list[Split]) -> bool:
        """Take in products of powers, each with one more number anywhere; true if one explains all samples.

        They are fitted to all samples: where a law spans orders of magnitude, a shift that matters on a
        few samples of a thousand does not show on fewer.

        Returns:
            Whether one explains all samples.
        """
        laws = []
        for factor in dict.fromkeys(split.factor for split in found):
            start = Call("mul", (Constant(1.0), factor))
            for form in (start, *decorated(start, self.sample, self.operators, SHIFTS)):
                if self.pool.empty:
                    return False
                self.pool.spent += self.steps
                law, loss = fitted(form, self.whole, self.steps)
                self.pool.offer(law)
                laws.append((_cost(loss, size_of(law), len(self.whole.target)), size_of(law), law))
        return self.is_noise_left_by(laws)

    def one_argument(self, found: list[Split]) -> None:
        """Products of powers times functions of one argument."""
        most = int(FAMILY_SHARE * self.config.evaluations)
        for split in found:
            if self.pool.empty:
                return
            with np.errstate(all="ignore"):
                argument = np.asarray(evaluate(split.argument, self.sample.columns))
                factor = np.broadcast_to(evaluate(split.factor, self.sample.columns), argument.shape)
            atoms = atoms_of(split.argument, argument, self.operators, most)
            self.pool.spent += len(atoms.pairs)
            made = self.functions(atoms, (split.factor, factor))
            made += self.under_functions(atoms, (split.factor, factor))
            made += [
                self.pool.offer(law)
                for law in waves(split.argument, argument, self.sample, (split.factor, factor))
                if "sin" in self.operators or "cos" in self.operators
            ]
            self.pool.refine(self.pool.leaders(REFINED, made), self.steps)
            if self.is_explained():
                return

    def functions(self, atoms: Atoms, factor: tuple[Expression, Samples]) -> list[Expression]:
        """Take in the best sums of functions of one argument under a factor."""
        if not len(atoms.pairs):
            return []
        looked_at = directions(atoms.values, self.sample, factor[1])
        made: list[Expression] = []
        alone = [(k,) for k in atoms.best_of_forms(looked_at.explained)[:FORMS]]
        for group in alone:
            made += self.sum_of(group, atoms, factor)
        self.pool.refine(self.pool.leaders(FORMS, made, behind=np.inf), self.steps)
        for group in best_groups(looked_at, atoms.sizes, kinds=atoms.kinds, sums=self.sums):
            made += self.sum_of(group, atoms, factor)
        return made

    def sum_of(self, group: tuple[int, ...], atoms: Atoms, factor: tuple[Expression, Samples]) -> list[Expression]:
        """Take in a sum of functions under a factor."""
        terms = [atoms.expression(k) for k in group]
        return [self.pool.offer(*law) for law in written(terms, atoms.values[list(group)], self.sample, factor)]

    def under_functions(self, atoms: Atoms, factor: tuple[Expression, Samples]) -> list[Expression]:
        """Take in sums of powers of the argument under a function of it with a constant inside."""
        if not (self.sums and "*" in self.operators):
            return []
        low = [atom for atom in atoms.atoms if atom.is_low_power]
        values = np.stack([atom.values for atom in low])
        sizes, kinds = np.full(len(low), 1), np.arange(len(low))
        made = []
        for inner in (atom for atom in atoms.atoms if not atom.plain):
            outer = (times(factor[0], inner.expression), factor[1] * inner.values)
            for group in best_pairs(directions(values, self.sample, outer[1]), sizes, kinds, 2):
                terms = [low[k].expression for k in group]
                made += [self.pool.offer(*law) for law in written(terms, values[list(group)], self.sample, outer)]
        return made

    def terms_of_all(self, forest: Forest) -> None:
        """Sums of small trees and of functions of each variable with a constant inside."""
        if not self.sums:
            return
        explained = directions(forest.values, self.sample, self.none[1]).explained
        some = np.union1d(np.arange(len(explained))[: ADDED // 2], np.argsort(-explained, kind="stable")[: ADDED // 2])
        terms = [forest.expression(k) for k in some.tolist()]
        values, sizes = [forest.values[some]], [forest.sizes[some]]
        for name, column in self.sample.columns.items():
            atoms = atoms_of(Variable(name), column, self.operators, ADDED, products=False)
            self.pool.spent += len(atoms.pairs)
            inner = [k for k, atom in enumerate(atoms.atoms) if not atom.plain]
            terms += [atoms.atoms[k].expression for k in inner]
            values.append(atoms.values[inner])
            sizes.append(atoms.sizes[inner])
        numbers: dict[Expression, int] = {}
        kinds = np.array([numbers.setdefault(form_of(term), len(numbers)) for term in terms])
        all_values, made = np.concatenate(values), []
        looked_at = directions(all_values, self.sample, self.none[1])
        for group in best_groups(looked_at, np.concatenate(sizes), kinds=kinds, sums=True):
            laws = written([terms[k] for k in group], all_values[list(group)], self.sample, self.none)
            made += [self.pool.offer(*law) for law in laws]
        self.pool.refine(self.pool.leaders(REFINED, made), self.steps)

    def more_numbers(self) -> None:
        """One more number at every place of the best forms."""
        self.pool.refine(self.pool.leaders(REFINED), self.steps)
        self.pool.decorate(self.pool.front()[:DECORATED], self.steps)

    def fewer_variables(self) -> None:
        """Larger trees over those variables only that the best candidate has."""
        best = self.pool.leaders(1)[0][1].expression
        names = [name for name in self.sample.columns if name in variables(best)]
        if 0 < len(names) < len(self.sample.columns):
            self.trees([Variable(name) for name in names], LARGEST, self.config.evaluations - self.pool.spent)


def _cost(loss: float, size: int, n_samples: int) -> float:
    """Log-loss and the price of the size."""
    return math.log(max(loss, EXACT)) + unit_price(n_samples) * size
