# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The running nginx: its master and its workers, by pid and start time (src/os/unix/ngx_process_cycle.c)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import FrozenSet, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.program import (
    Build,
    NginxError,
    Program,
    build,
)

_MASTER = "nginx: master process"
_WORKER = "nginx: worker process"
_LEAVING = "nginx: worker process is shutting down"
_DELETED = " (deleted)"


class Identity(NamedTuple):
    """``start_time``: clock ticks since boot."""

    pid: int
    start_time: int


class Master(NamedTuple):
    """``command``: the words that it was started with, as its title shows them."""

    identity: Identity
    command: list[str]


def master(pid_file: str) -> Optional[Master]:
    """The running master; None when there is none. Raises NginxError when the process is something else."""
    try:
        text = Path(pid_file).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except PermissionError as exc:
        raise NginxError("%s cannot be read: run this as root" % pid_file) from exc
    stat = _procfs.stat(int(text)) if text.isdigit() else None
    title = _title(int(text)) if stat else ""
    if stat is None or not title.startswith("nginx"):
        return None
    if not title.startswith(_MASTER):
        raise NginxError(
            "process %s of %s is %r: without a master there is no safe reload" % (text, pid_file, title[:80])
        )
    return Master(Identity(stat.pid, stat.start_time), title[len(_MASTER) :].split())


def masters() -> list[Master]:
    """Every running master of this host, in containers too."""
    found = []
    for pid in _procfs.pids():
        stat = _procfs.stat(pid)
        title = _title(pid) if stat is not None and stat.name == "nginx" else ""
        if stat is not None and title.startswith(_MASTER):
            found.append(Master(Identity(pid, stat.start_time), title[len(_MASTER) :].split()))
    return found


def program(found: Master) -> Program:
    """What a master runs and was told, with a prefix when it was told one. Raises NginxError."""
    where = "/proc/%d" % found.identity.pid
    try:
        path = os.readlink("%s/exe" % where)
        root, own = os.stat("%s/root" % where), os.stat("/")
    except PermissionError as exc:
        raise NginxError("process %d cannot be looked into: run this as root" % found.identity.pid) from exc
    except OSError as exc:
        raise NginxError("process %d has ended" % found.identity.pid) from exc
    if (root.st_dev, root.st_ino) != (own.st_dev, own.st_ino):
        raise NginxError("process %d runs in a container: look from inside it" % found.identity.pid)
    # An update of the package leaves the master on the old file.
    path = path[: -len(_DELETED)] if path.endswith(_DELETED) else path
    prefix = _option(found.command, "-p")
    built = build(path)
    config_file = os.path.join(prefix or built.prefix, _option(found.command, "-c") or built.conf_path)
    return Program(path, config_file, prefix)


def check_reads(found: Master, program: Program, build: Build) -> None:
    """Raises NginxError when the master was started with another configuration file."""
    prefix = _option(found.command, "-p") or build.prefix
    theirs = os.path.join(prefix, _option(found.command, "-c") or build.conf_path)
    if os.path.realpath(theirs) != os.path.realpath(program.config_file):
        raise NginxError(
            "the running nginx (process %d) reads %s, not %s: set config_file, and pid_file where several run"
            % (found.identity.pid, theirs, program.config_file)
        )


def workers(of: Identity) -> FrozenSet[Identity]:
    """The workers that take new connections."""
    found = set()
    for pid in _procfs.pids():
        stat = _procfs.stat(pid)
        if stat is None or stat.ppid != of.pid:
            continue
        title = _title(pid)
        if title.startswith(_WORKER) and not title.startswith(_LEAVING):
            found.add(Identity(pid, stat.start_time))
    return frozenset(found)


def alive(process: Identity) -> bool:
    """Whether that very process runs."""
    stat = _procfs.stat(process.pid)
    return stat is not None and stat.start_time == process.start_time and stat.state != "Z"


def netns(process: Identity) -> Optional[int]:
    """Inode of its network namespace; None when it cannot be seen."""
    try:
        return os.stat("/proc/%d/ns/net" % process.pid).st_ino
    except OSError:
        return None


def started(process: Identity) -> float:
    """When it started, in seconds since the epoch, to some hundredths."""
    boot = next(
        int(line.split()[1])
        for line in Path("/proc/stat").read_text(encoding="ascii").splitlines()
        if line.startswith("btime")
    )
    return boot + process.start_time / os.sysconf("SC_CLK_TCK")


def _title(pid: int) -> str:
    try:
        return Path("/proc/%d/cmdline" % pid).read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _option(command: list[str], name: str) -> Optional[str]:
    for index, word in enumerate(command[:-1]):
        if word == name:
            return command[index + 1]
    return None
