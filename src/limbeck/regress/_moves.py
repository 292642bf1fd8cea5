"""Small changes of a formula that a refit can judge: leave a part out, free an exponent, shift a distance.

Genetic programming gives the rough form from samples of a network; the exact
form is a few of these moves away, and the accelerations, which no network has
touched, tell which.
"""

from collections.abc import Callable, Iterator

from limbeck.expressions import Call, Constant, Expression, Variable, cleared, simplify, skeleton, split_number

Rebuild = Callable[[Expression], Expression]
FUNCTIONS = frozenset({"exp", "log", "sin", "cos", "tanh", "tan", "sinh", "cosh"})
SHIFT = 0.02
TWO, NOTHING = Constant(2, free=False), Constant(0, free=False)
TILT = 1.05  # where a freed number 1 starts; exactly 1 would be simplified away


def neighbours(expression: Expression, shiftable: frozenset[str]) -> tuple[Expression, ...]:
    """Formulas one change away.

    Args:
        expression: Where to start.
        shiftable: Variables to which a constant may be added (distances, speeds); they are positive.

    Returns:
        Simplified formulas, each form once, without the starting one.
    """
    seen, found = {skeleton(expression)}, []
    for changed in _changes(expression, shiftable):
        simple = simplify(changed)
        form = skeleton(simple)
        if form not in seen:
            seen.add(form)
            found.append(simple)
    return tuple(found)


def _changes(expression: Expression, shiftable: frozenset[str]) -> Iterator[Expression]:
    """Every change of every part, and new factors of the whole."""
    yield cleared(expression, shiftable)
    whole = with_whole_powers(expression, shiftable)
    yield whole
    for name in sorted(shiftable):
        for factor in _new_factors(Variable(name)):
            yield Call("mul", (expression, factor))
            yield Call("mul", (whole, factor))
    yield Call("add", (expression, Constant(SHIFT)))
    for part, rebuild, parent in _parts(expression, lambda new: new, ""):
        for new in _changes_of(part, parent, shiftable):
            yield rebuild(new)


def with_whole_powers(part: Expression, shiftable: frozenset[str]) -> Expression:
    """Every power of a distance with a whole exponent and a shift: the form that a fitted exponent often hides.

    Args:
        part: Any formula.
        shiftable: Variables that are distances.

    Returns:
        The formula with its other powers as they were.
    """
    # A missing factor bends the exponent away from its whole value, so that neither the factor nor
    # the rounding helps without the other.
    if not isinstance(part, Call):
        return part
    base, exponent = part.args[0], part.args[-1]
    if part.op == "pow" and isinstance(base, Variable) and base.name in shiftable and isinstance(exponent, Constant):
        shifted = Call("add", (base, Constant(SHIFT)))
        return Call("pow", (shifted, Constant(_number(round(exponent.value)), free=False)))
    return Call(part.op, tuple(with_whole_powers(child, shiftable) for child in part.args))


def _new_factors(distance: Variable) -> Iterator[Expression]:
    """Factors that make another term, a screening or another range out of a force."""
    yield Call("add", (distance, Constant(1.0)))
    yield Call("exp", (Call("mul", (Constant(-0.1), distance)),))
    for power in (-2, 2, 6):
        bent = Call("pow", (distance, Constant(power, free=False)))
        yield Call("add", (Constant(1.0 + SHIFT), Call("mul", (Constant(SHIFT), bent))))


def _parts(part: Expression, rebuild: Rebuild, parent: str) -> Iterator[tuple[Expression, Rebuild, str]]:
    """Every part of a tree, how to put another in its place, and what stands above it."""
    yield part, rebuild, parent
    if not isinstance(part, Call):
        return
    for k, child in enumerate(part.args):

        def inner(new: Expression, part: Call = part, k: int = k) -> Expression:
            return rebuild(Call(part.op, (*part.args[:k], new, *part.args[k + 1 :])))

        yield from _parts(child, inner, part.op)


def _changes_of(part: Expression, parent: str, shiftable: frozenset[str]) -> Iterator[Expression]:
    """Changes of one part."""
    if isinstance(part, Variable):
        yield from _changes_of_variable(part, parent, shiftable)
    elif isinstance(part, Call):
        yield from _omissions(part)
        if part.op == "pow":
            yield from _changes_of_power(part)
            yield from _softened(part, shiftable)


def _changes_of_variable(part: Variable, parent: str, shiftable: frozenset[str]) -> Iterator[Expression]:
    """Shift, scale or bend one variable."""
    if part.name in shiftable:
        yield Call("add", (part, Constant(SHIFT)))
    if parent in FUNCTIONS:
        yield Call("mul", (Constant(TILT), part))
    if parent != "pow":
        yield Call("pow", (part, Constant(TILT)))


def _omissions(part: Call) -> Iterator[Expression]:
    """Leave out a term or factor, put a number in place of the whole, or one argument."""
    if part.op in ("add", "mul"):
        for k in range(len(part.args)):
            rest = (*part.args[:k], *part.args[k + 1 :])
            yield rest[0] if len(rest) == 1 else Call(part.op, rest)
    if part.op == "mul":
        yield from _merged_factors(part)
    if part.op == "add":
        yield from _completed_square(part)
        yield from _undone_square(part)
    if part.op == "if":
        condition, then, otherwise = part.args
        yield from (then, otherwise)
        # On one side there may be nothing: what a network smears across the jump stands there else.
        yield from (Call("if", (condition, *sides)) for sides in ((then, NOTHING), (NOTHING, otherwise)))
    elif part.op not in ("lt", "le", "gt", "ge"):
        yield Constant(1.0)
        if part.op not in ("add", "mul"):
            yield from part.args


def _completed_square(part: Call) -> Iterator[Expression]:
    """A sum of a square, its root and a number as one square: searches that meet the sum first stay with it."""
    sizes = {rest: number.value for number, rest in map(split_number, part.args)}
    for rest, size in sizes.items():
        if isinstance(rest, Call) and rest.op == "pow" and rest.args[1] == TWO and rest.args[0] in sizes:
            root = rest.args[0]
            others = sizes.keys() - {rest, root}
            if size and len(part.args) == len(sizes) and all(isinstance(other, Constant) for other in others):
                square = Call("pow", (Call("add", (root, Constant(sizes[root] / (2 * size)))), TWO))
                yield square if size == 1 else Call("mul", (Constant(size), square))


def _undone_square(part: Call) -> Iterator[Expression]:
    """A root beside the square of its shift as a square and a number: `r - c*(r + 1/(2*c))^2` is `-c*r^2 - 1/(4*c)`."""
    sizes = {rest: number.value for number, rest in map(split_number, part.args)}
    for rest, size in sizes.items():
        if not (isinstance(rest, Call) and rest.op == "pow"):
            continue
        base, exponent = rest.args
        if not (isinstance(base, Call) and base.op == "add" and len(base.args) == 2):
            continue
        if not (isinstance(exponent, Constant) and round(exponent.value) == 2):
            continue
        shift = next((one for one in base.args if isinstance(one, Constant)), None)
        root = next((one for one in base.args if one in sizes and not isinstance(one, Constant)), None)
        if shift is None or root is None:
            continue
        others = tuple(term for term in part.args if split_number(term)[1] not in (rest, root))
        square = Call("mul", (Constant(size), Call("pow", (root, TWO))))
        yield Call("add", (square, Constant(size * shift.value**2), *others))


def _merged_factors(part: Call) -> Iterator[Expression]:
    """Take two factors of one form, such as (r + a)*(r + b), as one factor squared."""
    forms = [skeleton(factor) for factor in part.args]
    for i, form in enumerate(forms):
        for j in range(i + 1, len(forms)):
            if form == forms[j] and isinstance(part.args[i], Call):
                rest = tuple(factor for k, factor in enumerate(part.args) if k not in (i, j))
                square = Call("pow", (part.args[i], Constant(2, free=False)))
                yield Call("mul", (*rest, square)) if rest else square


def _changes_of_power(part: Call) -> Iterator[Expression]:
    """Free a fixed exponent; fix a free one at the nearest halves."""
    base, exponent = part.args
    if not isinstance(exponent, Constant):
        return
    if exponent.free:
        yield Call("pow", (base, Constant(_number(round(exponent.value)), free=False)))
        yield Call("pow", (base, Constant(_number(round(2 * exponent.value) / 2), free=False)))
    else:
        yield Call("pow", (base, Constant(exponent.value * TILT)))
        for step in (-1, 1):
            yield Call("pow", (base, Constant(_number(exponent.value + step), free=False)))


def _softened(part: Call, shiftable: frozenset[str]) -> Iterator[Expression]:
    """A power of a shifted distance as one of a distance that is softened in its square, alone and along the distance.

    Source:
        Plummer (1911), Monthly Notices of the Royal Astronomical Society 71, 460: r/(r² + a²)^(3/2) for 1/r².
    """
    base, exponent = part.args
    if not (isinstance(base, Call) and base.op == "add" and len(base.args) == 2 and isinstance(exponent, Constant)):
        return
    shift = next((one for one in base.args if isinstance(one, Constant)), None)
    distance = next((one for one in base.args if isinstance(one, Variable) and one.name in shiftable), None)
    if shift is None or distance is None:
        return
    power = round(exponent.value)
    softened = Call("add", (Call("pow", (distance, TWO)), Constant(max(shift.value**2, SHIFT**2))))
    yield Call("pow", (softened, Constant(_number(power / 2), free=False)))
    yield Call("mul", (distance, Call("pow", (softened, Constant(_number((power - 1) / 2), free=False)))))


def _number(value: float | int) -> float | int:
    """An integer where the value is one."""
    return int(value) if float(value).is_integer() else float(value)
