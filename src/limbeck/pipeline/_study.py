"""What a run is asked to do: one record, written into its folder and read back to resume."""

import math
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from limbeck._errors import InputError
from limbeck.graphs import parse_hold_out
from limbeck.models import Biases, ModelConfig, parse_biases, relaxations
from limbeck.regress import DEFAULT_OPERATORS, SearchConfig, check_engine, check_operators
from limbeck.simulate import SystemDefinition, custom_system, find_system, simulate
from limbeck.train import LEARNING_BIASES, TrainConfig
from limbeck.trajectories import Trajectories, check_learned_name, load_trajectories, parse_units, solar_system

CUSTOM = "custom"
IN_MEMORY = "(in memory)"
SOLAR_SYSTEM = "solar-system"
NO_FILES = ("", IN_MEMORY, SOLAR_SYSTEM)  # sources that a study names without a path
MOST_LEARNED = 2  # a product of couplings over an inertia has two parts to play
MAX_SEED = 2**32 - 1  # a larger seed of JAX's generators, in single precision, would fall on a smaller one
STATE_BYTES = 8 * 8  # positions, velocities, accelerations and what their making needs, in float64, for each axis
PAIR_COPIES = 4  # arrays of the width of a layer that training keeps for each pair, layer and snapshot of a batch


def memory() -> float:
    """Memory of this machine [bytes]; infinite where the system does not say.

    Returns:
        The number of bytes.
    """
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # Windows
        return math.inf


@dataclass(frozen=True, kw_only=True)
class SystemSource:
    """A system to simulate.

    Attributes:
        name: A built-in system or `custom`.
        dim: Dimension of space.
        nodes: Particles; 0 takes the system's own number.
        simulations: How many are simulated.
        potential: Pair potential of a custom system.
        dt: Time between states; 0 takes the system's own.
        steps: States of a simulation; 0 takes the system's own.
        softening: Length added to the distance in a custom potential.
    """

    name: str = ""
    dim: int = 2
    nodes: int = 4
    simulations: int = 1000
    potential: str = ""
    dt: float = 0.0
    steps: int = 0
    softening: float = 0.01

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            InputError: If a setting is out of range.
        """
        if self.dim not in (1, 2, 3):
            raise InputError(f"dim must be 1, 2 or 3; got {self.dim}")
        # 0 stands for the system's own number where it has one
        for name, least in (("nodes", 2), ("simulations", 1), ("steps", 1)):
            value = getattr(self, name)
            own = value == 0 and name != "simulations"
            if not isinstance(value, int) or isinstance(value, bool) or (value < least and not own):
                raise InputError(f"{name} must be a whole number of at least {least}; got {value!r}")
        for name, value in (("dt", self.dt), ("softening", self.softening)):
            if not (math.isfinite(value) and value >= 0):
                raise InputError(f"{name} must be a positive number; got {value}")

    def check(self, *, every: int = 1) -> None:
        """Refuse what can't be simulated, without simulating.

        Args:
            every: Every so-manieth state is kept.

        Raises:
            InputError: If there is no such system, options do not fit it, or it does not fit into memory.
        """
        system = self.definition()
        n_nodes, n_times = self.nodes or system.default_nodes, (self.steps or system.n_steps) // max(every, 1)
        states = n_nodes * max(self.simulations * n_times, n_nodes)  # forces of one state are worked out pair by pair
        if states * self.dim * STATE_BYTES > memory():
            raise InputError(
                f"{self.simulations} simulations of {n_nodes} particles at {n_times} times do not fit into this "
                f"machine's {memory() / 1e9:.0f} GB of memory; ask for fewer"
            )

    def definition(self) -> SystemDefinition:
        """The system.

        Returns:
            Its definition.

        Raises:
            InputError: If there is no such system, or options do not fit it.
        """
        if self.name != CUSTOM:
            if self.potential:
                raise InputError("a potential goes with the source 'custom' only")
            return find_system(self.name)
        if not self.potential:
            raise InputError("the source 'custom' needs a potential, for example --potential 'q_1*q_2*exp(-r)/r'")
        options = {"dt": self.dt} if self.dt else {}
        steps = {"n_steps": self.steps} if self.steps else {}
        return custom_system(self.potential, softening=self.softening, **options, **steps)


@dataclass(frozen=True, kw_only=True)
class FileSource:
    """A file of trajectories and how to read it.

    Attributes:
        path: Where it lies; empty where a system is simulated, `solar-system` for the ephemeris.
        rename: New name by column.
        attributes: Columns to use as attributes; none given means all that are left.
        ignore: Columns to leave out.
        species: Text columns to take as categories.
        per: Column of labels, each of which has one value of a learned property; empty where each particle has its own.
        units: Units, as `x=AU,time=day`.
        edges: File of edges, or empty.
        radius: Largest distance at which pairs interact; 0 means any.
        allow_gaps: Whether times may differ and particles be missing.
        shared_particles: Whether a particle's name means one object in every simulation.
    """

    path: str = ""
    rename: dict[str, str] = field(default_factory=dict)
    attributes: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    species: tuple[str, ...] = ()
    per: str = ""
    units: str = ""
    edges: str = ""
    radius: float = 0.0
    allow_gaps: bool = False
    shared_particles: bool = False

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are read."""
        path = "" if self.path in NO_FILES else self.path
        return tuple(Path(name) for name in (path, self.edges) if name)

    @property
    def reading(self) -> dict[str, Any]:
        """Options of `load_trajectories` that say nothing of attributes: names, units, pairs, gaps and who is alike."""
        return {
            "rename": self.rename,
            "units": parse_units(self.units),
            "edges": Path(self.edges) if self.edges else None,
            "radius": self.radius or None,
            "allow_gaps": self.allow_gaps,
            "shared_particles": self.shared_particles,
            "per": self.per,
        }

    def located(self) -> "FileSource":
        """The same files, found from any working directory.

        Returns:
            The source with absolute paths.
        """
        path = self.path if self.path in NO_FILES else str(Path(self.path).resolve())
        return replace(self, path=path, edges=str(Path(self.edges).resolve()) if self.edges else "")


@dataclass(frozen=True, kw_only=True)
class Study:
    """A whole run.

    Attributes:
        system: The system to simulate; its name is empty where a file is read.
        file: The file to read.
        bias: `auto`, `none` or a list of biases.
        learn: A property of the particles that nobody measured, to be learned with the law, or two: what resists and
            what couples; names may be separated by commas; empty for none.
        hold_out: A region that training must not see, such as `r<0.5`, `v>2` or `m>3`; empty for none.
        engine: Search engine, or `auto`.
        operators: Operators that equations may use.
        seed: Root of everything random.
        time_limit: Seconds for the whole run; 0 is none.
        track: Trackers that follow the run: tensorboard, mlflow, wandb.
        model: Size of the networks.
        train: How they are fitted.
        search: How equations are searched.
    """

    system: SystemSource = field(default_factory=SystemSource)
    file: FileSource = field(default_factory=FileSource)
    bias: str = "auto"
    learn: str | tuple[str, ...] = ""
    hold_out: str = ""
    engine: str = "auto"
    operators: tuple[str, ...] = DEFAULT_OPERATORS
    seed: int = 0
    time_limit: float = 0.0
    track: tuple[str, ...] = ()
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    search: SearchConfig = field(default_factory=SearchConfig)

    def __post_init__(self) -> None:
        """Check what can be checked before any work.

        Raises:
            InputError: If an option is wrong.
        """
        if not 0 <= self.seed <= MAX_SEED:
            raise InputError(f"the seed must be a whole number from 0 to {MAX_SEED}; got {self.seed}")
        if not (math.isfinite(self.time_limit) and self.time_limit >= 0):
            raise InputError(f"the time limit must be a positive number of seconds; got {self.time_limit}")
        check_operators(self.operators)
        check_engine(self.engine)
        if self.bias != "auto":
            parse_biases(self.bias)
        self._check_learned()
        if self.hold_out:
            parse_hold_out(self.hold_out)
        if self.system.name and self.file.path:
            raise InputError("a study learns either from a system or from a file, not from both")
        if self.file.radius < 0 or not math.isfinite(self.file.radius):
            raise InputError(f"the radius must be a positive length; got {self.file.radius}")

    def _check_learned(self) -> None:
        """Refuse properties that can't be learned."""
        names = self.learned_names
        if self.file.per and not names:
            raise InputError(
                f"--per {self.file.per} goes with --learn: it says which particles have one value of what is learned; "
                f"to use its labels as a given property, --species {self.file.per}"
            )
        if self.learn and not names:
            raise InputError(f"--learn names no property; got {self.learn!r}")
        for name in names:
            check_learned_name(name)
        if len(names) > MOST_LEARNED or len(set(names)) < len(names):
            raise InputError(
                "--learn takes one property, or two different ones, of which the first resists and the second couples; "
                f"got {', '.join(names)}"
            )
        if names and self.bias != "auto":
            raise InputError(
                f"--learn {','.join(names)} goes with --bias auto only: a property that nobody gave is learned from "
                f"{', '.join(LEARNING_BIASES)} together"
            )

    @property
    def learned_names(self) -> tuple[str, ...]:
        """The properties that are to be learned."""
        parts = (self.learn,) if isinstance(self.learn, str) else self.learn
        return tuple(name.strip() for part in parts for name in part.split(",") if name.strip())

    @property
    def is_simulated(self) -> bool:
        """Whether the data are simulated by limbeck itself."""
        return bool(self.system.name)

    def truth(self) -> SystemDefinition | None:
        """The known truth, where the data are simulated."""
        return self.system.definition() if self.is_simulated else None

    def check_pairs(self, n_pairs: int) -> None:
        """Refuse a training that can't fit into memory.

        Args:
            n_pairs: Pairs that interact in one snapshot.

        Raises:
            InputError: If a batch is too large.
        """
        numbers = n_pairs * self.train.batch_size * self.train.seeds * self.model.width * self.model.depth * PAIR_COPIES
        if numbers * 4 > memory():
            raise InputError(
                f"{n_pairs} pairs in a snapshot, {self.train.batch_size} snapshots in a batch, do not fit into this "
                f"machine's {memory() / 1e9:.0f} GB of memory; take fewer particles, a radius, or a smaller "
                "train.batch_size in a study file"
            )

    def bias_plan(self, dim: int) -> tuple[Biases, ...]:
        """The sets of biases to try, strongest first.

        Args:
            dim: Dimension of space.

        Returns:
            All relaxations for `auto`, else the one set that was asked for.
        """
        return relaxations(dim) if self.bias == "auto" else (parse_biases(self.bias),)


def trajectories_of(study: Study, *, initial: Trajectories | None = None) -> Trajectories:
    """Simulate or read the trajectories of a study.

    Args:
        study: What is asked for.
        initial: Trajectories that are at hand already.

    Returns:
        The trajectories.

    Raises:
        InputError: If the file or an option is wrong.
    """
    if initial is not None:
        return initial
    if study.is_simulated:
        s = study.system
        return simulate(
            s.definition(),
            dim=s.dim,
            n_nodes=s.nodes or None,
            n_systems=s.simulations,
            dt=s.dt or None,
            n_steps=s.steps or None,
            seed=study.seed,
        )
    if not study.file.path or study.file.path == IN_MEMORY:
        raise InputError("the run was given its trajectories in memory: pass them again")
    return read_file(study.file, learned=study.learned_names)


def read_file(source: FileSource, *, learned: tuple[str, ...] = ()) -> Trajectories:
    """Read a file of trajectories.

    Args:
        source: The file, and how to read it.
        learned: Properties that are to be learned; columns of these names are not looked at.

    Returns:
        The trajectories.

    Raises:
        InputError: If the file or an option is wrong.
    """
    if source.path == SOLAR_SYSTEM:
        return solar_system()
    return load_trajectories(
        Path(source.path),
        attributes=source.attributes or None,
        ignore=source.ignore,
        species=source.species,
        learned=learned,
        **source.reading,
    )
