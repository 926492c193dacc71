"""Where networks run: the choice of a device, and for each kind what feeds it."""
