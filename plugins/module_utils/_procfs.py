# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes as /proc shows them (proc(5)). Readers take the mount point, so that tests can hand in a tree."""

from __future__ import annotations

import os
import re
from typing import Collection, NamedTuple, Optional

_SOCKET = re.compile(r"^socket:\[(\d+)\]$")
EVENTPOLL = "anon_inode:[eventpoll]"
_CHUNK = 65536


class Stat(NamedTuple):
    """``start_time`` in clock ticks since boot (field 22); with the pid it names a process for good."""

    pid: int
    name: str
    state: str
    ppid: int
    start_time: int


class FdTable(NamedTuple):
    """``sockets``: fd number -> socket inode; ``epolls``: fd numbers of epoll instances; ``others``: the rest."""

    sockets: dict[int, int]
    epolls: list[int]
    others: set[int]


def pids(proc: str = "/proc") -> list[int]:
    """All processes visible here (thread group leaders), ascending."""
    return sorted(int(name) for name in os.listdir(proc) if name.isdigit())


def parse_stat(text: str) -> Stat:
    """One line of ``/proc/PID/stat``; the name may hold spaces and parentheses, so it ends at the *last* one."""
    head, _paren, tail = text.rpartition(")")
    pid, _space, name = head.partition(" (")
    fields = tail.split()
    return Stat(int(pid), name, fields[0], int(fields[1]), int(fields[19]))


def stat(pid: int, proc: str = "/proc") -> Optional[Stat]:
    """The process with this pid now; None when there is none."""
    try:
        return parse_stat(_read("%s/%d/stat" % (proc, pid)))
    except (FileNotFoundError, ProcessLookupError):
        return None


def stat_fields(pid: int, proc: str = "/proc") -> list[str]:
    """``/proc/PID/stat`` from the third field on, the state (proc_pid_stat(5)). Raises OSError: no such process."""
    return _read("%s/%d/stat" % (proc, pid)).rpartition(")")[2].split()


def fd_table(pid: int, proc: str = "/proc") -> FdTable:
    """Open files of a process. Raises PermissionError, FileNotFoundError or ProcessLookupError."""
    links = _links("%s/%d/fd" % (proc, pid))
    # A process with very many fds has mostly sockets: those in one go.
    sockets = {int(name): int(target[8:-1]) for name, target in links if target.startswith("socket:[")}
    if len(sockets) == len(links):
        return FdTable(sockets, [], set())
    rest = {int(name): target for name, target in links if not target.startswith("socket:[")}
    return FdTable(
        sockets,
        [fd for fd, target in rest.items() if target == EVENTPOLL],
        {fd for fd, target in rest.items() if target != EVENTPOLL},
    )


def fds_of(pid: int, links: Collection[str], proc: str = "/proc") -> dict[int, str]:
    """Open files of a process that lead to one of these, by number. Raises as :func:`fd_table` does."""
    return {int(name): target for name, target in _links("%s/%d/fd" % (proc, pid)) if target in links}


def _links(folder: str) -> list[tuple[str, str]]:
    """Name and target of every link in a folder; those that go meanwhile are left out."""
    # Names below an open folder spare the kernel the way to it, which is most of what a link of /proc costs.
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        names = os.listdir(handle)
        try:
            found = [(name, os.readlink(name, dir_fd=handle)) for name in names]
        except FileNotFoundError:
            found = [(name, target) for name, target in ((name, _target(name, handle)) for name in names) if target]
        # Looking at ourselves shows what we look through.
        seen = (str(handle), folder)
        return [link for link in found if link != seen] if seen in found else found
    finally:
        os.close(handle)


def _target(name: str, handle: int) -> Optional[str]:
    try:
        return os.readlink(name, dir_fd=handle)
    except FileNotFoundError:
        return None


def link(pid: int, fd: int, proc: str = "/proc") -> Optional[str]:
    """What ``/proc/PID/fd/FD`` points to; None when that number is not open."""
    try:
        return os.readlink("%s/%d/fd/%d" % (proc, pid, fd))
    except (FileNotFoundError, ProcessLookupError):
        return None


def socket_inode(target: Optional[str]) -> Optional[int]:
    """Inode in a ``socket:[N]`` link; None for anything else."""
    match = _SOCKET.match(target or "")
    return int(match.group(1)) if match else None


def fdinfo(pid: int, fd: int, proc: str = "/proc") -> str:
    """Text of ``/proc/PID/fdinfo/FD``; empty when that number is not open."""
    try:
        return _read("%s/%d/fdinfo/%d" % (proc, pid, fd))
    except (FileNotFoundError, ProcessLookupError):
        return ""


def fd_flags(pid: int, fd: int, proc: str = "/proc") -> int:
    """Open flags (O_NONBLOCK, O_CLOEXEC, …) of an open fd, 0 when it is not open."""
    match = re.search(r"^flags:\s*([0-7]+)", fdinfo(pid, fd, proc), re.MULTILINE)
    return int(match.group(1), 8) if match else 0


def status(pid: int, proc: str = "/proc") -> dict[str, str]:
    """``/proc/PID/status`` as a mapping of its lines; empty when the process is gone."""
    try:
        text = _read("%s/%d/status" % (proc, pid))
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return {key: value.strip() for key, _colon, value in (line.partition(":") for line in text.splitlines())}


def fd_limit(pid: int, proc: str = "/proc") -> Optional[int]:
    """Soft limit of open files; None when unlimited or unreadable."""
    try:
        match = re.search(r"^Max open files\s+(\d+)", _read("%s/%d/limits" % (proc, pid)), re.MULTILINE)
    except OSError:
        return None
    return int(match.group(1)) if match else None


def thread_states(pid: int, proc: str = "/proc") -> dict[int, str]:
    """State letter of every thread, those that ended while being read left out. Raises OSError: no such process."""
    folder = "%s/%d/task" % (proc, pid)
    found: dict[int, str] = {}
    for tid in os.listdir(folder):
        try:
            found[int(tid)] = parse_stat(_read("%s/%s/stat" % (folder, tid))).state
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def children(pid: int, proc: str = "/proc") -> list[int]:
    """Direct children, over all threads of the process."""
    folder = "%s/%d/task" % (proc, pid)
    try:
        tids = os.listdir(folder)
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [child for tid in tids for child in _children("%s/%s/children" % (folder, tid))]


def _children(path: str) -> list[int]:
    try:
        return [int(word) for word in _read(path).split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def ancestors(pid: int, proc: str = "/proc") -> list[int]:
    """The process itself, its parent, and so on, as far as they can be seen from here."""
    line = [pid]
    while line[-1] > 0:
        found = stat(line[-1], proc)
        if found is None:
            break
        line.append(found.ppid)
    return line


def cmdline(pid: int, proc: str = "/proc") -> list[str]:
    """Arguments of the process; empty for kernel threads and processes that are gone."""
    try:
        return [word for word in _read("%s/%d/cmdline" % (proc, pid)).split("\0") if word]
    except OSError:
        return []


def environ(pid: int, proc: str = "/proc") -> dict[str, str]:
    """Initial environment of the process. Raises PermissionError; empty when the process is gone."""
    try:
        words = _read("%s/%d/environ" % (proc, pid)).split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return dict(word.split("=", 1) for word in words if "=" in word)


def cgroup(pid: int, proc: str = "/proc") -> str:
    """Text of ``/proc/PID/cgroup``; empty when the process is gone."""
    try:
        return _read("%s/%d/cgroup" % (proc, pid))
    except (FileNotFoundError, ProcessLookupError):
        return ""


def maps(pid: int, proc: str = "/proc") -> str:
    """``/proc/PID/maps``, empty when the process is gone. Raises PermissionError."""
    try:
        return _read("%s/%d/maps" % (proc, pid))
    except (FileNotFoundError, ProcessLookupError):
        return ""


def mapped_files(pid: int, proc: str = "/proc") -> list[str]:
    """Paths (in the process's own mount namespace) of the files it has mapped, each once. Raises PermissionError."""
    paths = (line.split(None, 5)[5:] for line in maps(pid, proc).splitlines())
    return list(dict.fromkeys(path[0] for path in paths if path and path[0].startswith("/")))


def exe(pid: int, proc: str = "/proc") -> str:
    """Path of the executable in the process's own mount namespace; empty for kernel threads. Raises PermissionError."""
    try:
        return os.readlink("%s/%d/exe" % (proc, pid))
    except (FileNotFoundError, ProcessLookupError):
        return ""


def boot_id(proc: str = "/proc") -> Optional[str]:
    """Random identity of this boot (random(4)); None when it is not shown."""
    try:
        return _read("%s/sys/kernel/random/boot_id" % proc).strip()
    except OSError:
        return None


def _read(path: str) -> str:
    """Without the layers of open(), which take three times as long as the kernel: some of this is read in a stop."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        chunks = iter(lambda: os.read(fd, _CHUNK), b"")
        return b"".join(chunks).decode("utf-8", "replace")
    finally:
        os.close(fd)
