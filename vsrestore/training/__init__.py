"""Training our own networks: recipes, data, losses, schedule, loop, validation."""
