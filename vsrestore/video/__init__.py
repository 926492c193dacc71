"""The VapourSynth side: formats, properties, frames as arrays, scenes, checks and errors. No torch."""
