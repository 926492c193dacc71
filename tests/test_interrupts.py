from __future__ import annotations

import signal
import threading

import pytest

from vsrestore.interrupts import held_interrupts


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM])
def number(request):
    """A signal that raises KeyboardInterrupt."""
    before = signal.signal(request.param, signal.default_int_handler)
    yield request.param
    assert signal.signal(request.param, before) is signal.default_int_handler


def test_an_interrupt_waits_for_the_end_of_the_block(number):
    done = []

    def interrupted():
        with held_interrupts():
            signal.raise_signal(number)
            done.append("within")
        done.append("behind")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done == ["within"]


def test_an_interrupt_comes_where_it_is_asked_for(number):
    done = []

    def interrupted():
        with held_interrupts() as deliver:
            deliver()
            signal.raise_signal(number)
            done.append("before")
            deliver()
            done.append("behind")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done == ["before"]


def test_a_second_interrupt_comes_through_at_once(number):
    done = []

    def interrupted():
        with held_interrupts():
            signal.raise_signal(number)
            signal.raise_signal(number)
            done.append("within")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done == []


def test_ignored_interrupts_stay_ignored(number):
    signal.signal(number, signal.SIG_IGN)
    with held_interrupts():
        signal.raise_signal(number)
    assert signal.signal(number, signal.default_int_handler) is signal.SIG_IGN


def test_other_threads_hold_nothing():
    done = []

    def within():
        with held_interrupts():
            done.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=within)
    thread.start()
    thread.join(10)
    assert done == [before]
