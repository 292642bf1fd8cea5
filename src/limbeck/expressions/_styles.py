"""The two alphabets of mathematics on a page: LaTeX and presentation MathML."""

import html
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence

GREEK = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "epsilon": "ϵ",
    "eta": "η",
    "theta": "θ",
    "kappa": "κ",
    "lambda": "λ",
    "mu": "μ",
    "nu": "ν",
    "xi": "ξ",
    "rho": "ρ",
    "sigma": "σ",
    "tau": "τ",
    "phi": "ϕ",
    "chi": "χ",
    "psi": "ψ",
    "omega": "ω",
}
_VECTOR = re.compile(r"(d?)(v|a|F)([xyz])")


def name_parts(name: str) -> tuple[bool, str, tuple[str, ...]]:
    """How a name is drawn: `dvx` as the x component of a difference of v.

    Args:
        name: The variable.

    Returns:
        Whether a difference sign goes before it, its letter, its subscripts.
    """
    base, *subscripts = name.split("_")
    if not base or "" in subscripts:
        return False, name, ()
    if base in ("dx", "dy", "dz"):
        return True, base[1], tuple(subscripts)
    match = _VECTOR.fullmatch(base)
    if match is not None:
        return bool(match[1]), match[2], (match[3], *subscripts)
    return False, base, tuple(subscripts)


class Style(ABC):
    """How the parts of an expression are written.

    Attributes:
        times: What stands between two factors.
        minus: A sign before a first term.
    """

    times: str
    minus: str

    @abstractmethod
    def name(self, name: str) -> str:
        """A variable."""

    @abstractmethod
    def number(self, text: str) -> str:
        """A number, from text such as `-1.5e-07`."""

    @abstractmethod
    def operator(self, sign: str) -> str:
        """`+`, `-`, `*`, `ne` or the name of a comparison."""

    @abstractmethod
    def row(self, words: Sequence[str]) -> str:
        """Pieces side by side."""

    @abstractmethod
    def brackets(self, text: str) -> str:
        """A piece in brackets."""

    @abstractmethod
    def quotient(self, above: str, below: str) -> str:
        """A fraction."""

    @abstractmethod
    def power(self, base: str, exponent: str) -> str:
        """A power."""

    @abstractmethod
    def root(self, text: str) -> str:
        """A square root."""

    @abstractmethod
    def absolute(self, text: str) -> str:
        """An absolute value."""

    @abstractmethod
    def function(self, name: str, args: Sequence[str]) -> str:
        """A function and its arguments."""

    @abstractmethod
    def cases(self, branches: Sequence[tuple[str, str]], otherwise: str) -> str:
        """A conditional: value and condition of each branch, and the value elsewhere."""


class Latex(Style):
    """LaTeX, mathematics mode."""

    times = r" \, "
    minus = "-"

    def name(self, name: str) -> str:
        """A variable."""
        difference, base, subscripts = name_parts(name)
        text = rf"\{base}" if base in GREEK else self._word(base)
        text += f"_{{{','.join(self._word(part) for part in subscripts)}}}" if subscripts else ""
        return r"\Delta " + text if difference else text

    def _word(self, word: str) -> str:
        """A letter or number as it is, a longer name upright."""
        return word if len(word) == 1 or word.isdecimal() else rf"\mathrm{{{word.replace('_', chr(92) + '_')}}}"

    def number(self, text: str) -> str:
        """A number."""
        digits, _, exponent = text.partition("e")
        digits = digits.replace("oo", r"\infty").replace("nan", r"\mathrm{nan}")
        return rf"{digits} \times 10^{{{int(exponent)}}}" if exponent else digits

    def operator(self, sign: str) -> str:
        """A sign."""
        known = {"+": " + ", "-": " - ", "*": r" \cdot ", "lt": " < ", "gt": " > ", "le": r" \le ", "ge": r" \ge "}
        return known.get(sign, r" \ne ")

    def row(self, words: Sequence[str]) -> str:
        """Pieces side by side."""
        return "".join(words).strip()

    def brackets(self, text: str) -> str:
        """A piece in brackets."""
        return rf"\left({text}\right)"

    def quotient(self, above: str, below: str) -> str:
        """A fraction."""
        return rf"\frac{{{above}}}{{{below}}}"

    def power(self, base: str, exponent: str) -> str:
        """A power."""
        return f"{{{base}}}^{{{exponent}}}"

    def root(self, text: str) -> str:
        """A square root."""
        return rf"\sqrt{{{text}}}"

    def absolute(self, text: str) -> str:
        """An absolute value."""
        return rf"\left|{text}\right|"

    def function(self, name: str, args: Sequence[str]) -> str:
        """A function and its arguments."""
        word = r"\operatorname{sign}" if name == "sign" else rf"\{name}"
        return word + self.brackets(", ".join(args))

    def cases(self, branches: Sequence[tuple[str, str]], otherwise: str) -> str:
        """A conditional."""
        lines = [rf"{value} & \text{{if }} {test}" for value, test in branches]
        lines.append(rf"{otherwise} & \text{{otherwise}}")
        return r"\begin{cases}" + r" \\ ".join(lines) + r"\end{cases}"


class MathML(Style):
    """Presentation MathML, without the enclosing element."""

    times = "<mo>&#x2062;</mo><mspace width='.17em'/>"  # as wide as LaTeX's: `m1` and `r2` are two names
    minus = "<mo>-</mo>"

    def name(self, name: str) -> str:
        """A variable."""
        difference, base, subscripts = name_parts(name)
        text = f"<mi>{html.escape(GREEK.get(base, base))}</mi>"
        if subscripts:
            text = f"<msub>{text}{self._subscripts(subscripts)}</msub>"
        return f"<mrow><mi mathvariant='normal'>Δ</mi>{text}</mrow>" if difference else text

    def _subscripts(self, subscripts: Sequence[str]) -> str:
        """Subscripts, with commas between."""
        kinds = ["mn" if part.isdecimal() else "mi" for part in subscripts]
        words = [f"<{kind}>{html.escape(part)}</{kind}>" for kind, part in zip(kinds, subscripts, strict=True)]
        return self.row(["<mo>,</mo>".join(words)])

    def number(self, text: str) -> str:
        """A number."""
        digits, _, exponent = text.partition("e")
        minus = "<mo>-</mo>" if digits.startswith("-") else ""
        word = f"{minus}<mn>{digits.lstrip('-').replace('oo', '∞')}</mn>"
        if not exponent:
            return self.row([word]) if minus else word
        power = self.power("<mn>10</mn>", self.number(str(int(exponent))))
        return self.row([word, "<mo>×</mo>", power])

    def operator(self, sign: str) -> str:
        """A sign."""
        known = {"+": "+", "-": "-", "*": "×", "lt": "&lt;", "gt": "&gt;", "le": "≤", "ge": "≥"}
        return f"<mo>{known.get(sign, '≠')}</mo>"

    def row(self, words: Sequence[str]) -> str:
        """Pieces side by side."""
        return f"<mrow>{''.join(words)}</mrow>"

    def brackets(self, text: str) -> str:
        """A piece in brackets."""
        return f"<mrow><mo>(</mo>{text}<mo>)</mo></mrow>"

    def quotient(self, above: str, below: str) -> str:
        """A fraction."""
        return f"<mfrac><mrow>{above}</mrow><mrow>{below}</mrow></mfrac>"

    def power(self, base: str, exponent: str) -> str:
        """A power."""
        return f"<msup><mrow>{base}</mrow><mrow>{exponent}</mrow></msup>"

    def root(self, text: str) -> str:
        """A square root."""
        return f"<msqrt>{text}</msqrt>"

    def absolute(self, text: str) -> str:
        """An absolute value."""
        return f"<mrow><mo>|</mo>{text}<mo>|</mo></mrow>"

    def function(self, name: str, args: Sequence[str]) -> str:
        """A function and its arguments."""
        return self.row([f"<mi>{html.escape(name)}</mi><mo>&#x2061;</mo>", self.brackets("<mo>,</mo>".join(args))])

    def cases(self, branches: Sequence[tuple[str, str]], otherwise: str) -> str:
        """A conditional."""
        cells = [(value, f"<mtext>if&#xa0;</mtext>{test}") for value, test in branches]
        cells.append((otherwise, "<mtext>otherwise</mtext>"))
        lines = "".join(f"<mtr><mtd>{value}</mtd><mtd>{test}</mtd></mtr>" for value, test in cells)
        return f"<mrow><mo>{{</mo><mtable columnalign='left'>{lines}</mtable></mrow>"
