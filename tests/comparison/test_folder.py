from __future__ import annotations

import pytest

from vsrestore.comparison.errors import ComparisonError
from vsrestore.comparison.folder import check_folder, finished_folder


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
    assert names(tmp_path / "out") == ["index.html"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_nothing(tmp_path, failure):
    with pytest.raises(failure):
        fail(tmp_path / "out", failure)
    assert names(tmp_path) == []


def test_a_failure_leaves_the_earlier_comparison(tmp_path):
    (tmp_path / "index.html").write_text("earlier")
    with pytest.raises(ValueError, match="now"):
        fail(tmp_path, ValueError("now"))
    assert names(tmp_path) == ["index.html"]
    assert (tmp_path / "index.html").read_text() == "earlier"


def test_an_earlier_comparison_is_replaced_and_nothing_else(tmp_path):
    for name in ("index.html", "crop-6-before.png", "frames.csv", "mine.txt"):
        (tmp_path / name).write_text("earlier")
    with finished_folder(tmp_path) as part:
        (part / "index.html").write_text("later")
        (part / "crop-1-before.png").write_text("later")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "index.html": "later",
        "crop-1-before.png": "later",
        "mine.txt": "earlier",
    }


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
        pytest.raises(ComparisonError, match=r"out: cannot be written \(Permission denied\)"),
        finished_folder(tmp_path / "out"),
    ):
        pass
