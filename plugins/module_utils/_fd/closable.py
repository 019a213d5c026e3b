# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which programs an fd may be closed from outside. Pure; shared by the rules (controller) and ``fd_close`` (target).

Seen to survive it and to go on working, ten times of ten each: CPython and PyPy without gevent or eventlet (uvloop
included), Node.js and Java; by ``placeholder``, but for kombu. gevent aborts on an active watcher (libev's assertion,
from 25.4 on) or lives on without ever consuming again. Go watches edge-triggered, and a goroutine that ignores the end
of the connection spins on whatever is put in its place.
"""

from __future__ import annotations

from typing import Optional, Sequence

PYTHONS = ("cpython", "pypy")
CLOSABLE = (*PYTHONS, "node", "java")
GREEN_LOOPS = ("gevent", "eventlet")
KOMBU_EVENT_LOOP = "celery-prefork"


def green_loop(loops: Sequence[str], role: Optional[str]) -> Optional[str]:
    """The greenlet loop that is loaded or named on the command line, with its version; None without one."""
    for loop in loops:
        if loop.split(" ")[0] in GREEN_LOOPS:
            return loop
    return next((name for name in GREEN_LOOPS if (role or "").endswith("-" + name)), None)


def why_not(runtime: str, loops: Sequence[str], role: Optional[str]) -> Optional[str]:
    """Why nothing may be closed in this program; None where it may. Arguments as in the facts of a process."""
    loop = green_loop(loops, role)
    if loop is not None:
        return "%s is loaded: closing under it aborts the process or leaves it deaf" % loop
    if runtime == "unknown":
        return "the runtime is not known, so what closing would do to it is not known either"
    if runtime not in CLOSABLE:
        return "what closing does to %s was never measured" % runtime
    uvloop = any(name.split(" ")[0] == "uvloop" for name in loops)
    if role == KOMBU_EVENT_LOOP and (uvloop or runtime not in PYTHONS):
        return "what closing does to Celery on %s was never measured" % ("uvloop" if uvloop else runtime)
    if (role or "").startswith("celery-") and role != KOMBU_EVENT_LOOP:
        return "what closing does to a Celery %s pool was never measured" % str(role)[len("celery-") :]
    return None
