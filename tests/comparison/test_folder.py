from __future__ import annotations

import hashlib

import pytest

from vsrestore.comparison.errors import ComparisonError
from vsrestore.comparison.folder import MANIFEST, check_folder, finished_folder
from vsrestore.errors import VsrestoreError
from vsrestore.pipeline.workplace import LOCK, workplace_of


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def fail(folder, failure):
    with finished_folder(folder) as part:
        (part / "index.html").write_text("page")
        raise failure


def test_the_folder_is_made_in_the_end(tmp_path):
    with finished_folder(tmp_path / "out") as part:
        (part / "index.html").write_text("page")
        assert not (tmp_path / "out").exists()
    assert names(tmp_path) == ["out"]
    assert names(tmp_path / "out") == [MANIFEST, "index.html"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_nothing(tmp_path, failure):
    with pytest.raises(failure):
        fail(tmp_path / "out", failure)
    assert names(tmp_path) == []


def test_a_failure_leaves_the_earlier_comparison(tmp_path):
    made(tmp_path / "out", index_html="earlier")
    with pytest.raises(ValueError, match="now"):
        fail(tmp_path / "out", ValueError("now"))
    assert names(tmp_path / "out") == [MANIFEST, "index.html"]
    assert (tmp_path / "out" / "index.html").read_text() == "earlier"


def made(folder, **files):
    with finished_folder(folder) as part:
        for name, text in files.items():
            (part / name.replace("__", "-").replace("_", ".")).write_text(text)


def test_what_a_killed_comparison_left_is_cleared(tmp_path):
    made(tmp_path / "old", index_html="earlier")
    left = [workplace_of(tmp_path / "out"), workplace_of(tmp_path / "old" / "index.html")]
    for folder in left:
        (folder / "comparison").mkdir(parents=True)
        (folder / LOCK).touch()
        (folder / "comparison" / "side-by-side.mp4").write_text("half")
    made(tmp_path / "out", index_html="now")
    made(tmp_path / "old", index_html="now")
    assert names(tmp_path) == ["old", "out"]
    assert names(tmp_path / "old") == names(tmp_path / "out") == [MANIFEST, "index.html"]


def test_one_folder_has_one_comparison(tmp_path):
    with (
        finished_folder(tmp_path / "out"),
        pytest.raises(VsrestoreError, match="another run is writing it"),
        finished_folder(tmp_path / "out"),
    ):
        pass


def test_an_earlier_comparison_is_replaced_and_nothing_else(tmp_path):
    folder = tmp_path / "out"
    made(folder, index_html="earlier", crop__6__before_png="earlier", frames_csv="earlier")
    (folder / "mine.txt").write_text("mine")
    check_folder(folder, [], overwrite=True)
    made(folder, index_html="later", crop__1__before_png="later")
    assert {path.name: path.read_text() for path in folder.iterdir() if path.name != MANIFEST} == {
        "index.html": "later",
        "crop-1-before.png": "later",
        "mine.txt": "mine",
    }
    made(folder, index_html="latest")
    assert names(folder) == [MANIFEST, "index.html", "mine.txt"]


@pytest.mark.parametrize("name", ["index.html", "frames.csv", "side-by-side.mp4", "crop-1-before.png", "crop-mine.png"])
def test_what_no_comparison_wrote_is_left_alone(tmp_path, name):
    """A user's own page or picture, in a folder that never held a comparison or beside one."""
    for folder in (tmp_path / "own", tmp_path / "out"):
        if folder.name == "out":
            made(folder, index_html="comparison")
        else:
            folder.mkdir()
        (folder / name).write_text("mine")
        with pytest.raises(ComparisonError, match="no comparison wrote it, or it was changed since"):
            check_folder(folder, [], overwrite=True)
        with pytest.raises(ComparisonError, match="no comparison wrote it"):
            made(folder, index_html="later")
        assert (folder / name).read_text() == "mine"


def test_a_manifest_names_nothing_but_files_of_a_comparison(tmp_path):
    folder = tmp_path / "out"
    made(folder, index_html="earlier")
    (tmp_path / "mine").write_text("mine")
    with (folder / MANIFEST).open("a") as file:
        file.write(f"{hashlib.sha256(b'mine').hexdigest()}  ../mine\n")
    made(folder, index_html="later")
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_long_name(tmp_path):
    made(tmp_path / ("a" * 250), index_html="page")
    assert len(names(tmp_path)) == 1


def test_folders_that_cannot_be(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    for folder, overwrite, message in (
        (file, True, "is a file"),
        (tmp_path / "none" / "out", False, "no such folder"),
        (file / "out", False, "no such folder"),
        (tmp_path, False, "exists; --overwrite"),
        (tmp_path, True, "holds a.mkv, which is to be compared"),
    ):
        with pytest.raises(ComparisonError, match=message):
            check_folder(folder, [tmp_path / "a.mkv"], overwrite=overwrite)
    check_folder(tmp_path / "out", [tmp_path / "a.mkv"], overwrite=False)


def test_a_place_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    def refused(*_arguments, **_words):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", refused)
    with (
        pytest.raises(VsrestoreError, match=r"out: cannot be written \(Permission denied\)"),
        finished_folder(tmp_path / "out"),
    ):
        pass
