# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known to happen when a socket is closed under a runtime, and which runtimes poll without epoll.

Only CPython and PyPy without gevent or eventlet were seen to survive it and go on working. gevent aborts on an active
watcher (libev's assertion, from 25.4 on) or lives on without ever consuming again.
"""

from __future__ import annotations

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts import Runtime

CLOSABLE = ("cpython", "pypy")
#: They may poll through select or poll, where no epoll set shows what they wait for.
GREEN_LOOPS = ("gevent", "eventlet")


def green_loop(runtime: Runtime | None) -> str | None:
    """The greenlet loop that is loaded or named on the command line, with its version; None without one."""
    if runtime is None:
        return None
    for loop in runtime["loops"]:
        if loop.split(" ")[0] in GREEN_LOOPS:
            return loop
    role = runtime["role"] or ""
    return next((name for name in GREEN_LOOPS if role.endswith(f"-{name}")), None)


def why_not_closable(runtime: Runtime | None) -> str | None:
    """Why nothing may be closed under this program; None where it may."""
    if runtime is None or runtime["name"] == "unknown":
        return "the runtime is not known, so what closing would do to it is not known either"
    loop = green_loop(runtime)
    if loop is not None:
        return f"{loop} is loaded: closing under it aborts the process or leaves it deaf"
    if runtime["name"] not in CLOSABLE:
        return f"what closing does to {runtime['name']} was never measured"
    return _never_measured(runtime)


def _never_measured(runtime: Runtime) -> str | None:
    if any(loop.split(" ")[0] == "uvloop" for loop in runtime["loops"]):
        return "uvloop is loaded, and what closing under it does was never measured"
    role = runtime["role"] or ""
    if role.startswith("celery-") and role != "celery-prefork":
        return f"what closing does to a Celery {role.removeprefix('celery-')} pool was never measured"
    return None


def described(runtime: Runtime | None) -> str:
    """Name, version, role and loops in one line."""
    if runtime is None:
        return "runtime not known"
    words = [runtime["name"], runtime["version"], runtime["role"], *runtime["loops"]]
    return " ".join(word for word in words if word)
