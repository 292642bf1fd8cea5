"""Numbers that windows of trajectories share: a law's constants, and values of properties that nobody measured."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

HELD = -1  # a value that does not move


@dataclass(frozen=True, kw_only=True, eq=False)
class Unknowns:
    """Values of properties, as numbers that a fit moves.

    Attributes:
        names: The properties, which are among the attributes of the data.
        numbers: Which number each value is; -1 for those that do not move.
        given: All values as they stood at first, of which those that do not move are kept.
        values: The numbers.
        errors: Their standard errors; infinite before a fit, and where nothing depends on one.
        units: Weights of the numbers in mean sizes that do not move either, since they are units.
    """

    names: tuple[str, ...]
    numbers: Int[np.ndarray, "properties systems nodes"]
    given: Float[np.ndarray, "properties systems nodes"]
    values: Float[np.ndarray, " numbers"]
    errors: Float[np.ndarray, " numbers"]
    units: Float[np.ndarray, "units numbers"]

    @property
    def laid_out(self) -> dict[str, Float[np.ndarray, "systems nodes"]]:
        """Values of each property, by particles."""
        return self.spread(self.values, dict(zip(self.names, self.given, strict=True)))

    def spread(self, of: Float[np.ndarray, " numbers"], otherwise: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Something of each number, laid out by particles.

        Args:
            of: Values of the numbers, or errors.
            otherwise: The same for values that do not move, by property.

        Returns:
            (systems nodes) for each property.
        """
        filled = np.append(of, 0.0)
        return {
            name: np.where(own == HELD, otherwise[name], filled[own])
            for name, own in zip(self.names, self.numbers, strict=True)
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Sharing:
    """Which of the numbers that are sought each window has a part in.

    Attributes:
        places: Number in each place of a window: constants first, then values node by node; `count` for one that does
            not move.
        count: How many are sought.
        among: Which of the unknowns they are, after the constants.
        units: Weights of the numbers in mean sizes that do not move.
    """

    places: Int[np.ndarray, "windows own"]
    count: int
    among: Int[np.ndarray, " values"]
    units: Float[np.ndarray, "units numbers"]

    @classmethod
    def of(cls, n_constants: int, systems: Int[np.ndarray, " windows"], unknowns: Unknowns | None) -> "Sharing":
        """Number the places of windows.

        Args:
            n_constants: How many constants the law has.
            systems: Simulation of each window.
            unknowns: Values that are sought with them; of particles that stand in any window.

        Returns:
            Which window has what.
        """
        constants = np.broadcast_to(np.arange(n_constants), (len(systems), n_constants))
        if unknowns is None:
            none = np.zeros(0, dtype=int)
            return cls(places=constants, count=n_constants, among=none, units=np.zeros((0, n_constants)))
        own = np.moveaxis(unknowns.numbers[:, systems], 0, -1).reshape(len(systems), -1)
        among = np.unique(own[own != HELD])
        count = n_constants + len(among)
        own = np.where(own == HELD, count, np.searchsorted(among, own) + n_constants)
        return cls(
            places=np.concatenate([constants, own], axis=1),
            count=count,
            among=among,
            units=np.pad(unknowns.units[:, among], ((0, 0), (n_constants, 0))),
        )

    def of_first(self, n_constants: int) -> "Sharing":
        """The same where nothing but the constants is sought.

        Args:
            n_constants: How many constants the law has.

        Returns:
            Which window has what.
        """
        return Sharing(
            places=np.minimum(self.places, n_constants),
            count=n_constants,
            among=self.among[:0],
            units=np.zeros((0, n_constants)),
        )

    def summed(self, each: Float[np.ndarray, "windows own"]) -> Float[np.ndarray, " numbers"]:
        """Sum something over the windows.

        Args:
            each: By window and place.

        Returns:
            By number.
        """
        return np.bincount(self.places.ravel(), each.ravel(), self.count + 1)[: self.count]

    def summed_pairs(self, each: Float[np.ndarray, "windows own own"]) -> Float[np.ndarray, "numbers numbers"]:
        """Sum something of pairs of places over the windows.

        Args:
            each: By window and places.

        Returns:
            By numbers.
        """
        n = self.count + 1
        pairs = self.places[:, :, None] * n + self.places[:, None, :]
        return np.bincount(pairs.ravel(), each.ravel(), n * n).reshape(n, n)[:-1, :-1]

    def by_window(self, numbers: Float[np.ndarray, " numbers"]) -> Float[np.ndarray, "windows own"]:
        """The numbers of each window.

        Args:
            numbers: All.

        Returns:
            By window and place; 0 for what does not move.
        """
        return np.append(numbers, 0.0)[self.places]
