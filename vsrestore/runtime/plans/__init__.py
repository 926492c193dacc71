"""Which frames a network sees, and how it is called with them: one file per way."""
