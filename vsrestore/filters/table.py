"""The filters: their one list, from which the package, its stub and the README's table are made.

A new filter is a function in a file of its name, and a row here; ``scripts/filter_lists.py`` writes the rest.
"""

from __future__ import annotations

# Package -> the modules in it that each hold the filter of their name.
_MODULES = {
    "vsrestore.filters": (
        "adacof",
        "analog_swin_unet",
        "basicvsrpp",
        "bsrnet",
        "ddcolor",
        "deoldify",
        "diffbir",
        "digital_damage",
        "edvr",
        "esrgan",
        "film",
        "film_damage",
        "film_mask",
        "image_model",
        "interpolate",
        "levels",
        "lines_in_place",
        "mat",
        "mmp_rnn",
        "onnx",
        "outpaint",
        "propainter",
        "psrt",
        "realbasicvsr",
        "rife",
        "rvrt",
        "scunet",
        "style",
        "swinir",
        "tape",
        "tape_damage",
        "tape_reference",
        "tcvc",
        "uformer",
        "unet",
        "upscale",
    ),
    "vsrestore.video": ("deflicker", "deinterlace", "scenes", "stabilise", "static_overlay"),
}

FILTERS = dict(sorted((name, f"{package}.{name}") for package, names in _MODULES.items() for name in names))
"""Filter -> the module that holds it, sorted by name."""
