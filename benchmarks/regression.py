"""Does symbolic regression land the exact law? Resumable.

    python benchmarks/regression.py --out runs/regression [--parts messages,feynman,spurious,time] [--toy]
        [--laws spring,r1] [--dims 2,3] [--noises 0,0.01] [--seeds 10] [--first-seed 0] [--equations I.6.2,I.8.14]

- messages: force vectors of pairs with a known law, mixed by a random invertible linear map and shifted, with
  noise of 0, 0.1, 1 and 5 % of the standard deviation; 2,000 samples of dx, dy[, dz], r, m_1, m_2, q_1, q_2
  drawn as the published systems draw them; 10 seeds a cell. Exact: every component is graded `exact`.
- feynman: the collection in `feynman.py`, 1,000 samples, noise of 0 and 1 %, 3 seeds; ours, plain PyOperon and
  gplearn in the same run, on the same samples. Nothing is free: scale and offset have to be right too.
- spurious: five irrelevant inputs beside a law; none of them may stand in the selected equation.
- time: median seconds a law of the messages, and whether one seed gives the same front twice.

A law has `--budget` seconds (10) on two cores in every part, the components of a vector together. Each cell is
one JSON record in --out; one that is there is not repeated. Rates come with Wilson's 95 % intervals. Constants
count as equal within 2 %, or twice the noise where that is more; those of messages also where the truth itself
fits the noisy samples as well as what was found, to 3 standard errors (1/r in 3-D at 1 % of noise tells the 0.01
in r' to 5 %, whoever fits it).
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from _runs import machine
from _searches import METHODS, Answer, Samples, Table, has_gplearn, ours, ours_of_vectors
from feynman import EQUATIONS, Equation
from scipy.stats import chi2

from limbeck.expressions import Expression, evaluate, parse, to_string, variables
from limbeck.regress import Freedom, Grade, grade

KERNELS = {
    "spring": "-2*(r - 0.99)",
    "r1": "-m_1*m_2/(r + 0.01)",
    "r2": "-m_1*m_2/(r + 0.01)**2",
    "charge": "q_1*q_2/(r + 0.01)**2",
    "damped": "-2*(r - 0.99)",  # the part of its law that a pair has; friction is no message
    "discontinuous": "IF(r >= 1.99, -2*(r - 0.99), 0)",
}
SIGNS = ("charge",)  # systems whose charges are +1 or -1; elsewhere they are normal and mean nothing
MESSAGE_OPERATORS = ("+", "-", "*", "/", "^", "exp", "log", ">", "<", "IF")
FEYNMAN_OPERATORS = ("+", "-", "*", "/", "^", "exp", "log", "sqrt", "sin", "cos", "tanh")
ANY_SIZE = 0.9  # tolerance by which a form is compared whatever its constants
THREE_STANDARD_ERRORS = 0.9973
FRESH = 100_003  # added to a seed for the samples on which a result is judged
Record = dict[str, Any]
Columns = Mapping[str, Samples]


class Cell(NamedTuple):
    """One record: its name and what makes it."""

    name: str
    make: Callable[[], Record]


def main() -> None:
    """Make the records that are missing and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/regression"))
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--methods", default=",".join(METHODS), help="for the Feynman collection")
    parser.add_argument("--laws", default=",".join(KERNELS), help="of messages, irrelevant inputs and repeats")
    parser.add_argument("--dims", default="2,3", help="of messages")
    parser.add_argument("--noises", default="", help="of every part; each has its own by default")
    parser.add_argument("--equations", default="", help="of the Feynman collection; all by default")
    parser.add_argument("--seeds", type=int, default=10, help="seeds a cell of messages; others have at most 3")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--budget", type=float, default=10.0, help="seconds a law; 0 is none, for messages")
    parser.add_argument("--toy", action="store_true", help="a few cells of 2 seconds: shows that it runs")
    options = parser.parse_args()
    if options.toy:
        options.seeds, options.budget = 1, 2.0
        options.laws, options.dims = "spring,charge,discontinuous", "2"
    options.laws, options.dims = options.laws.split(","), [int(dim) for dim in options.dims.split(",")]
    unknown = [law for law in options.laws if law not in KERNELS]
    if unknown:
        parser.error(f"no law {unknown[0]!r}: choose from {', '.join(KERNELS)}")
    options.methods = [m for m in options.methods.split(",") if m != "gplearn" or has_gplearn()]
    options.out.mkdir(parents=True, exist_ok=True)
    first = options.first_seed
    print(
        f"{machine()}\n# {options.budget:g} s a law on 2 cores, seeds {first} to {first + options.seeds - 1}",
        flush=True,
    )
    if not has_gplearn():
        print("# gplearn cannot be imported and is left out: nothing is compared with it")
    for part in options.parts.split(","):
        cells, table = PARTS[part]
        records = [recorded(options.out, cell) for cell in cells(options)]
        print(f"\n## {part}")
        table(records)


def recorded(out: Path, cell: Cell) -> Record:
    """The record of a cell, made if it is not there."""
    path = out / f"{cell.name}.json"
    if not path.exists():
        record = cell.make()
        print(f"{cell.name}: {record.get('level', '')} {record['seconds']:.1f} s {record['selected']}", flush=True)
        unfinished = path.with_suffix(".tmp")
        unfinished.write_text(json.dumps(record))
        unfinished.replace(path)
    return json.loads(path.read_text())


def noises_of(options: argparse.Namespace, own: tuple[float, ...]) -> tuple[float, ...]:
    """Noises that were asked for, else those of the part."""
    return tuple(float(noise) for noise in options.noises.split(",")) if options.noises else own


def seeds_of(options: argparse.Namespace, most: int) -> range:
    """Seeds of a part."""
    return range(options.first_seed, options.first_seed + min(options.seeds, most))


def message_cells(options: argparse.Namespace) -> Iterator[Cell]:
    """Systems, dimensions and noise; seeds outermost, so that what is interrupted has seen every law."""
    for seed in seeds_of(options, options.seeds):
        for dim in options.dims:
            for system in options.laws:
                for noise in noises_of(options, (0.0, 0.01) if options.toy else (0.0, 0.001, 0.01, 0.05)):
                    name = f"messages-{system}-{dim}-{noise:g}-{seed}"
                    yield Cell(
                        name, lambda s=system, d=dim, e=noise, k=seed: message_record(s, d, e, k, options.budget)
                    )


def message_record(system: str, dim: int, noise: float, seed: int, budget: float) -> Record:
    """Find the law of mixed messages and grade each component."""
    columns, truth = pairs(system, dim, 2_000, seed), components(system, dim)
    forces = np.stack([evaluate(part, columns) for part in truth], axis=1)
    rng = np.random.default_rng([seed, dim, 1])
    targets = noisy(mixed(forces, rng), noise, rng)
    table = np.column_stack(list(columns.values()))
    started, worked = time.monotonic(), time.process_time()
    answers = ours_of_vectors(table, targets, tuple(columns), seed=seed, budget=budget, operators=MESSAGE_OPERATORS)
    seconds, cpu_seconds = time.monotonic() - started, time.process_time() - worked
    fresh, free = pairs(system, dim, 500, seed + FRESH), Freedom(scale=True, offset=True)
    grades = [grade(a.front, a.selected, truth, fresh, freedom=free, tolerance=tolerance(noise)) for a in answers]
    record: Record = {"system": system, "dim": dim, "noise": noise, "seed": seed, "seconds": seconds}
    record["cpu_seconds"] = cpu_seconds
    if noise:
        seen = [is_within_noise(a.selected, truth, columns, y, fresh) for a, y in zip(answers, targets.T, strict=True)]
        within = "the truth's form, and its constants as far as the noise tells"
        grades = [replace(g, level="exact", reason=within) if yes else g for g, yes in zip(grades, seen, strict=True)]
    worst = max(grades, key=lambda g: LEVELS.index(g.level))
    return record | described(answers, grades) | {"level": worst.level, "exact": all(g.exact for g in grades)}


def is_within_noise(
    selected: Expression | None, truth: list[Expression], columns: Columns, target: Samples, fresh: Columns
) -> bool:
    """Whether an equation has the truth's form and the truth fits the samples as well, to 3 standard errors.

    The truth has its linear map and offset fitted, as the equation has; what it leaves beyond the equation is
    chi-square with a degree of freedom for each of the two constants that a kernel has at most.

    Returns:
        True if so.
    """
    free = Freedom(scale=True, offset=True)
    if selected is None or not grade((), selected, truth, fresh, freedom=free, tolerance=ANY_SIZE).exact:
        return False
    design = np.column_stack([*(evaluate(part, columns) for part in truth), np.ones(len(target))])
    left = target - design @ np.linalg.lstsq(design, target, rcond=None)[0]
    own = target - evaluate(selected, columns)
    variance = float(left @ left) / (len(target) - design.shape[1])
    return float(left @ left - own @ own) / variance <= float(chi2.ppf(THREE_STANDARD_ERRORS, 2))


LEVELS = ("exact", "exact, not selected", "partial", "partial, not selected", "none")


def pairs(system: str, dim: int, samples: int, seed: int) -> dict[str, Samples]:
    """Pairs of particles as the published systems draw them."""
    rng = np.random.default_rng([seed, dim])
    first, second = rng.normal(size=(2, samples, dim))
    between = first - second
    columns = {f"d{axis}": between[:, k] for k, axis in enumerate("xyz"[:dim])}
    columns["r"] = np.linalg.norm(between, axis=1)
    columns["m_1"], columns["m_2"] = rng.lognormal(size=(2, samples))
    charges = rng.choice([-1.0, 1.0], (2, samples)) if system in SIGNS else rng.normal(size=(2, samples))
    columns["q_1"], columns["q_2"] = charges
    return columns


def components(system: str, dim: int) -> list[Expression]:
    """The force of a pair on each axis."""
    return [parse(f"({KERNELS[system]})*d{axis}/r") for axis in "xyz"[:dim]]


def mixed(forces: Table, rng: np.random.Generator) -> Table:
    """Rotated, stretched by factors of 0.5 to 2, rotated again and shifted by about a standard deviation."""
    dim = forces.shape[1]
    left, right = (np.linalg.qr(rng.normal(size=(dim, dim)))[0] for _ in range(2))
    turned = forces @ (left * rng.uniform(0.5, 2.0, dim)) @ right
    return turned + rng.normal(size=dim) * turned.std(axis=0)


def noisy(targets: Table, noise: float, rng: np.random.Generator) -> Table:
    """With normal noise of a part of each column's standard deviation."""
    return targets + noise * targets.std(axis=0) * rng.normal(size=targets.shape)


def tolerance(noise: float) -> float:
    """Within what part constants count as equal."""
    return max(0.02, 2.0 * noise)


def described(answers: list[Answer], grades: list[Grade]) -> Record:
    """What was selected and why it has its grade."""
    return {
        "selected": [None if a.selected is None else to_string(a.selected) for a in answers],
        "claimed": [a.claimed for a in answers],
        "levels": [g.level for g in grades],
        "reasons": [g.reason for g in grades],
    }


def feynman_cells(options: argparse.Namespace) -> Iterator[Cell]:
    """Equations, noise and methods."""
    asked = options.equations.split(",") if options.equations else [e.id for e in EQUATIONS]
    chosen = EQUATIONS[7:10] if options.toy else [e for e in EQUATIONS if e.id in asked]
    for seed in seeds_of(options, 3):
        for equation in chosen:
            for noise in noises_of(options, (0.0, 0.01)):
                for method in options.methods:
                    name = f"feynman-{equation.id}-{noise:g}-{method}-{seed}"
                    yield Cell(
                        name, lambda q=equation, e=noise, m=method, k=seed: feynman_record(q, e, m, k, options.budget)
                    )


def feynman_record(equation: Equation, noise: float, method: str, seed: int, budget: float) -> Record:
    """Find one equation by one method; nothing is free."""
    columns, truth = equation.draw(1_000, seed), parse(equation.formula, set(equation.ranges))
    rng = np.random.default_rng([seed, 2])
    target = noisy(evaluate(truth, columns)[:, None], noise, rng)[:, 0]
    started = time.monotonic()
    answer = METHODS[method](
        np.column_stack(list(columns.values())),
        target,
        tuple(columns),
        seed=seed,
        budget=budget,
        operators=FEYNMAN_OPERATORS,
    )
    seconds = time.monotonic() - started
    found = grade(answer.front, answer.selected, truth, equation.draw(500, seed + FRESH), tolerance=tolerance(noise))
    record: Record = {"equation": equation.id, "noise": noise, "method": method, "seed": seed, "seconds": seconds}
    return record | described([answer], [found]) | {"level": found.level, "exact": found.exact}


def spurious_cells(options: argparse.Namespace) -> Iterator[Cell]:
    """Laws with five irrelevant inputs."""
    for seed in seeds_of(options, 3):
        for system in options.laws:
            for noise in noises_of(options, (0.01,) if options.toy else (0.0, 0.01, 0.05)):
                name = f"spurious-{system}-{noise:g}-{seed}"
                yield Cell(name, lambda s=system, e=noise, k=seed: spurious_record(s, e, k, options.budget))


def spurious_record(system: str, noise: float, seed: int, budget: float) -> Record:
    """Find a radial kernel beside five normal inputs that mean nothing."""
    columns, law = pairs(system, 2, 2_000, seed), parse(KERNELS[system])
    rng = np.random.default_rng([seed, 3])
    kept = {name: columns[name] for name in sorted(variables(law))}
    table = {**kept, **{f"u_{k}": rng.normal(size=2_000) for k in range(1, 6)}}
    target = noisy(evaluate(law, columns)[:, None], noise, rng)[:, 0]
    started = time.monotonic()
    answer = ours(
        np.column_stack(list(table.values())),
        target,
        tuple(table),
        seed=seed,
        budget=budget,
        operators=MESSAGE_OPERATORS,
    )
    seconds = time.monotonic() - started
    used = set() if answer.selected is None else variables(answer.selected)
    foreign = sorted(name for name in used if name.startswith("u_"))
    selected = None if answer.selected is None else to_string(answer.selected)
    record: Record = {"system": system, "noise": noise, "seed": seed, "seconds": seconds, "selected": selected}
    return record | {"foreign": foreign, "clean": selected is not None and not foreign}


def time_cells(options: argparse.Namespace) -> Iterator[Cell]:
    """Two runs with one seed and no clock, for each law; the seconds of laws are those of the messages."""
    for system in [law for law in ("spring", "r2", "charge") if law in options.laws]:
        yield Cell(f"time-{system}", lambda s=system: time_record(s))
    yield from message_cells(options)


def time_record(system: str) -> Record:
    """Whether one seed gives the same front twice."""
    columns, law = pairs(system, 2, 2_000, 0), parse(KERNELS[system])
    table, target = np.column_stack(list(columns.values())), evaluate(law, columns)
    started = time.monotonic()
    fronts = []
    for _ in range(2):
        answer = ours(table, target, tuple(columns), seed=0, budget=0.0, operators=MESSAGE_OPERATORS)
        fronts.append([to_string(equation) for equation in answer.front])
    seconds = (time.monotonic() - started) / 2
    return {"twice": fronts[0] == fronts[1], "system": system, "seconds": seconds, "selected": fronts[0][-1:]}


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a rate."""
    if not trials:
        return 0.0, 1.0
    z, rate = 1.959964, successes / trials
    centre = (rate + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def rate(records: list[Record], name: str = "exact") -> str:
    """How many of the records hold, as a count and a rate with its interval."""
    holding = sum(bool(record[name]) for record in records)
    low, high = wilson(holding, len(records))
    share = 100 * holding / max(1, len(records))
    return f"{holding:>4}/{len(records):<4} {share:>4.0f} % ({100 * low:.0f} to {100 * high:.0f})"


def message_table(records: list[Record]) -> None:
    """A row a system and dimension, a column a noise."""
    noises = sorted({record["noise"] for record in records})
    print(f"{'law':>16} " + " ".join(f"{f'{100 * noise:g} %':>26}" for noise in noises))
    for key in dict.fromkeys((record["system"], record["dim"]) for record in records):
        mine = [record for record in records if (record["system"], record["dim"]) == key]
        cells = (rate([record for record in mine if record["noise"] == noise]) for noise in noises)
        print(f"{key[0] + '-' + str(key[1]):>16} " + " ".join(f"{cell:>26}" for cell in cells))
    all_of = (rate([record for record in records if record["noise"] == noise]) for noise in noises)
    print(f"{'all':>16} " + " ".join(f"{cell:>26}" for cell in all_of))
    wrong = sum(any(record["claimed"]) and not record["exact"] for record in records)
    busy = [record["cpu_seconds"] for record in records if "cpu_seconds" in record]
    if busy:
        print(f"CPU seconds a law, median (range): {median(busy):.1f} ({min(busy):.1f} to {max(busy):.1f})")
    on_front = [record for record in records if record["level"] in LEVELS[:2]]
    print(f"claimed and not exact: {wrong} of {len(records)}; selected where the exact law is found: {rate(on_front)}")


def feynman_table(records: list[Record]) -> None:
    """A row a method, a column a noise."""
    noises = sorted({record["noise"] for record in records})
    print(f"{'method':>10} " + " ".join(f"{f'{100 * noise:g} %':>26}" for noise in noises) + "  seconds, median")
    for method in dict.fromkeys(record["method"] for record in records):
        mine = [record for record in records if record["method"] == method]
        cells = (rate([record for record in mine if record["noise"] == noise]) for noise in noises)
        seconds = median(record["seconds"] for record in mine)
        print(f"{method:>10} " + " ".join(f"{cell:>26}" for cell in cells) + f" {seconds:>16.1f}")
    print(f"{len({record['equation'] for record in records})} equations")


def spurious_table(records: list[Record]) -> None:
    """The rate of clean laws."""
    print(f"selected equation without any of five irrelevant inputs: {rate(records, 'clean')}")


def time_table(records: list[Record]) -> None:
    """Seconds a law, and whether a seed repeats."""
    seconds = [record["seconds"] for record in records if "twice" not in record]
    twice = [record for record in records if "twice" in record]
    print(f"seconds a law, median (range): {median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f})")
    print(f"same front twice with one seed: {rate(twice, 'twice')}")


PARTS: dict[str, tuple[Callable[[argparse.Namespace], Iterator[Cell]], Callable[[list[Record]], None]]] = {
    "messages": (message_cells, message_table),
    "feynman": (feynman_cells, feynman_table),
    "spurious": (spurious_cells, spurious_table),
    "time": (time_cells, time_table),
}


if __name__ == "__main__":
    main()
