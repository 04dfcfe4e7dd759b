"""The paper's network, section by section: embedding, interaction, readout, heads (SPEC 2)."""
