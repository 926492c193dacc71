import pytest
import torch

from tests.checkpoints.whole_files import safetensors
from vsrestore.cache_folder import CacheError, user_cache
from vsrestore.checkpoints import CheckpointError, find, locate, registry, user_folder
from vsrestore.checkpoints.registry import Entry

COMMON = {"architecture": "edvr", "variant": "x4", "licence": "MIT", "commercial": True}
ENTRIES = {
    "net-a": Entry(name="net-a", file="a.pth", urls=("https://example.org/a.pth",), **COMMON),
    "net-b": Entry(name="net-b", file="b.pth", manual="download it from https://example.org", **COMMON),
}


@pytest.fixture(autouse=True)
def two_entries(monkeypatch, folder):
    monkeypatch.setattr(registry, "entries", lambda: ENTRIES)


def test_a_fetched_file_is_found_by_name(folder):
    torch.save({"a": torch.zeros(1)}, folder / "a.pth")
    assert find("net-a") == folder / "a.pth"
    assert find("net-a", "edvr") == folder / "a.pth"


def test_a_missing_file_brings_the_command_or_the_steps(folder):
    with pytest.raises(CheckpointError, match="fetch it with: vsrestore weights fetch net-a"):
        find("net-a")
    with pytest.raises(CheckpointError, match=r"download it from https://example.org, and save it as .*b\.pth"):
        find("net-b")


def test_a_file_that_changed_is_refused(folder):
    (folder / "a.pth").write_bytes(safetensors(b"one"))
    find("net-a")
    (folder / "a.pth").write_bytes(safetensors(b"another"))
    with pytest.raises(CheckpointError, match="when it was first checked it was"):
        find("net-a")


def test_a_path_is_taken_as_it_is(tmp_path):
    path = tmp_path / "mine.pth"
    path.touch()
    assert find(path) == path
    assert find(str(path)) == path


def test_a_name_wins_over_a_file_of_that_name_unless_written_as_a_path(tmp_path, folder, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net-a").touch()
    with pytest.raises(CheckpointError, match="is not here"):
        find("net-a")
    assert find("./net-a").name == "net-a"


@pytest.mark.parametrize("text", ["none.pth", "some/where", "./none"])
def test_a_path_that_does_not_exist(text):
    with pytest.raises(CheckpointError, match="does not exist"):
        find(text)


def test_a_folder_and_an_unknown_name(tmp_path):
    with pytest.raises(CheckpointError, match="is a folder"):
        find(str(tmp_path))
    with pytest.raises(CheckpointError, match="did you mean net-a"):
        find("net-aa")


def test_the_users_folder(monkeypatch, folder):
    assert user_folder() == folder
    monkeypatch.delenv("VSRESTORE_WEIGHTS")
    assert user_folder() == user_cache()


def test_nobody_knows_where_home_is(monkeypatch):
    def homeless():
        raise CacheError("no home; set HOME to one")

    monkeypatch.setenv("VSRESTORE_WEIGHTS", "~nobody-of-that-name/weights")
    with pytest.raises(CheckpointError, match=r"no folder for checkpoints .*set VSRESTORE_WEIGHTS"):
        user_folder()
    monkeypatch.delenv("VSRESTORE_WEIGHTS")
    monkeypatch.setattr(locate, "user_cache", homeless)
    with pytest.raises(CheckpointError, match=r"no home; set HOME to one, or VSRESTORE_WEIGHTS to one for checkpoints"):
        user_folder()
    with pytest.raises(CheckpointError, match="give the path in full"):
        find("~nobody-of-that-name/a.pth")


@pytest.mark.parametrize("name", ["a" * 300 + ".pth", "a\0b.pth"])
def test_names_that_no_file_can_have(name):
    with pytest.raises(CheckpointError, match=r"cannot be read: File name too long|no name of a file"):
        find(name)


def test_a_folder_in_place_of_the_cache_is_told(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path / "file"))
    with pytest.raises(CheckpointError, match="is not here"):
        find("net-a")
