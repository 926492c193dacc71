"""Servers that lie, break off or dawdle: what arrives is what was published, or an error in words, and soon."""

from __future__ import annotations

import hashlib
import random
import re
import socket
import threading
import time
from collections.abc import Callable

import pytest

from tests.checkpoints.whole_files import safetensors
from vsrestore.checkpoints import CheckpointError, fetch, transfer
from vsrestore.checkpoints.registry import Entry

CONTENT = safetensors(bytes(range(256)) * 100)
OTHER = safetensors(bytes(range(255, -1, -1)) * 100)
LIES = 8
SOON = 20.0  # seconds, on a machine that does other things too
TRICKLES = 3.0  # seconds, unless nobody listens any more
HEADS = (
    "HTTP/1.1 200 OK", "HTTP/1.1 206 Partial Content", "HTTP/1.1 416 No", "HTTP/1.1 500 Oh", "HTTP/1.1 404 No",
    "HTTP/1.1 302 There", "HTTP/1.1 204 Nothing", "HTTP/1.1 999", "HTTP/9.9 200 OK", "HTTP/1.1 abc", "hello", "",
    "HTTP/1.1 100 Continue", "HTTP/1.0 200 OK", "HTTP/1.1 401 Who", "HTTP/1.1 307 Again",
)  # fmt: skip
LINES = (
    "Content-Length: {whole}", "Content-Length: {rest}", "Content-Length: {less}", "Content-Length: {more}",
    "Content-Length: abc", "Content-Length: -1", "Content-Length: 99999999999999999999", "Content-Length: 0",
    "Content-Range: bytes {start}-{last}/{whole}", "Content-Range: bytes 0-{last}/{whole}", "Content-Range: nonsense",
    "Content-Range: bytes {start}-{last}/*", "Content-Range: bytes */{whole}", "Content-Range: bytes */0",
    "Transfer-Encoding: chunked", "Content-Encoding: gzip", "Content-Type: text/html", "Location: http://[::1",
    "Location: file:///etc/passwd", "Location: /again", "Location: ftp://127.0.0.1/", "X: " + "y" * 70_000,
    "no colon", " folded", "Set-Cookie: \x00", "WWW-Authenticate: Basic", "Retry-After: 99999",
)  # fmt: skip
BODIES = ("whole", "rest", "other", "other rest", "cut", "nothing", "more", "chunks", "endless", "trickle", "wait")


class Server:
    """A port of this machine; every connection is given to ``answer``, as what was asked for and how to send."""

    def __init__(self, answer: Callable[[bytes, Callable[[bytes], None]], None]) -> None:
        self.answer = answer
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/a.pth"
        self.closed = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(2)
            try:
                self.answer(connection.recv(65536), connection.sendall)
            except OSError:
                return

    def close(self) -> None:
        self.closed.set()
        self.socket.close()


def asked_from(request: bytes) -> int:
    found = re.search(rb"Range: bytes=(\d+)-", request)
    return int(found[1]) if found else 0


def honest(request: bytes, send: Callable[[bytes], None]) -> None:
    start = asked_from(request)
    if start >= len(CONTENT):
        send(b"HTTP/1.1 416 No\r\nContent-Range: bytes */%d\r\nContent-Length: 0\r\n\r\n" % len(CONTENT))
        return
    head = b"HTTP/1.1 200 OK\r\n"
    if start:
        told = (start, len(CONTENT) - 1, len(CONTENT))
        head = b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %d-%d/%d\r\n" % told
    send(head + b"Content-Length: %d\r\n\r\n" % (len(CONTENT) - start) + CONTENT[start:])


def lies(generator: random.Random, closed: threading.Event) -> Callable[[bytes, Callable[[bytes], None]], None]:
    """Return an answer made by chance, which may be true."""
    heads = generator.choices(HEADS, [8, 8, *[1] * (len(HEADS) - 2)], k=8)
    lines = [generator.sample(LINES, generator.choice((0, 1, 1, 2, 3))) for _ in heads]
    bodies = generator.choices(BODIES, k=len(heads))
    turn = iter(range(10**9))

    def answer(request: bytes, send: Callable[[bytes], None]) -> None:
        number, start = next(turn) % len(heads), asked_from(request)
        numbers = {"start": start, "last": len(CONTENT) - 1, "whole": len(CONTENT), "rest": len(CONTENT) - start}
        numbers |= {"less": len(CONTENT) // 2, "more": len(CONTENT) * 2}
        text = "\r\n".join([heads[number], *(line.format(**numbers) for line in lines[number]), "", ""])
        send(text.encode("latin-1"))
        send_body(bodies[number], start, send, closed)

    return answer


def send_body(kind: str, start: int, send: Callable[[bytes], None], closed: threading.Event) -> None:
    whole = {"whole": CONTENT, "rest": CONTENT[start:], "other": OTHER, "other rest": OTHER[start:], "nothing": b""}
    whole |= {"cut": CONTENT[start : start + 5000], "more": CONTENT + OTHER}
    whole |= {"chunks": b"%x\r\n%b\r\n0\r\n\r\n" % (len(CONTENT), CONTENT)}
    if kind in whole:
        send(whole[kind])
    limit = time.monotonic() + TRICKLES
    while kind not in whole and not closed.wait(0 if kind == "endless" else 0.02) and time.monotonic() < limit:
        if kind != "wait":
            send(CONTENT if kind == "endless" else b"x")


@pytest.fixture(autouse=True)
def in_haste(tmp_path, monkeypatch):
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("no_proxy", "*")
    for name, value in {"PAUSE": 0.001, "TIMEOUT": 0.15, "WATCHED": 0.15, "ANSWER": 0.2, "ATTEMPTS": 3}.items():
        monkeypatch.setattr(transfer, name, value)


@pytest.fixture
def serve():
    servers = []

    def start(answer: Callable[[bytes, Callable[[bytes], None]], None]) -> Server:
        servers.append(Server(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def entry(*urls: str, **changes: object) -> Entry:
    fields = {"name": "net-a", "architecture": "edvr", "variant": "x4", "file": "a.pth", "urls": urls, "licence": "MIT"}
    fields |= {"sha256": hashlib.sha256(CONTENT).hexdigest(), "recorded": "A", "commercial": True}
    return Entry(**{**fields, **changes})


def refusal(call: Callable[[], object]) -> str:
    """Return why a file was not fetched, nothing where it was."""
    try:
        call()
    except CheckpointError as error:
        return str(error)
    return ""


def test_what_arrives_is_right_or_nothing(serve, soak, tmp_path):
    for seed in range(LIES * soak):
        liar = serve(lambda request, send: None)
        liar.answer = lies(random.Random(seed), liar.closed)
        began, target = time.monotonic(), tmp_path / "a.pth"
        refused = refusal(lambda url=liar.url: fetch(entry(url)))
        assert refused.isprintable(), seed
        assert target.exists() == (not refused), seed
        assert refused or target.read_bytes() == CONTENT, seed
        target.unlink(missing_ok=True)
        assert time.monotonic() - began < SOON, seed
        # What a liar left of it spoils nothing that comes from elsewhere.
        fetch(entry(liar.url, serve(honest).url))
        assert target.read_bytes() == CONTENT, seed
        liar.close()
        for path in tmp_path.iterdir():
            path.unlink()


def test_a_server_that_trickles_is_given_up_and_the_next_one_asked(serve):
    def trickle(request: bytes, send: Callable[[bytes], None]) -> None:
        send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(CONTENT))
        send_body("trickle", 0, send, slow.closed)

    slow = serve(trickle)
    with pytest.raises(CheckpointError, match=r"only \d+ bytes per second arrive; stopped"):
        fetch(entry(slow.url))
    assert fetch(entry(slow.url, serve(honest).url)).read_bytes() == CONTENT


def test_a_head_that_trickles_is_given_up(serve):
    def trickle(request: bytes, send: Callable[[bytes], None]) -> None:
        send(b"HTTP/1.1 200 OK\r\nX: ")
        send_body("trickle", 0, send, slow.closed)

    slow = serve(trickle)
    began = time.monotonic()
    with pytest.raises(CheckpointError, match="broke off 3 times"):
        fetch(entry(slow.url))
    assert time.monotonic() - began < 3 * TRICKLES


def test_a_server_that_breaks_off_after_each_byte_is_given_up(serve):
    """The rest is always asked for, so the file grows with every answer."""
    asked = []

    def answer(request: bytes, send: Callable[[bytes], None]) -> None:
        start = asked_from(request)
        asked.append(start)
        told = (start, len(CONTENT) - 1, len(CONTENT), len(CONTENT) - start)
        send(b"HTTP/1.1 206 Part\r\nContent-Range: bytes %d-%d/%d\r\nContent-Length: %d\r\n\r\nx" % told)

    with pytest.raises(CheckpointError, match="broke off 3 times"):
        fetch(entry(serve(answer).url))
    assert len(asked) == 3
