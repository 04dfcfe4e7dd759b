"""One small crystal that is always at hand: for warming up, for the health check and for tests."""

from typing import Final

FORMIC_ACID: Final = b"""data_formic_acid
_cell_length_a 10.241
_cell_length_b 3.544
_cell_length_c 5.356
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
loop_
_symmetry_equiv_pos_as_xyz
x,y,z
-x,-y,z+1/2
x+1/2,-y,z
-x+1/2,y,z+1/2
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
C1 C 0.1540 0.2530 0.0530
O1 O 0.1270 0.1520 0.2650
O2 O 0.0850 0.1600 -0.1360
H1 H 0.2340 0.3900 -0.0100
H2 H 0.1120 0.0400 0.4300
"""
