# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections that this end has closed and the other one has not: a half-closed connection seen from its other end.

FIN_WAIT2 without a holder lasts ``net.ipv4.tcp_fin_timeout`` (60 s, tcp(7)); after that this end knows of it no more,
while the other one stays in CLOSE_WAIT. Pure.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any, Dict, Iterable, List, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import _sock_diag
from ansible_collections.closewait.remediation.plugins.module_utils._connections import survey

#: FIN_WAIT1 (the other end has not acknowledged it yet) and FIN_WAIT2 (it has, and closes not).
CLOSED_HERE = frozenset((4, 5))


def fact(parts: Iterable[Tuple[int, List[survey.Row]]], limit: int) -> Dict[str, Any]:
    """``{total, sockets[{netns, local, remote, state}], omitted}``; ``parts``: network namespace and its sockets."""
    found = [(netns, row) for netns, rows in parts for row in rows if row[survey.STATE] in CLOSED_HERE]
    found.sort(key=itemgetter(0))
    shown = [_socket(netns, row) for netns, row in found[:limit]]
    return {"total": len(found), "sockets": shown, "omitted": len(found) - len(shown)}


def _socket(netns: int, row: survey.Row) -> Dict[str, Any]:
    return {
        "netns": netns,
        "local": _endpoint(row[survey.FAMILY], row[survey.LOCAL], row[survey.LOCAL_PORT]),
        "remote": _endpoint(row[survey.FAMILY], row[survey.REMOTE], row[survey.REMOTE_PORT]),
        "state": _sock_diag.STATES[row[survey.STATE]],
    }


def _endpoint(family: int, address: bytes, port: bytes) -> Dict[str, Any]:
    return {"address": _sock_diag.address(family, address), "port": int.from_bytes(port, "big")}
