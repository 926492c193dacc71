import csv
import subprocess

import pytest

from vsrestore import ffmpeg


@pytest.fixture(scope="session")
def shots_folder(tmp_path_factory):
    """Four tiny shots that ffmpeg draws, with an index: three permissive (two of one origin), one not."""
    folder = tmp_path_factory.mktemp("shots")
    rows = [("a1.mkv", "a", "permissive"), ("a2.mkv", "a", "permissive"), ("b.mkv", "b", "permissive")]
    rows.append(("c.mkv", "c", "noncommercial"))
    for name, _, _ in rows[:3]:
        source = "testsrc2=size=96x80:rate=24:duration=0.5"
        command = [ffmpeg.program(), "-v", "error", "-f", "lavfi", "-i", source, "-c:v", "ffv1"]
        subprocess.run([*command, str(folder / name)], check=True)
    with (folder / "index.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "w", "h", "origin", "licence_class"))
        writer.writerows((name, 96, 80, origin, licence) for name, origin, licence in rows)
    return folder
