"""Fetching a published checkpoint: to a temporary name, resumed where it broke off, checked, then renamed."""

from __future__ import annotations

import errno
import http.client
import http.cookiejar
import os
import re
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import IO

from vsrestore.checkpoints.errors import CheckpointError
from vsrestore.checkpoints.locate import how_to_get, path_of
from vsrestore.checkpoints.registry import Entry
from vsrestore.checkpoints.verify import check, ensure

Progress = Callable[[int, int | None], None]  # bytes done, bytes in all where the server says so

DRIVE = "https://drive.google.com/uc?export=download&id="
TIMEOUT = 30.0  # seconds without a byte
ATTEMPTS = 5  # in a row without getting any further
PAUSE = 1.0  # seconds before the second attempt, doubled for every further one
BLOCK = 1 << 18  # bytes
LIMIT = 16 << 30  # bytes, where the size is not known
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class _BrokenOffError(Exception):
    """The transfer stopped before its end; worth another attempt."""


def fetch(entry: Entry, progress: Progress | None = None, *, accept: bool = False) -> Path:
    """Fetch a checkpoint into the user's folder, unless it is there and verified; return its path.

    A transfer that broke off is resumed, now or at the next call. Nothing but a complete and verified file ever gets
    the final name.

    Args:
        entry: of the registry.
        progress: called with (bytes done, bytes in all or None) as they arrive.
        accept: take a file that only a hint or an earlier pin contradicts (see `verify`).

    Raises:
        CheckpointError: only to be had with a browser, no address works, wrong checksum, disk full, folder not
            writable, or another process is fetching it.
    """
    target = path_of(entry)
    if target.is_file():
        ensure(target, entry)
        return target
    if not (entry.urls or entry.drive):
        raise CheckpointError(f"{entry.name} cannot be fetched by a program: {how_to_get(entry)}")
    _make_folder(target.parent)
    with _only_one(target):
        if not target.is_file():
            _fetch_from_any(entry, target, progress or (lambda _done, _total: None), accept=accept)
    return target


def _fetch_from_any(entry: Entry, target: Path, progress: Progress, *, accept: bool) -> None:
    """Try one address after the other; CheckpointError with every reason when none works."""
    part = target.with_name(target.name + ".part")
    limit = LIMIT if accept or entry.size is None else entry.size
    reasons = []
    for url in (*entry.urls, *([DRIVE + entry.drive] if entry.drive else [])):
        if not (entry.sha256 or entry.git_blob):
            part.unlink(missing_ok=True)  # nothing would tell if the rest came from another file
        try:
            _download(url, part, limit, progress)
            _keep(url, part, target, entry, accept=accept)
        except CheckpointError as error:
            reasons.append(str(error))
        else:
            return
    raise CheckpointError(f"{entry.name} was not fetched: {'; '.join(reasons)}")


def _keep(url: str, part: Path, target: Path, entry: Entry, *, accept: bool) -> None:
    """Verify a complete download and give it its name; remove it where it is not what it should be."""
    try:
        check(part, entry, pinned_as=target, accept=accept)
    except CheckpointError as error:
        part.unlink(missing_ok=True)
        raise CheckpointError(f"{_host(url)} gave another file: {error}; it was removed") from error
    part.replace(target)


def _download(url: str, part: Path, limit: int, progress: Progress) -> None:
    """Bring a file to `part`, continuing what is there; several attempts as long as bytes arrive."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    opener.addheaders = [("User-Agent", "vsrestore"), ("Accept-Encoding", "identity")]
    failed = 0
    while True:
        before = _size(part)
        try:
            address = _confirmed(opener, url) if url.startswith(DRIVE) else url
            _transfer(opener, address, part, limit, progress)
        except _BrokenOffError as error:
            failed = 1 if _size(part) > before else failed + 1
            if failed >= ATTEMPTS:
                raise CheckpointError(
                    f"{_host(url)} broke off {failed} times ({error}); run the same command again to continue"
                ) from error
            time.sleep(PAUSE * 2 ** (failed - 1))
        else:
            return


def _transfer(opener: urllib.request.OpenerDirector, url: str, part: Path, limit: int, progress: Progress) -> None:
    """One request: append to `part` if the server continues there, start over if it does not."""
    start = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    with _open(opener, request) as response:
        if response.status == 416:  # the range begins at or behind the end of the file
            if response.headers.get("Content-Range") == f"bytes */{start}":
                return
            part.unlink()
            raise _BrokenOffError("the file begun does not fit, starting over")
        _refuse_page(response, url)
        resumed = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        start = start if resumed else 0
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        _check_room(part, (total or start) - start)
        with _disk_errors(part), part.open("ab" if resumed else "wb") as file:
            _copy(response, file, start, total, limit, progress)


def _copy(
    response: http.client.HTTPResponse, file: IO[bytes], done: int, total: int | None, limit: int, progress: Progress
) -> None:
    progress(done, total)
    while block := _read(response):
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


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read(BLOCK)
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenOffError(str(error) or type(error).__name__) from error


def _open(opener: urllib.request.OpenerDirector, request: urllib.request.Request) -> http.client.HTTPResponse:
    """Send a request; a 416 answer is returned like a success, other refusals become errors."""
    url = request.full_url
    try:
        response: http.client.HTTPResponse = opener.open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416:
            return error  # type: ignore[return-value]  # it is a response as well
        error.close()
        if error.code == 429 or error.code >= 500:
            raise _BrokenOffError(f"answer {error.code} {error.reason}") from error
        raise CheckpointError(f"{_host(url)} answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise _BrokenOffError("no answer") from error
        raise CheckpointError(f"{_host(url)} cannot be reached ({error.reason})") from error
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenOffError(str(error) or type(error).__name__) from error
    return response


def _refuse_page(response: http.client.HTTPResponse, url: str) -> None:
    if response.headers.get_content_type() == "text/html":
        raise CheckpointError(f"{_host(url)} answers with a web page instead of the file")


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
        page, address = response.read(1 << 20).decode(errors="replace"), response.geturl()
    form = _Form()
    form.feed(page)
    if form.action and "confirm" in form.fields:
        return f"{urllib.parse.urljoin(address, form.action)}?{urllib.parse.urlencode(form.fields)}"
    link = re.search(r'href="([^"]*[?&](?:amp;)?confirm=[^"]+)"', page)
    if link:
        return urllib.parse.urljoin(address, link[1].replace("&amp;", "&"))
    reason = "too many downloads for now, try tomorrow" if "uota" in page else "no access, or an unknown page"
    raise CheckpointError(f"Google Drive does not hand out the file ({reason}); open {url} in a browser instead")


@contextmanager
def _only_one(target: Path) -> Iterator[None]:
    """Hold the lock of a target, so that two processes do not write the same temporary file."""
    from filelock import FileLock, Timeout

    lock = FileLock(target.with_name(f".{target.name}.lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise CheckpointError(f"another process is fetching {target.name}; wait for it") from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _disk_errors(part: Path) -> Iterator[None]:
    """Turn a failing write into an error in words; on a full disk the part is removed to make room."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            part.unlink(missing_ok=True)
            raise CheckpointError(f"the disk is full at {part.parent}; make room, or set VSRESTORE_WEIGHTS") from error
        raise CheckpointError(f"{part} cannot be written ({error.strerror})") from error


def _check_room(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise CheckpointError(
            f"the disk is full at {part.parent}: {needed:,} bytes are needed, {free:,} are free; "
            "make room, or set VSRESTORE_WEIGHTS"
        )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(
            f"the folder {folder} cannot be made ({error.strerror}); set VSRESTORE_WEIGHTS to another"
        ) from error


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc
