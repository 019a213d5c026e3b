# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the supervisord of a process is: its configuration file and its client, told from outside (/proc)."""

from __future__ import annotations

import os
import shutil
from typing import NamedTuple, Optional, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._supervisorctl import Owner

#: Where supervisord looks without ``-c``, relative to its program, then to its working directory.
_BESIDE_PROGRAM = ("../etc/supervisord.conf", "../supervisord.conf")
_DEFAULT_FILES = (
    "supervisord.conf",
    "etc/supervisord.conf",
    "/etc/supervisord.conf",
    "/etc/supervisor/supervisord.conf",
)
_CLIENT = "supervisorctl"
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
        argv = _procfs.cmdline(stat.ppid, proc)
        program = _program(argv)
        if program is not None:
            return _supervisord(stat.ppid, program, argv[argv.index(program) + 1 :], proc)
        stat = _procfs.stat(stat.ppid, proc)
    return None


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


def _program(argv: Sequence[str]) -> Optional[str]:
    # A script: ["/usr/bin/python3", "/usr/bin/supervisord", …]; options of the interpreter may stand between.
    return next((word for word in argv[:4] if os.path.basename(word) == "supervisord"), None)


def _supervisord(pid: int, program: str, arguments: Sequence[str], proc: str) -> Supervisord:
    path = _absolute(program, pid, proc)
    named = configuration_option(arguments)
    folder = os.path.dirname(path) if path else "/"
    beside = [os.path.normpath(os.path.join(folder, name)) for name in _BESIDE_PROGRAM]
    files = (_absolute(name, pid, proc) for name in ([named] if named else [*beside, *_DEFAULT_FILES]))
    return Supervisord(pid, path, next((f for f in files if f and os.path.isfile(f)), None), _owner(pid, proc))


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
