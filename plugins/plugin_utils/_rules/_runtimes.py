# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process runs on, as far as the rules care. What may be closed under it is decided as ``fd_close`` decides."""

from __future__ import annotations

from ansible_collections.closewait.remediation.plugins.module_utils._fd import closable as fd_closable
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.cpu import Runtime

UNKNOWN: Runtime = {"name": "unknown", "version": None, "loops": [], "role": None}


def green_loop(runtime: Runtime | None) -> str | None:
    """The greenlet library, None without: such loops may poll where no epoll set shows what they wait for."""
    known = runtime or UNKNOWN
    return fd_closable.green_loop(known["loops"], known["role"])


def why_not_closable(runtime: Runtime | None) -> str | None:
    """Why nothing may be closed under this program; None where it may."""
    known = runtime or UNKNOWN
    return fd_closable.why_not(known["name"], known["loops"], known["role"])


def reconnects(runtime: Runtime | None) -> bool:
    """Whether the end of one of its listening connections makes it give up all of them and connect anew (measured)."""
    known = runtime or UNKNOWN
    return known["role"] == fd_closable.KOMBU_EVENT_LOOP and why_not_closable(runtime) is None


def described(runtime: Runtime | None) -> str:
    """Name, version, role and loops in one line."""
    if runtime is None:
        return "runtime not known"
    # asyncio is imported by many a library and says nothing about what the program runs on.
    loops = [loop for loop in runtime["loops"] if loop != "asyncio"]
    name = " ".join(filter(None, (runtime["name"], runtime["version"])))
    return ", ".join(filter(None, (name, runtime["role"], *loops)))
