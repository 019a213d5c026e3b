# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is at the other end of sockets that a process was just seen to wait for, which may be gone a moment later."""

from __future__ import annotations

import socket
from typing import Dict, List, Optional, Sequence, Set, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import _netns, _sock_diag

Ends = Tuple[Tuple[str, int], Tuple[str, int]]

#: Each walks over all connections of the namespaces, so a process with many short calls is not followed in all of them.
MOST_LISTINGS = 8


class Addresses:
    """Local and remote end by inode."""

    def __init__(self, namespaces: Sequence[_netns.Namespace], proc: str = "/proc") -> None:
        self._sockets: List[socket.socket] = []
        self._known: Dict[int, Optional[Ends]] = {}
        self._left = MOST_LISTINGS
        for namespace in namespaces:
            try:
                with _netns.entered(namespace, proc):
                    self._sockets.append(_sock_diag.open_socket())
            except OSError:
                # Its sockets stay without an address, which the facts show.
                continue

    def look(self, inodes: Set[int]) -> None:
        """Find out about those of them that are not known yet."""
        missing = inodes - set(self._known)
        if not missing or not self._left:
            return
        self._left -= 1
        for sock in self._sockets:
            self._known.update((tcp.inode, ends(tcp)) for tcp in _sock_diag.of_inodes(sock, missing))

    def of(self, inode: Optional[int]) -> Optional[Ends]:
        """None when the socket is no TCP connection, or was gone before it could be looked up."""
        return self._known.get(inode) if inode else None

    def close(self) -> None:
        """Nothing more will be asked."""
        for sock in self._sockets:
            sock.close()


def ends(tcp: _sock_diag.TcpSocket) -> Optional[Ends]:
    """None for what is not connected."""
    return (tcp.local, tcp.remote) if tcp.state != _sock_diag.LISTEN else None
