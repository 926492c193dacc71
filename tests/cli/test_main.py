from __future__ import annotations

import pytest

from vsrestore import cli
from vsrestore.cache_folder import CacheError
from vsrestore.ffmpeg import FFmpegError
from vsrestore.networks.state_dict import NetworkError
from vsrestore.pipeline.errors import RunError


def failing(error):
    def command():
        raise error

    return lambda: command


@pytest.mark.parametrize(
    ("error", "code"), [(FFmpegError, 2), (CacheError, 2), (NetworkError, 2), (RunError, 1)], ids=lambda one: str(one)
)
def test_an_error_of_our_own_is_one_line_and_a_code(monkeypatch, capsys, error, code):
    monkeypatch.setattr(cli, "build", failing(error("it is\n  \x1b[2J broken")))
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == code
    assert capsys.readouterr() == ("", "vsrestore: it is \\x1b[2J broken\n")


def test_an_error_of_another_kind_is_told_in_full(monkeypatch):
    monkeypatch.setattr(cli, "build", failing(ValueError("a mistake of ours")))
    with pytest.raises(ValueError, match="a mistake of ours"):
        cli.main()
