import hashlib
import http.server
import subprocess
import sys
import threading

import pytest
from typer.testing import CliRunner

from tests.checkpoints.whole_files import safetensors
from vsrestore.checkpoints import CheckpointError, registry
from vsrestore.checkpoints.registry import Entry
from vsrestore.cli import main
from vsrestore.cli.weights import app

CONTENT = safetensors(b"weights" * 1000)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    path = tmp_path / "weights"
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(path))
    monkeypatch.setenv("no_proxy", "*")
    return path


@pytest.fixture
def url(tmp_path):
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "a.pth").write_bytes(CONTENT)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(tmp_path / "served"))

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/a.pth"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def two_entries(monkeypatch, url):
    common = {"architecture": "edvr", "licence": "CC BY-NC 4.0", "commercial": False}
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    known = {
        "net-a": Entry(name="net-a", variant="x4", file="a.pth", urls=(url,), sha256=sha256, recorded="A", **common),
        "net-b": Entry(name="net-b", variant="deblur", file="b.pth", manual="open the page", **common),
    }
    monkeypatch.setattr(registry, "entries", lambda: known)
    monkeypatch.setattr("vsrestore.checkpoints.entries", lambda: known)


def run(*arguments):
    return CliRunner().invoke(app, arguments)


def test_list_says_where_files_are_and_what_the_licence_allows():
    header, *lines = run("list").stdout.splitlines()
    assert header.split("  ")[0] == "NAME"
    assert [line.split()[0] for line in lines] == ["net-a", "net-b"]
    assert " fetch " in lines[0]
    assert " browser " in lines[1]
    run("fetch", "net-a")
    assert " here " in run("list").stdout.splitlines()[1]
    assert len(run("list", "--here").stdout.splitlines()) == 2
    assert len(run("list", "--architecture", "edvr").stdout.splitlines()) == 3
    unknown = run("list", "--architecture", "rvrt")
    assert isinstance(unknown.exception, CheckpointError)
    assert "no checkpoint is for 'rvrt'; filters that take some: edvr; networks: edvr" in str(unknown.exception)


@pytest.mark.parametrize("width", [80, 100, 120])
def test_list_fits_the_terminal(monkeypatch, width):
    monkeypatch.undo()
    monkeypatch.setenv("COLUMNS", str(width))
    header, *lines = run("list").stdout.splitlines()
    assert header.split()[:5] == ["NAME", "FILTER", "FILE", "SIZE", "COMMERCIAL"]
    assert header.split()[5][:2] == "VA"  # the last column is what is cut
    assert len(lines) > 150
    assert max(map(len, lines)) <= width
    assert sum(" ?  " in line for line in lines) < 60  # of the rest, the size is known or reckoned


def test_list_takes_filters_too_and_says_what_none_can_run(monkeypatch):
    monkeypatch.undo()
    of_film = run("list", "--architecture", "film").stdout.splitlines()
    assert [line.split()[0] for line in of_film] == ["NAME", "film-marks", "film-scratches", "film-stains", "film"]
    listed = run("list").stdout.splitlines()
    assert next(line for line in listed if line.startswith("basicvsr-2x")).split()[1] == "none"
    assert next(line for line in listed if line.startswith("film")).split()[1] == "film"


def test_show_says_what_runs_it_and_how_much_of_the_hash_is_known(monkeypatch):
    monkeypatch.undo()
    shown = run("show", "edvr-l-sr-reds", "basicvsr-2x").stdout
    assert "9f5f5039... (the first 8 of 64 digits)" in shown
    assert "vsrestore.edvr runs it" in shown
    assert "no filter of this version can run it" in shown
    assert "~82 MB" in shown


def test_fetch_again_replaces_what_is_here(folder):
    run("fetch", "net-a")
    (folder / "a.pth").write_bytes(b"damaged")
    assert "vsrestore weights fetch --again net-a" in str(run("fetch", "net-a").exception)
    assert run("fetch", "--again", "net-a").exit_code == 0
    assert (folder / "a.pth").read_bytes() == CONTENT


def test_fetch_prints_the_path_and_tells_the_licence(folder):
    result = run("fetch", "net-a")
    assert result.exit_code == 0
    assert result.stdout == f"{folder / 'a.pth'}\n"
    assert "net-a: licence: CC BY-NC 4.0; commercial use: no" in result.stderr
    assert (folder / "a.pth").read_bytes() == CONTENT


def test_fetch_explains_what_needs_a_browser():
    result = run("fetch", "net-b")
    assert isinstance(result.exception, CheckpointError)
    assert "open the page, and save it as" in str(result.exception)


def test_show_gives_the_command():
    shown = run("show", "net-a").stdout
    assert "no; fetch it with: vsrestore weights fetch net-a" in shown
    assert "CC BY-NC 4.0" in shown


def test_verify_tells_good_from_bad(folder):
    assert run("verify").stdout == ""
    run("fetch", "net-a")
    result = run("verify")
    assert (result.exit_code, result.stdout) == (0, "net-a: sha256 as published\n")
    (folder / "a.pth").write_bytes(b"other")
    result = run("verify", "net-a")
    assert result.exit_code == 2
    assert "a.pth is not net-a: its sha256 is" in result.stderr
    assert run("verify", "net-b").exit_code == 2


def test_verify_can_accept_what_is_only_pinned(folder):
    folder.mkdir()
    (folder / "b.pth").write_bytes(safetensors(b"one"))
    assert run("verify", "net-b").stdout == "net-b: pinned now (no hash is published)\n"
    (folder / "b.pth").write_bytes(safetensors(b"two"))
    assert run("verify", "net-b").exit_code == 2
    assert run("verify", "--accept", "net-b").exit_code == 0
    assert run("verify", "net-b").exit_code == 0


@pytest.mark.parametrize(("name", "message"), [("net-aa", "did you mean net-a"), ("net-b", "open the page")])
def test_the_command_ends_with_one_line_and_code_2(name, message, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["vsrestore", "weights", "fetch", name])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("vsrestore: ")
    assert message in line


def test_an_unknown_name():
    assert "did you mean net-a" in str(run("show", "net-aa").exception)


def test_listing_imports_neither_torch_nor_vapoursynth():
    code = (
        "import sys; from vsrestore.cli.weights import app; app(['list'], standalone_mode=False); "
        "assert not {'torch', 'vapoursynth'} & set(sys.modules)"
    )
    listed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert len(listed.splitlines()) > 150


@pytest.mark.parametrize("words", [("list",), ("list", "--here"), ("show", "net-a"), ("verify",), ("fetch", "net-a")])
@pytest.mark.parametrize(("place", "message"), [("/" + "a" * 300, "too long"), ("~nobody-of-that-name/w", "no folder")])
def test_a_folder_that_cannot_be_is_one_line(monkeypatch, words, place, message):
    monkeypatch.setenv("VSRESTORE_WEIGHTS", place)
    error = run(*words).exception
    assert isinstance(error, CheckpointError)
    assert message in str(error)


@pytest.mark.parametrize("words", [("show", "net-a"), ("verify", "net-a"), ("list",)])
def test_no_name_of_a_folder_commands_the_terminal(monkeypatch, tmp_path, words):
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path / "\x1b[2Jweights"))
    done = run(*words)
    assert "net-a" in done.output
    assert "\x1b" not in done.output
    assert words[0] == "list" or r"\x1b[2Jweights" in done.output
