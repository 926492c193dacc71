from __future__ import annotations

import subprocess
import sys

import pytest


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "vsrestore", *words], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    from vsrestore.pipeline import programs

    path = tmp_path_factory.mktemp("film") / "film.mkv"
    made = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=24:duration=0.2", "-c:v", "ffv1", str(path)]
    subprocess.run([programs.ffmpeg(), "-v", "error", "-nostdin", *made], check=True)
    return path


def test_script_prints_what_restore_runs(film):
    done = run("script", str(film), "--filter", "film(grain=0.5)", "--device", "cpu")
    assert done.returncode == 0
    assert f"source = {str(film)!r}" in done.stdout
    assert "clip = vsrestore.film(clip, device='cpu', grain=0.5)" in done.stdout
    assert done.stdout.endswith("clip.set_output()\n")


def test_a_url_is_refused():
    done = run("script", "https://example.org/film.mp4", "--filter", "film")
    assert done.returncode == 2
    assert "fetch it first" in done.stderr


def test_info_names_everything_that_takes_part():
    done = run("info")
    names = [line.split(":")[0] for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert {"vsrestore", "python", "system", "vapoursynth", "plugins", "torch", "GPU", "onnxruntime", "ffmpeg"} <= set(
        names
    )


def test_the_command_loads_no_network_library():
    code = (
        "import sys; from vsrestore.cli import build; build(); print({'torch', 'onnxruntime', 'av'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
