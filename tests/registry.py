"""Every member that a contract test covers; one that is missing here fails `test_registry.py`."""

from limbeck.models import STRONGEST, Biases

BIASES = {
    "none": Biases(),
    "translation": Biases(translation=True),
    "third-law": Biases(translation=True, third_law=True),
    "second-law": Biases(second_law=True),
    "rotation": Biases(translation=True, rotation=True),
    "reflection": Biases(translation=True, rotation=True, reflection=True),
    "strongest": STRONGEST,
    "transverse": Biases(translation=True, rotation=True, third_law=True, second_law=True),
    "field": Biases(translation=True, rotation=True, reflection=True, third_law=True, second_law=True, field=True),
    "outer-field": Biases(
        translation=True, rotation=True, reflection=True, third_law=True, second_law=True, field=True, free_field=True
    ),
    "free-field": Biases(translation=True, second_law=True, field=True),
    "conservative": Biases(
        translation=True, rotation=True, reflection=True, third_law=True, second_law=True, conservative=True
    ),
}
ENGINES = ("pyoperon", "enumerate", "pysr")
ENGINES_HERE = ("pyoperon", "enumerate")  # PySR needs Julia; `regress/test_pysr.py` tests its Python side
OPERATORS = (
    "+",
    "-",
    "*",
    "/",
    "^",
    "exp",
    "log",
    "sqrt",
    "sin",
    "cos",
    "tanh",
    "abs",
    "min",
    "max",
    "<",
    ">",
    "<=",
    ">=",
    "IF",
)
SYSTEMS = ("spring", "r1", "r2", "charge", "damped", "discontinuous", "string", "superposition")
