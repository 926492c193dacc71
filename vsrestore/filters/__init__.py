"""One short file per filter: signature, documentation, variants, checks, one call into the runtime."""
