# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hundreds of half-closed fds of one process: all stops together, the longest, and the time until it is done."""

from __future__ import annotations

from .. import closing
from ..figures import RUNS, Row, Samples, Section

SOME, MANY = 200, 1000
#: With one gdb per fd only this many are closed in each run, and the figures scaled.
SCALED_FROM = 10
CAP, ONE_MORE, FLOOR = "max_stop_ms", "max_stop_ms and one step", "bare ptrace, same checks"

TEXT = f"""\
The same process with {SOME} and with {MANY:,} half-closed sockets, all closed. One gdb per fd would take too long
to measure in full: it was measured on {SCALED_FROM} fds in each run ({SCALED_FROM * RUNS} in all) and
**scaled**. `max_stop_ms` is {closing.MAX_STOP_MS:g}: a stop ends before a further step would pass it, and the
process runs on for as long as it stood before it is stopped again. Where numbers follow each other, as in a leak, up to
16 are judged and then closed by one system call; *scattered* are every second of {2 * MANY:,}, closed one by one.
A *step* is the longest time that ours took from one such call to the next."""


def measure() -> Section:
    """Ours with few and many, one gdb per fd, and the floor, in turns."""
    done = closing.in_turns(
        {
            "some": (closing.ours, SOME),
            "gdb": (closing.one_gdb_per_fd, SCALED_FROM),
            "many": (closing.ours, MANY),
            "scattered": (closing.ours_every_second, 2 * MANY),
            "floor": (closing.floor, MANY),
        }
    )
    some, many, scattered, gdb, floor = (done[name] for name in ("some", "many", "scattered", "gdb", "floor"))
    cap = Samples("ms", (closing.MAX_STOP_MS,))
    rows = (
        *_against_gdb(SOME, some, gdb),
        Row(
            f"longest stop of all, {SOME} fds", closing.longest_of_all(some), ONE_MORE, closing.cap_and_step(some), 1.0
        ),
        *_against_gdb(MANY, many, gdb, 1 / 200, 1 / 100),
        Row(f"longest stop of all, {MANY:,} fds", closing.longest_of_all(many), CAP, cap),
        Row(
            f"longest stop of all, {MANY:,} fds",
            closing.longest_of_all(many),
            ONE_MORE,
            closing.cap_and_step(many),
            1.0,
        ),
        Row(f"stop, all together, {MANY:,} fds", closing.stop(many), FLOOR, closing.stop(floor), 3.0),
        Row(f"stop, all together, {MANY:,} scattered", closing.stop(scattered), FLOOR, closing.stop(floor)),
        Row(f"longest stop of all, {MANY:,} scattered", closing.longest_of_all(scattered), CAP, cap),
        Row(
            f"longest stop of all, {MANY:,} scattered",
            closing.longest_of_all(scattered),
            ONE_MORE,
            closing.cap_and_step(scattered),
            1.0,
        ),
    )
    return Section("Many fds of one process", TEXT, rows, closing.remarks("One gdb per fd", gdb))


def _against_gdb(
    fds: int,
    ours: list[closing.Closing],
    gdb: list[closing.Closing],
    stop_reach: float | None = None,
    wall_reach: float | None = None,
) -> tuple[Row, Row]:
    factor, against = fds / SCALED_FROM, "one gdb per fd, scaled"
    return (
        Row(
            f"stop, all together, {fds:,} fds",
            closing.stop(ours),
            against,
            closing.stop(gdb).scaled(factor),
            stop_reach,
        ),
        Row(f"wall time, {fds:,} fds", closing.wall(ours), against, closing.wall(gdb).scaled(factor), wall_reach),
    )
