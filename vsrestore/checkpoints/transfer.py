"""One address, one file: a transfer that is resumed where it broke off, whatever a server answers."""

from __future__ import annotations

import http.client
import http.cookiejar
import os
import re
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from html.parser import HTMLParser
from pathlib import Path
from typing import IO

from vsrestore.checkpoints.disk import check_room, disk_errors
from vsrestore.checkpoints.errors import CheckpointError

Progress = Callable[[int, int | None], None]  # bytes done, bytes in all where the server says so

DRIVE = "https://drive.google.com/uc?export=download&id="
TIMEOUT = 30.0  # seconds without a byte
SLOWEST = 1000  # bytes per second, below which a server is given up
WATCHED = 60.0  # seconds over which that is measured
ANSWER = 60.0  # seconds for the head of an answer, however it comes
ATTEMPTS = 5  # in a row without getting any further to speak of
PAUSE = 1.0  # seconds before the second attempt, doubled for every further one
BLOCK = 1 << 18  # bytes
LONGEST_PAGE = 1 << 20  # bytes
LONGEST_WORDS = 80  # letters of a server's in a message
LIMIT = 16 << 30  # bytes, where the size is not known


class _BrokenOffError(Exception):
    """The transfer stopped before its end; worth another attempt."""


def drive_address(number: str) -> str:
    """Return the address of a file on Google Drive."""
    return DRIVE + number


def host(url: str) -> str:
    """Return the server that an address names."""
    return urllib.parse.urlsplit(url).netloc


def download(url: str, part: Path, limit: int, progress: Progress) -> None:
    """Bring a file to `part`, continuing what is there; several attempts as long as bytes arrive.

    Args:
        url: http or https.
        part: where it is written; what is there stays for the next call where the transfer breaks off.
        limit: bytes at most.
        progress: called with (bytes done, bytes in all or None) as they arrive.

    Raises:
        CheckpointError: the server refuses, gives up, or answers what no client can follow; the disk is full.
    """
    cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    opener = urllib.request.build_opener(cookies, _PromptHTTP, _PromptHTTPS)
    opener.addheaders = [("User-Agent", "vsrestore"), ("Accept-Encoding", "identity")]
    failed = 0
    while True:
        before = _size(part)
        try:
            with _understood(url):
                address = _confirmed(opener, url) if url.startswith(DRIVE) else url
                _transfer(opener, address, part, limit, progress)
        except _BrokenOffError as error:
            failed = 1 if _size(part) > before + SLOWEST else failed + 1
            if failed >= ATTEMPTS:
                raise CheckpointError(
                    f"{host(url)} broke off {failed} times ({error}); run the same command again to continue"
                ) from error
            time.sleep(PAUSE * 2 ** (failed - 1))
        else:
            return


@contextmanager
def _understood(url: str) -> Iterator[None]:
    """Turn what the standard library raises over a malformed answer (a redirect to http://[::1) into an error."""
    try:
        yield
    except CheckpointError:
        raise
    except (ValueError, LookupError) as error:
        raise CheckpointError(f"{host(url)} answers what cannot be followed ({_one_line(error)})") from error


def _transfer(opener: urllib.request.OpenerDirector, url: str, part: Path, limit: int, progress: Progress) -> None:
    """One request: append to `part` if the server continues there, start over if it does not."""
    start = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    with _open(opener, request) as response:
        if response.status == 416:  # the range begins at or behind the end of the file
            if response.headers.get("Content-Range") == f"bytes */{start}":
                return
            _start_over(part)
        resumed = _is_rest(response, start)
        if response.status == 206 and not resumed:
            _start_over(part)
        _refuse_other(response, url)
        start = start if resumed else 0
        length = _length(response, url)
        total = None if length is None else start + length
        if total is not None and total > limit:
            raise CheckpointError(f"{host(url)} tells of {total:,} bytes, more than the expected {limit:,}")
        check_room(part.parent, (total or start) - start)
        with disk_errors(part, part), part.open("ab" if resumed else "wb") as file:
            _copy(response, file, start, total, limit, progress)


def _one_line(words: object) -> str:
    """Return what a server or the library said, short and in one line, whatever bytes are in it."""
    text = "".join(letter if letter.isprintable() else " " for letter in str(words))[:LONGEST_WORDS]
    return text.strip() or (type(words).__name__ if isinstance(words, Exception) else "")


def _is_rest(response: http.client.HTTPResponse, start: int) -> bool:
    return response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {start}-")


def _start_over(part: Path) -> None:
    part.unlink(missing_ok=True)
    raise _BrokenOffError("the file begun does not fit, starting over")


def _refuse_other(response: http.client.HTTPResponse, url: str) -> None:
    """Refuse answers that bring no file: other ones than 200 and 206, and web pages."""
    if response.status not in (200, 206):
        raise CheckpointError(f"{host(url)} answers {response.status} {_one_line(response.reason)}".rstrip())
    if response.headers.get_content_type() == "text/html":
        raise CheckpointError(f"{host(url)} answers with a web page instead of the file")


def _length(response: http.client.HTTPResponse, url: str) -> int | None:
    """Return how many bytes are to come, None where the server does not tell."""
    length = response.headers.get("Content-Length")
    if length is None or response.headers.get("Transfer-Encoding"):
        return None
    if not re.fullmatch(r"[0-9]{1,18}", length.strip()):
        raise CheckpointError(f"{host(url)} gives {length[:40]!r} as the length of the file")
    return int(length)


def _copy(
    response: http.client.HTTPResponse, file: IO[bytes], done: int, total: int | None, limit: int, progress: Progress
) -> None:
    progress(done, total)
    slow = _Slow(response)
    while block := slow.read():
        file.write(block)
        done += len(block)
        progress(done, total)
        if done > limit:
            file.truncate(0)
            raise CheckpointError(f"more than the expected {limit:,} bytes arrive; stopped")
    file.flush()
    os.fsync(file.fileno())
    if total is not None and done < total:
        raise _BrokenOffError(f"{done:,} of {total:,} bytes")


class _Slow:
    """Reads an answer as its bytes come, and gives a server up that sends next to none."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response
        self._since = time.monotonic()
        self._bytes = 0

    def read(self) -> bytes:
        """Return what has come, at least a byte, nothing at the end; CheckpointError where it comes too slowly."""
        try:
            # What `read` waits for, a whole block, a server may send a byte at a time for days.
            block = self._response.read1(BLOCK)
        except (OSError, http.client.HTTPException) as error:
            raise _BrokenOffError(_one_line(error)) from error
        self._bytes += len(block)
        passed = time.monotonic() - self._since
        if passed > WATCHED:
            if self._bytes < SLOWEST * passed:
                raise CheckpointError(f"only {self._bytes / passed:,.0f} bytes per second arrive; stopped")
            self._since, self._bytes = time.monotonic(), 0
        return block


def _open(opener: urllib.request.OpenerDirector, request: urllib.request.Request) -> http.client.HTTPResponse:
    """Send a request; a 416 answer is returned like a success, other refusals become errors."""
    url = request.full_url
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise CheckpointError(f"{url[:80]!r} is no address of a web server")
    try:
        response: http.client.HTTPResponse = opener.open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416 and request.has_header("Range"):
            return error  # type: ignore[return-value]  # it is a response as well
        error.close()
        if error.code == 429 or error.code >= 500:
            raise _BrokenOffError(f"answer {error.code} {_one_line(error.reason)}") from error
        raise CheckpointError(f"{host(url)} answers {error.code} {_one_line(error.reason)}") from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise _BrokenOffError("no answer") from error
        raise CheckpointError(f"{host(url)} cannot be reached ({_one_line(error.reason)})") from error
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenOffError(_one_line(error)) from error
    return response


class _Prompt(http.client.HTTPConnection):
    """A connection that hangs up where the head of an answer, each byte of it in time, takes too long as a whole."""

    def getresponse(self) -> http.client.HTTPResponse:
        """Return the answer, or raise as for a connection that breaks off."""
        late = threading.Event()
        timer = threading.Timer(ANSWER, self._hang_up, [late])
        timer.daemon = True
        timer.start()
        try:
            response = super().getresponse()
        finally:
            timer.cancel()
        if late.is_set():  # a head that ends early looks like a whole one
            response.close()
            raise TimeoutError("the answer did not come in time")
        return response

    def _hang_up(self, late: threading.Event) -> None:
        late.set()
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


class _PromptSecure(_Prompt, http.client.HTTPSConnection):
    """The same over TLS."""


class _PromptHTTP(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Open an address of HTTP."""
        return self.do_open(_Prompt, req)


class _PromptHTTPS(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Open an address of HTTPS."""
        return self.do_open(_PromptSecure, req)


class _Form(HTMLParser):
    """The first form of a page: where it leads and what it sends."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the first form's action and every named input."""
        values = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.action:
            self.action = values.get("action", "")
        elif tag == "input" and values.get("name"):
            self.fields[values["name"]] = values.get("value", "")


def _confirmed(opener: urllib.request.OpenerDirector, url: str) -> str:
    """Return the address behind Google Drive's "cannot scan for viruses" page, or `url` where there is none."""
    with _open(opener, urllib.request.Request(url)) as response:
        if response.headers.get_content_type() != "text/html":
            return url
        slow, content = _Slow(response), b""
        while len(content) < LONGEST_PAGE and (block := slow.read()):
            content += block
        page, address = content.decode(errors="replace"), response.geturl()
    form = _Form()
    form.feed(page)
    if form.action and "confirm" in form.fields:
        return f"{urllib.parse.urljoin(address, form.action)}?{urllib.parse.urlencode(form.fields)}"
    link = re.search(r'href="([^"]*[?&](?:amp;)?confirm=[^"]+)"', page)
    if link:
        return urllib.parse.urljoin(address, link[1].replace("&amp;", "&"))
    reason = "too many downloads for now, try tomorrow" if "uota" in page else "no access, or an unknown page"
    raise CheckpointError(f"Google Drive does not hand out the file ({reason}); open {url} in a browser instead")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
