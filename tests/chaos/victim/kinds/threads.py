# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thirty threads that share one table of fds and one epoll set."""

from __future__ import annotations

import random
import select
import threading

from .. import place
from ..fd_numbers import Numbers
from ..work import Work

THREADS = 30
REST_MS = 40


def run(given: place.Place) -> None:
    numbers, epoll, stop = Numbers(), select.epoll(), threading.Event()
    loads = [_load(given, number, numbers, epoll) for number in range(THREADS)]
    threads = [threading.Thread(target=_work, args=(load, stop)) for load in loads]
    for thread in threads:
        thread.start()
    while given.go_on(20):
        epoll.poll(0)
    stop.set()
    for thread in threads:
        thread.join()
    for load in loads[1:]:
        load.finish()
    place.last_words(loads[0])


def _load(given: place.Place, number: int, numbers: Numbers, epoll: select.epoll) -> Work:
    load = Work(given.log, random.Random(given.seed + number), given.port, numbers, epoll)  # noqa: S311 - seeded
    load.few()
    return load


def _work(load: Work, stop: threading.Event) -> None:
    while not stop.wait(load.rng.uniform(0, REST_MS) / 1000):
        load.round()
