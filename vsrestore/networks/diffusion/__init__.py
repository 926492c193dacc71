"""Latent diffusion: schedules, samplers, the parts of Stable Diffusion 2.1, and DiffBIR, which is made of them."""
