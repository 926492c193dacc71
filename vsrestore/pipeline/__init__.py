"""From a file to a file: vspipe into ffmpeg, with everything of the source that the picture does not carry itself."""
