# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Established connections of a process, counted from /proc (proc_net_tcp(5)) and not with the collection's own eyes."""

from __future__ import annotations

import socket
import struct
from collections import Counter
from pathlib import Path

from .kernel_sockets import socket_inodes

_ESTABLISHED = "01"


def outgoing(pid: int, port: int) -> Counter[str]:
    """Connections of the process to that remote port, per remote address (IPv4)."""
    mine = set(socket_inodes(pid).values())
    counts: Counter[str] = Counter()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        address, _colon, number = fields[2].partition(":")
        if fields[3] == _ESTABLISHED and int(number, 16) == port and int(fields[9]) in mine:
            counts[socket.inet_ntoa(struct.pack("=I", int(address, 16)))] += 1
    return counts
