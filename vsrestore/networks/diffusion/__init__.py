"""Latent diffusion for restoration: schedules, samplers, the parts of Stable Diffusion 2.1, and DiffBIR made of them."""
