"""Networks the way their papers write them, with the weights of ours: what our ways are measured by."""
