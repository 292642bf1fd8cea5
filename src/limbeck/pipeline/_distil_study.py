"""What the distillation of a trained published network is asked to do: one record, written into its folder."""

from dataclasses import dataclass, field

from limbeck._errors import InputError
from limbeck.regress import DEFAULT_OPERATORS, SearchConfig

from ._study import FileSource, Study, SystemSource

KIND = "distillation"
BEST = -1


@dataclass(frozen=True, kw_only=True)
class DistilStudy:
    """A whole distillation.

    Attributes:
        kind: `distillation`; tells such a study from others.
        training: Folder of the training whose network is distilled.
        member: Which of its networks, from 0; -1 takes the one with the lowest validation error.
        system: The system that the training simulated; taken from its folder.
        file: The file that it read; taken from its folder.
        hold_out: A region that no equation may see, such as `r<0.5`; empty takes the training's.
        engine: Search engine, or `auto`.
        operators: Operators that equations may use.
        seed: Root of everything random in samples and searches.
        time_limit: Seconds for the whole run; 0 is none.
        track: Trackers that follow the run: tensorboard, mlflow, wandb.
        search: How equations are searched.
    """

    kind: str = KIND
    training: str = ""
    member: int = BEST
    system: SystemSource = field(default_factory=SystemSource)
    file: FileSource = field(default_factory=FileSource)
    hold_out: str = ""
    engine: str = "auto"
    operators: tuple[str, ...] = DEFAULT_OPERATORS
    seed: int = 0
    time_limit: float = 0.0
    track: tuple[str, ...] = ()
    search: SearchConfig = field(default_factory=SearchConfig)

    def __post_init__(self) -> None:
        """Check what can be checked before any work.

        Raises:
            InputError: If a setting is wrong.
        """
        if self.kind != KIND:
            raise InputError(f"the study is of the kind {self.kind!r}; a distillation has the kind {KIND!r}")
        if self.member < BEST:
            raise InputError(
                f"member must be the number of a network, from 0, or {BEST} for the best; got {self.member}"
            )
        _ = self.data

    @property
    def data(self) -> Study:
        """The same source and search as a study of `limbeck discover` names them."""
        return Study(
            system=self.system,
            file=self.file,
            bias="none",
            hold_out=self.hold_out,
            engine=self.engine,
            operators=self.operators,
            seed=self.seed,
            time_limit=self.time_limit,
            track=self.track,
            search=self.search,
        )
