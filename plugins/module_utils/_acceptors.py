# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes that should accept what stands in a queue: looked at for a second, to be told by what they do instead.

Its own file, because most hosts never need it, and a managed host compiles what is imported.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import (
    _acceptor_facts,
    _blocked_on,
    _holders,
    _netns,
    _program,
    _socket_addresses,
    _tcp_facts,
)

MOST_PROCESSES = 16


def followed(
    listeners: Sequence[_tcp_facts.Placed],
    holders: Mapping[int, List[_holders.Holder]],
    namespaces: Sequence[_netns.Namespace],
    proc: str = "/proc",
) -> Tuple[List[Dict[str, Any]], int]:
    """Facts of the holders of these listening sockets, and how many more there are than :data:`MOST_PROCESSES`.

    ``namespaces``: where what they wait for may be connected.
    """
    inodes = [placed.tcp.inode for placed in listeners]
    candidates, omitted = _blocked_on.candidates(inodes, holders, MOST_PROCESSES)
    addresses = _socket_addresses.Addresses(namespaces if candidates else [], proc)
    try:
        rows = _blocked_on.follow(candidates, addresses.look, proc)
    finally:
        addresses.close()
    return [
        {**_acceptor_facts.process(row, addresses.of), **_program.described(row.candidate.pid, proc)} for row in rows
    ], omitted
