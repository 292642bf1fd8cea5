"""What a target counts for that is known less well than others.

Accelerations that were derived from noisy positions are known to a part in a hundred where a motion is slow, and hardly
at all in a close encounter; of those that a file gives, some may have larger errors than others. Fits of every kind
take such targets with less weight.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

FLOOR = 0.3  # of the typical acceleration, below which errors count absolutely, as in fits
FINEST = 1e-2  # relative error below which all targets count alike: no law is asked to be closer


@dataclass(frozen=True, kw_only=True)
class Precision:
    """What errors are measured by.

    Attributes:
        typical: Median size of the accelerations [length/time²].
        usual: Median relative error, at least `FINEST`.
    """

    typical: float
    usual: float

    @classmethod
    def of(
        cls, accelerations: Float[np.ndarray, "samples nodes dim"], errors: Float[np.ndarray, "samples nodes dim"]
    ) -> "Precision":
        """Measure what is usual.

        Args:
            accelerations: Accelerations, NaN where there is no target.
            errors: Their standard errors.

        Returns:
            The measure.
        """
        sizes = np.linalg.norm(accelerations, axis=-1)
        typical = float(np.median(sizes[np.isfinite(sizes)])) if np.isfinite(sizes).any() else 1.0
        relative = _relative(accelerations, errors, typical)
        known = relative[np.isfinite(relative)]
        return cls(typical=typical, usual=max(FINEST, float(np.median(known)) if len(known) else 0.0))

    def weights(
        self, accelerations: Float[np.ndarray, "samples nodes dim"], errors: Float[np.ndarray, "samples nodes dim"]
    ) -> Float[np.ndarray, "samples nodes"]:
        """Weight of each target: the usual error over the usual and its own together.

        Args:
            accelerations: Accelerations.
            errors: Their standard errors; where one is not known the target counts in full.

        Returns:
            Weights between 0 and 1.
        """
        relative = _relative(accelerations, errors, self.typical) / self.usual
        return 1.0 / np.sqrt(1.0 + np.where(np.isfinite(relative), relative, 0.0) ** 2)


def _relative(accelerations: np.ndarray, errors: np.ndarray, typical: float) -> Float[np.ndarray, "samples nodes"]:
    """Errors beside the sizes that errors of fits are measured by."""
    size = np.linalg.norm(accelerations, axis=-1) + FLOOR * typical
    return np.divide(np.linalg.norm(errors, axis=-1), size, out=np.full(size.shape, np.nan), where=size > 0)
