# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every TCP socket of a network namespace in one pass: numbers only, for very many of them.

An answer of inet_diag (include/uapi/linux/inet_diag.h) is some 120 bytes, and all of one state are of one length, so
they are unpacked by the hundred. What needs more of a socket than a :data:`Row` looks it up again.
"""

from __future__ import annotations

import functools
import socket
import struct
from operator import itemgetter
from typing import Dict, Final, Iterable, List, NamedTuple, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import _netlink, _sock_diag

#: Family, state, local and remote port, local and remote address (all four in network order), inode.
Row = Tuple[int, int, bytes, bytes, bytes, bytes, int]
FAMILY: Final = 0
STATE: Final = 1
LOCAL_PORT: Final = 2
REMOTE_PORT: Final = 3
LOCAL: Final = 4
REMOTE: Final = 5
INODE: Final = 6
Block = Tuple[int, memoryview]

#: After the header of netlink: family, state, timer, retransmits; ports, addresses, interface, cookie; expiry, queues,
#: uid; inode.
_LAYOUT = "=16xBB2x2s2s16s16s12x16xI"
_HEADER_BYTES = 16


class Survey(NamedTuple):
    """``rows`` in no order; ``blocks``: the answers themselves, see :func:`answers`."""

    rows: List[Row]
    blocks: List[Block]


def survey(sock: socket.socket, states: int) -> Survey:
    """All sockets in these states (a mask of ``1 << state``). Raises ``NetlinkError``."""
    rows: List[Row] = []
    blocks: List[Block] = []
    query = _sock_diag.query_of_all_families(states)
    for length, block in _netlink.dump_blocks(sock, _sock_diag.TCPDIAG_GETSOCK, query):
        rows += _layout(length).iter_unpack(block)
        blocks.append((length, block))
    return Survey(rows, blocks)


def by_inode(rows: Iterable[Row]) -> Dict[int, Row]:
    """The sockets that a program holds (or held, a moment ago)."""
    every = list(rows)
    found = dict(zip(map(itemgetter(INODE), every), every))
    found.pop(0, None)
    return found


def row(tcp: _sock_diag.TcpSocket) -> Row:
    """What there is of it here."""
    ends = tcp.sockid
    return tcp.family, tcp.state, ends[:2], ends[2:4], ends[4:20], ends[20:36], tcp.inode


def answers(blocks: Iterable[Block], inodes: Iterable[int]) -> Dict[int, bytes]:
    """The whole answer for each of these inodes, to be decoded (:func:`_sock_diag.decode`)."""
    wanted = set(inodes)
    found: Dict[int, bytes] = {}
    for length, block in blocks if wanted else ():
        for number, row in enumerate(_layout(length).iter_unpack(block)):
            if row[INODE] in wanted:
                found[row[INODE]] = bytes(block[number * length + _HEADER_BYTES : (number + 1) * length])
    return found


@functools.lru_cache(maxsize=64)
def _layout(length: int) -> struct.Struct:
    return struct.Struct("%s%dx" % (_LAYOUT, length - struct.calcsize(_LAYOUT)))
