"""Text that a strict CIF parser refuses is mended where cell, symmetry and atoms are whole.

The ladder, each rung tried only if the one before failed: as it stands; without checks for duplicates; with letters outside
ASCII, which CIF allows only in quotes, replaced; with the line that the parser names commented out; only the lines of cell,
symmetry and formula and the loops of atoms and operations.
"""

import codecs
import re
from dataclasses import dataclass

import gemmi

_REFUSED = (ValueError, RuntimeError)
"""What gemmi raises: ValueError for syntax, RuntimeError for duplicate names."""
_TEXT_FIELD = re.compile(
    r"(?ms)^_(?:shelx_(?:hkl|res|fab)_file|iucr_refine_(?:instructions|reflections)_details)\s*\n;.*?^;[^\n]*$"
)
_BLOCK_START = re.compile(r"(?mi)^(?=data_)")
_FIELD_BORDER = re.compile(r"(?m)^;")
_ERROR_LINE = re.compile(r"^(?:string|[^:]*):(\d+):")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_MAX_MENDED_LINES = 40
_SALVAGED_ITEM = re.compile(
    r"(?i)^(_cell_(length|angle|formula_units)|_(symmetry|space_group)_|_chemical_formula_sum|_exptl_crystal_density_diffrn)"
)
_SALVAGED_LOOP = re.compile(r"(?i)_atom_site_fract_x|_symop|_symmetry_equiv_pos_as_xyz")


def decode(data: bytes) -> str:
    """Return the text of a file: UTF-16 by its mark, UTF-8, else Latin-1; without byte-order mark, NUL and Ctrl-Z."""
    if data.startswith(_UTF_16):
        data = data.decode("utf-16", "replace").encode()
    data = data.removeprefix(codecs.BOM_UTF8)
    for unwanted, instead in ((b"\x00", b""), (b"\x1a", b""), (b"\r\n", b"\n"), (b"\r", b"\n")):
        if unwanted in data:
            data = data.replace(unwanted, instead)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


@dataclass(frozen=True, slots=True)
class ParsedBlock:
    """One data block.

    Attributes
    ----------
    name : str
    block : gemmi.cif.Block or None
        None where nothing could be saved.
    note : str
        What was mended, or why nothing could be saved; empty where the text was sound.
    """

    name: str
    block: gemmi.cif.Block | None
    note: str


def parse_blocks(text: str) -> list[ParsedBlock]:
    """Parse CIF text block by block, mending those that need it; a damaged block does not cost its neighbours."""
    if "_shelx_" in text or "_iucr_refine_" in text:
        text = _TEXT_FIELD.sub("", text)
    try:
        return [ParsedBlock(block.name, block, "") for block in gemmi.cif.read_string(text)]
    except _REFUSED:
        before, *parts = _cut(text)
    if not parts:
        return [ParsedBlock("", None, "no data block")]
    return [_parse_alone(part, left_out=bool(before.strip())) for part in parts]


def _cut(text: str) -> list[str]:
    """Cut text before each block; the first part is what stands before the first of them.

    A ``data_`` inside a text field begins no block. But where a text field was never closed, those after it are read inside out:
    a part that is no CIF by itself is cut at every ``data_``.
    """
    parts = [""]
    in_text = False
    for piece in _BLOCK_START.split(text):
        if in_text or not piece.lower().startswith("data_"):
            parts[-1] += piece
        else:
            parts.append(piece)
        if len(parts) > 1:  # what stands before the first block may be anything
            in_text ^= len(_FIELD_BORDER.findall(piece)) % 2 == 1
    cut = parts[:1]
    for part in parts[1:]:
        document = _read_or_none(part)
        cut += [part] if document is not None and len(document) == 1 else [p for p in _BLOCK_START.split(part) if p]
    return cut


def _parse_alone(text: str, *, left_out: bool) -> ParsedBlock:
    name = text.split(maxsplit=1)[0][len("data_") :]
    document, note = _mended(text)
    if left_out and not note:
        note = "text before the first block left out"
    if document is None or not len(document):
        return ParsedBlock(name, None, note)
    return ParsedBlock(name, document[0], note)


def _mended(text: str) -> tuple[gemmi.cif.Document | None, str]:
    try:
        return gemmi.cif.read_string(text), ""
    except _REFUSED as error:
        message = _first_line(error)
    try:
        return gemmi.cif.read_string(text, check_level=0), f"read without strict checks ({message})"
    except _REFUSED:
        pass
    if not text.isascii():
        document = _read_or_none(_NOT_ASCII.sub("_", text))
        if document is not None:
            return document, f"letters outside ASCII read as _ ({message})"
    document = _without_named_lines(text)
    if document is not None:
        return document, f"lines left out that do not parse ({message})"
    document = _read_or_none(_salvage(text))
    if document is not None:
        return document, f"only cell, symmetry and atoms could be read ({message})"
    return None, message


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]


def _read_or_none(text: str) -> gemmi.cif.Document | None:
    try:
        return gemmi.cif.read_string(text, check_level=0)
    except _REFUSED:
        return None


def _without_named_lines(text: str) -> gemmi.cif.Document | None:
    lines = text.split("\n")
    for _ in range(min(_MAX_MENDED_LINES, len(lines))):
        try:
            return gemmi.cif.read_string("\n".join(lines), check_level=0)
        except _REFUSED as error:
            found = _ERROR_LINE.match(_first_line(error))
            number = int(found.group(1)) - 1 if found else -1
            # atoms, cell and data_ lines are what we came for: losing one silently would change the structure
            if not 0 <= number < len(lines) or not _expendable(lines[number]):
                return None
            lines[number] = "#" + lines[number]
    return None


def _expendable(line: str) -> bool:
    lowered = line.lstrip().lower()
    return lowered.startswith(("_", "'", '"')) and not lowered.startswith(
        ("_cell_", "_atom_site_", "_symmetry", "_space_group")
    )


def _salvage(text: str) -> str:
    kept: list[str] = []
    lines = text.split("\n")
    k = 0
    while k < len(lines):
        line = lines[k].strip()
        if line.lower().startswith("data_"):
            kept.append(line.split()[0])
        elif line.lower() == "loop_":
            end = _loop_end(lines, k + 1)
            if _SALVAGED_LOOP.search("\n".join(lines[k:end])):
                kept += lines[k:end]
            k = end - 1
        elif _SALVAGED_ITEM.match(line) and len(line.split()) > 1:
            kept.append(line)
        k += 1
    return "\n".join(kept) + "\n"


def _loop_end(lines: list[str], start: int) -> int:
    in_values = False
    for k in range(start, len(lines)):
        line = lines[k].strip()
        if line.startswith("_"):
            if in_values:
                return k
        elif line.lower().startswith(("loop_", "data_", ";")) or (in_values and not line):
            return k
        elif line and not line.startswith("#"):
            in_values = True
    return len(lines)
