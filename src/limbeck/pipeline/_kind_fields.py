"""A law of kinds, kind by kind: what each does to each, in place of one formula of their codes."""

from collections.abc import Iterator, Mapping
from itertools import product

from limbeck.compose import Law, is_one_body
from limbeck.expressions import Constant, Expression, simplify, substitute, to_string, variables
from limbeck.trajectories import Trajectories

MOST_LABELS = 5  # whose every pair is worth a line


def kind_fields(law: Law | None, trajectories: Trajectories) -> list[dict[str, str | None]]:
    """What a law of one category says of every label, and of every pair of labels.

    Args:
        law: The law.
        trajectories: The data, which name the labels.

    Returns:
        For each receiver, and each receiver and sender, the channels that know of the category, with its codes put in;
        nothing where the law depends on no category, on several, or on one of many labels.
    """
    names = [] if law is None else [n for n in trajectories.categories if law.variables & {f"{n}_1", f"{n}_2"}]
    if law is None or len(names) != 1 or len(trajectories.categories[names[0]]) > MOST_LABELS:
        return []
    ends, labels = (f"{names[0]}_1", f"{names[0]}_2"), trajectories.categories[names[0]]
    told = {channel: e for channel, e in law.components.items() if variables(e) & set(ends)}
    own = {channel: e for channel, e in told.items() if channel == "inertia" or is_one_body(channel)}
    pair = {channel: e for channel, e in told.items() if channel not in own}
    return [*_rows(own, labels, ends[:1]), *_rows(pair, labels, ends)]


def _rows(
    told: Mapping[str, Expression], labels: tuple[str, ...], ends: tuple[str, ...]
) -> Iterator[dict[str, str | None]]:
    """Channels with the codes of one end, or of both, put in."""
    for codes in product(range(len(labels)), repeat=len(ends)) if told else ():
        known: dict[str, Expression] = {end: Constant(float(c), free=False) for end, c in zip(ends, codes, strict=True)}
        said = {channel: to_string(simplify(substitute(e, known))) for channel, e in told.items()}
        yield {"receiver": labels[codes[0]], "sender": labels[codes[1]] if len(codes) > 1 else None, **said}
