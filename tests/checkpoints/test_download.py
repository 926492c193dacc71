import hashlib
import io
import os
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock

from tests.checkpoints.whole_files import safetensors
from vsrestore.checkpoints import CheckpointError, disk, fetch, transfer
from vsrestore.checkpoints.registry import Entry
from vsrestore.checkpoints.verify import read_pin

DATA = bytes(range(256)) * 4096
CONTENT = safetensors(DATA[: (1 << 21) - len(safetensors(DATA))])  # 1 MiB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Range")))
        self.server.answer(self)


def send(handler, body, status=200, length=None, **headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    handler.wfile.write(body)
    handler.close_connection = True


def send_range(handler, cut=None):
    """Answer like a server that knows Range; `cut`: break off after so many bytes."""
    wanted = handler.headers.get("Range")
    start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
    if start >= len(CONTENT):
        return send(handler, b"", 416, Content_Range=f"bytes */{len(CONTENT)}")
    headers = {"Content_Range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"} if wanted else {}
    body = CONTENT[start:]
    return send(handler, body[:cut], 206 if wanted else 200, length=len(body), **headers)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(transfer, "PAUSE", 0.001)
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.asked, httpd.answer = [], send_range
    httpd.url = f"http://127.0.0.1:{httpd.server_address[1]}"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield httpd
    httpd.shutdown()
    httpd.server_close()
    thread.join()


@pytest.fixture
def entry(server):
    def make(**changes):
        fields = {
            "name": "net-a",
            "architecture": "edvr",
            "variant": "x4",
            "file": "a.pth",
            "urls": (f"{server.url}/a.pth",),
            "sha256": SHA256,
            "recorded": "A",
            "licence": "MIT",
            "commercial": True,
        }
        return Entry(**{**fields, **changes})

    return make


def _left(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_a_file_is_fetched_verified_and_named(server, entry, folder):
    seen = []
    path = fetch(entry(), lambda done, total: seen.append((done, total)))
    assert path == folder / "a.pth"
    assert path.read_bytes() == CONTENT
    assert _left(folder) == ["a.pth", "a.pth.sha256"]
    assert seen[0] == (0, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_a_file_that_is_there_is_not_fetched_again(server, entry):
    fetch(entry())
    fetch(entry())
    assert len(server.asked) == 1


def test_a_broken_transfer_is_resumed_at_once(server, entry):
    def answer(handler):
        send_range(handler, cut=300_000)

    server.answer = answer
    assert fetch(entry()).read_bytes() == CONTENT
    assert [wanted for _, wanted in server.asked] == [None, "bytes=300000-", "bytes=600000-", "bytes=900000-"]


def test_a_broken_transfer_is_resumed_by_the_next_call(server, entry, folder):
    (folder / "a.pth.part").write_bytes(CONTENT[:1000])
    assert fetch(entry()).read_bytes() == CONTENT
    assert server.asked == [("/a.pth", "bytes=1000-")]


def test_a_complete_part_is_taken_over(server, entry, folder):
    (folder / "a.pth.part").write_bytes(CONTENT)
    assert fetch(entry()).read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_started_over(server, entry, folder):
    (folder / "a.pth.part").write_bytes(CONTENT + b"more")
    assert fetch(entry()).read_bytes() == CONTENT


def test_a_server_that_ignores_the_range_is_read_from_the_start(server, entry, folder):
    server.answer = lambda handler: send(handler, CONTENT)
    (folder / "a.pth.part").write_bytes(b"other bytes")
    assert fetch(entry()).read_bytes() == CONTENT


def test_a_part_is_not_continued_where_no_hash_could_tell(server, entry, folder):
    (folder / "a.pth.part").write_bytes(b"other bytes")
    assert fetch(entry(sha256="", recorded="")).read_bytes() == CONTENT
    assert server.asked == [("/a.pth", None)]


def test_a_server_that_always_breaks_off_is_given_up_and_the_part_kept(server, entry, folder):
    server.answer = lambda handler: send(handler, CONTENT[:1000], length=len(CONTENT))
    with pytest.raises(CheckpointError, match=r"broke off 5 times \(1,000 of .* run the same command again"):
        fetch(entry())
    assert _left(folder) == ["a.pth.part"]


def test_a_server_that_stalls_is_given_up(server, entry, monkeypatch):
    released = threading.Event()
    monkeypatch.setattr(transfer, "TIMEOUT", 0.05)
    monkeypatch.setattr(transfer, "ATTEMPTS", 2)
    server.answer = lambda handler: released.wait(5)
    try:
        with pytest.raises(CheckpointError, match="broke off 2 times"):
            fetch(entry())
    finally:
        released.set()


def test_a_busy_server_is_asked_again(server, entry):
    answers = iter([503, 429])

    def answer(handler):
        status = next(answers, None)
        return send(handler, b"", status) if status else send_range(handler)

    server.answer = answer
    assert fetch(entry()).read_bytes() == CONTENT


@pytest.mark.parametrize("given", [{"sha256": "0" * 64}, {"sha256": "0" * 8}, {"size": len(CONTENT) + 1}])
def test_a_wrong_file_is_removed(server, entry, folder, given):
    with pytest.raises(CheckpointError, match=r"gave another file: .*; it was removed"):
        fetch(entry(**given))
    assert _left(folder) == []


def test_more_bytes_than_published_are_not_taken(server, entry, folder):
    with pytest.raises(CheckpointError, match="tells of 1,048,576 bytes, more than the expected 1,000"):
        fetch(entry(size=1000))
    assert sum(path.stat().st_size for path in folder.iterdir()) == 0


def test_a_published_prefix_and_a_git_blob_suffice(server, entry, folder):
    assert fetch(entry(sha256=SHA256[:8])).is_file()
    blob = hashlib.sha1(f"blob {len(CONTENT)}\0".encode() + CONTENT).hexdigest()
    assert fetch(entry(sha256="", git_blob=blob, file="b.pth")).is_file()
    with pytest.raises(CheckpointError, match="git blob id"):
        fetch(entry(sha256="", git_blob="0" * 40, file="c.pth"))


def test_without_a_published_hash_the_first_fetch_is_pinned_and_a_later_change_told(server, entry, folder):
    unknown = entry(sha256="", recorded="")
    fetch(unknown)
    assert read_pin(folder / "a.pth").sha256 == SHA256
    (folder / "a.pth").unlink()
    changed = safetensors(b"changed by the publisher")
    server.answer = lambda handler: send(handler, changed)
    with pytest.raises(CheckpointError, match="when it was first checked it was"):
        fetch(unknown)
    assert not (folder / "a.pth").exists()
    assert fetch(unknown, accept=True).read_bytes() == changed


def test_redirects_are_followed_and_the_range_goes_along(server, entry, folder):
    def answer(handler):
        if handler.path == "/a.pth":
            send(handler, b"", 302, Location="/moved")
        else:
            send_range(handler)

    server.answer = answer
    (folder / "a.pth.part").write_bytes(CONTENT[:10])
    assert fetch(entry()).read_bytes() == CONTENT
    assert server.asked[-1] == ("/moved", "bytes=10-")


def test_a_redirect_in_circles_is_an_error(server, entry):
    server.answer = lambda handler: send(handler, b"", 302, Location=handler.path)
    with pytest.raises(CheckpointError, match="answers 302"):
        fetch(entry())


def test_the_second_address_is_tried_and_every_reason_told(server, entry):
    def answer(handler):
        return send(handler, b"", 404) if handler.path == "/gone" else send_range(handler)

    server.answer = answer
    assert fetch(entry(urls=(f"{server.url}/gone", f"{server.url}/a.pth"))).is_file()
    with pytest.raises(CheckpointError, match=r"answers 404.*; .*answers 404"):
        fetch(entry(file="b.pth", urls=(f"{server.url}/gone", f"{server.url}/gone")))


def raw(answer):
    """Answer with these bytes and nothing else."""

    def send_bytes(handler):
        handler.wfile.write(answer)
        handler.close_connection = True

    return send_bytes


LIES = {
    b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n": "gives 'abc' as the length",
    b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nxxxxx": "gives '-5' as the length",
    b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n": "answers what cannot be followed",
    b"HTTP/1.1 302 Found\r\nLocation: http://a:b/\r\nContent-Length: 0\r\n\r\n": "broke off|cannot be followed",
    b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n": "answers 302",
    b"HTTP/1.1 416 No\r\nContent-Range: bytes */0\r\nContent-Length: 0\r\n\r\n": "answers 416",
    b"HTTP/1.1 204 No Content\r\n\r\n": "answers 204",
    b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 5-9/10\r\nContent-Length: 5\r\n\r\nxxxxx": "does not fit",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n": "broke off",
    b"HTTP/9.9 what\r\n\r\n": "broke off",
    b"\x00\xff": "broke off",
    b"": "broke off",
}


@pytest.mark.parametrize("known", [{}, {"sha256": "", "recorded": ""}])
@pytest.mark.parametrize("lie", LIES)
def test_a_server_that_lies_is_told_and_the_next_address_tried(server, entry, folder, lie, known):
    server.answer = lambda handler: raw(lie)(handler) if handler.path == "/lie" else send_range(handler)
    with pytest.raises(CheckpointError, match=f"net-a was not fetched: .*({LIES[lie]})"):
        fetch(entry(urls=(f"{server.url}/lie",), **known))
    assert not (folder / "a.pth").exists()
    assert fetch(entry(urls=(f"{server.url}/lie", f"{server.url}/a.pth"), **known)).read_bytes() == CONTENT


def test_a_server_that_has_no_more_for_a_part_that_is_not_there(server, entry, folder):
    """A part that vanishes while the server is asked for its rest."""

    def answer(handler):
        (folder / "a.pth.part").unlink(missing_ok=True)
        return send_range(handler)

    server.answer = answer
    (folder / "a.pth.part").write_bytes(CONTENT + b"more")
    assert fetch(entry()).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "it is empty"),
        (CONTENT[:5000], "it is truncated"),
        (b"\x1f\x8b" + CONTENT, "it is gzip-packed"),
        (b"Not found", "it is text"),
        (CONTENT + b"more", "it is damaged"),
    ],
)
def test_without_a_published_hash_only_what_is_whole_is_taken_and_pinned(server, entry, folder, body, message):
    server.answer = lambda handler: send(handler, body)
    for accept in (False, True):
        with pytest.raises(CheckpointError, match=message):
            fetch(entry(sha256="", recorded=""), accept=accept)
    assert _left(folder) == []


def test_a_zip_archive_without_a_published_hash_is_read_to_its_end(server, entry, folder):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("weights", b"x" * 1000)
    damaged = buffer.getvalue().replace(b"xxx", b"xyx", 1)
    known = {"file": "a.zip", "sha256": "", "recorded": ""}
    for body, message in ((damaged, "it is damaged"), (damaged[:500], "no zip archive, or cut off")):
        server.answer = lambda handler, body=body: send(handler, body)
        with pytest.raises(CheckpointError, match=message):
            fetch(entry(**known))
    server.answer = lambda handler: send(handler, buffer.getvalue())
    assert fetch(entry(**known)).is_file()


def test_what_is_pinned_is_replaced_when_it_is_fetched_again(server, entry, folder):
    unknown = entry(sha256="", recorded="")
    fetch(unknown)
    first = read_pin(folder / "a.pth")
    changed = safetensors(b"changed by the publisher")
    server.answer = lambda handler: send(handler, b"", 404)
    with pytest.raises(CheckpointError, match="answers 404"):
        fetch(unknown, again=True)
    assert (folder / "a.pth").read_bytes() == CONTENT  # what is there stays until the new one is complete
    assert read_pin(folder / "a.pth") == first
    server.answer = lambda handler: send(handler, changed)
    assert fetch(unknown, again=True).read_bytes() == changed
    assert read_pin(folder / "a.pth").sha256 == hashlib.sha256(changed).hexdigest()
    assert fetch(unknown).read_bytes() == changed


def test_an_authors_hash_holds_when_it_is_fetched_again(server, entry, folder):
    fetch(entry())
    server.answer = lambda handler: send(handler, safetensors(b"another"))
    with pytest.raises(CheckpointError, match="published is"):
        fetch(entry(), again=True)
    assert (folder / "a.pth").read_bytes() == CONTENT


def test_an_unreachable_server(entry, folder):
    with pytest.raises(CheckpointError, match="cannot be reached"):
        fetch(entry(urls=("http://127.0.0.1:1/a.pth",)))
    assert _left(folder) == []


def test_a_web_page_instead_of_the_file(server, entry, folder):
    server.answer = lambda handler: send(handler, b"<html>log in</html>", Content_Type="text/html; charset=utf-8")
    with pytest.raises(CheckpointError, match="web page instead of the file"):
        fetch(entry())
    assert _left(folder) == []


CONFIRM_FORM = b"""<html><form id="download-form" action="/download" method="get">
<input type="submit" value="Download anyway"/><input type="hidden" name="id" value="ABC">
<input type="hidden" name="confirm" value="t"><input type="hidden" name="uuid" value="1-2"></form>"""
CONFIRM_LINK = b'<html><a href="/download?id=ABC&amp;confirm=t&amp;uuid=1-2">Download anyway</a>'


@pytest.mark.parametrize("page", [CONFIRM_FORM, CONFIRM_LINK])
def test_google_drives_confirm_page(server, entry, monkeypatch, page):
    def answer(handler):
        if handler.path == "/uc?id=ABC":
            send(handler, page, Content_Type="text/html", Set_Cookie="download_warning=1")
        elif (
            handler.path == "/download?id=ABC&confirm=t&uuid=1-2" and "download_warning=1" in handler.headers["Cookie"]
        ):
            send_range(handler)
        else:
            send(handler, b"", 404)

    server.answer = answer
    monkeypatch.setattr(transfer, "DRIVE", f"{server.url}/uc?id=")
    assert fetch(entry(urls=(), drive="ABC")).read_bytes() == CONTENT


def test_google_drive_without_a_confirm_page(server, entry, monkeypatch):
    monkeypatch.setattr(transfer, "DRIVE", f"{server.url}/uc?id=")
    assert fetch(entry(urls=(), drive="ABC")).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("page", "message"), [(b"<html>Quota exceeded", "too many downloads"), (b"<html>Sign in", "no access")]
)
def test_google_drive_refuses(server, entry, folder, monkeypatch, page, message):
    server.answer = lambda handler: send(handler, page, Content_Type="text/html")
    monkeypatch.setattr(transfer, "DRIVE", f"{server.url}/uc?id=")
    with pytest.raises(CheckpointError, match=message):
        fetch(entry(urls=(), drive="ABC"))
    assert _left(folder) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a device that is always full")
def test_a_disk_that_fills_up_on_the_way(server, entry, folder):
    (folder / "a.pth.part").symlink_to("/dev/full")
    with pytest.raises(CheckpointError, match="the disk is full"):
        fetch(entry())
    assert _left(folder) == []


def test_a_disk_that_is_too_small_is_told_before(server, entry, folder, monkeypatch):
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(CheckpointError, match="1,048,576 bytes are needed, 1,000 are free"):
        fetch(entry())
    assert _left(folder) == []


def test_a_folder_that_cannot_be_made(server, entry, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path / "file" / "weights"))
    with pytest.raises(CheckpointError, match="cannot be made"):
        fetch(entry())


def test_a_second_process_waits_and_takes_what_the_first_has_fetched(server, entry, folder):
    waiting, path = threading.Event(), folder / "a.pth"
    with FileLock(folder / ".a.pth.lock"):
        second = threading.Thread(target=fetch, args=(entry(),), kwargs={"waits": waiting.set})
        second.start()
        assert waiting.wait(5)
        path.write_bytes(CONTENT)
    second.join(5)
    assert not second.is_alive()
    assert server.asked == []


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/proc/self").exists(), reason="nothing is closed to root")
@pytest.mark.parametrize("name", ["/proc/self/weights", "/proc/self"])
def test_a_folder_that_cannot_be_written_to(server, entry, monkeypatch, name):
    monkeypatch.setenv("VSRESTORE_WEIGHTS", name)
    with pytest.raises(CheckpointError, match=r"cannot be (made|written).*set VSRESTORE_WEIGHTS"):
        fetch(entry())


def test_a_name_longer_than_the_disk_takes(server, entry):
    with pytest.raises(CheckpointError, match="cannot be read: File name too long"):
        fetch(entry(file="a" * 300))


def test_what_needs_a_browser_is_explained(entry, folder):
    with pytest.raises(CheckpointError, match=f"open it, and save it as .*{os.sep}a.pth"):
        fetch(entry(urls=(), manual="open it"))
