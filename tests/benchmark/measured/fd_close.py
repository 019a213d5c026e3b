# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One half-closed fd of a process with many threads: how long the process stands still."""

from __future__ import annotations

from .. import closing, victim
from ..figures import Row, Section

#: A stop of a few milliseconds is a third longer or shorter the next time.
STOPS = 21

TEXT = f"""\
A Python process with {victim.THREADS} threads and {victim.SHARED_OBJECTS} shared objects; one half-closed socket
is taken out of its epoll set and closed. The process itself measures how long it stands still, in a thread that reads
the clock. Ours removes the registration from outside, waits until the loop has ended its round (a whole second here,
as the thread with the clock never rests), and closes in one stop. The one-liner is
`gdb -p PID -ex 'p close(FD)' -ex 'set confirm off' -ex quit` and checks nothing. The floor is a bare ptrace attach that
makes the same checks, with the same code, and the same system calls, in one stop; but nobody sees to the process
should it be killed. With *few checks* it looks at the start time, the inode, the state and the unread bytes only."""


def measure() -> Section:
    """Ours, the one-liner, the floor and nothing in turns, each on a fresh victim."""
    ways = {
        "ours": closing.ours,
        "gdb": closing.one_gdb_per_fd,
        "floor": closing.floor,
        "lower": closing.floor_by_identity,
        "nothing": closing.nothing,
    }
    done = closing.in_turns({name: (way, 1) for name, way in ways.items()}, STOPS)
    ours, gdb, floor = done["ours"], done["gdb"], done["floor"]
    rows = (
        Row("stop, all together", closing.stop(ours), "gdb one-liner", closing.stop(gdb), 0.1),
        Row("longest stop", closing.longest(ours), "gdb one-liner", closing.longest(gdb)),
        Row("stop, all together", closing.stop(ours), "bare ptrace, same checks", closing.stop(floor), 3.0),
        Row("stop, all together", closing.stop(ours), "bare ptrace, few checks", closing.stop(done["lower"])),
        Row("wall time", closing.wall(ours), "gdb one-liner", closing.wall(gdb)),
    )
    return Section("One fd", TEXT, rows, (*closing.remarks("The one-liner", gdb), _error(done["nothing"])))


def _error(left_alone: list[closing.Closing]) -> str:
    seen = closing.stop(left_alone).values
    return (
        f"Left alone for {closing.UNDISTURBED_S:g} s the process saw stops of {min(seen):.2g} to {max(seen):.2g} ms: "
        "the error of its measurement."
    )
