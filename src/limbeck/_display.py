"""What a run shows on a terminal: one line a stage while it works, and the law in the end."""

from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

LABELS = {
    "simulate": "simulating",
    "load": "reading",
    "train": "training",
    "regress": "searching equations",
    "compose": "composing the law",
    "check": "checking the law",
    "recovery": "comparing with the truth",
    "read": "reading messages",
}
READ_ON = {"score": "all edges", "score_trimmed": "the best 90 %"}


class RunDisplay:
    """A live line for each stage; plain lines where the output is no terminal."""

    def __init__(self, quiet: bool) -> None:
        """Set up, without drawing."""
        self.quiet = quiet
        self.console = Console(stderr=True, quiet=quiet)
        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=self.console,
            transient=True,
            disable=quiet or not self.console.is_terminal,
        )
        self.task: Any = None

    def __enter__(self) -> "RunDisplay":
        """Start drawing."""
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop drawing, whatever happened."""
        self.progress.stop()

    def __call__(self, stage: str, name: str, value: Any) -> None:
        """Show one event of the run.

        Args:
            stage: Stage of the run.
            name: What happened.
            value: Its figure.
        """
        if name == "started" and stage in LABELS:
            self._begin(LABELS[stage])
        elif name == "progress":
            self._advance(value)
        elif name == "was finished":
            self.console.print("this run is finished; its result:", highlight=False)
        elif name == "damaged":
            self.console.print(f"{value}; this stage is done again", highlight=False, soft_wrap=True)
        elif name == "bias":
            text = f"{', '.join(value['bias']) or 'no bias'}: validation error {_figure(value['error'])}"
            self.console.print(f"trained with {text}", highlight=False, soft_wrap=True)
        elif name == "finished" and stage in LABELS and stage != "train":
            self.console.print(f"{LABELS[stage]}: {value:.1f} s", highlight=False)

    def _begin(self, label: str) -> None:
        """Start a stage's line."""
        if self.task is not None:
            self.progress.remove_task(self.task)
        self.task = self.progress.add_task(label, total=None, note="")

    def _advance(self, value: dict[str, Any]) -> None:
        """Move the bar of a training or of a search."""
        if self.task is not None:
            note = "  ".join(f"{name} {_figure(value[name])}" for name in ("loss", "error") if name in value)
            self.progress.update(self.task, total=value["of"], completed=value["done"], note=note)


class CountDisplay:
    """A bar for work that is counted; gives a function (done, of)."""

    def __init__(self, quiet: bool, title: str) -> None:
        """Set up, without drawing."""
        console = Console(stderr=True, quiet=quiet)
        self.progress = Progress(
            TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console,
            transient=True, disable=quiet or not console.is_terminal,
        )  # fmt: skip
        self.task = self.progress.add_task(title, total=None)

    def __enter__(self) -> Any:
        """Start drawing and give the function that moves the bar."""
        self.progress.start()
        return lambda done, of: self.progress.update(self.task, completed=done, total=of)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop drawing, whatever happened."""
        self.progress.stop()


def print_result(result: dict[str, Any], folder: Path) -> None:
    """Print verdict, law and reasons.

    Args:
        result: Content of `result.json`.
        folder: Folder of the run.
    """
    from limbeck.expressions import parse, to_readable

    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[bold]{result['verdict']}[/bold]")
    if result["pair_force"] is not None:
        if result["verdict"] != "found":
            console.print("best candidate, not to be relied on:")
        for axis, text in zip("xyz", result["pair_force"], strict=False):
            console.print(f"  F{axis} = {to_readable(parse(text))}", markup=False)
        for axis, text in zip("xyz", result["acceleration"], strict=False):
            console.print(f"  a{axis} = {to_readable(parse(text))}", markup=False)
    for kind in result.get("kinds", ()):  # runs of earlier versions have none
        whose = kind["receiver"] if kind["sender"] is None else f"{kind['sender']} on {kind['receiver']}"
        told = (
            f"{key} = {to_readable(parse(text))}" for key, text in kind.items() if key not in ("receiver", "sender")
        )
        console.print(f"  {whose}: {', '.join(told)}", markup=False)
    for reason in result["reasons"] if result["verdict"] != "found" else []:
        console.print(f"  - {reason}", markup=False)
    if result["recovered"] is not None:
        console.print(
            f"known truth recovered: {'yes' if result['recovered'] else 'no'} ({result['recovery']['reason']})",
            markup=False,
        )
    console.print(f"report: {folder / 'report.html'}", markup=False)


def print_regression(result: dict[str, Any], folder: Path) -> None:
    """Print verdict, equation and reasons of a regression.

    Args:
        result: Content of `result.json`.
        folder: Folder of the run.
    """
    from limbeck.expressions import parse, to_readable

    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[bold]{result['verdict']}[/bold]")
    if result["verdict"] != "found":
        console.print("best candidate, not to be relied on:")
    name = result["data"]["target"]["name"]
    console.print(f"  {name} = {to_readable(parse(result['expression']))}", markup=False)
    for sentence in [*(result["reasons"] if result["verdict"] != "found" else []), *result["data"]["notes"]]:
        console.print(f"  - {sentence}", markup=False)
    console.print(f"report: {folder / 'report.html'}", markup=False)


def print_training(result: dict[str, Any], folder: Path) -> None:
    """Print how well the networks of a training predict, and what their messages say.

    Args:
        result: Content of `result.json`.
        folder: Folder of the training.
    """
    console = Console(highlight=False, soft_wrap=True)
    model, loss = result["model"], result["test_loss"]
    forms = [name for name in ("translation", "third_law") if model[name]]
    with_forms = f" with {', '.join(forms).replace('_', ' ')}" if forms else ""
    console.print(f"[bold]{model['size']}[/bold]{with_forms}, {result['recipe']['steps']} steps, {result['status']}")
    console.print(f"  validation error {_figure(result['validation_error'])}; test loss {_figure(loss['value'])}")
    console.print(f"  (test loss: {loss['meaning']})", markup=False)
    for number, found in enumerate(result["dimensions"]):
        said = "no edge of the plateau was found" if found is None else f"dimension {found}"
        console.print(f"  network {number}: {said}")
    if result.get("hold_out") is not None:  # trainings that are older than the option have no such field
        away, near = (result["hold_out"][place]["network"]["median"] for place in ("held_out", "in_range"))
        region = result["hold_out"]["region"]
        console.print(f"  error where {region} was held out {_figure(away)}, in the rest {_figure(near)}", markup=False)
    print_messages(result["messages"], folder)


def print_messages(content: dict[str, Any], folder: Path) -> None:
    """Print what messages stand for.

    Args:
        content: Content of `messages.json`.
        folder: Folder of the run.
    """
    console = Console(highlight=False, soft_wrap=True)
    for network in content["networks"]:
        chosen = network["chosen"] or "nothing that can be said"
        console.print(f"  {network['label']}: messages are {chosen}", markup=False)
        for target, fit in network["fits"].items():
            if not fit["refusal"]:
                both = (f"{_figure(fit[name])} on {which}" for name, which in READ_ON.items())
                console.print(f"    against {target}: R² {', '.join(both)}", markup=False)
    console.print(f"messages: {folder / 'messages.html'}", markup=False)


def _figure(value: float | None) -> str:
    """A number, short."""
    return "undefined" if value is None else f"{value:.3g}"
