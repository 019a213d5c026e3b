# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One half-closed fd of a process with many threads: how long the process stands still."""

from __future__ import annotations

from .. import closing, victim
from ..figures import Row, Section

TEXT = f"""\
A Python process with {victim.THREADS} threads and {victim.SHARED_OBJECTS} shared objects; one half-closed socket
is taken out of its epoll set and closed. The process itself measures how long it stands still, in a thread that reads
the clock. Ours stops it twice, so that its loop can end its round in between. The one-liner is
`gdb -p PID -ex 'p close(FD)' -ex 'set confirm off' -ex quit` and checks nothing. The floor is a bare ptrace attach that
does the same checks and system calls, in one stop."""


def measure() -> Section:
    """Ours, the one-liner and the floor in turns, each on a fresh victim."""
    done = closing.in_turns(
        {"ours": (closing.ours, 1), "gdb": (closing.one_gdb_per_fd, 1), "floor": (closing.floor, 1)}
    )
    ours, gdb, floor = done["ours"], done["gdb"], done["floor"]
    rows = (
        Row("stop, all together", closing.stop(ours), "gdb one-liner", closing.stop(gdb), 0.1),
        Row("longest stop", closing.longest(ours), "gdb one-liner", closing.longest(gdb)),
        Row("stop, all together", closing.stop(ours), "bare ptrace", closing.stop(floor), 3.0),
        Row("wall time", closing.wall(ours), "gdb one-liner", closing.wall(gdb)),
    )
    return Section("One fd", TEXT, rows, closing.remarks("The one-liner", gdb))
