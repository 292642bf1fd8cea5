"""Normal equations of many groups at once, some of whose unknowns nothing depends on."""

import numpy as np
from jaxtyping import Float

RIDGE = 1e-12


def solve_groups(
    normal: Float[np.ndarray, "groups unknowns unknowns"], right: Float[np.ndarray, "groups unknowns"]
) -> Float[np.ndarray, "groups unknowns"]:
    """Solve the normal equations of every group.

    Args:
        normal: Products of the columns.
        right: Products of the columns with what is fitted.

    Returns:
        The unknowns; one that nothing depends on is 0.
    """
    size = np.sqrt(np.einsum("gpp->gp", normal))
    size[size == 0] = 1.0
    scaled = normal / (size[:, :, None] * size[:, None, :])
    scaled = scaled + RIDGE * np.eye(normal.shape[1])
    return np.linalg.solve(scaled, (right / size)[..., None])[..., 0] / size
