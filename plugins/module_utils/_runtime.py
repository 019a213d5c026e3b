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

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs

_PYTHON = re.compile(r"(?:^|/)(?:lib)?(python|pypy)(\d)(?:\.(\d+))?[a-z]*(?:\.so[.\d]*)?(?: \(deleted\))?$")
#: PY_VERSION; the linker may have merged it with the tail of a longer string, so no NUL is asked for in front.
_VERSION = rb"(?<![\d.])(%s\.\d{1,3}(?:(?:a|b|rc)\d{1,2})?\+?)\0"
_NAMES = {"node": "node", "nodejs": "node", "java": "java", "beam.smp": "erlang", "ruby": "ruby", "php": "php"}
_LOOPS = {"gevent": re.compile(r"/gevent/"), "uvloop": re.compile(r"/uvloop/"), "asyncio": re.compile(r"/_asyncio\.")}
_POOL = re.compile(r"(?:^|\s)(?:-P|--pool)[=\s]*(prefork|processes|gevent|eventlet|solo|threads)\b")
_CELERY = re.compile(r"(?:^|[/\s\[])celeryd?(?=[:\s\]]|$)")
_CELERY_ACTION = re.compile(r"\bworker\b|celeryd:|ForkPoolWorker|MainProcess")


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
    name = python[0] if python else _NAMES.get(os.path.basename(exe), "unknown")
    version = _python_version(root, python) if python else None
    return Runtime(name, version, _loops(root, files), role(_procfs.cmdline(pid, proc)))


def role(arguments: Sequence[str]) -> Optional[str]:
    """What the command line says the process is: ``celery-prefork``, ``celery-gevent``, …, ``gunicorn``, ``twistd``."""
    line = " ".join(arguments)
    if _CELERY.search(line) and _CELERY_ACTION.search(line):
        pool = _POOL.search(line)
        kind = pool.group(1) if pool else "prefork"
        return "celery-" + ("prefork" if kind == "processes" else kind)
    names = {os.path.basename(word) for word in arguments[:3]}
    return next((name for name in ("gunicorn", "uwsgi", "twistd", "uvicorn") if name in names), None)


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
    site = glob.escape(root + path.split("/%s/" % package)[0])
    hits = glob.glob("%s/%s-*.dist-info" % (site, package))
    return os.path.basename(hits[0])[len(package) + 1 : -len(".dist-info")] if len(hits) == 1 else ""
