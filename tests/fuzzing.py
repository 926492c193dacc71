"""What all fuzzing has in common: time, changed bytes, and what counts as a finding.

Two seconds a test by default; ``VSRESTORE_FUZZ_SECONDS`` gives more, as ``--soak`` does. The seed stands in the message
of a failure; what was found once lies in ``tests/corpus`` or in a test's list, and is tried again each time.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

# Letters that parsers, terminals and file systems stumble over, and a few that they do not.
LETTERS = "ab0_.-/\\'\"#[]{}()=,:;%$ \t\n\r\x00\x1b\x7f\xa0\u0301\u202e\ud800\uffffäß世🎞"
CORPUS = Path(__file__).parent / "corpus"
SECONDS = float(os.environ.get("VSRESTORE_FUZZ_SECONDS", "2"))
MOST = 600  # MB by which memory may grow, however large the numbers in a file are
SLOWEST = 5.0  # seconds of the processor that one changed file may take
PIECES = [
    b"\x00",
    b"\xff",
    b"0",
    b"9" * 30,
    b"-1",
    b'"',
    b"[" * 40,
    b"{",
    b"}",
    b"\n",
    b"true",
    b"\x80",
    b"1e999",
    b".",
]


def seeds(first: int = 1) -> Iterator[int]:
    """Numbers one after another until the time is over, at least 50."""
    end, seed = time.monotonic() + SECONDS, first
    while time.monotonic() < end or seed < first + 50:
        yield seed
        seed += 1


def mutated(content: bytes, random: Random) -> bytes:
    """Bytes flipped, cut out, doubled, moved, or replaced by what parsers stumble over."""
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 5))):
        at, length = random.randrange(len(changed) + 1), random.choice((1, 1, 4, 30))
        kind = random.randrange(5)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << random.randrange(8)
        elif kind == 1 and len(changed) > length:
            del changed[at : at + length]
        elif kind == 2:
            changed[at:at] = changed[at : at + length]
        elif kind == 3:
            changed[at : at + length] = random.choice(PIECES)
        else:
            changed[at:at] = random.choice(PIECES)
    return bytes(changed)


def taken(call: Callable[[], object], errors: type[Exception] | tuple[type[Exception], ...], seed: object) -> bool:
    """Call; tell whether it was refused. Any other exception than these, or a long wait, is a finding."""
    began, before = time.process_time(), peak()
    try:
        call()
    except errors as error:
        refused = True
        message = str(error).strip()
    except Exception as error:
        pytest.fail(f"seed {seed}: {type(error).__name__}: {error}")
    else:
        refused, message = False, "taken"
    assert message, f"seed {seed}: no message"
    assert time.process_time() - began < SLOWEST, f"seed {seed} took {time.process_time() - began:.1f} s"
    assert peak() - before < MOST, f"seed {seed} took {peak() - before:.0f} MB"
    return refused


def peak() -> float:
    """The most memory the process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def structures(strategy: st.SearchStrategy, check: Callable, examples: int = 50) -> None:
    """Check what a strategy makes, round after round until the time is over, at least once."""
    end, number = time.monotonic() + SECONDS, 0
    while not number or time.monotonic() < end:

        @seed(number)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        )
        @given(strategy)
        def once(made: object) -> None:
            check(made)

        once()
        number += 1
