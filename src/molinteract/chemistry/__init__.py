"""A molecule becomes chemistry: bond orders, charges, aromaticity, donors and acceptors, SMILES (SPEC 1.1, 3)."""
