"""Which column of a source plays which part, and which names a property may have.

It takes the names of columns (or of variables) and what the user said about
them, and gives their parts. It knows neither tables nor files, so the readers
of every format share it and one rule is written once.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from keyword import iskeyword
from unicodedata import normalize

from limbeck._errors import InputError

AXES = ("x", "y", "z")
KEYS = ("simulation", "time", "particle")
VECTORS = {"": "positions", "v": "velocities", "a": "accelerations"}
RESERVED = frozenset({*KEYS, *AXES, "r", "t", "n"})
# Variables of limbeck's own NetCDF files, and their dimension: an attribute of that name would take their place.
STORED = frozenset(
    {"position", "position_err", "measured_position", "measured_noise", "space", "particle_name"}
    | {"edge", "edge_system", "edge_sender", "edge_receiver", "simulation_index", "particle_index"}
)
RESERVED_STARTS = ("d", "v", "a", "F")
NAME_RULE = "an attribute's name is an identifier other than x y z r t n that doesn't start with d, v, a or F"


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the user said about columns, in names after renaming except the keys of `rename`.

    Attributes:
        rename: New name of a column by its name in the source.
        attributes: Columns to use as attributes; None for every numeric one that is left.
        ignore: Columns to leave out.
        species: Columns to read as categories.
        per: Column whose labels are the objects that learned properties belong to; empty for none.
        learned: Properties that are to be learned: columns of these names, if there are any, are not looked at.
        lenient: Whether what is said of a column that isn't there means nothing, and no further column matters, as
            with other data than those that it was said of.
    """

    rename: Mapping[str, str] = field(default_factory=dict)
    attributes: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    species: tuple[str, ...] = ()
    per: str = ""
    learned: tuple[str, ...] = ()
    lenient: bool = False

    def __post_init__(self) -> None:
        """Refuse a column that is asked to play two parts.

        Raises:
            InputError: If a column is chosen and ignored, is a number and a category, or is learned per itself.
        """
        chosen = self.attributes or ()
        for first, second, names in (
            ("attributes", "ignore", set(chosen) & set(self.ignore)),
            ("species", "ignore", set(self.species) & set(self.ignore)),
            ("attributes", "species", set(chosen) & set(self.species)),
            ("per", "ignore", {self.per} & set(self.ignore)),
            ("per", "attributes", {self.per} & set(chosen)),
            ("per", "species", {self.per} & set(self.species)),
            ("per", "learn", {self.per} & set(self.learned)),
        ):
            if names:
                raise InputError(
                    f"column {min(names)!r} stands in both --{first} and --{second}; name it in one of them"
                )

    @property
    def labelled(self) -> tuple[str, ...]:
        """Columns that hold labels, whatever they are for."""
        return tuple(dict.fromkeys((*self.species, *((self.per,) if self.per else ()))))

    def among(self, columns: Iterable[str]) -> "Choices":
        """What was said of the columns that are there, where the rest means nothing; all of it elsewhere.

        What is to be learned is left out of either.

        Args:
            columns: Names in the source.

        Returns:
            The choices.
        """
        columns = set(columns)
        rename = {old: new for old, new in self.rename.items() if old in columns or not self.lenient}
        there = {rename.get(name, name) for name in columns}

        def kept(names: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(name for name in names if name not in self.learned and (name in there or not self.lenient))

        return replace(
            self,
            rename=rename,
            attributes=None if self.attributes is None else kept(self.attributes),
            ignore=(*kept(self.ignore), *(name for name in self.learned if name in there)),
            species=kept(self.species),
            per=self.per if self.per in there or not self.lenient else "",
        )


@dataclass(frozen=True, kw_only=True)
class Roles:
    """The part that each column plays, in names after renaming.

    Attributes:
        dim: Dimension of space, 1 to 3.
        vectors: Which of positions (""), velocities ("v") and accelerations ("a") are there.
        errors: Which of them come with standard errors.
        attributes: Columns with properties of the particles.
        labelled: Columns with labels of the particles.
    """

    dim: int
    vectors: tuple[str, ...]
    errors: tuple[str, ...]
    attributes: tuple[str, ...]
    labelled: tuple[str, ...]

    def names(self, prefix: str, suffix: str = "") -> tuple[str, ...]:
        """Names of the components of one vector.

        Args:
            prefix: "" for positions, "v" for velocities, "a" for accelerations.
            suffix: "_err" for the standard errors.

        Returns:
            One name for each axis.
        """
        return tuple(f"{prefix}{axis}{suffix}" for axis in AXES[: self.dim])


def nearest(name: str, known: Iterable[str]) -> str:
    """Suggest the known name that is closest to one that isn't known.

    Args:
        name: What was asked for.
        known: What there is.

    Returns:
        A clause such as "; did you mean 'mass'?", or an empty string.
    """
    by_lower = {one.lower(): one for one in known}
    found = difflib.get_close_matches(name.lower(), list(by_lower), n=1, cutoff=0.6)
    return f"; did you mean {by_lower[found[0]]!r}?" if found else ""


def listing(names: Iterable[str]) -> str:
    """Write names for a message, the first dozen of them.

    Args:
        names: What to list.

    Returns:
        The names, separated by commas.
    """
    names = [str(name) for name in names]
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def check_attribute_name(name: str, where: str) -> None:
    """Refuse a name that an equation could not carry.

    Args:
        name: Name of an attribute.
        where: What to call the source in a message.

    Raises:
        InputError: If the name isn't an identifier or is taken by a variable of equations.
    """
    why = _why_no_attribute(name)
    if why:
        raise InputError(
            f"{where}: column {name!r} can't be an attribute: its name {why}; {NAME_RULE}; "
            f"use --rename {_quoted(name)}=NEW, or --ignore {_quoted(name)}"
        )


def check_learned_name(name: str) -> None:
    """Refuse a name for a property that is to be learned, if an equation could not carry it.

    Args:
        name: Name of the property; no column need have it.

    Raises:
        InputError: If the name isn't an identifier or is taken by a variable of equations.
    """
    why = _why_no_attribute(name)
    if why:
        raise InputError(
            f"--learn {_quoted(name)}: a property can't be called {name!r}: the name {why}; {NAME_RULE}; "
            "choose any other name, such as m or q"
        )


def _why_no_attribute(name: str) -> str:
    """What is wrong with the name of an attribute; empty where nothing is."""
    if name in RESERVED or name.startswith(RESERVED_STARTS):
        return "is the name of a variable in equations, or starts like one"
    if name in STORED:
        return "is that of a variable in limbeck's own files"
    if normalize("NFKC", name) != name:  # Python and SymPy would read another name
        return f"has signs that are read as {normalize('NFKC', name)!r}"
    good = name.isidentifier() and not iskeyword(name) and re.fullmatch(r"\w+", name)
    return "" if good else "is not an identifier"


def final_names(columns: Sequence[str], rename: Mapping[str, str], where: str) -> list[str]:
    """Apply the renaming to the names of a source.

    Args:
        columns: Names in the source.
        rename: New names by old ones.
        where: What to call the source in a message.

    Returns:
        The new names, in the same order.

    Raises:
        InputError: If a name to change isn't there, or two columns end with one name.
    """
    for old in rename:
        if old not in columns:
            raise InputError(
                f"{where}: --rename {old}={rename[old]}: there is no column {old!r}{nearest(old, columns)}; "
                f"there are {listing(columns)}"
            )
    names = [rename.get(name, name) for name in columns]
    for old, new in rename.items():
        if names.count(new) > 1:
            raise InputError(
                f"{where}: --rename {old}={new}: there is another column {new!r}; names must differ: "
                f"choose another name, or rename that column too"
            )
    return names


def assign_roles(names: Sequence[str], text: Mapping[str, str], choices: Choices, where: str) -> Roles:
    """Give each column its part.

    Args:
        names: Names after renaming.
        text: For each column that holds text, where the first text stands.
        choices: What the user said.
        where: What to call the source in a message.

    Returns:
        The parts.

    Raises:
        InputError: If a column is missing, half a vector is there, a name isn't known or a name isn't allowed.
    """
    known_choices(names, choices, where)
    there = [name for name in names if name not in choices.ignore]
    _required(there, names, where)
    dim = _dimension(there, where)
    vectors = tuple(prefix for prefix in VECTORS if _complete(prefix, "", there, dim, where))
    errors = tuple(prefix for prefix in VECTORS if _complete(prefix, "_err", there, dim, where))
    for prefix in errors:
        if prefix not in vectors:
            raise InputError(
                f"{where}: column '{prefix}x_err' has the errors of {VECTORS[prefix]} that are not there; "
                f"add '{prefix}x', or use --ignore {prefix}x_err"
            )
    used = {*KEYS, *(f"{p}{a}{s}" for p in VECTORS for a in AXES for s in ("", "_err"))}
    rest = [name for name in there if name not in used and name not in choices.labelled]
    for name in rest:
        if name in text and (not choices.lenient or choices.attributes is None or name in choices.attributes):
            raise InputError(
                f"{where}: {text[name]}; an attribute is a number: correct the cell, or use --species {_quoted(name)} "
                f"if the column holds labels, or --ignore {_quoted(name)}"
            )
    attributes = tuple(rest) if choices.attributes is None else choices.attributes
    for name in (*attributes, *choices.labelled):
        check_attribute_name(name, where)
    return Roles(dim=dim, vectors=vectors, errors=errors, attributes=attributes, labelled=choices.labelled)


def known_choices(names: Sequence[str], choices: Choices, where: str) -> None:
    """Refuse a choice about a column that isn't there.

    Args:
        names: Names after renaming.
        choices: What the user said.
        where: What to call the source in a message.

    Raises:
        InputError: If a chosen column isn't there.
    """
    for option in ("attributes", "ignore", "species", "per"):
        given = getattr(choices, option) or ()
        for name in (given,) if isinstance(given, str) else given:
            if name in names:
                continue
            new = choices.rename.get(name)
            hint = f"; it was renamed to {new!r}: use that name" if new else nearest(name, names)
            raise InputError(f"{where}: --{option}: there is no column {name!r}{hint}; there are {listing(names)}")


def _quoted(name: str) -> str:
    """Write a name as a shell would take it."""
    return name if name.isidentifier() else f'"{name}"'


def _required(there: Sequence[str], names: Sequence[str], where: str) -> None:
    """Refuse a table that lacks a column every table has."""
    for name in (*KEYS, "x"):
        if name in there:
            continue
        if name in names:
            raise InputError(f"{where}: --ignore {name}: column {name!r} can't be left out")
        hints = {
            "simulation": "; for a single simulation add a column 'simulation' with one value throughout",
            "x": "; positions stand in x[, y[, z]]",
        }
        others = [one for one in there if one not in (*KEYS, *AXES)]
        raise InputError(
            f"{where}: row 1, column {name!r} is missing{nearest(name, others)}{hints.get(name, '')}; a table has "
            f"columns simulation, time, particle, x[, y[, z]], this one has {listing(names)}; "
            f"use --rename OLD={name} if it has another name"
        )


def _dimension(there: Sequence[str], where: str) -> int:
    """Count the axes, which must be x, or x and y, or x, y and z."""
    if "z" in there and "y" not in there:
        raise InputError(f"{where}: column 'z' is there without 'y'; positions are x, or x and y, or x, y and z")
    return 1 + ("y" in there) + ("z" in there)


def _complete(prefix: str, suffix: str, there: Sequence[str], dim: int, where: str) -> bool:
    """Say whether a vector is there, and refuse half a vector."""
    wanted = [f"{prefix}{axis}{suffix}" for axis in AXES[:dim]]
    found = [name for axis in AXES if (name := f"{prefix}{axis}{suffix}") in there]
    if not found:
        return False
    missing = [name for name in wanted if name not in found]
    surplus = [name for name in found if name not in wanted]
    if missing:
        raise InputError(
            f"{where}: column {missing[0]!r} is missing while {found[0]!r} is there; give all of {listing(wanted)}, "
            f"or use --ignore {','.join(found)}"
        )
    if surplus:
        raise InputError(
            f"{where}: column {surplus[0]!r} is there, but the positions have only {listing(AXES[:dim])}; "
            f"add {surplus[0][len(prefix) :].removesuffix(suffix)!r}, or use --ignore {surplus[0]}"
        )
    return True
