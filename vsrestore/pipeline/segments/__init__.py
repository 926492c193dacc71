"""A job in segments: what is finished stays finished, whoever rendered it and however that ended."""
