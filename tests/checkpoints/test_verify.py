import hashlib
import os
import sys

import pytest

from tests.checkpoints.whole_files import safetensors
from vsrestore.checkpoints import CheckpointError, verify
from vsrestore.checkpoints.registry import Entry
from vsrestore.checkpoints.verify import ensure, git_blob_of, read_pin

CONTENT = safetensors(b"these are weights")
BLOB = hashlib.sha1(f"blob {len(CONTENT)}\0".encode() + CONTENT).hexdigest()
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def _entry(**changes):
    fields = {"name": "net-a", "architecture": "edvr", "variant": "x4", "file": "a.pth", "urls": ("https://a",)}
    return Entry(**{**fields, "licence": "MIT", "commercial": True, **changes})


@pytest.fixture
def path(folder):
    path = folder / "a.pth"
    path.write_bytes(CONTENT)
    return path


@pytest.mark.parametrize(
    ("known", "confirmed"),
    [
        ({"sha256": SHA256, "recorded": "A"}, "sha256 as published"),
        ({"sha256": SHA256[:8], "recorded": "A"}, "first 8 of 64 digits of sha256 as published"),
        ({"sha256": SHA256, "recorded": "T1"}, "sha256 as published"),
        ({"md5": hashlib.md5(CONTENT).hexdigest(), "recorded": "T1"}, "md5 as published"),
        ({"git_blob": BLOB, "recorded": "G"}, "git blob id as published"),
        ({}, "pinned now (no hash is published)"),
    ],
)
def test_what_is_confirmed(path, known, confirmed):
    assert verify(path, _entry(**known)) == confirmed
    assert read_pin(path).sha256 == SHA256


def test_the_git_blob_id_is_gits(tmp_path):
    (tmp_path / "hello").write_bytes(b"hello\n")
    assert git_blob_of(tmp_path / "hello") == "ce013625030ba8dba906f756967f9e9ca394464a"


@pytest.mark.parametrize(
    ("known", "message"),
    [
        (
            {"sha256": "0" * 8, "recorded": "A"},
            rf"is {SHA256}, published is 0+\.\.\. \(the first 8 of 64 digits\); get it anew: .* fetch --again net-a",
        ),
        ({"sha256": "0" * 64, "recorded": "T1"}, "another project recorded 0+ .*--accept net-a"),
        ({"md5": "0" * 32, "recorded": "T1"}, "its md5 is .*another project recorded 0+ .*--accept net-a"),
        ({"size": 3}, f"it has {len(CONTENT)} bytes, the published file has 3"),
    ],
)
def test_what_differs_is_told_with_what_to_do(path, known, message):
    with pytest.raises(CheckpointError, match=message):
        verify(path, _entry(**known))
    assert read_pin(path) is None


def test_a_pinned_file_that_changed_is_refused_until_accepted(path):
    verify(path, _entry())
    assert verify(path, _entry()) == "as first checked (no hash is published)"
    path.write_bytes(safetensors(b"changed"))
    for call in (verify, ensure):
        with pytest.raises(CheckpointError, match=f"when it was first checked it was {SHA256} .*--accept net-a"):
            call(path, _entry())
    assert verify(path, _entry(), accept=True) == "accepted as it is and pinned"
    ensure(path, _entry())


def test_a_hint_gives_way_to_the_user_but_the_authors_hash_does_not(path):
    hint = _entry(sha256="0" * 64, recorded="T1", size=3)
    assert verify(path, hint, accept=True) == "accepted as it is and pinned"
    ensure(path, hint)
    with pytest.raises(CheckpointError, match="published is"):
        verify(path, _entry(sha256="0" * 64, recorded="A+T1"), accept=True)


def test_an_unchanged_file_is_hashed_once(path, monkeypatch):
    hashed = []
    monkeypatch.setattr(sys.modules[ensure.__module__], "sha256_of", lambda file: hashed.append(file) or SHA256)
    entry = _entry(sha256=SHA256, recorded="A")
    ensure(path, entry)
    ensure(path, entry)
    assert len(hashed) == 1
    os.utime(path, ns=(1, 1))
    ensure(path, entry)
    assert len(hashed) == 2


def test_an_earlier_check_does_not_hold_for_another_published_hash(path):
    ensure(path, _entry())
    with pytest.raises(CheckpointError, match="published is"):
        ensure(path, _entry(sha256="0" * 64, recorded="A"))


def test_shipped_files_leave_nothing_beside_them(path, folder):
    verify(path, _entry(shipped=True, sha256=SHA256))
    assert [file.name for file in folder.iterdir()] == ["a.pth"]
    with pytest.raises(CheckpointError, match="install vsrestore again"):
        verify(path, _entry(shipped=True, sha256="0" * 64))


def test_a_damaged_pin_is_as_none(path):
    path.with_name("a.pth.sha256").write_bytes(b"\xff\xfe")
    assert read_pin(path) is None
    ensure(path, _entry())


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], b"<html>", bytes(100)])
@pytest.mark.parametrize("accept", [False, True])
def test_what_is_not_whole_is_never_pinned(path, content, accept):
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"a\.pth is not net-a: it is "):
        verify(path, _entry(), accept=accept)
    assert read_pin(path) is None


def test_what_only_a_browser_gets_is_to_be_removed(path):
    path.write_bytes(b"")
    with pytest.raises(CheckpointError, match="remove it and get it anew: open the page"):
        verify(path, _entry(urls=(), manual="open the page"))
