"""Texts of measured affinities, such as ``Ki<10nM``, become pK = −log10(K / mol·L⁻¹) with the relation kept (SPEC 4)."""

import math
import re
from dataclasses import dataclass
from typing import Final

from molinteract.core.errors import ComplexError
from molinteract.core.reasons import ComplexReason

TEMPERATURE: Final = 298.15
"""K, at which a free energy becomes a constant."""
_GAS: Final = {"kcal/mol": 1.987204e-3, "kJ/mol": 8.314463e-3}
_MOLAR: Final = {"M": 0, "mM": -3, "uM": -6, "nM": -9, "pM": -12, "fM": -15}
_REVERSED: Final = {"=": "=", "~": "~", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
_MEASURES: Final = {"kd": "Kd", "ki": "Ki", "ic50": "IC50", "ec50": "EC50", "ka": "Ka", "dg": "dG"}
_TEXT: Final = re.compile(
    r"(?P<measure>[A-Za-z]+(?:50)?)(?P<relation><=|>=|[=<>~])(?P<number>[\d.,()+-]*(?:[eE][+-]?\d+)?)(?P<unit>.*)"
)
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Affinity:
    """One measured value.

    Attributes
    ----------
    pk : float
        −log10 of the constant in mol/L.
    relation : str
        Relation **of pK**: ``Ki<10nM`` means pK > 8, so it is ``>`` here. One of ``= ~ < > <= >=``.
    measure : str
        ``Kd``, ``Ki``, ``IC50``, ``EC50``, ``Ka``, ``dG``, or empty where only a number was given.
    text : str
        As written.
    """

    pk: float
    relation: str = "="
    measure: str = ""
    text: str = ""

    @property
    def exact(self) -> bool:
        """Whether the value is neither a bound nor an estimate."""
        return self.relation == "="


def parse_affinity(text: str) -> Affinity | None:
    """Read the text of an affinity.

    ``Kd``, ``Ki``, ``IC50`` and ``EC50`` take a concentration from fM to M (units are case-sensitive: nm is a length),
    ``Ka`` an association constant in M^-1, ``dG`` a free energy in kcal/mol or kJ/mol at 298.15 K.

    Parameters
    ----------
    text : str
        For example ``IC50~2.5uM``. Blanks do not matter.

    Returns
    -------
    Affinity or None
        None for an empty text: the value is missing.

    Raises
    ------
    ComplexError
        ``no_value``, if the text is not understood, is a range, or its constant is not positive.
    """
    squeezed = "".join(text.split()).replace("µ", "u").replace("μ", "u")
    if not squeezed:
        return None
    match = _TEXT.fullmatch(squeezed)
    measure = _MEASURES.get(match["measure"].lower()) if match else None
    if match is None or measure is None:
        raise _refused(text, "it is not of the form Kd=19uM")
    number, unit = match["number"], match["unit"]
    if "," in number:
        raise _refused(text, "the decimal sign is a comma")
    if ".." in number:
        raise _refused(text, "it is a range")
    if not _NUMBER.fullmatch(number):
        raise _refused(text, f"{number!r} is not a number")
    pk, reverse = _to_pk(measure, float(number), unit, text)
    relation = _REVERSED[match["relation"]] if reverse else match["relation"]
    return Affinity(pk, relation, measure, text)


def _to_pk(measure: str, value: float, unit: str, text: str) -> tuple[float, bool]:
    """Return pK and whether its relation is the reverse of that of the number."""
    if measure == "dG":
        if unit not in _GAS:
            raise _refused(text, f"{unit!r} is not kcal/mol or kJ/mol")
        return -value / (_GAS[unit] * TEMPERATURE * math.log(10.0)), True
    if not (value > 0 and math.isfinite(value)):
        raise _refused(text, "the constant is not positive")
    if measure == "Ka":
        if unit.replace("^", "") not in ("M-1", "/M"):
            raise _refused(text, f"{unit!r} is not M^-1")
        return math.log10(value), False
    if unit not in _MOLAR:
        raise _refused(text, f"the unit {unit!r} is none of {', '.join(_MOLAR)}")
    return -math.log10(value) - _MOLAR[unit], True


def _refused(text: str, why: str) -> ComplexError:
    return ComplexError(
        ComplexReason.NO_VALUE, f"the affinity {text!r} cannot be used: {why}", remedy="write it as Kd=19uM"
    )
