"""Recipes: which steps a kind of footage goes through, in which order, and which filter does each of them."""
