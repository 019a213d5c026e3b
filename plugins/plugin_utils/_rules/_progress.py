# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ``progress`` facts say about one busy process: does it poll, does it get anywhere, which calls of it fail.

A server that writes to a log daemon while it serves nobody gets nowhere. So for a process with TCP sockets these and
files count, and not every call that moved data. A process without them has nothing else to show.
"""

from __future__ import annotations

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.cpu import Process
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.progress import (
    Connections,
    FailingCall,
    ProcessProgress,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _spin
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import Scene

#: Shorter than this nothing follows from calls that were not made: a loop may have been busy with one event.
SHORTEST_S = 0.3
#: Calls that moved data, per poll: two and more at an honest server, next to none in a loop that polls in vain.
USEFUL_SHARE = 0.5
#: Reading in no more than this share of the parts of a window, or for no longer, is no progress of a server.
RARELY = 0.25
#: A program that works does not meet these again and again.
HARD = ("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EIO", "EPIPE", "EBADF", "ENOTCONN", "ECONNREFUSED", "EDESTADDRREQ")
#: These it does, as when it looks for a file in many places; only a stream of them means something.
SOFT = ("ENOENT", "ENOTDIR", "EACCES", "EPERM", "EISDIR", "ELOOP", "EMFILE", "ENFILE", "ENXIO", "ENODEV", "EEXIST")
#: kombu registers each fd anew in every round and takes EEXIST and ENOENT for an answer: 1,400 a second at 2 % CPU.
USUAL = ("epoll_ctl",)


def of(scene: Scene, process: Process) -> ProcessProgress | None:
    """The progress of a process; None when it was not followed."""
    facts = scene.facts.get("progress")
    for row in (facts["processes"] if facts else None) or []:
        if row["pid"] == process["pid"] and row["start_time"] == process["start_time"]:
            return row
    return None


def never_polls(scene: Scene, process: Process) -> bool:
    """Whether its busy thread was seen not to wait for events even once: then no socket makes it spin."""
    progress, thread = of(scene, process), _spin.deciding_thread(process)
    calls = progress["calls"] if progress else None
    if calls is None or thread is None or thread["tid"] not in calls["tids"]:
        return False
    return calls["seconds"] >= SHORTEST_S and not any(calls["polls"])


def is_woken_to_work(scene: Scene, process: Process) -> bool:
    """Whether its waits for events bring it data to move, as those of an honestly busy server do.

    One that polls in vain does so thousands of times a second and moves hardly anything. A server that is always busy
    has registrations that look suspicious for a moment: of what it is writing, and of clients that have just closed.
    """
    progress, thread = of(scene, process), _spin.deciding_thread(process)
    calls = progress["calls"] if progress else None
    if calls is None or thread is None or thread["tid"] not in calls["tids"] or not any(calls["polls"]):
        return False
    return sum(calls["moved"]) >= USEFUL_SHARE * sum(calls["polls"])


def on_no_registration(scene: Scene, process: Process) -> bool:
    """Whether the count of its system calls shows that nothing in its epoll sets makes it spin."""
    return never_polls(scene, process) or is_woken_to_work(scene, process)


def advances(progress: ProcessProgress, window_s: float) -> bool:
    """Whether it got anything done in the window, as far as that can be seen."""
    io, sockets = progress["io"], progress["sockets"]
    moved = io is not None and (any(io["bytes_written"]) or _reads(progress, io["bytes_read"]))
    changed = sockets is not None and bool(sockets["opened"] or sockets["ended"])
    grown = any(file["grown"] for file in progress["files"])
    return moved or changed or grown or _sends(progress, window_s)


def _reads(progress: ProcessProgress, parts: list[int]) -> bool:
    """A server is to answer. Reading once is no step to that: a loop of failures reads what its tracebacks quote."""
    tcp = connections(progress)
    return not _once(parts) if tcp is not None and tcp["listening"] else any(parts)


def _once(parts: list[int]) -> bool:
    """Whether it read in a few parts at most, or in one go, which may have begun in one part and ended in the next."""
    reading = [number for number, part in enumerate(parts) if part]
    few = RARELY * len(parts)
    return len(reading) <= few or reading[-1] - reading[0] <= few


def _sends(progress: ProcessProgress, window_s: float) -> bool:
    tcp, calls = connections(progress), progress["calls"]
    if tcp is not None and (tcp["listening"] or tcp["connected"]):
        return tcp["sent_ago_s"] is not None and tcp["sent_ago_s"] < window_s
    return calls is not None and any(calls["moved"])


def connections(progress: ProcessProgress) -> Connections | None:
    """Its TCP sockets; None when there are none, or nothing is known."""
    return progress["sockets"]["tcp"] if progress["sockets"] else None


def failures(progress: ProcessProgress, process: Process, calls_per_cpu_s: float) -> list[FailingCall]:
    """The failing calls that mean something. The rate is one per second of CPU, so that a busy host hides none."""
    calls = progress["calls"]
    if calls is None:
        return []
    cpu_s = calls["seconds"] * process["cpu_percent"] / 100
    return [
        call
        for call in calls["failing_calls"]
        if call["call"] not in USUAL
        and (call["errno"] in HARD or (call["errno"] in SOFT and call["count"] >= max(2.0, calls_per_cpu_s * cpu_s)))
    ]


def writes_nothing(progress: ProcessProgress) -> bool:
    """Whether it called for writes and nothing was written: told by ``/proc/PID/io`` alone."""
    io = progress["io"]
    return io is not None and any(io["writes"]) and not any(io["bytes_written"])
