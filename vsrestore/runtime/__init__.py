"""How frames meet networks: descriptor, chunks, windows, tiles, precision, device."""
