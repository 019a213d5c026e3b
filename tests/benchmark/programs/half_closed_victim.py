# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program with half-closed sockets, many threads and many shared objects, that measures how long it is stopped.

Started as a process of its own (see ``victim.py``), with nothing but the standard library, because it may run on
another Python. Arguments: number of half-closed sockets, threads, shared objects. It prints one line of JSON when it
is ready, and its gaps since the last time for every line on standard input.

One thread reads the clock in a loop. The others sleep and never ask for the interpreter's lock, so the loop is only
ever held up by the scheduler or by a stop. The two are told apart by the thread's own count of voluntary context
switches: a thread that is preempted stays runnable, one that is stopped is switched out (kernel/sched/core.c,
``__schedule``; getrusage(2), RUSAGE_THREAD).
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import resource
import select
import socket
import sys
import threading
import time

SO_COOKIE = 57
GAP_NS = 50_000

Gap = tuple[int, int]


class StopClock(threading.Thread):
    """Collects the stops of its own thread, and with it of the process, as (start, end) in CLOCK_MONOTONIC ns."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.gaps: list[Gap] = []

    def run(self) -> None:
        now = time.monotonic_ns
        before_last = newest = _voluntary_switches()
        last = now()
        while True:
            current = now()
            if current - last > GAP_NS and _voluntary_switches() != before_last:
                self.gaps.append((last, current))
            before_last, newest = newest, _voluntary_switches()
            last = current


def _voluntary_switches() -> int:
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


def shared_objects() -> int:
    """Number of shared objects mapped into this process."""
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        return len({line.split()[-1] for line in maps if ".so" in line})


def load_shared_objects(wanted: int) -> None:
    """Import extension modules of the standard library until that many shared objects are mapped."""
    for path in [entry for entry in sys.path if entry.endswith("lib-dynload")]:
        for module in pkgutil.iter_modules([path]):
            if shared_objects() >= wanted:
                return
            if "test" not in module.name and "xx" not in module.name and module.name != "readline":
                try:
                    importlib.import_module(module.name)
                except ImportError:
                    continue


def half_closed(number: int) -> list[socket.socket]:
    """Connections whose other end has been closed."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        ends = []
        for _turn in range(number):
            ends.append(socket.create_connection(server.getsockname()))
            server.accept()[0].close()
    return ends


def describe(ends: list[socket.socket]) -> dict[str, object]:
    """What a diagnosis would say about this process, and what it is made of."""
    with open("/proc/self/stat", encoding="ascii") as stat:
        start_time = int(stat.read().rpartition(")")[2].split()[19])
    return {
        "pid": os.getpid(),
        "start_time": start_time,
        "fds": [[end.fileno(), os.fstat(end.fileno()).st_ino, _cookie(end)] for end in ends],
        "shared_objects": shared_objects(),
        "threads": len(os.listdir("/proc/self/task")),
        "python": "%d.%d.%d" % sys.version_info[:3],
    }


def _cookie(end: socket.socket) -> str:
    return "%016x" % int.from_bytes(end.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8), sys.byteorder)


def sleep_for_ever() -> None:
    """What every thread but two does."""
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def answer(clock: StopClock, ends: list[socket.socket]) -> None:
    """Main loop. It waits in epoll_wait(2), which survives the debugger's call even where others do not."""
    control = select.epoll()
    control.register(sys.stdin.fileno(), select.EPOLLIN)
    print(json.dumps(describe(ends)), flush=True)
    while control.poll() and sys.stdin.readline():
        gaps, clock.gaps = clock.gaps, []
        print(json.dumps(gaps), flush=True)


def main() -> None:
    number, threads, objects = (int(word) for word in sys.argv[1:4])
    load_shared_objects(objects)
    ends = half_closed(number)
    loop = select.epoll()
    for end in ends:
        loop.register(end, select.EPOLLIN)
    for _turn in range(threads - 2):
        threading.Thread(target=sleep_for_ever, daemon=True).start()
    gc.disable()
    clock = StopClock()
    clock.start()
    answer(clock, ends)


if __name__ == "__main__":
    main()
