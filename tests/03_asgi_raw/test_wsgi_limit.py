"""Claim 11: one callable, one request, one response; and what that costs."""

import os
import re
import subprocess
import sys
import threading

import pytest
from wsgi_limit import TICKS, Heard, drawn, nobody_asks, under_asgi, under_wsgi

from tests.support.processes import ROOT

PERIOD = 0.05  # seconds


def times(heard, client):
    return [one.at for one in heard if one.client == client]


def test_claim_11_the_second_client_waits_for_the_first_one_s_last_tick():
    heard = under_wsgi(PERIOD)
    assert [one.client for one in heard] == ["one"] * TICKS + ["two"] * TICKS
    words = [f"tick {number}" for number in range(TICKS)]
    assert [one.words for one in heard] == words * 2
    # the worker is free only after its last sleep
    assert times(heard, "two")[0] >= TICKS * PERIOD


def test_claim_11_wsgi_says_nothing_to_a_client_that_has_not_asked():
    mute = nobody_asks(PERIOD)
    assert mute.said == b""
    assert mute.answered > mute.stayed >= PERIOD * 0.9


async def test_claim_11_asgi_tells_two_clients_the_time_at_once_and_unasked():
    heard = await under_asgi(1.5)  # a machine may stand still between two clients
    for number in range(TICKS):  # in turns: each tick reaches both before the next
        both = heard[2 * number : 2 * number + 2]
        assert {one.client for one in both} == {"one", "two"}
        assert {one.words for one in both} == {f"tick {number}"}


def test_no_thread_is_left_of_the_servers():
    before = threading.active_count()
    under_wsgi(0.001)
    nobody_asks(0.001)
    assert threading.active_count() == before


def test_the_picture_has_a_line_for_each_client():
    heard = [Heard(0.0, "one", ""), Heard(0.1, "two", ""), Heard(0.2, "one", "")]
    assert drawn(heard, 0.05).splitlines() == [
        "  one  ●···●  0.00  0.20 s",
        "  two  ··●  0.10 s",
    ]


@pytest.mark.parametrize(
    "words", ["hears 0 bytes", "WSGI, one worker", "ASGI, one wor"]
)
def test_the_program_says_what_happened(words, output):
    assert words in output


def test_the_program_draws_each_tick_of_both_clocks(output):
    lines = [line for line in output.splitlines() if "●" in line]
    assert len(lines) == 4
    for line in lines:  # on a busy machine two ticks may share a dot, but not a time
        assert len(re.findall(r"\d+\.\d\d", line)) == TICKS


@pytest.fixture(scope="module")
def output():
    return subprocess.run(
        [sys.executable, "wsgi_limit.py"],
        cwd=ROOT / "03_asgi_raw",
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        timeout=300,
        check=True,
    ).stdout
