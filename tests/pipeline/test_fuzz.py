"""Filter expressions and media files that chance has made or changed: read as they are meant, or an error in words."""

from __future__ import annotations

import ast
import math
import subprocess
from pathlib import Path
from random import Random

import pytest
from hypothesis import strategies as st

import vsrestore
from tests.fuzzing import CORPUS, LETTERS, mutated, seeds, structures, taken
from vsrestore import ffmpeg
from vsrestore.pipeline.containers import CONTAINERS, copy_plan
from vsrestore.pipeline.errors import PipelineError
from vsrestore.pipeline.packets import loss
from vsrestore.pipeline.probe import probe
from vsrestore.pipeline.script import Opening, parse_filter, resolved, script_text
from vsrestore.pipeline.survey import survey

NUMBERS = st.integers(-(2**70), 2**70) | st.floats() | st.complex_numbers(allow_nan=False)
LITERALS = st.recursive(
    NUMBERS | st.booleans() | st.none() | st.text(LETTERS, max_size=6) | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(st.text(LETTERS), inner, max_size=2),
    max_leaves=4,
)
NAMES = st.sampled_from([*sorted(vsrestore.FILTERS), "exec", "__import__", "film.film", "vs", ""])
KEYS = st.sampled_from(["grain", "device", "precision", "model", "chunk", "clip", "self", "**", "__class__", "if"])
PIECES = st.sampled_from([
    "film", "(", ")", "[", "]", "{", "}", "=", ",", ":", "*", "**", ".", "grain=0.3", "lambda:0", "f'{1}'", "1e999",
    "-", "x for x in y", ":=", "\\\n", "#", ";", "'", '"""', "9" * 5000, "(" * 300, "await", "b'", "\\N{", "0x", "1_0",
    "...",
])  # fmt: skip


def written(name: str, arguments: dict[str, object]) -> str:
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"


EXPRESSIONS = (
    st.builds(written, NAMES, st.dictionaries(KEYS, LITERALS, max_size=3))
    | st.lists(PIECES | st.text(LETTERS, max_size=3), max_size=8).map("".join)
    | st.text(LETTERS, max_size=20)
)


def assert_read_as_meant(text: str) -> None:
    """What is written into the script is a call of one filter with literals, and means the same again."""
    call = resolved(parse_filter(text), {})
    lines = script_text(Opening(Path("/a")), [call]).splitlines()
    tree = ast.parse(lines[-2]).body
    assert len(tree) == 1
    made = tree[0].value
    assert isinstance(made, ast.Call)
    assert ast.unparse(made.func) == f"vsrestore.{call.name}"
    assert [ast.unparse(word) for word in made.args] == ["clip"]
    assert {word.arg: ast.literal_eval(word.value) for word in made.keywords} == call.arguments


def test_filter_expressions():
    refused = []

    def check(text: str) -> None:
        refused.append(taken(lambda: assert_read_as_meant(text), PipelineError, text))

    for text in (CORPUS / "expressions.txt").read_text().split("\n%\n"):
        check(text.encode().decode("unicode_escape"))
    structures(EXPRESSIONS, check)
    assert True in refused
    assert False in refused


KINDS = {
    "a.mp4": ("-c:v", "libx264", "-c:a", "aac", "-movflags", "+faststart"),
    "a.mkv": ("-c:v", "mpeg4", "-c:a", "libmp3lame"),
    "a.avi": ("-c:v", "mjpeg", "-c:a", "pcm_s16le"),
    "a.ts": ("-c:v", "mpeg2video", "-c:a", "mp2"),
}


@pytest.mark.parametrize("name", KINDS)
def test_media(tmp_path, name):
    """All that is asked of a source before vspipe and ffmpeg start."""
    graphs = ("-f", "lavfi", "-i", "testsrc2=size=32x32:rate=25:duration=0.3", "-f", "lavfi", "-i", "sine=duration=0.3")
    command = [ffmpeg.program(), "-v", "error", *graphs, "-pix_fmt", "yuv420p", *KINDS[name], name]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    path = tmp_path / name
    whole = path.read_bytes()

    def look() -> None:
        media = probe(path)
        seen = survey(media)
        told = loss(media, seen.packets)
        assert told is None or told.isprintable()
        assert math.isfinite(media.picture.start)
        copy_plan(media, seen, CONTAINERS[".mkv"], tmp_path)

    for seed in seeds():
        path.write_bytes(mutated(whole, Random(seed)))
        taken(look, PipelineError, seed)
