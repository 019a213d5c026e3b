# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find and end what a stage leaves running.

The runner makes itself the subreaper of its descendants (prctl(2), PR_SET_CHILD_SUBREAPER): a daemon that a stage
starts becomes its child when the daemon's parent ends, whatever session or process group it has moved to. After a stage
that ran alone there must be none.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

PR_SET_CHILD_SUBREAPER = 36
KILLED_S = 10.0  # a killed process needs a CPU to end
GRACE_S = 10.0  # ansible's async_wrapper looks every 5 s whether its task has ended


def become_subreaper() -> None:
    """Make orphaned descendants children of this process."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def _children() -> dict[int, list[int]]:
    """Return parent pid -> child pids of every process that is no zombie (proc(5), /proc/PID/stat fields 3 and 4)."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                children.setdefault(int(parent), []).append(int(stat.parent.name))
    return children


def descendants() -> list[int]:
    """Return the pids of all living descendants of this process, children before grandchildren."""
    children = _children()
    found: list[int] = []
    queue = [os.getpid()]
    while queue:
        below = children.get(queue.pop(0), [])
        found += below
        queue += below
    return found


def children_of(pid: int) -> list[int]:
    """Return the pids of the living children of a process."""
    return _children().get(pid, [])


@contextlib.contextmanager
def watched(pids: Iterable[int]) -> Iterator[list[int]]:
    """Hold a pidfd (pidfd_open(2)) of each of these processes that is still there."""
    with contextlib.ExitStack() as held:
        fds: list[int] = []
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                fds.append(os.pidfd_open(pid))
                held.callback(os.close, fds[-1])
        yield fds


def wait_for_end(pidfds: Sequence[int], seconds: float) -> None:
    """Wait until the processes have ended, each no longer than ``seconds``.

    PID 1 of a PID namespace has only ended when no process is left in it: the kernel kills the others first and waits
    for them (pid_namespaces(7)), after whoever started the namespace may have been reaped already.
    """
    for pidfd in pidfds:
        select.select([pidfd], [], [], seconds)


def describe(pid: int) -> str:
    """Return ``pid (command line)`` of a process, at most 100 characters of the latter."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        words = []
    line = b" ".join(words).decode(errors="replace").strip()
    return f"{pid} ({line[:100] or 'gone'})"


def end_all() -> list[str]:
    """Kill every descendant that does not end by itself within ``GRACE_S`` seconds; return what had to be killed."""
    deadline = time.monotonic() + GRACE_S
    while (pids := descendants()) and time.monotonic() < deadline:
        reap()
        time.sleep(0.05)
    killed = [describe(pid) for pid in pids]
    with watched(pids) as ending:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_for_end(ending, KILLED_S)
    reap()
    return killed


@contextlib.contextmanager
def ended_on_error() -> Iterator[None]:
    """End every descendant when the body is left by an exception, an interrupt among them; they may clean up first."""
    try:
        yield
    except BaseException:
        for pid in descendants():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        end_all()
        raise


def reap() -> None:
    """Collect the exit status of adopted children. Not while a stage runs: that status belongs to its ``Popen``."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
