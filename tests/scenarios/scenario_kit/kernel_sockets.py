# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets and epoll sets as the kernel shows them in /proc (proc_net(5), proc_pid_fdinfo(5)).

Written apart from the collection on purpose: a scenario must not prove the collection with the collection's own eyes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ESTABLISHED = "ESTABLISHED"
CLOSE_WAIT = "CLOSE_WAIT"
UNLISTED = "UNLISTED"
_STATES = {"01": ESTABLISHED, "08": CLOSE_WAIT, "0A": "LISTEN"}
_WATCH = re.compile(r"^tfd:\s*(\d+) events:\s*([0-9a-f]+) .*\bino:([0-9a-f]+)", re.MULTILINE)
_SOCKET = re.compile(r"^socket:\[(\d+)\]$")
_EDGE_TRIGGERED_OR_ONESHOT = (1 << 31) | (1 << 30)
_EPOLLIN = 1


@dataclass(frozen=True)
class Watch:
    """One entry of an epoll set: ``number`` as registered, ``inode`` of the file behind it."""

    epoll_fd: int
    number: int
    events: int
    inode: int

    @property
    def level_triggered_read(self) -> bool:
        """Whether a readable or closed file makes every epoll_wait return at once."""
        return bool(self.events & _EPOLLIN) and not self.events & _EDGE_TRIGGERED_OR_ONESHOT


def tcp_states(pid: int | str = "self") -> dict[int, str]:
    """State by inode of every TCP socket of the network namespace of a process."""
    states: dict[int, str] = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            states[int(fields[9])] = _STATES.get(fields[3], fields[3])
    return states


def _links(pid: int) -> Iterator[tuple[int, str]]:
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            yield int(entry.name), str(entry.readlink())
        except FileNotFoundError:
            continue


def socket_inodes(pid: int) -> dict[int, int]:
    """Inode by fd of every socket the process has open."""
    matches = ((fd, _SOCKET.match(link)) for fd, link in _links(pid))
    return {fd: int(match[1]) for fd, match in matches if match}


def close_wait_fds(pid: int) -> list[int]:
    """The fds of the process that are half-closed by their peer."""
    states = tcp_states(pid)
    return sorted(fd for fd, inode in socket_inodes(pid).items() if states.get(inode) == CLOSE_WAIT)


def watches(pid: int) -> list[Watch]:
    """Every entry of every epoll set the process has open."""
    found = []
    for fd, link in _links(pid):
        if link == "anon_inode:[eventpoll]":
            text = Path(f"/proc/{pid}/fdinfo/{fd}").read_text()
            found += [Watch(fd, int(n), int(e, 16), int(i, 16)) for n, e, i in _WATCH.findall(text)]
    return found


def half_closed_watches(pid: int) -> list[Watch]:
    """Level-triggered registrations of sockets the process holds in CLOSE_WAIT."""
    states, own = tcp_states(pid), set(socket_inodes(pid).values())
    return [w for w in watches(pid) if w.level_triggered_read and w.inode in own and states.get(w.inode) == CLOSE_WAIT]


def ghost_watches(pid: int) -> list[Watch]:
    """Registrations under a number that now is another socket of the process."""
    own = socket_inodes(pid)
    return [w for w in watches(pid) if w.level_triggered_read and w.number in own and own[w.number] != w.inode]


def holders(inode: int) -> list[int]:
    """Every process that has that socket open."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and inode in socket_inodes(int(entry.name)).values():
                found.append(int(entry.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return sorted(found)
