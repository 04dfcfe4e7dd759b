"""What is done where a complex leaves a choice: one policy each, with its default (SPEC 4)."""

from typing import Literal

from pydantic import Field

from molinteract.core.settings import Settings


class ComplexSettings(Settings):
    """How a complex becomes a graph; part of the identity of every result. Lengths in angstrom."""

    pocket: float = Field(default=6.0, gt=0, le=30, description="residues with any atom this near the ligand")
    d_inter: float = Field(default=4.0, gt=0, le=12, description="longest edge between pocket and ligand")
    d_intra: float = Field(default=2.0, gt=0, le=6, description="longest edge within either")
    hydrogens: Literal["none", "deposited"] = Field(default="none", description="crystal pockets rarely have them")
    waters: Literal["drop", "keep"] = Field(
        default="drop", description="some sources have none; kept ones within 2.1 Å of the ligand are dropped"
    )
    ions: Literal["keep", "drop"] = Field(default="keep", description="groups of one heavy atom: metals, halides")
    cofactors: Literal["keep", "drop"] = Field(default="keep", description="all other groups that are no polymer")
    covalent: Literal["mark", "cut", "reject"] = Field(
        default="mark", description="a ligand bonded to the pocket: kept and counted; its edge left out; refused"
    )
    clash: float = Field(default=1.0, ge=0.1, le=3, description="heavy atoms nearer than this are an error")
    model: int = Field(default=1, ge=1, description="which model of several, counted from 1")
    min_ligand_atoms: int = Field(default=2, ge=1, description="heavy atoms")
    max_ligand_atoms: int = Field(default=1000, ge=1)
    max_pocket_atoms: int = Field(default=5000, ge=1)
