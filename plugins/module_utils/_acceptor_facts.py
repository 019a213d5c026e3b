# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON shape of a process that does not get round to accepting connections. Pure: samples in, plain data out."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import _blocked_on, _socket_addresses, _tcp_facts

Fact = Dict[str, Any]
Ends = Callable[[Optional[int]], Optional[_socket_addresses.Ends]]

LISTENERS_SHOWN = 8
WAITS_SHOWN = 8


def process(row: _blocked_on.Followed, ends: Ends) -> Fact:
    """What a process was seen to do: samples in which it would have accepted, ran, or waited for something else."""
    states = [sample.state for sample in row.samples]
    waits = _waits(row, ends)
    return {
        "pid": row.candidate.pid,
        "start_time": row.candidate.start_time,
        "ppid": row.ppid,
        "name": row.candidate.name,
        "threads": row.threads,
        "threads_omitted": max(0, row.threads - _blocked_on.MOST_THREADS),
        "listeners": sorted(row.candidate.listeners)[:LISTENERS_SHOWN],
        "samples": len(states),
        "accepting": states.count(_blocked_on.ACCEPTING),
        "running": states.count(_blocked_on.RUNNING),
        "waiting": states.count(_blocked_on.WAITING),
        "waits": waits[:WAITS_SHOWN],
        "waits_omitted": max(0, len(waits) - WAITS_SHOWN),
        "error": row.error,
    }


def _waits(row: _blocked_on.Followed, ends: Ends) -> List[Fact]:
    """What its threads waited for; ``seen``: in how many samples. The main thread's and frequent ones first."""
    seen: Dict[Tuple[Any, ...], Fact] = {}
    for sample in row.samples:
        for key, fact in {_wait_key(row, look, ends): _wait(row, look, ends) for look in sample.looks}.items():
            seen.setdefault(key, {**fact, "seen": 0})["seen"] += 1
    return sorted(seen.values(), key=lambda fact: (not fact["main_thread"], -fact["seen"], fact["call"]))


def _wait_key(row: _blocked_on.Followed, look: _blocked_on.Look, ends: Ends) -> Tuple[Any, ...]:
    found = ends(look.inode)
    return look.tid == row.candidate.pid, look.call, look.wchan, look.protocol, found[1] if found else None


def _wait(row: _blocked_on.Followed, look: _blocked_on.Look, ends: Ends) -> Fact:
    found = ends(look.inode)
    return {
        "main_thread": look.tid == row.candidate.pid,
        "call": look.call,
        "wchan": look.wchan,
        "protocol": look.protocol,
        "remote": _tcp_facts.endpoint(found[1]) if found else None,
    }
