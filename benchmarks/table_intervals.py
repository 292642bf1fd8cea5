"""Do intervals of a table's constants hold the truth, numbers that were made whole included?

    python benchmarks/table_intervals.py [--repeats 100] [--rows 60] [--noise 0.03]

Tables of known laws with fresh noise each, equal for all rows or growing with the square of a column. The true form
is fitted, its numbers are made whole where the rows allow it, and digits are given back where they speak against:
what `limbeck regress` does with the form that it has found, without the search. Prints, for each law, in how many
tables the 95 % interval of each constant holds the truth, and how often the constant was made whole.
"""

import argparse

import numpy as np
from _runs import machine

from limbeck.expressions import evaluate, parse
from limbeck.regress import Problem
from limbeck.regress._choose import described, measured, snapped
from limbeck.regress._estimates import estimates_of

# Law, and its constants in the order in which they stand in `place`.
LAWS = {
    "2.5*(x + 1)*(z + 1)": (2.5, 1, 1),
    "0.5*(x + 1.5*z)": (0.5, 1.5),
    "1.3*(exp(x) - 0.769)": (1.3, -0.769),
    "2.37*(exp(x) - 0.4)": (2.37, -0.4),
    "3*x/(x + 1)": (3, 1),
    "3.3*x/(x + 1.3)": (3.3, 1.3),
    "1.37*(x**2 + 2.2*z + 1.1)": (1.37, 2.2, 1.1),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--rows", type=int, default=60)
    parser.add_argument("--noise", type=float, default=0.03, help="in standard deviations of the target")
    options = parser.parse_args()
    print(machine())
    print(f"{'law':>26} {'noise':>8}   intervals that hold the truth; made whole")
    for law, truth in LAWS.items():
        for kind in ("equal", "growing"):
            made = [constants(law, truth, kind, seed, options) for seed in range(options.repeats)]
            known = [each for each in made if each is not None]
            held, whole = (np.mean([[pair[k] for pair in each] for each in known], axis=0) for k in (0, 1))
            print(
                f"{law:>26} {kind:>8}   {', '.join(f'{h:.0%}' for h in held)}; "
                f"{', '.join(f'{w:.0%}' for w in whole)}   ({len(known)} of {len(made)} of this form)"
            )


def constants(
    law: str, truth: tuple[float, ...], kind: str, seed: int, options: argparse.Namespace
) -> list[tuple[bool, bool]] | None:
    """For each constant of one table, whether its interval holds the truth and whether it was made whole."""
    rng = np.random.default_rng(seed)
    columns = dict(zip("xz", rng.uniform(0.5, 2.0, (2, options.rows)), strict=True))
    exact = evaluate(parse(law), columns)
    noise = options.noise * np.std(exact) * rng.normal(size=options.rows)
    noise *= columns["x"] ** 2 if kind == "growing" else 1.0
    problem = Problem(
        name="y", variables=("x", "z"), inputs=np.stack(list(columns.values()), axis=1), target=exact + noise
    )
    chosen = measured(snapped(described(parse(law), problem), problem), problem)
    found = estimates_of(chosen.expression, problem)
    if len(found) != len(truth):
        return None
    return [(e.low <= value <= e.high, e.whole) for e, value in zip(found, truth, strict=True)]


if __name__ == "__main__":
    main()
