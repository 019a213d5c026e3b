# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the supervisord of a process is: its configuration file and its client, told from outside (/proc)."""

from __future__ import annotations

import os
import shutil
from typing import NamedTuple, Optional, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl import Owner

#: Where supervisord looks without ``-c``, relative to its program, then to its working directory.
_BESIDE_PROGRAM = ("../etc/supervisord.conf", "../supervisord.conf")
_DEFAULT_FILES = (
    "supervisord.conf",
    "etc/supervisord.conf",
    "/etc/supervisord.conf",
    "/etc/supervisor/supervisord.conf",
)
_CLIENT = "supervisorctl"
_MODULE = "supervisor.supervisord"
_CLIENT_FOLDERS = ("/usr/local/bin", "/usr/bin")


class Supervisord(NamedTuple):
    """A running supervisord. ``program`` and ``configuration``: absolute paths, None when they cannot be told."""

    pid: int
    program: Optional[str]
    configuration: Optional[str]
    owner: Owner


def ancestor(pid: int, proc: str = "/proc") -> Optional[Supervisord]:
    """The nearest supervisord above a process; None for an orphan."""
    stat = _procfs.stat(pid, proc)
    while stat is not None and stat.ppid > 0:
        found = _of(stat.ppid, proc)
        if found is not None:
            return found
        stat = _procfs.stat(stat.ppid, proc)
    return None


def running(proc: str = "/proc") -> list[Supervisord]:
    """Every supervisord that can be seen from here."""
    found = (_of(pid, proc) for pid in _procfs.pids(proc))
    return [daemon for daemon in found if daemon is not None]


def client_beside(daemon: Supervisord) -> Optional[str]:
    """The client installed with that supervisord, else the one of this machine."""
    beside = os.path.join(os.path.dirname(daemon.program), _CLIENT) if daemon.program else ""
    return beside if os.access(beside, os.X_OK) else client_of_machine()


def client_of_machine() -> Optional[str]:
    """The client on PATH or in the usual places."""
    return shutil.which(_CLIENT) or shutil.which(_CLIENT, path=os.pathsep.join(_CLIENT_FOLDERS))


def configuration_option(arguments: Sequence[str]) -> Optional[str]:
    """The value of ``-c`` or ``--configuration`` in supervisord's arguments."""
    for position, word in enumerate(arguments):
        if word in ("-c", "--configuration"):
            return next(iter(arguments[position + 1 :]), None)
        if word.startswith("--configuration="):
            return word.partition("=")[2]
        if word.startswith("-c"):
            return word[2:]
    return None


def _of(pid: int, proc: str) -> Optional[Supervisord]:
    argv = _procfs.cmdline(pid, proc)
    at = _program(argv)
    return None if at is None else _supervisord(pid, argv, at, proc)


def _program(argv: Sequence[str]) -> Optional[int]:
    # A script is ["/usr/bin/python3", "/usr/bin/supervisord", …], a module ["python3", "-m", "supervisor.supervisord"].
    # Options of the interpreter may stand between.
    for position, word in enumerate(argv[:5]):
        if os.path.basename(word) == "supervisord" and (position == 0 or _is_python(argv[0])):
            return position
        if word == _MODULE and position >= 2 and argv[position - 1] == "-m" and _is_python(argv[0]):
            return position
    return None


def _is_python(word: str) -> bool:
    return os.path.basename(word).startswith(("python", "pypy"))


def _supervisord(pid: int, argv: Sequence[str], at: int, proc: str) -> Supervisord:
    # Started as a module, its client is beside the interpreter, and its files are not looked for there.
    path = _interpreter(argv[0], pid, proc) if argv[at] == _MODULE else _absolute(argv[at], pid, proc)
    named = configuration_option(argv[at + 1 :])
    folder = os.path.dirname(path) if path else "/"
    beside = [] if argv[at] == _MODULE else [os.path.join(folder, name) for name in _BESIDE_PROGRAM]
    files = (_absolute(name, pid, proc) for name in ([named] if named else [*beside, *_DEFAULT_FILES]))
    return Supervisord(pid, path, next((f for f in files if f and os.path.isfile(f)), None), _owner(pid, proc))


def _interpreter(word: str, pid: int, proc: str) -> Optional[str]:
    if os.sep in word:
        return _absolute(word, pid, proc)
    try:
        return shutil.which(word, path=_procfs.environ(pid, proc).get("PATH"))
    except PermissionError:
        return None


def _absolute(name: str, pid: int, proc: str) -> Optional[str]:
    try:
        return os.path.normpath(os.path.join(os.readlink("%s/%d/cwd" % (proc, pid)), name))
    except OSError:
        return name if os.path.isabs(name) else None


def _owner(pid: int, proc: str) -> Owner:
    # The second number is the effective id. Nobody, should it have gone meanwhile: never more than it had.
    status = _procfs.status(pid, proc)
    uid, gid = (int(status.get(key, "0 65534").split()[1]) for key in ("Uid", "Gid"))
    return Owner(uid, gid)
