# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first process that a gdb stops is one of our own, made for that.

In its first attach gdb forks twice to see what this kernel can do, and works out which registers this CPU has, which
took longer than all the rest of a stop. And a gdb that hangs, or may not trace, is found out with nobody in its hands.
"""

from __future__ import annotations

import contextlib
import os
import signal
from typing import Iterator

from ansible_collections.closewait.remediation.plugins.module_utils._fd import gdb as fd_gdb
from ansible_collections.closewait.remediation.plugins.module_utils._fd import injection as fd_injection

_NUMBERS = 65536


def rehearse(gdb: fd_gdb.Session) -> None:
    """All that a stop consists of, once. Raises ``GdbError``, ``InjectionError``, OSError."""
    with _stand_in() as pid:
        saved = fd_injection.attach(gdb, pid)
        with contextlib.suppress(fd_injection.SignalCameFirstError):
            fd_injection.call(gdb, fd_injection.find_instruction(pid).address, fd_injection.GETPID)
        fd_injection.restore(gdb, saved)
        gdb.detach()


@contextlib.contextmanager
def _stand_in() -> Iterator[int]:
    """A process that does nothing, and ends with the block or with us."""
    end, ours = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            _idle(end)
        finally:
            os._exit(0)
    try:
        os.close(end)
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.close(ours)
        os.waitpid(pid, 0)


def _idle(end: int) -> None:
    os.setsid()
    os.dup2(end, 0)
    os.closerange(1, _NUMBERS)
    os.read(0, 1)
