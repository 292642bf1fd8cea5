"""Which components of a message matter, and how many directions they really have."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from ._linear_fit import CONSTANT
from ._message_record import MessageRecord

SHARE = 0.01  # of the total variance, above which a component (or a direction) counts


@dataclass(frozen=True, kw_only=True, eq=False)
class Importance:
    """How much each component of a message says.

    Attributes:
        criterion: What the order goes by: "KL divergence" where messages are distributions, else "standard deviation".
        order: Components, the most important first.
        standard_deviations: Of each component over the edges, in the order of the network.
        variances: Their squares.
        kl_divergences: Mean divergence of each component from a standard normal [nat], or None.
        spectrum: Eigenvalues of the covariance of the messages, the largest first.
        effective_dimension: Participation ratio of the spectrum; None where no message varies.
        n_components: Components that carry more than `SHARE` of the total variance.
        n_directions: Eigenvalues that are more than `SHARE` of their sum.
    """

    criterion: str
    order: Int[np.ndarray, " message_dim"]
    standard_deviations: Float[np.ndarray, " message_dim"]
    variances: Float[np.ndarray, " message_dim"]
    kl_divergences: Float[np.ndarray, " message_dim"] | None
    spectrum: Float[np.ndarray, " message_dim"]
    effective_dimension: float | None
    n_components: int
    n_directions: int


def importance(record: MessageRecord) -> Importance:
    """Standard deviation, variance and KL divergence of the components, and the spectrum of their covariance.

    Args:
        record: The messages; finite numbers only.

    Returns:
        The figures, with components in the network's own order and their ranking beside it.

    Source:
        Cranmer et al. (2020), arXiv 2006.11287, section 3: the highest variance, or the highest KL divergence.
    """
    centred = record.messages - record.messages.mean(axis=0)
    varies = np.ptp(record.messages, axis=0) > CONSTANT * np.abs(record.messages).max(axis=0)
    centred = np.where(varies, centred, 0.0)
    variances = np.mean(centred**2, axis=0)
    deviations = np.sqrt(variances)
    divergences = None
    if record.log_variances is not None:
        divergences = np.mean(kl_divergence(record.messages, record.log_variances), axis=0)
    ranks = deviations if divergences is None else divergences
    spectrum = np.clip(np.linalg.eigvalsh(centred.T @ centred / len(centred))[::-1], 0.0, None)
    return Importance(
        criterion="standard deviation" if divergences is None else "KL divergence",
        order=np.argsort(-ranks, kind="stable"),
        standard_deviations=deviations,
        variances=variances,
        kl_divergences=divergences,
        spectrum=spectrum,
        effective_dimension=participation_ratio(spectrum),
        n_components=int(np.sum(variances > SHARE * variances.sum())),
        n_directions=int(np.sum(spectrum > SHARE * spectrum.sum())),
    )


def kl_divergence(
    means: Float[np.ndarray, "edges message_dim"], log_variances: Float[np.ndarray, "edges message_dim"]
) -> Float[np.ndarray, "edges message_dim"]:
    """Divergence of normal distributions from the standard normal, `(mu² + s² - log s² - 1) / 2` [nat].

    Args:
        means: `mu` of each message component.
        log_variances: `log s²` of each.

    Returns:
        Numbers of at least zero, zero for the standard normal. The published cost of training leaves out the -1/2.
    """
    return 0.5 * (means**2 + np.expm1(log_variances) - log_variances)


def participation_ratio(spectrum: Float[np.ndarray, " message_dim"]) -> float | None:
    """Effective number of directions, `(sum of eigenvalues)² / sum of their squares`.

    Args:
        spectrum: Eigenvalues of a covariance, none of them negative.

    Returns:
        A number from 1 to the number of eigenvalues; None where all are zero.
    """
    largest = float(spectrum.max(initial=0.0))
    if largest == 0:
        return None
    scaled = spectrum / largest
    return float(scaled.sum() ** 2 / np.sum(scaled**2))
