"""Awkward CIF text: what a strict parser refuses is mended where cell, symmetry and atoms are whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.strategies import COLUMNS, cif_text, pack

from molinteract.core.reasons import Reason
from molinteract.core.settings import Limits, Policies
from molinteract.crystals.assemble import assemble
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.read import read_cif
from molinteract.crystals.rejected import Rejected

UREA = pack("urea", "P 1 21/c 1", seed=1)
TEXT = UREA.cif()


def read(text):
    data = text if isinstance(text, bytes) else text.encode()
    return list(read_cif(data, source="folder", file="a.cif"))


def molecules(raw):
    crystal = assemble(raw, policies=Policies(), limits=Limits())
    return [(found.formula, len(found.images)) for found in crystal.molecules]


def assert_urea(text, *, notes=None):
    (raw,) = read(text)
    assert isinstance(raw, RawStructure), raw
    assert molecules(raw) == [("CH4N2O", 4)]
    if notes is not None:
        assert bool(raw.notes) is notes
    return raw


def before(line, added):
    return TEXT.replace(line, f"{added}\n{line}", 1)


def test_every_item_of_a_plain_block_is_read():
    items = ["_chemical_formula_sum 'C H4 N2 O'", "_cell_formula_units_Z 4", "_exptl_crystal_density_diffrn 1.335(2)"]
    items += ["_space_group_IT_number 14", "_symmetry_space_group_name_Hall '-P 2ybc'"]
    (raw,) = read(UREA.cif(items=items, name="I"))
    assert (raw.entry, raw.source, raw.file, raw.block) == ("a.cif#I", "folder", "a.cif", "I")
    assert raw.formula_sum == "C H4 N2 O"
    assert (raw.formula_units, raw.density, raw.space_group_number) == (4.0, 1.335, 14)
    assert (raw.hermann_mauguin, raw.hall) == ("P 1 21/c 1", "-P 2ybc")
    assert raw.operations == UREA.operations
    assert raw.labels == UREA.labels
    assert raw.type_symbols == UREA.symbols
    assert raw.notes == ()
    np.testing.assert_allclose(raw.cell, UREA.cell)
    np.testing.assert_allclose(raw.fractional, UREA.fractional, atol=1e-6)
    assert np.isnan(raw.occupancies).all()


def test_missing_items_are_empty_or_nan():
    rows = [(*row, "?", ".", "?") for row in [("C1", "C", 0.1, 0.2, 0.3)]]
    columns = (*COLUMNS, "occupancy", "disorder_group", "calc_flag")
    (raw,) = read(cif_text(cell=UREA.cell, rows=rows, columns=columns, operations=()))
    assert (raw.formula_sum, raw.hall, raw.hermann_mauguin, raw.space_group_number) == ("", "", "", 0)
    assert np.isnan([raw.formula_units, raw.density]).all()
    assert np.isnan(raw.occupancies).all()
    assert (raw.disorder_groups, raw.calc_flags, raw.operations) == (("",), ("",), ())


def test_standard_uncertainties_are_stripped():
    text = TEXT.replace("_cell_length_a 10.449", "_cell_length_a 10.449(12)")
    row = next(line for line in TEXT.split("\n") if line.startswith("C1 "))
    parts = row.split()
    text = text.replace(row, " ".join([*parts[:2], *(f"{value}(3)" for value in parts[2:])]))
    raw = assert_urea(text)
    assert raw.cell[0] == 10.449


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n\n"])
def test_line_ends_do_not_matter(end):
    text = TEXT.replace("\n", end) if end != "\n\n" else TEXT + "\n\n"
    assert_urea(text, notes=False)


def test_a_byte_order_mark_does_not_matter():
    assert_urea(b"\xef\xbb\xbf" + TEXT.encode(), notes=False)


def test_text_in_latin_1_is_read():
    assert_urea(before("_cell_length_a", "_chemical_name_common 'caféine'").encode("latin-1"), notes=False)


def test_nul_and_end_of_file_characters_do_not_matter():
    assert_urea(TEXT.encode() + b"\x00\x00\x1a", notes=False)


def test_tags_in_capitals_are_read():
    assert_urea(TEXT.replace("_cell_length", "_Cell_Length").replace("_atom_site", "_ATOM_SITE"), notes=False)


def test_a_duplicate_tag_of_metadata_is_mended_and_noted():
    line = "_chemical_formula_sum 'C H4 N2 O'"
    raw = assert_urea(before("_cell_length_a", f"{line}\n{line}"), notes=True)
    assert "duplicate tag" in raw.notes[0]


def test_an_unterminated_quote_of_metadata_is_mended_and_noted():
    raw = assert_urea(before("_cell_length_a", "_chemical_name_common 'it goes on"), notes=True)
    assert "unterminated" in raw.notes[0]


def test_an_emptied_item_is_mended():
    assert_urea(before("_cell_length_a", "_shelx_res_file"), notes=True)


def test_text_before_the_first_block_is_dropped():
    assert_urea("a letter to the editor\nwith 'quotes\n" + TEXT, notes=True)


def test_a_damaged_loop_of_reflections_costs_only_itself():
    assert_urea(TEXT + "loop_\n_refln_index_h\n_refln_index_k\n1 2 3\n", notes=True)


@pytest.mark.parametrize("tag", ["_shelx_hkl_file", "_shelx_res_file", "_iucr_refine_instructions_details"])
def test_embedded_text_files_are_left_out(tag):
    assert_urea(f"{TEXT}{tag}\n;\n 1 0 0 12.3 0.1\ndata_inside\nloop_\n 'open\n;\n", notes=False)


def test_an_embedded_reflection_file_without_end_is_left_out():
    assert_urea(f"{TEXT}_shelx_hkl_file\n;\n 1 0 0 12.3 0.1\n 0 0 0\n", notes=True)


@pytest.mark.parametrize("cut", [20, 28, 55])
def test_a_file_cut_within_its_atoms_is_refused(cut):
    (found,) = read(TEXT[:-cut])
    assert isinstance(found, Rejected)
    assert found.reason is Reason.PARSE_ERROR
    assert "loop" in found.detail


def test_a_damaged_block_does_not_cost_the_blocks_around_it():
    damaged = UREA.cif(name="second").rstrip().rsplit(" ", 1)[0] + "\n"
    first, second, third = read(TEXT + damaged + UREA.cif(name="third"))
    assert molecules(first) == molecules(third) == [("CH4N2O", 4)]
    assert isinstance(second, Rejected)
    assert (second.reason, second.entry) == (Reason.PARSE_ERROR, "a.cif#second")


def test_a_block_named_inside_a_text_field_is_none_also_in_a_damaged_file():
    text = before("_cell_length_a", "_publ_section_comment\n;\nsee\ndata_elsewhere\n;")
    damaged = UREA.cif(name="second").rstrip().rsplit(" ", 1)[0] + "\n"
    first, second, third = read(text + damaged + UREA.cif(name="third"))
    assert (first.block, first.notes) == ("test", ())
    assert molecules(first) == molecules(third) == [("CH4N2O", 4)]
    assert second.entry == "a.cif#second"


@pytest.mark.parametrize("closed", ["", "_publ_section_comment\n;\nsee\ndata_elsewhere\n;\n"])
def test_a_text_field_without_end_does_not_cost_the_blocks_after_it(closed):
    damaged = UREA.cif(name="first") + "_publ_section_comment\n;\nnever closed\n"
    names = {raw.block: raw for raw in read(damaged + UREA.cif(name="second") + closed + UREA.cif(name="third"))}
    assert molecules(names["second"]) == molecules(names["third"]) == [("CH4N2O", 4)]


@pytest.mark.parametrize("line", ["_cell_length_a 10.4 'x", "_cell_length_a 'x"])
def test_a_damaged_line_of_the_cell_is_not_left_out_silently(line):
    found = read(TEXT.replace("_cell_length_a 10.449", line))
    assert all(isinstance(each, Rejected) or not np.isfinite(each.cell).all() for each in found)


def test_blocks_of_equal_names_become_two_entries():
    found = read(TEXT + TEXT)
    assert [raw.entry for raw in found] == ["a.cif#test", "a.cif#test~2"]
    assert all(molecules(raw) == [("CH4N2O", 4)] for raw in found)


def test_blocks_of_metadata_are_passed_over():
    (raw,) = read("data_global\n_publ_author_name 'A. N. Other'\n\n" + TEXT + "data_end\n_audit_x 1\n")
    assert raw.block == "test"


@pytest.mark.parametrize("text", ["", "\n", "data_global\n_publ_author_name 'x'\n", "no CIF at all", bytes(range(256))])
def test_a_file_without_entries_is_one_reject(text):
    (found,) = read(text)
    assert isinstance(found, Rejected)
    assert found.reason is Reason.PARSE_ERROR
    assert found.detail
    assert (found.source, found.file, found.entry) == ("folder", "a.cif", "a.cif#")


def test_an_operation_without_a_loop_is_read():
    text = UREA.cif(operations=(), symbol="", items=["_symmetry_equiv_pos_as_xyz 'x, y, z'"])
    (raw,) = read(text)
    assert raw.operations == ("x, y, z",)
    assert molecules(raw) == [("CH4N2O", 1)]


@pytest.mark.parametrize(
    "tag", ["_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz", "_space_group_symop.operation_xyz"]
)
def test_old_and_new_names_of_the_operations_are_read(tag):
    assert assert_urea(TEXT.replace("_symmetry_equiv_pos_as_xyz", tag)).operations == UREA.operations


def test_operations_with_a_column_of_numbers_are_read():
    text = UREA.cif(operations=[])
    lines = ["loop_", "_space_group_symop_id", "_space_group_symop_operation_xyz"]
    lines += [f"{k + 1} '{op}'" for k, op in enumerate(UREA.operations)]
    assert_urea(text + "\n".join(lines) + "\n")


def test_operations_that_are_question_marks_leave_the_name():
    assert assert_urea(UREA.cif(operations=["?"])).operations == ()


def test_unknown_and_dummy_rows_are_dropped():
    rows = [(*row, "d") for row in zip(UREA.labels, UREA.symbols, *np.round(UREA.fractional, 6).T, strict=True)]
    rows += [("H9", "H", "?", "?", "?", "calc"), ("X1", "C", ".", ".", ".", "."), ("Q1", "C", 0.5, 0.5, 0.1, "dum")]
    assert_urea(UREA.cif(rows=rows, columns=(*COLUMNS, "calc_flag")))


def test_dummy_elements_are_dropped():
    rows = list(zip(UREA.labels, UREA.symbols, *np.round(UREA.fractional, 6).T, strict=True))
    assert_urea(UREA.cif(rows=[*rows, ("Cg1", "Du", 0.5, 0.5, 0.1), ("DUM2", "?", 0.1, 0.5, 0.1)]))


@pytest.mark.parametrize("formula", [[], ["_chemical_formula_sum 'C H4 N2 O'"]])
def test_a_missing_column_of_types_leaves_the_labels(formula):
    rows = list(zip(UREA.labels, *np.round(UREA.fractional, 6).T, strict=True))
    assert_urea(UREA.cif(rows=rows, columns=[c for c in COLUMNS if c != "type_symbol"], items=formula))


def test_a_missing_column_of_labels_leaves_the_types():
    rows = list(zip(UREA.symbols, *np.round(UREA.fractional, 6).T, strict=True))
    assert_urea(UREA.cif(rows=rows, columns=[c for c in COLUMNS if c != "label"]))


def test_types_that_are_question_marks_leave_the_labels():
    rows = list(
        zip(UREA.labels, ["?" if s == "H" else s for s in UREA.symbols], *np.round(UREA.fractional, 6).T, strict=True)
    )
    assert_urea(UREA.cif(rows=rows))


def test_deuterium_is_hydrogen():
    assert_urea(TEXT.replace(" H ", " D "))
    assert_urea(before("_cell_length_a", "_chemical_formula_sum 'C D4 N2 O'").replace(" H ", " D "))


def test_angles_that_are_not_mentioned_are_right_and_unknown_ones_are_unknown():
    lines = [line for line in TEXT.split("\n") if "angle_alpha" not in line and "angle_gamma" not in line]
    assert_urea("\n".join(lines))
    (raw,) = read(TEXT.replace("_cell_angle_beta 108.0", "_cell_angle_beta ?"))
    assert np.isnan(raw.cell[4])


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_damage_to_the_text_raises(data):
    """Delete, double or garble a stretch: reading gives entries or rejects, never an exception."""
    source = TEXT.encode()
    start = data.draw(st.integers(0, len(source)))
    end = data.draw(st.integers(start, min(len(source), start + 60)))
    middle = data.draw(st.one_of(st.just(b""), st.just(source[start:end] * 2), st.binary(max_size=8)))
    found = read(source[:start] + middle + source[end:])
    assert found
    assert all(isinstance(each, RawStructure | Rejected) for each in found)
