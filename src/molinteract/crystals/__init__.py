"""A CIF block becomes a crystal: reading, symmetry, bonding, molecules, and the reasons to reject (SPEC 1.1, 1.2)."""
