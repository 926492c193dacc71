"""Synthetic damage: deterministic, seedable, with random access; pure NumPy. Its filters lie in `vsrestore.filters`."""
