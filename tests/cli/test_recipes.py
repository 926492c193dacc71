from __future__ import annotations

import os
import subprocess
import sys

import pytest

from vsrestore import ffmpeg
from vsrestore.recipes.recipe import shipped, text_of


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.mkv"
    made = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=24:duration=0.2", "-c:v", "ffv1", str(path)]
    subprocess.run([ffmpeg.program(), "-v", "error", "-nostdin", *made], check=True)
    return path


@pytest.fixture
def run(tmp_path):
    """Return a function that runs ``vsrestore`` where no weights were ever fetched."""

    def done(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "VSRESTORE_WEIGHTS": str(tmp_path / "weights")}
        command = [sys.executable, "-m", "vsrestore", *words]
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

    return done


def test_recipes_are_listed_with_what_each_step_would_use(run):
    done = run("recipes")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert [line.split(":")[0] for line in lines if not line.startswith(" ")] == shipped()
    assert "    upscale: upscale(scale=2, model='upscale-x2')" in lines
    assert any(line.startswith("    deblur: left out until weights of one of these are here: rvrt (") for line in lines)
    assert "    interpolate: off" in lines


def test_a_recipe_is_printed_as_it_stands(run):
    assert run("recipes", "vhs").stdout == text_of("vhs")
    done = run("recipes", "no-such")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_a_shipped_recipe_restores_where_nothing_was_fetched(run, video, tmp_path):
    """``outpaint`` names weights of flow by default, which it does not need here."""
    output = tmp_path / "restored.mkv"
    done = run("restore", str(video), "-o", str(output), "--recipe", "family-tape", "--steps", "edges")
    assert done.returncode == 0, done.stderr
    assert output.exists()


def test_the_script_of_a_recipe(run, video):
    done = run("script", str(video), "--recipe", "family-tape", "--device", "cpu", "--use", "denoise=film(grain=0.5)")
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if "vsrestore." in line] == [
        "clip = vsrestore.scenes(clip, shared=True)",
        "clip = vsrestore.lines_in_place(clip, device='cpu')",
        "clip = vsrestore.tape(clip, device='cpu', model='tape')",
        "clip = vsrestore.outpaint(clip, device='cpu', trim=(8, 8, 2, 10), model='mirror')",
        "clip = vsrestore.film(clip, device='cpu', grain=0.5)",
        "clip = vsrestore.upscale(clip, device='cpu', scale=2, model='upscale-x2')",
    ]
    assert "vsrestore: denoise: film(grain=0.5)" in done.stderr.splitlines()
    assert "vsrestore: the picture is not flagged as interlaced; deinterlace is left out" in done.stderr.splitlines()


def test_steps_are_chosen_and_put_in_order(run, video):
    done = run("script", str(video), "--recipe", "vhs", "--steps", "upscale,tape")
    assert [line.split("(")[0] for line in done.stdout.splitlines() if "vsrestore." in line] == [
        "clip = vsrestore.scenes",
        "clip = vsrestore.upscale",
        "clip = vsrestore.tape",
    ]


def test_a_recipe_of_ones_own_restores(run, video, tmp_path):
    recipe = tmp_path / "mine.toml"
    recipe.write_text("[[step]]\nname = 'cuts'\nfilter = 'scenes(threshold=0.5)'\n")
    output = tmp_path / "out.mkv"
    done = run("restore", str(video), "-o", str(output), "--recipe", str(recipe), "--preset", "ultrafast")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("vsrestore: cuts: scenes(threshold=0.5)\n")
    assert output.stat().st_size


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--recipe", "nothing"), "no such recipe"),
        (("--recipe", "vhs", "--filter", "film"), "do not go together"),
        (("--recipe", "vhs", "--steps", "polish"), "'polish' is not known"),
        (("--recipe", "vhs", "--use", "tape"), "--use 'tape': cannot be read"),
        (("--recipe", "vhs", "--use", "tape=film(grain=exit())"), "cannot be read"),
        (("--recipe", "vhs", "--steps", "deblur"), "nothing is left to do"),
        (("--recipe", "vhs", "--use", "tape=ddcolor(model='ddcolor-modelscope')"), "weights fetch ddcolor-modelscope"),
        (("--filter", "scenes", "--steps", "tape"), "--steps goes with --recipe"),
        (("--filter", "scenes", "--use", "tape=film"), "--use goes with --recipe"),
    ],
)
def test_wishes_that_cannot_be_are_one_line(run, video, tmp_path, words, message):
    output = tmp_path / "out.mkv"
    done = run("restore", str(video), "-o", str(output), *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not output.exists()
