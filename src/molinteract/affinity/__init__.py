"""Paper: binding affinity. A protein–ligand complex becomes the same patch as a crystal contact (SPEC 4)."""
