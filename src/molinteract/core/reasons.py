"""Why an entry is not kept: the codes of ``rejects.parquet``, in the order in which they are tested (SPEC 1.1)."""

from enum import StrEnum


class Reason(StrEnum):
    """Code of a rejected entry. The first one that applies, in this order, is given."""

    PARSE_ERROR = "parse_error"
    NO_COORDINATES = "no_coordinates"
    SYMMETRY_ERROR = "symmetry_error"
    NO_CARBON = "no_carbon"
    METAL = "metal"
    TOO_LARGE = "too_large"
    DISORDER = "disorder"
    CLASH = "clash"
    BRIDGING_HYDROGEN = "bridging_hydrogen"
    POLYMERIC = "polymeric"
    SEVERAL_COMPONENTS = "several_components"
    HYDROGENS_MISSING = "hydrogens_missing"
    NOT_NEUTRAL = "not_neutral"


MEANING: dict[Reason, str] = {
    Reason.PARSE_ERROR: "the block cannot be read, or the cell is missing or degenerate",
    Reason.NO_COORDINATES: "no atom row with three numeric coordinates",
    Reason.SYMMETRY_ERROR: "the operations form no group with the lattice, or contradict the cell or the group",
    Reason.NO_CARBON: "no carbon atom",
    Reason.METAL: "an element outside the organic set",
    Reason.TOO_LARGE: "too many atoms in a molecule or in the cell, or over the time limit",
    Reason.DISORDER: "partial occupancy or alternative sites",
    Reason.CLASH: "atoms closer than any bond",
    Reason.BRIDGING_HYDROGEN: "a hydrogen midway between two heavy atoms: no molecule graph is right",
    Reason.POLYMERIC: "a molecule bonded to a lattice translation of itself",
    Reason.SEVERAL_COMPONENTS: "molecules of more than one compound",
    Reason.HYDROGENS_MISSING: "hydrogens are missing from the model",
    Reason.NOT_NEUTRAL: "the molecule carries a net charge",
}


class ComplexReason(StrEnum):
    """Code of a protein–ligand complex that is not used."""

    UNREADABLE = "unreadable"
    NO_ATOMS = "no_atoms"
    UNKNOWN_ELEMENT = "unknown_element"
    NOT_FINITE = "not_finite"
    LIGAND_AMBIGUOUS = "ligand_ambiguous"
    LIGAND_MISSING = "ligand_missing"
    LIGAND_TOO_SMALL = "ligand_too_small"
    COMPLEX_TOO_LARGE = "complex_too_large"
    LIGAND_FAR = "ligand_far"
    OVERLAP = "overlap"
    COVALENT = "covalent"
    NO_VALUE = "no_value"
    INEXACT_VALUE = "inexact_value"
