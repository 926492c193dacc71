"""The one cache folder, and how it fails."""

from __future__ import annotations

import pytest

from vsrestore import cache_folder as module
from vsrestore.cache_folder import CacheError, cache_folder, user_cache


def test_each_platform_has_its_own(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    monkeypatch.setattr(module.Path, "home", lambda: tmp_path)
    for platform, expected in (
        ("linux", tmp_path / "vsrestore"),
        ("win32", tmp_path / "vsrestore"),
        ("darwin", tmp_path / "Library" / "Caches" / "vsrestore"),
    ):
        monkeypatch.setattr(module.sys, "platform", platform)
        assert user_cache() == expected


@pytest.mark.parametrize("named", ["", "here"])
def test_a_relative_one_counts_as_unset(monkeypatch, tmp_path, named):
    monkeypatch.setenv("XDG_CACHE_HOME", named)
    monkeypatch.setattr(module.sys, "platform", "linux")
    monkeypatch.setattr(module.Path, "home", lambda: tmp_path)
    assert user_cache() == tmp_path / ".cache" / "vsrestore"


def test_nobody_knows_where_home_is(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(module.sys, "platform", "linux")
    monkeypatch.setattr(module.Path, "home", homeless)
    with pytest.raises(CacheError, match=r"cannot be made \(Could not determine home .*\); set XDG_CACHE_HOME to"):
        user_cache()


def test_its_folders_are_made(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(module.sys, "platform", "linux")
    assert cache_folder("index") == tmp_path / "cache" / "vsrestore" / "index"
    assert cache_folder("index").is_dir()


def test_one_that_cannot_be_made_is_told(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(module.sys, "platform", "linux")
    with pytest.raises(CacheError, match=r"cannot be made \(Not a directory\); set XDG_CACHE_HOME to a folder"):
        cache_folder("index")
