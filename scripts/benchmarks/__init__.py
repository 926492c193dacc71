"""Benchmarks of vsrestore: ``scripts/bench NAME``."""
