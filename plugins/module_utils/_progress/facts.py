# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON shapes of the ``progress`` subset. Pure: what was seen in, plain data out.

Lists of numbers have an entry per sub-window.
"""

from __future__ import annotations

import errno
from collections import Counter
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils._perf import process_calls, syscall_numbers
from ansible_collections.closewait.remediation.plugins.module_utils._progress import transfer, watch, written_files

Fact = Dict[str, Any]
#: Different failing calls, files and paths of one process that are listed.
MOST_KINDS = 10


def process(seen: watch.Followed, name: str) -> Fact:
    """One process."""
    return {
        "pid": seen.key.pid,
        "start_time": seen.key.start_time,
        "name": name,
        "io": io(transfer.steps(seen.transfers)),
        "calls": calls(seen.calls, seen.tids),
        "sockets": sockets(seen),
        **files(seen.files),
        "missing_folders": [{"path": one.path, "folder": one.folder} for one in seen.missing[:MOST_KINDS]],
        "errors": [{"source": source, "reason": reason} for source, reason in sorted(seen.trouble.items())],
    }


def io(steps: Sequence[transfer.Transfer]) -> Optional[Fact]:
    """Bytes and calls; None when they were not seen twice."""
    if not steps:
        return None
    return {
        "bytes_read": [step.read for step in steps],
        "bytes_written": [step.written for step in steps],
        "reads": [step.reads for step in steps],
        "writes": [step.writes for step in steps],
    }


def calls(looks: Sequence[process_calls.Look], tids: Sequence[int]) -> Optional[Fact]:
    """System calls of the followed threads; None when they could not be counted."""
    if not looks:
        return None
    failed: Counter[Tuple[int, int]] = Counter()
    for look in looks:
        failed.update(look.failed)
    names = syscall_numbers.names(syscall_numbers.numbers() or {})
    return {
        "tids": [*tids],
        "seconds": round(sum(look.seconds for look in looks), 3),
        "total": [look.total for look in looks],
        "polls": [look.polls for look in looks],
        "moved": [look.moved for look in looks],
        "failing": [look.failing for look in looks],
        "failing_calls": _failing(failed, names),
        "failing_unlisted": sum(look.failing for look in looks) - sum(count for _key, count in _most(failed)),
    }


def _most(failed: Counter[Tuple[int, int]]) -> List[Tuple[Tuple[int, int], int]]:
    return failed.most_common(MOST_KINDS)


def _failing(failed: Counter[Tuple[int, int]], names: Mapping[int, str]) -> List[Fact]:
    return [
        {
            "call": names.get(number, "number %d" % number),
            "errno": errno.errorcode.get(code, str(code)),
            "count": count,
        }
        for (number, code), count in _most(failed)
    ]


def sockets(seen: watch.Followed) -> Optional[Fact]:
    """All sockets by number, TCP with more; None when the fds could not be read. TCP is null when it was not asked."""
    if not seen.sockets:
        return None
    first, last = seen.sockets[0], seen.sockets[-1]
    ever = frozenset().union(*seen.sockets)
    known = seen.connections
    return {
        "held": len(last),
        "opened": len(ever - first),
        "ended": len(ever - last),
        "tcp": {**known._asdict(), "sent_ago_s": _rounded(known.sent_ago_s)} if known else None,
    }


def files(looks: Sequence[Mapping[int, written_files.WrittenFile]]) -> Fact:
    """Files open for writing at the first look, and how they grew; the fullest file systems first."""
    first, last = (looks[0], looks[-1]) if looks else ({}, {})
    rows = [_file(first[fd], last.get(fd, first[fd])) for fd in first]
    rows.sort(key=lambda row: (row["free_bytes"] is None, row["free_bytes"] or 0, row["fd"]))
    return {"files": rows[:MOST_KINDS], "files_omitted": max(0, len(rows) - MOST_KINDS)}


def _file(before: written_files.WrittenFile, now: written_files.WrittenFile) -> Fact:
    grown = now.size - before.size if now.path == before.path else None
    return {**now._asdict(), "grown": grown}


def _rounded(seconds: Optional[float]) -> Optional[float]:
    return None if seconds is None else round(seconds, 3)
