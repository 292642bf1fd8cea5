"""Inductive biases: what a model may assume about the law before it has seen data.

Each bias is a claim about form (see docs/explanation/biases.md); they combine,
and `relaxations` gives the order in which discovery gives them up when the data
contradict them.
"""

from dataclasses import dataclass, fields, replace

from limbeck._errors import InputError


@dataclass(frozen=True, kw_only=True)
class Biases:
    """A set of claims about the form of the law.

    Attributes:
        translation: Messages see positions only through their difference.
        rotation: A message is scalars times the unit vector and the relative velocity; with the second
            law, accelerations turn with the states too.
        reflection: No transverse (odd) part of a message; has a meaning with rotation only.
        third_law: The force on the sender is minus the force on the receiver.
        second_law: Acceleration is the sum of forces over the receiver's inertia.
        conservative: The radial force is minus the derivative of a learned pair potential.
        field: One-body terms: drag, a uniform and a central field.
        free_field: One-body terms of any direction and form, of position, velocity and attributes: a trap that is no
            circle, a magnetic field. It is `field` with fewer claims; where rotation is given up, `field` says no more.
    """

    translation: bool = False
    rotation: bool = False
    reflection: bool = False
    third_law: bool = False
    second_law: bool = False
    conservative: bool = False
    field: bool = False
    free_field: bool = False

    def __post_init__(self) -> None:
        """Refuse combinations that mean nothing.

        Raises:
            InputError: If a bias stands without one that it rests on.
        """
        needs = {
            "rotation": ("translation",),
            "reflection": ("rotation",),
            "third_law": ("translation",),
            "conservative": ("translation", "rotation", "reflection", "third_law", "second_law"),
            "field": ("second_law",),
            "free_field": ("field",),
        }
        for name, others in needs.items():
            missing = [_spell(other) for other in others if not getattr(self, other)]
            if getattr(self, name) and missing:
                rests = f"bias {_spell(name)!r} rests on {', '.join(missing)}"
                raise InputError(f"{rests}: add what is missing, or drop {_spell(name)!r}")

    @property
    def names(self) -> tuple[str, ...]:
        """The biases that are on, spelt as on the command line."""
        return tuple(_spell(field.name) for field in fields(self) if getattr(self, field.name))

    @property
    def origin_free(self) -> bool:
        """Whether positions may be measured from anywhere without a change of the accelerations."""
        return self.translation and not self.field


def _spell(name: str) -> str:
    """Spell a field as on the command line."""
    return name.replace("_", "-")


BIAS_NAMES = tuple(_spell(field.name) for field in fields(Biases))
STRONGEST = Biases(translation=True, rotation=True, reflection=True, third_law=True, second_law=True)


def parse_biases(text: str) -> Biases:
    """Read a comma-separated list of biases, or `none`.

    Args:
        text: Names as in `BIAS_NAMES`, separated by commas.

    Returns:
        The set of biases.

    Raises:
        InputError: If a name is unknown or stands twice, or the set means nothing.
    """
    if text.strip() == "none":
        return Biases()
    names = [part.strip() for part in text.split(",")]
    for name in names:
        if name not in BIAS_NAMES:
            raise InputError(f"unknown bias {name!r}: choose 'auto', 'none' or a list of {', '.join(BIAS_NAMES)}")
    if len(set(names)) < len(names):
        raise InputError(f"a bias stands twice in {text!r}")
    return Biases(**{name.replace("-", "_"): True for name in names})


def relaxations(dim: int) -> tuple[Biases, ...]:
    """The sets of biases that `auto` tries, strongest first.

    Fields are added first, those that know no direction before any, then reflection, the third law, rotation and
    the second law are given up (house plan, section "The main job"). In one and three dimensions
    a pair at rest has no transverse direction, so dropping reflection alone would add nothing.

    Args:
        dim: Dimension of space.

    Returns:
        Sets of biases, each weaker than the one before it.
    """
    steps = [STRONGEST, with_field := replace(STRONGEST, field=True), replace(with_field, free_field=True)]
    if dim == 2:
        steps.append(replace(with_field, reflection=False))
    steps.append(replace(with_field, reflection=dim != 2, third_law=False))
    steps.append(replace(steps[-1], rotation=False, reflection=False))
    steps.append(Biases(translation=True))
    return tuple(steps)
