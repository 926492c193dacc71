"""The recipe of a network that the tests of commands can train in moments."""

TINY_RECIPE = """
task = "film"
[network.settings]
widths = [8, 8, 8]
blocks = [1, 0, 0, 0, 0]
[data]
crop = 32
frames = 5
[schedule]
batch = 1
{schedule}
"""
