from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from vsrestore.pipeline.errors import PipelineError
from vsrestore.pipeline.job import fitting_calls
from vsrestore.pipeline.script import FilterCall, Opening, parse_filter, resolved, script_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("film", FilterCall("film", {})),
        ("film()", FilterCall("film", {})),
        (" film(grain=0.3, device='cpu') ", FilterCall("film", {"grain": 0.3, "device": "cpu"})),
        ("onnx(path='a b.onnx', tile=(256, 256))", FilterCall("onnx", {"path": "a b.onnx", "tile": (256, 256)})),
    ],
)
def test_calls_are_read(text, expected):
    assert parse_filter(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "film(",
        "film(0.3)",
        "film(grain=open('x'))",
        "film(**{'a': 1})",
        "a.b()",
        "film; film",
        "film(x=y)",
        "3",
        "film(x=1e999)",
        "film(x={[]: 1})",
        "film(x=-1e999)",
        "film(x=" + "(" * 9999,
        "film(x=0x" + "f" * 9999 + ")",
        "film(x='\\0')\0",
        "film(x={{}})",
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(PipelineError, match="cannot be read"):
        parse_filter(text)


def test_unknown_names_are_told_with_what_is_accepted():
    with pytest.raises(PipelineError, match=r"--filter flim: unknown; accepted: .*film"):
        resolved(FilterCall("flim", {}), {})
    with pytest.raises(PipelineError, match=r"film: has no argument 'grian'; accepted: .*grain"):
        resolved(FilterCall("film", {"grian": 1}), {})
    with pytest.raises(PipelineError, match="no argument 'clip'"):
        resolved(FilterCall("film", {"clip": 1}), {})


def test_defaults_go_where_they_fit_and_do_not_win():
    assert resolved(FilterCall("film", {}), {"device": "cpu"}).arguments == {"device": "cpu"}
    assert resolved(FilterCall("film", {"device": "cuda"}), {"device": "cpu"}).arguments == {"device": "cuda"}
    assert resolved(FilterCall("scenes", {}), {"device": "cpu"}).arguments == {}


def test_script_is_what_a_person_would_write():
    calls = [FilterCall("film", {"grain": 0.3})]
    text = script_text(Opening(Path("/films/it's.mkv"), 2, Path("/cache")), calls)
    compile(text, "restore.vpy", "exec")
    assert 'source = "/films/it\'s.mkv"\n' in text
    assert "clip = vs.core.bs.VideoSource(source, track=2, cachepath='/cache')\n" in text
    assert "clip = vsrestore.film(clip, grain=0.3)\nclip.set_output()\n" in text


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        (("film", "upscale"), ["scenes", "film", "upscale"]),
        (("deinterlace", "film"), ["deinterlace", "scenes", "film"]),
        (("static_overlay", "stabilise"), ["scenes", "static_overlay", "stabilise"]),
        (("deinterlace",), ["deinterlace"]),
        (("static_overlay",), ["static_overlay"]),
        (("film", "scenes(threshold=0.4)", "tape"), ["film", "scenes", "tape"]),
        (("film(scene_changes=False)", "tape"), ["film", "tape"]),
    ],
)
def test_cuts_are_marked_once_for_all_filters(texts, names):
    """Where one looks for them, and none says itself what is to become of them."""
    calls = fitting_calls([parse_filter(text) for text in texts], None, SimpleNamespace(fields=True), lambda note: None)
    assert [call.name for call in calls] == names
    assert [call for call in calls if call not in map(parse_filter, texts)] == (
        [FilterCall("scenes", {"shared": True})] if len(names) > len(texts) else []
    )


def test_an_argument_is_set_once():
    with pytest.raises(PipelineError, match=r"sets 'grain' twice"):
        parse_filter("film(grain=0.1, grain=0.2)")


def test_a_path_with_backslashes_warns_nobody(recwarn):
    parse_filter(r"film(model='C:\models\film')")
    assert not recwarn.list
