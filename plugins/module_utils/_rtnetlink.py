# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of a network namespace (rtnetlink(7), RTM_GETADDR)."""

from __future__ import annotations

import socket
import struct

from ansible_collections.closewait.remediation.plugins.module_utils import _netlink

NETLINK_ROUTE = 0
RTM_GETADDR = 22
IFA_ADDRESS = 1
IFA_LOCAL = 2
_IFADDRMSG = struct.Struct("=BBBBI")


def addresses() -> list[str]:
    """All addresses of the calling thread's network namespace, sorted. Raises ``NetlinkError``."""
    with _netlink.open_socket(NETLINK_ROUTE) as sock:
        found = {_address(answer) for answer in _netlink.dump(sock, RTM_GETADDR, _IFADDRMSG.pack(0, 0, 0, 0, 0))}
    return sorted(address for address in found if address)


def _address(answer: memoryview) -> str:
    # On a point-to-point link IFA_ADDRESS is the peer's; IFA_LOCAL, where present, is ours.
    values = (_netlink.attribute(answer, kind, _IFADDRMSG.size) for kind in (IFA_LOCAL, IFA_ADDRESS))
    raw = bytes(next(filter(None, values), b""))
    family = answer[0]
    return socket.inet_ntop(family, raw) if family in (socket.AF_INET, socket.AF_INET6) and raw else ""
