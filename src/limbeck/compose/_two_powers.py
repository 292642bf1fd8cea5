"""Two powers of the distance, fitted to accelerations: for forces that vanish at some distance.

A network's messages are least certain where forces are largest, so that of all sums of two powers
a wrong one may fit them best. Accelerations are exact, and linear in the two scales.
"""

import numpy as np
from jaxtyping import Float

from limbeck.expressions import Call, Constant, Expression, Variable
from limbeck.regress import EXPONENTS, power_pairs, sum_of_powers

from ._fronts import fronts_of, times
from ._law import Law
from ._states import States

KEPT = 4
DISTANCE = Variable("r")


def two_power_laws(law: Law, states: States) -> list[Law]:
    """Laws whose radial force is a sum of two powers of the distance, all else as in a given law.

    Args:
        law: A refitted law with a radial force; factors of it that know nothing of the distance are kept.
        states: Snapshots to fit.

    Returns:
        The best few with their numbers, best first; none where the law's radial force is no such product.
    """
    radial = law.components.get("radial")
    fronts = None if radial is None else fronts_of(radial, "r")
    if fronts is None or len(fronts) != 1 or not len(states.edges["r"]):
        return []
    front = fronts[0]
    rest = Law(components={k: e for k, e in law.components.items() if k != "radial"}, dim=law.dim)
    target = ((states.targets - rest.accelerations(states)) * states.weights[:, None]).ravel()

    def columns(shift: float, unit: float) -> Float[np.ndarray, "samples exponents"]:
        base = Call("mul", (Constant(1.0 / unit), Call("add", (DISTANCE, Constant(shift)))))
        each = []
        for exponent in EXPONENTS:
            force = times(front, Call("pow", (base, Constant(int(exponent), free=False))))
            single = Law(components={**_inertia(law), "radial": force}, dim=law.dim)
            each.append((single.accelerations(states) * states.weights[:, None]).ravel())
        return np.stack(each, axis=1)

    if not np.isfinite(target).all():
        return []
    _, pairs = power_pairs(columns, target, float(np.median(states.edges["r"])))
    sums = [sum_of_powers(DISTANCE, pair) for pair in sorted(pairs)[:KEPT]]
    return [Law(components={**law.components, "radial": times(front, whole)}, dim=law.dim) for whole in sums]


def _inertia(law: Law) -> dict[str, Expression]:
    """The inertia of a law, where it has one."""
    return {name: e for name, e in law.components.items() if name == "inertia"}
