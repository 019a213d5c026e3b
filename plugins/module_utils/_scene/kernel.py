# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel shows of a process and of the host's TCP. Reads only, all of it text."""

from __future__ import annotations

import json
import os
from typing import Callable, Dict, Iterable

from ansible_collections.closewait.remediation.plugins.module_utils import _cmdline, _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._collectors import tcp

#: Of each process; the values of its environment and its memory are left out on purpose, as they hold secrets.
PROCESS_FILES = ("stat", "status", "limits", "wchan", "syscall", "stack", "sched", "io", "cgroup", "net/netstat")
HOST_FILES = ("loadavg", "meminfo", "net/sockstat", "net/sockstat6", "net/netstat", "net/snmp")
LONGEST = 1 << 20


def capture(pids: Iterable[int], max_items: int, proc: str = "/proc") -> Dict[str, str]:
    """Texts by relative path. What cannot be read is there too, with the reason as its text."""
    files = {"host/%s" % name: _text("%s/%s" % (proc, name)) for name in HOST_FILES}
    files["tcp.json"] = json.dumps(tcp.collect(max_items, proc), indent=1, sort_keys=True) + "\n"
    for pid in pids:
        for name, text in _process(pid, proc).items():
            files["%d/%s" % (pid, name)] = text
    return files


def _process(pid: int, proc: str) -> Dict[str, str]:
    folder = "%s/%d" % (proc, pid)
    files = {name: _text("%s/%s" % (folder, name)) for name in PROCESS_FILES}
    files["cmdline"] = "\n".join(_cmdline.shown(_procfs.cmdline(pid, proc))) + "\n"
    files["fd"] = said(lambda: _listing(folder + "/fd"))
    files["epoll"] = said(lambda: _epolls(pid, proc))
    files["threads"] = said(lambda: _threads(folder))
    files["environ_names"] = said(lambda: "\n".join(sorted(_procfs.environ(pid, proc))) + "\n")
    return files


def _listing(folder: str) -> str:
    return "".join(
        "%s -> %s\n" % (name, _link("%s/%s" % (folder, name))) for name in sorted(os.listdir(folder), key=int)
    )


def _link(path: str) -> str:
    return said(lambda: os.readlink(path)).rstrip("\n")


def _epolls(pid: int, proc: str) -> str:
    numbers = _procfs.fd_table(pid, proc).epolls
    return "".join("epoll fd %d\n%s\n" % (number, _procfs.fdinfo(pid, number, proc)) for number in numbers)


def _threads(folder: str) -> str:
    tids = sorted(os.listdir(folder + "/task"), key=int)
    return "".join(
        _text("%s/task/%s/stat" % (folder, tid)) + _text("%s/task/%s/syscall" % (folder, tid)) for tid in tids
    )


def _text(path: str) -> str:
    return said(lambda: _read(path))


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read(LONGEST)


def said(read: Callable[[], str]) -> str:
    """The text, or why it could not be read."""
    try:
        return read()
    except OSError as exc:
        return "could not look: %s\n" % exc.strerror
