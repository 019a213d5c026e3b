# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CPU use of real processes: one that spins, one that sleeps, one with threads, one that ends meanwhile."""

from __future__ import annotations

import contextlib
import os
import time
from typing import Dict, Iterator, Sequence

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _cpu_facts, _cpu_sampling, _procfs
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import running, wait_until
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.spinning import seen_to_spin

pytest.importorskip("psutil", reason="psutil is what is tested here; tests/unit/requirements.txt names it")

#: Busy is who runs at all: nobody knows how much of a CPU a spinner gets where there is much else to do.
WINDOW, SUBWINDOWS, BUSY = 0.8, 4, 0.01

SPIN = "print(1)\nwhile True: pass"
SLEEP = "import time\nprint(1)\ntime.sleep(60)"
#: The leader sleeps, one thread of three spins; what it spins on gives the interpreter lock up.
THREADS = """
import hashlib, threading, time
def spin():
    while True: hashlib.sha256(b"x" * 1000000).digest()
for target in (spin, threading.Event().wait, threading.Event().wait):
    threading.Thread(target=target, daemon=True).start()
print(1)
time.sleep(60)
"""
#: Many processes that cost nothing: children of one.
CROWD = """
import os, time
for _turn in range(400):
    if not os.fork():
        time.sleep(60)
        os._exit(0)
print(1)
time.sleep(60)
"""


class Followed:
    """Processes by name, all followed at the same time, once."""

    def __init__(self, pids: Dict[str, int]) -> None:
        self.pids = pids
        began = time.monotonic()
        self.all = _cpu_sampling.follow(WINDOW, SUBWINDOWS, BUSY)
        self.took = time.monotonic() - began
        self.by_pid = {key.pid: (key, ticks) for key, ticks in self.all.items()}

    def usage(self, name: str) -> _cpu_facts.Usage:
        return _cpu_facts.usage(self.by_pid[self.pids[name]][1])


@pytest.fixture(name="history", scope="module")
def _history() -> Iterator[Followed]:
    with contextlib.ExitStack() as stack:
        pids = {
            name: stack.enter_context(running(code)).pid
            for name, code in (("spin", SPIN), ("sleep", SLEEP), ("threads", THREADS))
        }
        seen_to_spin(stack.enter_context(pytest.MonkeyPatch.context()), pids["spin"], pids["threads"])
        yield Followed(pids)


def test_a_spinner_is_busy_in_every_sub_window(history: Followed) -> None:
    usage = history.usage("spin")
    assert usage.percent > 0
    assert len(usage.windows) == SUBWINDOWS
    assert set(usage.states) == {"R"}
    assert usage.user_percent > usage.system_percent
    assert usage.thread is not None
    assert usage.thread["tid"] == history.pids["spin"]
    assert usage.thread["voluntary_per_s"] < 1.0
    assert usage.voluntary_per_s < 1.0


def test_a_sleeper_uses_nothing(history: Followed) -> None:
    usage = history.usage("sleep")
    assert usage.percent == 0
    assert set(usage.states) == {"S"}
    # Not followed thread by thread: only looked at at both ends and after the first sub-window.
    assert len(usage.windows) == 2
    assert usage.thread is None


def test_the_spinning_thread_is_found_although_the_leader_sleeps(history: Followed) -> None:
    usage = history.usage("threads")
    assert usage.percent > 0
    assert usage.thread is not None
    tid = usage.thread["tid"]
    assert tid != history.pids["threads"]
    assert "R" in usage.thread["states"]
    assert str(tid) in os.listdir("/proc/%d/task" % history.pids["threads"])


def test_the_key_is_the_identity(history: Followed) -> None:
    for pid in history.pids.values():
        key, ticks = history.by_pid[pid]
        stat = _procfs.stat(pid)
        assert stat is not None
        assert key.start_time == stat.start_time
        assert WINDOW <= ticks[-1].when - ticks[0].when <= history.took


def test_every_process_that_lived_through_the_window_is_there(history: Followed) -> None:
    assert os.getpid() in history.by_pid
    assert 1 in history.by_pid
    assert all(len(ticks) >= 2 for ticks in history.all.values())


def test_who_ends_meanwhile_is_left_out() -> None:
    with running(SLEEP) as ends:

        def end(_busy: Sequence[_cpu_sampling.Key]) -> None:
            ends.kill()
            ends.wait()

        history = _cpu_sampling.follow(0.4, 2, BUSY, attend=end)
    assert ends.pid not in {key.pid for key in history}


def test_a_slow_look_loses_nobody() -> None:
    """Many processes make a look last longer than half a sub-window, as on a host with thousands."""
    with running(CROWD) as crowd:
        children = _procfs.children(crowd.pid)
        try:
            assert len(children) == 400
            found = {key.pid for key in _cpu_sampling.follow(0.2, 4, 100.0)}
            assert set(children) - found == set()
        finally:
            for child in children:
                os.kill(child, 9)


def test_threads_of_a_process_that_is_gone() -> None:
    with running("print(1)") as process:
        wait_until(lambda: process.poll() is not None)
        assert _cpu_sampling.threads(process.pid) == {}


def test_share_of_one_cpu() -> None:
    first = _cpu_sampling.Tick(10.0, 1.0, 1.0, "R", {})
    assert _cpu_sampling.share(first, first._replace(when=14.0, user=2.0, system=2.0)) == pytest.approx(50.0)
