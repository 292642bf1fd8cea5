"""The Python face of a run: what `limbeck.discover` and `limbeck.load` return."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Array, Float

from limbeck._errors import ArtefactDamaged, ArtefactMismatch, InputError
from limbeck.artefacts import SCHEMA, hall_from_mapping, load_record, read_json
from limbeck.compose import Law, integrate_law, law_accelerations
from limbeck.expressions import parse, to_latex, to_readable, to_sympy
from limbeck.graphs import Snapshots
from limbeck.pipeline import (
    IN_MEMORY,
    Listener,
    SourceOptions,
    Study,
    is_run,
    kind_of,
    run_study,
    with_source,
)
from limbeck.regress import HallOfFame
from limbeck.trajectories import Trajectories

LAWS = ("discovery", "distillation")  # kinds of run that end with a law of motion
States = Float[np.ndarray | Array, "*batch nodes dim"]


@dataclass(frozen=True, kw_only=True, eq=False)
class DiscoveredLaw:
    """A law as formulas and as a function.

    Attributes:
        channels: Formula of each channel: `radial`, `inertia`, `drag`, ...
        pair_force: Force that the sender exerts on the receiver, for each axis.
        acceleration: Acceleration for each axis, in `Fx, ...`.
        pair_potential: Energy of a pair, or None.
        constants: Fitted numbers with standard errors and 95 % intervals.
        attribute_names: Attributes that the law was offered.
        composed: The law as expressions.
        radius: Largest distance at which a pair interacts; None means any.
        has_edges: Whether the run was told who acts on whom.
    """

    channels: Mapping[str, str]
    pair_force: tuple[str, ...]
    acceleration: tuple[str, ...]
    pair_potential: str | None
    constants: tuple[Mapping[str, Any], ...]
    attribute_names: tuple[str, ...]
    composed: Law
    radius: float | None = None
    has_edges: bool = False

    @property
    def sympy(self) -> dict[str, Any]:
        """Each channel as a SymPy expression."""
        return {name: to_sympy(expression) for name, expression in self.composed.components.items()}

    @property
    def latex(self) -> dict[str, str]:
        """Each channel in LaTeX."""
        return {name: to_latex(expression) for name, expression in self.composed.components.items()}

    def __call__(
        self, positions: States, velocities: States, attributes: Mapping[str, Any] | None = None, xp: ModuleType = np
    ) -> States:
        """Accelerations when every pair interacts, or every pair within the run's radius.

        Args:
            positions: Positions.
            velocities: Velocities.
            attributes: Attribute of every node, by name; shape of the positions without the last axis.
            xp: `numpy` or `jax.numpy`.

        Returns:
            Accelerations, as arrays of `xp`.

        Raises:
            InputError: If an attribute is missing, shapes do not fit, or the run had edges.
        """
        snapshots, first, second = self._complete(positions, velocities, attributes or {}, xp)
        return law_accelerations(self.composed, snapshots, first, second, self.attribute_names, xp)

    def rollout(
        self,
        positions: Float[np.ndarray, "systems nodes dim"],
        velocities: Float[np.ndarray, "systems nodes dim"],
        times: Float[np.ndarray, " times"],
        attributes: Mapping[str, Any] | None = None,
    ) -> tuple[Float[np.ndarray, "systems times nodes dim"], Float[np.ndarray, "systems times nodes dim"]]:
        """Integrate the law from given states, in float64.

        Args:
            positions: Initial positions.
            velocities: Initial velocities.
            times: Times of the states; the first belongs to the initial state.
            attributes: Attribute of every node, by name.

        Returns:
            Positions and velocities; NaN where they can't be reached.

        Raises:
            InputError: If an attribute is missing, shapes do not fit, the run had edges, or the times do not rise.
        """
        times = np.asarray(times, dtype=float)
        if times.ndim != 1 or len(times) < 2 or not np.all(np.diff(times) > 0):
            raise InputError("a rollout needs at least two times that rise strictly")
        if np.ndim(positions) != 3:
            raise InputError(f"a rollout begins at states (simulations, particles, dim); got {np.shape(positions)}")
        snapshots, first, second = self._complete(positions, velocities, attributes or {}, np)
        return integrate_law(self.composed, snapshots, first, second, self.attribute_names, times, self.radius)

    def _complete(
        self, positions: Any, velocities: Any, attributes: Mapping[str, Any], xp: ModuleType
    ) -> tuple[Snapshots, np.ndarray, np.ndarray]:
        """Snapshots of complete graphs, or of all pairs within the radius."""
        if self.has_edges:
            raise InputError(
                "the run was told who acts on whom, so its law needs edges: put the states into a file, and use "
                "limbeck predict with --edges"
            )
        needed = {name for name in self.attribute_names if self.composed.variables & {f"{name}_1", f"{name}_2"}}
        missing = sorted(needed - set(attributes))
        if missing:
            raise InputError(f"the law needs the attribute{'s' if len(missing) > 1 else ''} {', '.join(missing)}")
        x, v = xp.asarray(positions), xp.asarray(velocities)
        if x.ndim < 2 or x.shape != v.shape or x.shape[-1] != self.composed.dim:
            raise InputError(
                f"positions and velocities have a shape that ends with (particles, {self.composed.dim}); got "
                f"{x.shape} and {v.shape}"
            )
        n_nodes = x.shape[-2]
        first, second = np.triu_indices(n_nodes, k=1)
        columns = [
            xp.broadcast_to(xp.asarray(attributes.get(name, 1.0)), x.shape[:-1]) for name in self.attribute_names
        ]
        stacked = xp.stack(columns, axis=-1) if columns else xp.zeros((*x.shape[:-1], 0))
        weights = xp.ones((*x.shape[:-2], len(first)))
        if self.radius is not None:
            weights = weights * (xp.linalg.norm(x[..., first, :] - x[..., second, :], axis=-1) < self.radius)
        return Snapshots(x, v, stacked, weights, weights, xp.zeros_like(x), xp.ones(x.shape[:-1])), first, second


@dataclass(frozen=True, kw_only=True, eq=False)
class Discovery:
    """The outcome of a run.

    Attributes:
        verdict: `found` or `not found`.
        reasons: Why.
        law: The law; None where none could be put together. A law that is not found is a candidate only.
        checks: What was asked of it, by name.
        hall_of_fame: Best equations of each channel, by name.
        result: Content of `result.json`.
        folder: Where everything lies; None if the run was not kept.
    """

    verdict: str
    reasons: tuple[str, ...]
    law: DiscoveredLaw | None
    checks: Mapping[str, Any]
    hall_of_fame: Mapping[str, HallOfFame]
    result: Mapping[str, Any]
    folder: Path | None

    @property
    def found(self) -> bool:
        """Whether the law can be stood behind."""
        return self.verdict == "found"

    def __str__(self) -> str:
        """The verdict and the law, for people."""
        if self.law is None:
            return f"{self.verdict}: {'; '.join(self.reasons)}"
        lines = [f"{name} = {text}" for name, text in readable_channels(self.law.channels).items()]
        return "\n".join([self.verdict, *lines])


def readable_channels(channels: Mapping[str, str]) -> dict[str, str]:
    """Formulas with rounded numbers.

    Args:
        channels: Formula by channel.

    Returns:
        The same, for people.
    """
    return {name: to_readable(parse(text)) for name, text in channels.items()}


def load(folder: str | Path) -> Discovery:
    """Load a finished run.

    Args:
        folder: Folder of the run.

    Returns:
        Its outcome.

    Raises:
        InputError: If the folder holds no finished run.
        ArtefactMismatch: If it was written by another version.
    """
    folder = Path(folder)
    if not is_run(folder):
        raise InputError(f"{folder} holds no run of limbeck")
    kind = kind_of(folder)
    if kind not in LAWS:
        what = {"regression": "a regression of a table", "training": "a training of networks"}.get(kind, f"a {kind}")
        where = folder / "result.json"
        raise InputError(f"{folder} holds {what}, not a law of motion: what it found stands in {where}")
    if not (folder / "result.json").exists():
        raise InputError(f"the run in {folder} is not finished; go on with limbeck resume {folder}")
    result = read_json(folder / "result.json")
    if not isinstance(result, dict) or result.get("schema") != SCHEMA:
        raise ArtefactMismatch(f"{folder / 'result.json'} has another schema than {SCHEMA}")
    return Discovery(
        verdict=result["verdict"],
        reasons=tuple(result["reasons"]),
        law=_law_of(result),
        checks=result["checks"],
        hall_of_fame=_halls_of(folder, result),
        result=result,
        folder=folder,
    )


def _law_of(result: Mapping[str, Any]) -> DiscoveredLaw | None:
    """The law in a result."""
    if result.get("law") is None:
        return None
    return DiscoveredLaw(
        channels=result["law"],
        pair_force=tuple(result["pair_force"]),
        acceleration=tuple(result["acceleration"]),
        pair_potential=result["pair_potential"],
        constants=tuple(result["constants"]),
        attribute_names=tuple(result["data"]["attributes"]),
        composed=Law(components={name: parse(text) for name, text in result["law"].items()}, dim=result["data"]["dim"]),
        radius=result["data"].get("radius"),
        has_edges=result["data"].get("edges") is not None,
    )


def _halls_of(folder: Path, result: Mapping[str, Any]) -> dict[str, HallOfFame]:
    """Halls of fame of the step that the run ended with."""
    path = folder / "checkpoints" / f"halls_{result['bias'].get('step')}_0.json"
    try:
        halls = [hall_from_mapping(stored) for stored in load_record(path)[1]]
    except (OSError, ArtefactDamaged):  # the law stands whole in result.json
        return {}
    return {hall.component: hall for hall in halls}


def discover(
    source: str | Path | Trajectories | Study,
    out: str | Path | None = None,
    *,
    study: Study | None = None,
    options: SourceOptions | None = None,
    overwrite: bool = False,
    listener: Listener | None = None,
) -> Discovery:
    """Go from trajectories to a verified law.

    Args:
        source: A built-in system, the path of a file, trajectories at hand, or a whole study.
        out: Folder for everything that is written; None keeps nothing.
        study: Bias, engine, seed, time limit and the settings of every stage.
        options: How the source is simulated or read.
        overwrite: Whether an earlier run of limbeck in the folder may be removed.
        listener: Told about progress: stage, name, value.

    Returns:
        Verdict, law and checks.

    Raises:
        InputError: If input, options or folder are wrong.

    Example:
        found = limbeck.discover("spring", options=limbeck.SourceOptions(simulations=300))
    """
    if not isinstance(source, str | os.PathLike | Trajectories | Study):
        raise InputError(
            f"a law is discovered in a built-in system, a file, trajectories or a study; got {type(source).__name__}: "
            "read a table or a Dataset with limbeck.load_trajectories first"
        )
    trajectories = source if isinstance(source, Trajectories) else None
    if isinstance(source, Study):
        asked = source
    else:
        where = IN_MEMORY if trajectories is not None else str(source)
        asked = with_source(study or Study(), where, options or SourceOptions())
    if out is not None:
        run_study(asked, Path(out), overwrite=overwrite, listener=listener, trajectories=trajectories)
        return load(out)
    with tempfile.TemporaryDirectory(prefix="limbeck-") as scratch:
        run_study(asked, Path(scratch) / "run", listener=listener, trajectories=trajectories)
        return replace(load(Path(scratch) / "run"), folder=None)
