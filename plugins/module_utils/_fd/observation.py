# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an fd is, looked at from outside at one moment: identity, TCP state, queues, registrations, other holders.

:class:`Observer` walks all processes once, before anything is stopped. :meth:`Observer.observe` can then be asked
as often as needed, also while the process stands still: then each fd is asked itself, through a copy of it, and only
what belongs to the process as a whole, or cannot change any more, is kept from before.
"""

from __future__ import annotations

import contextlib
import errno
import socket
from typing import Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import (
    _epoll,
    _fd_copy,
    _half_closed,
    _holders,
    _netns,
    _procfs,
    _sock_diag,
    _socket_probe,
    _watchers,
)
from ansible_collections.closewait.remediation.plugins.module_utils._fd import decision as fd_decision
from ansible_collections.closewait.remediation.plugins.module_utils._fd import epoll_removal as fd_epoll_removal

#: (fd, inode) -> own epoll fd -> registration
Registrations = Dict[Tuple[int, int], Dict[int, _epoll.Registration]]


class Connection(NamedTuple):
    """A TCP socket as listed, and a sock_diag socket in its namespace to ask about it again."""

    channel: socket.socket
    tcp: _sock_diag.TcpSocket


class Face(NamedTuple):
    """The fd without its surroundings; fields as in ``fd_decision.Observed``."""

    is_open: bool
    inode: Optional[int]
    state: Optional[str]
    cookie: Optional[str]
    unread: Optional[int]
    unsent: int
    lingers: bool
    age: float


_CLOSED = Face(False, None, None, None, None, 0, False, float("inf"))


class Observer:
    """Eyes on a set of targets. Use as a context manager; raises OSError when the kernel shows no sockets at all."""

    def __init__(self, targets: Iterable[fd_decision.Target], proc: str = "/proc") -> None:
        """Walk all processes and namespaces once."""
        self._proc = proc
        self._channels: List[socket.socket] = []
        self._sources: Dict[int, Optional[_fd_copy.Source]] = {}
        pids = _procfs.pids(proc)
        self._known = frozenset(pids)
        self._holders = _holders.by_inode(_holders.walk(pids, proc).owners)
        self._connections: Dict[int, Connection] = {}
        wanted = {target.inode for target in targets}
        for namespace in _netns.discover(pids, proc)[0]:
            self._open(namespace, wanted)
        self._watching = self._watchers_of(wanted, pids)
        self.new_moment()

    def __enter__(self) -> Observer:
        return self

    def __exit__(self, *_exc: object) -> None:
        for channel in self._channels:
            channel.close()
        for source in self._sources.values():
            if source is not None:
                source.close()

    def new_moment(self) -> None:
        """Forget what was read; call it before a look that must be fresh."""
        self._epolls: Dict[int, List[int]] = {}
        self._registered: Dict[int, Registrations] = {}
        self._removable: Dict[Tuple[int, int, int], List[fd_epoll_removal.Registration]] = {}
        self.new_stop()

    def new_stop(self) -> None:
        """Forget what may have changed until a process stood still: call it when it does.

        Its registrations are kept: one that has been made since goes with the socket, which nobody else holds, and one
        that has gone since cannot be removed again, which is no fault.
        """
        self._stats: Dict[int, Optional[_procfs.Stat]] = {}
        self._held: Dict[int, FrozenSet[int]] = {}
        self._descendants: Dict[int, List[int]] = {}
        self._censuses: Dict[socket.socket, Mapping[int, bytes]] = {}

    def foresee(self, pid: int) -> None:
        """Read what a stop of this process must not wait for: its registrations, and through what it is looked at.

        And what will be read in the stop is read once before: then the kernel has its names at hand, which halves it.
        """
        self._registered_by(pid)
        self.source(pid)
        with contextlib.suppress(OSError):
            _procfs.thread_states(pid, self._proc)
        self._born_since(pid)

    def observe(self, target: fd_decision.Target) -> fd_decision.Observed:
        """The fd now."""
        stat = self._stat(target.pid)
        face = self._face(target)
        own = self._registrations(target) if face.inode == target.inode else {}
        return fd_decision.Observed(
            start_time=None if stat is None or stat.state in "ZX" else stat.start_time,
            is_open=face.is_open,
            inode=face.inode,
            state=face.state,
            cookie=face.cookie,
            unread=face.unread,
            unsent=face.unsent,
            lingers=face.lingers,
            age=face.age,
            epolls=sorted(own),
            level_triggered=any(_epoll.level_triggered(entry.events) for entry in own.values()),
            holders=self._other_holders(target),
            ghost_watchers=self._ghost_watchers(target),
        )

    def source(self, pid: int) -> Optional[_fd_copy.Source]:
        """To take copies from the process; None where that is not possible."""
        if pid not in self._sources:
            self._sources[pid] = _fd_copy.source(pid)
        return self._sources[pid]

    def epolls(self, pid: int) -> List[int]:
        """The process's epoll fds, as of the last :meth:`new_moment`."""
        if pid not in self._epolls:
            try:
                self._epolls[pid] = _procfs.fd_table(pid, self._proc).epolls
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                self._epolls[pid] = []
        return self._epolls[pid]

    def registered(self, target: fd_decision.Target) -> List[fd_epoll_removal.Registration]:
        """Where the number was registered for this socket at that time, so that it can be put back."""
        self._registered_by(target.pid)
        return self._removable.get((target.pid, target.fd, target.inode), [])

    def peer(self, target: fd_decision.Target) -> Optional[str]:
        """``ADDRESS:PORT`` of the other end, as listed before anything was stopped."""
        found = self._connections.get(target.inode)
        return "%s:%d" % found.tcp.remote if found else None

    def _stat(self, pid: int) -> Optional[_procfs.Stat]:
        if pid not in self._stats:
            self._stats[pid] = _procfs.stat(pid, self._proc)
        return self._stats[pid]

    def _face(self, target: fd_decision.Target) -> Face:
        source = self.source(target.pid)
        if source is not None:
            try:
                with source.copy(target.fd) as copy:
                    return _told(target, _socket_probe.look(copy))
            except OSError as exc:
                if exc.errno in (errno.EBADF, errno.ESRCH):
                    return _CLOSED
        try:
            return self._listed(target)
        except PermissionError:
            # Nothing is known of it, so it is not gone; what forbids it is the process's obstacle.
            return _CLOSED._replace(is_open=True, inode=target.inode)

    def _listed(self, target: fd_decision.Target) -> Face:
        """Without copies (before Linux 5.6): what the kernel lists, which is not what an unlisted socket has unread."""
        link = _procfs.link(target.pid, target.fd, self._proc)
        inode = _procfs.socket_inode(link)
        if inode != target.inode:
            return _CLOSED._replace(is_open=link is not None, inode=inode)
        tcp = self._tcp(target)
        return Face(
            is_open=True,
            inode=inode,
            state=self._state(target, tcp),
            cookie="%016x" % tcp.cookie if tcp else None,
            unread=_half_closed.unread_bytes(tcp) if tcp else None,
            unsent=tcp.send_q if tcp else 0,
            lingers=False,
            age=_half_closed.clock(tcp).age.min if tcp else float("inf"),
        )

    def family(self, target: fd_decision.Target) -> int:
        """Address family for a socket that takes the number's place."""
        found = self._connections.get(target.inode)
        return found.tcp.family if found else int(socket.AF_INET)

    def flags(self, target: fd_decision.Target) -> int:
        """Open flags of the number, as :func:`_procfs.fd_flags`."""
        return _procfs.fd_flags(target.pid, target.fd, self._proc)

    def _open(self, namespace: _netns.Namespace, wanted: set[int]) -> None:
        try:
            with _netns.entered(namespace, self._proc):
                channel = _sock_diag.open_socket()
        except _netns.DesertedError:
            return
        self._channels.append(channel)
        for inode, raw in _sock_diag.census(channel).by_inode.items():
            if inode in wanted:
                self._connections[inode] = Connection(channel, _sock_diag.decode(raw))

    def _tcp(self, target: fd_decision.Target) -> Optional[_sock_diag.TcpSocket]:
        """The listed socket; None when no namespace lists it (any more)."""
        found = self._connections.get(target.inode)
        if found is not None:
            tcp = _sock_diag.lookup(found.channel, found.tcp.family, found.tcp.sockid)
            if tcp is not None:
                return tcp
        # Either it has left every listing or it was connected anew: only a full look can tell the two apart.
        for channel in self._channels:
            raw = self._census(channel).get(target.inode)
            if raw is not None:
                return _sock_diag.decode(raw)
        return None

    def _state(self, target: fd_decision.Target, tcp: Optional[_sock_diag.TcpSocket]) -> Optional[str]:
        if tcp is not None:
            return _sock_diag.STATES.get(tcp.state, str(tcp.state))
        holder = _holders.Holder(target.pid, target.start_time, target.fd, "")
        return _watchers.UNLISTED if _holders.protocol(holder, self._proc) in _watchers.TCP else None

    def _census(self, channel: socket.socket) -> Mapping[int, bytes]:
        if channel not in self._censuses:
            self._censuses[channel] = _sock_diag.census(channel).by_inode
        return self._censuses[channel]

    def _registrations(self, target: fd_decision.Target) -> dict[int, _epoll.Registration]:
        """Own epoll fds in which this number is registered for this very file."""
        return self._registered_by(target.pid).get((target.fd, target.inode), {})

    def _registered_by(self, pid: int) -> Registrations:
        if pid not in self._registered:
            found: Registrations = {}
            for epoll_fd in self.epolls(pid):
                text = _procfs.fdinfo(pid, epoll_fd, self._proc)
                for entry in _epoll.parse(text):
                    found.setdefault((entry.fd, entry.inode), {})[epoll_fd] = entry
                for name, registration in fd_epoll_removal.parse(epoll_fd, text):
                    self._removable.setdefault((pid, *name), []).append(registration)
            self._registered[pid] = found
        return self._registered[pid]

    def _other_holders(self, target: fd_decision.Target) -> list[int]:
        """Other processes that hold the socket: those of the walk that still do, and children born since."""
        candidates = {holder.pid for holder in self._holders.get(target.inode, [])}
        candidates.update(self._newborn(target.pid))
        candidates.discard(target.pid)
        return sorted(pid for pid in candidates if self._holds(pid, target.inode))

    def _newborn(self, pid: int) -> list[int]:
        if pid not in self._descendants:
            self._descendants[pid] = self._born_since(pid)
        return self._descendants[pid]

    def _born_since(self, pid: int) -> list[int]:
        """Descendants that the walk has not seen."""
        born = [child for child in _procfs.children(pid, self._proc) if child not in self._known]
        return born + [grandchild for child in born for grandchild in self._born_since(child)]

    def _holds(self, pid: int, inode: int) -> bool:
        if pid not in self._held:
            try:
                self._held[pid] = frozenset(_procfs.fd_table(pid, self._proc).sockets.values())
            except (FileNotFoundError, ProcessLookupError):
                self._held[pid] = frozenset()
            except PermissionError:
                # It did when it could be looked at: could not look is not let go.
                return True
        return inode in self._held[pid]

    def _watchers_of(self, wanted: set[int], pids: list[int]) -> dict[int, set[int]]:
        scan = _watchers.scan(_holders.walk(pids, self._proc).owners, {}, self._proc)
        found: dict[int, set[int]] = {}
        for watcher in scan.watchers:
            if watcher.inode in wanted:
                found.setdefault(watcher.inode, set()).add(watcher.owner.pid)
        return found

    def _ghost_watchers(self, target: fd_decision.Target) -> list[int]:
        """Processes whose epoll set has this socket although they do not hold it.

        Those that descend from the target do not count: they inherited its epoll fd. A real ghost's holder descends
        from the watcher, never the other way round.
        """
        if not target.ghost:
            return []
        return sorted(pid for pid in self._watching.get(target.inode, set()) if self._is_ghost_of(pid, target))

    def _is_ghost_of(self, pid: int, target: fd_decision.Target) -> bool:
        if target.pid in _procfs.ancestors(pid, self._proc):
            return False
        return self._watches(pid, target.inode) and not self._holds(pid, target.inode)

    def _watches(self, pid: int, inode: int) -> bool:
        return any(watched == inode for _fd, watched in self._registered_by(pid))


def _told(target: fd_decision.Target, probe: _socket_probe.Probe) -> Face:
    """What the socket says of itself; of another one than the target's only which it is."""
    tcp = probe.tcp
    if tcp is None or probe.inode != target.inode:
        return _CLOSED._replace(is_open=True, inode=probe.inode)
    return Face(True, probe.inode, tcp.state, tcp.cookie, tcp.unread, tcp.unsent, tcp.lingers, tcp.age)
