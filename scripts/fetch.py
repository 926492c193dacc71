"""Fetch the video behind a URL into a folder and print the path of the file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from vsrestore.errors import VsrestoreError
from vsrestore.pipeline.source import fetch


def main() -> None:
    """Read the command line and fetch; a failure is one line on stderr and exit code 2."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("url", help="of the video or of the page that shows it")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quality", help="format choice, as yt-dlp's -f")
    arguments = parser.parse_args()
    try:
        print(fetch(arguments.url, arguments.quality, arguments.folder))
    except VsrestoreError as error:
        print(f"fetch: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
