"""What stands in a window for a frame that the clip has not got, in place of its position."""

BLACK = -1
"""A black frame."""
ABSENT = -2
"""None at all: the window is that much shorter. At its end only."""
