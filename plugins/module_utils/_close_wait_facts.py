# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON shape of half-closed connections alone. Pure; nothing is said of what watches them, as nobody looked.

Counts are exact; lists are cut at ``limit`` with the cut stated, the oldest first.
"""

from __future__ import annotations

from typing import Sequence

from ansible_collections.closewait.remediation.plugins.module_utils import _tcp_facts

#: Keys of :mod:`_tcp_facts` about epoll registrations.
_OF_WATCHERS = frozenset(("registrations", "watched"))

#: Nothing could be listed: none of it is known.
UNKNOWN = dict.fromkeys(
    (
        *("total", "unaccepted", "unowned", "sockets", "omitted"),
        *("by_peer", "by_peer_omitted", "by_process", "by_process_omitted"),
    )
)


def counted(sockets: Sequence[_tcp_facts.Placed], holders: _tcp_facts.Index, limit: int) -> _tcp_facts.Fact:
    """Totals and samples; ``fd_limit`` of each process is left to the caller."""
    facts = _tcp_facts.close_wait(sockets, holders, {}, limit)
    for rows in ("sockets", "by_process"):
        facts[rows] = [_without_watchers(row) for row in facts[rows]]
    return facts


def _without_watchers(row: _tcp_facts.Fact) -> _tcp_facts.Fact:
    return {key: value for key, value in row.items() if key not in _OF_WATCHERS}
