"""Pre-training by denoising: recipe, noise, objective, loop, checkpoints, measures (SPEC 2.4)."""
