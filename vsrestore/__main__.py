"""``python -m vsrestore`` is the command ``vsrestore``."""

from __future__ import annotations

from vsrestore.cli import main

main()
