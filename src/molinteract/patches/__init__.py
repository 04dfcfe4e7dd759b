"""A crystal becomes patches: neighbours, cut, edges, contact orbits (SPEC 1.2)."""
