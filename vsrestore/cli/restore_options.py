"""The options of ``vsrestore restore``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Shape(StrEnum):
    """How progress is shown."""

    BAR = "bar"
    JSON = "json"


Inputs = Annotated[
    list[str], typer.Argument(metavar="INPUT...", help="video files, folders of them, or a URL", show_default=False)
]
Output = Annotated[
    str,
    typer.Option(
        *("-o", "--output"),
        metavar="FILE",
        help="restored file: .mkv, .mp4, .m4v or .mov; a folder for several inputs",
    ),
]
Filters = Annotated[
    list[str] | None, typer.Option("--filter", help='filter to apply, e.g. film or "film(grain=0.3)"; repeatable')
]
Script = Annotated[
    Path | None, typer.Option(help="script of your own: it finds the input as `source` and sets output 0")
]
Encoder = Annotated[str, typer.Option(help="x264, x265, ffv1 or svt-av1")]
Quality = Annotated[float | None, typer.Option(help="quality, lower is better; default by encoder")]
Preset = Annotated[str | None, typer.Option(help="speed of the encoder")]
FfmpegArgs = Annotated[str, typer.Option(help="further output options for ffmpeg, in one string")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="replace an existing output")]
SkipExisting = Annotated[bool, typer.Option("--skip-existing", help="leave inputs out whose output exists")]
Device = Annotated[str | None, typer.Option(help="device of the filters, e.g. cpu or cuda:0")]
PrecisionName = Annotated[str | None, typer.Option(help="precision of the filters")]
Fetched = Annotated[str | None, typer.Option(help="format choice for a URL, as yt-dlp's -f")]
Start = Annotated[str | None, typer.Option(help="begin at a frame (1440) or time (1:00.5 or 60.5s)")]
End = Annotated[str | None, typer.Option(help="end before a frame or time")]
Preview = Annotated[
    int, typer.Option(help="instead of all, so many seconds, evenly spread, each beside what it was", min=0)
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="say what would be done, and how long it would take by a few frames")
]
SegmentSeconds = Annotated[float, typer.Option(help="seconds of a segment: at most one is lost", min=0.1)]
FolderOfJob = Annotated[
    Path | None, typer.Option(help="where finished segments wait; by default OUTPUT.vsrestore", show_default=False)
]
Restart = Annotated[bool, typer.Option("--restart", help="begin anew where a job has begun")]
ClusterAddress = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="let workers of a Dask scheduler render (tcp://HOST:8786), or so many on this machine (local:2)",
        show_default=False,
    ),
]
Maps = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="HERE=THERE", help="a folder here, and its path on workers; repeatable"),
]
AllowMixed = Annotated[
    bool, typer.Option("--allow-mixed", help="let workers render that may give other frames, and say how far off")
]
ProgressShape = Annotated[Shape, typer.Option(help="a bar, or lines of JSON for other programs")]
