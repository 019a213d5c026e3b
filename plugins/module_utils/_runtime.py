# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process runs on, told from outside: executable, mapped files and command line.

What is mapped shows what was *imported*, not what is in use: redis-py imports asyncio everywhere. The role, where
the command line tells it, is the stronger statement.
"""

from __future__ import annotations

import glob
import mmap
import os
import re
from typing import Iterable, NamedTuple, Optional, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils import _native_runtime, _procfs

_PYTHON = re.compile(r"(?:^|/)(?:lib)?(python|pypy)(\d)(?:\.(\d+))?[a-z]*(?:\.so[.\d]*)?(?: \(deleted\))?$")
#: PY_VERSION; the linker may have merged it with the tail of a longer string, so no NUL is asked for in front.
_VERSION = rb"(?<![\d.])(%s\.\d{1,3}(?:(?:a|b|rc)\d{1,2})?\+?)\0"
_NAMES = {"node": "node", "nodejs": "node", "java": "java", "beam.smp": "erlang", "ruby": "ruby", "php": "php"}
_LOOPS = {
    "gevent": re.compile(r"/gevent/(?:libev/|libuv/|resolver/)?_?_?[a-z]\w*\.[^/]*so$"),
    "uvloop": re.compile(r"/uvloop/loop\.[^/]*so$"),
    "asyncio": re.compile(r"/_asyncio\.[^/]*so$"),
}
_POOL = re.compile(r"(?:^|\s)(?:-P|--pool)[=\s]*([\w.:]+)")
_POOLS = {"processes": "prefork", **{name: name for name in ("prefork", "gevent", "eventlet", "solo", "threads")}}
_CELERY = re.compile(r"(?:^|[/\s\[])celeryd?(?=[:\s\]]|$)")
_CELERY_APP = re.compile(r"(?:^|\s)(?:-A|--app)[=\s]*\S+")
_CELERY_WORKER = re.compile(r"(?:^|\s)worker(?=\s|\)|$)|celeryd:|ForkPoolWorker|MainProcess")
_SERVERS = re.compile(r"(?i)(?:^|[/\s])(gunicorn|uwsgi|twistd|uvicorn)(?=[:\s]|$)")


class Runtime(NamedTuple):
    """``version`` None when it cannot be told; ``loops``: event-loop libraries mapped, with version where known."""

    name: str
    version: Optional[str]
    loops: list[str]
    role: Optional[str]


def detect(pid: int, proc: str = "/proc") -> Runtime:
    """Look at a process from outside. Raises PermissionError."""
    files = _procfs.mapped_files(pid, proc)
    exe = _procfs.exe(pid, proc)
    root = "%s/%d/root" % (proc, pid)
    python = _python(exe, files)
    told = (python[0], _python_version(root, python)) if python else None
    name, version = told or _native("%s/%d/exe" % (proc, pid), root, exe, files)
    return Runtime(name, version, _loops(root, files), role(_procfs.cmdline(pid, proc), _relatives(pid, proc)))


def _native(image: str, root: str, exe: str, files: list[str]) -> tuple[str, Optional[str]]:
    """Name and version of what is not Python. ``image`` leads to the executable even when its path is gone."""
    name = _NAMES.get(os.path.basename(exe), "unknown")
    if name == "java":
        return name, _native_runtime.java_version(root, exe)
    if name == "node":
        return name, _native_runtime.node_version(root + exe)
    if name == "unknown" and _native_runtime.is_go(image, files):
        return "go", _native_runtime.go_version(image)
    return name, None


def role(arguments: Sequence[str], relatives: Sequence[Sequence[str]]) -> Optional[str]:
    """What the process is: ``celery-prefork``, ``celery-gevent``, …, ``gunicorn``, ``uwsgi``, ``twistd``, ``uvicorn``.

    ``relatives``: command lines of its parent and children. The pool of a Celery worker may be set in its app, where no
    command line shows it; a prefork worker then still has Celery processes around it. ``celery-unknown``: not told.
    """
    line = " ".join(arguments)
    if _is_celery_worker(line):
        return "celery-" + _celery_pool(line, [" ".join(relative) for relative in relatives])
    server = _SERVERS.search(" ".join(arguments[:6]))
    return server.group(1).lower() if server else None


def _is_celery_worker(line: str) -> bool:
    return bool(_CELERY.search(line) and _CELERY_WORKER.search(_CELERY_APP.sub(" ", line)))


def _celery_pool(line: str, relatives: Iterable[str]) -> str:
    pool = _POOL.search(line)
    if pool:
        return _POOLS.get(pool.group(1), "custom")
    return "prefork" if any(_is_celery_worker(relative) for relative in relatives) else "unknown"


def _relatives(pid: int, proc: str) -> list[list[str]]:
    stat = _procfs.stat(pid, proc)
    pids = _procfs.children(pid, proc) + ([stat.ppid] if stat else [])
    return [_procfs.cmdline(relative, proc) for relative in pids]


def _python(exe: str, files: Iterable[str]) -> Optional[tuple[str, str, str]]:
    """``(implementation, "major.minor", file that holds the interpreter)``."""
    best: Optional[tuple[str, str, str]] = None
    for path in [exe, *files]:
        match = _PYTHON.search(path)
        if match and match.group(3):
            name = "cpython" if match.group(1) == "python" else "pypy"
            found = (name, "%s.%s" % (match.group(2), match.group(3)), path)
            if "/lib" in path and ".so" in path:
                return found
            best = best or found
    return best


def _python_version(root: str, python: tuple[str, str, str]) -> str:
    """The full version from the interpreter's read-only data; ``major.minor`` when it is not there."""
    _name, short, path = python
    try:
        with open(root + path, "rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as image:
            match = re.search(_VERSION % re.escape(short).encode("ascii"), image)
            return match.group(1).decode("ascii") if match else short
    except (OSError, ValueError):
        return short


def _loops(root: str, files: Sequence[str]) -> list[str]:
    found: list[str] = []
    for name, pattern in _LOOPS.items():
        path = next((path for path in files if pattern.search(path)), None)
        if path is not None:
            found.append(" ".join(filter(None, (name, _package_version(root, path, name)))))
    return found


def _package_version(root: str, path: str, package: str) -> str:
    """Version from the ``*.dist-info`` folder beside the package."""
    site = glob.escape(root + path.split("/%s/" % package, maxsplit=1)[0])
    hits = glob.glob("%s/%s-*.dist-info" % (site, package))
    return os.path.basename(hits[0])[len(package) + 1 : -len(".dist-info")] if len(hits) == 1 else ""
