from __future__ import annotations

import subprocess
import sys

import pytest


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "vsrestore", *words], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    from vsrestore import ffmpeg

    path = tmp_path_factory.mktemp("film") / "film.mkv"
    made = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=24:duration=0.2", "-c:v", "ffv1", str(path)]
    subprocess.run([ffmpeg.program(), "-v", "error", "-nostdin", *made], check=True)
    return path


def test_script_prints_what_restore_runs(film):
    done = run("script", str(film), "--filter", "film(grain=0.5)", "--device", "cpu")
    assert done.returncode == 0
    assert f"source = {str(film)!r}" in done.stdout
    assert (
        "clip = vsrestore.scenes(clip, shared=True)\nclip = vsrestore.film(clip, device='cpu', grain=0.5)"
        in done.stdout
    )
    assert done.stdout.endswith("clip.set_output()\n")


def test_a_url_is_refused():
    done = run("script", "https://example.org/film.mp4", "--filter", "film")
    assert done.returncode == 2
    assert "fetch it first" in done.stderr


@pytest.mark.slow
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


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help_tells_every_summary_to_its_end(word):
    done = run(word)
    assert done.returncode == 0
    assert "..." not in done.stdout.split("Commands:")[1]
    assert "chapters and tags are kept." in " ".join(done.stdout.split())


def test_the_version_is_told():
    from vsrestore import __version__

    assert run("--version").stdout == f"vsrestore {__version__}\n"


def test_the_filters_are_listed_and_shown():
    from vsrestore.pipeline.script import filter_names

    listed = run("filters").stdout.splitlines()
    assert [line.split()[0] for line in listed] == filter_names()
    assert all(len(line.split()) > 3 for line in listed)
    assert run("filters", "film").stdout.startswith("film(clip")
    assert run("filters", "flim").returncode == 2


def test_the_printed_script_runs_under_vspipe_from_where_it_was_printed(film, tmp_path, monkeypatch):
    from vsrestore.pipeline import programs

    monkeypatch.chdir(film.parent)
    text = run("script", film.name, "--filter", "scenes").stdout
    (tmp_path / "printed.vpy").write_text(text)
    command = [programs.vspipe(), "--info", str(tmp_path / "printed.vpy"), "-"]
    done = subprocess.run(command, capture_output=True, text=True, env=programs.environment(), check=False)
    assert "Width: 64" in done.stdout, done.stderr
