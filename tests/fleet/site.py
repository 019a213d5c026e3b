# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Twenty hosts as somebody runs them, and what is wrong with some of them: everything is made to happen for real."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scenario_kit.waiting import wait_for

from .balanced import Balanced, balanced
from .broker import Broker, broker
from .exporter import Exporter, exporter, wait_until_ready
from .form import Form
from .hosting import Fleet, hosts
from .shop import Worker, workers

REDIS_TIMEOUT_S = 5
SICK_PAGE_S = 1.5
WELL_PAGE_S = 0.01
VISITORS = 6
#: Which incident is on which hosts.
PLANTED = {
    "half_closed_spin": ("worker1", "worker2"),
    "impatient_supervisor": ("export1", "export2"),
    "sick_upstream": ("proxy1",),
}
UNREACHABLE = "dark1"
FAILING = "broken1"
#: ``worker3`` is well although Redis closes its idle connections too.
NAMES = (
    *("redis1", "redis2", "proxy1", "export1", "export2", "worker1", "worker2", "worker3", "page1", "page2", "page3"),
    *(UNREACHABLE, FAILING, *(f"plain{number}" for number in range(1, 8))),
)


@dataclass(frozen=True)
class Site:
    """What runs where; ``idle`` is the worker that is well."""

    fleet: Fleet
    broker: Broker
    spinning: tuple[Worker, ...]
    idle: Worker
    exporters: tuple[Exporter, ...]
    proxy: Balanced


@contextmanager
def site(form: Form) -> Iterator[Site]:
    """Every incident has happened, which is proven; two hosts are lost. Visitors come as long as the block."""
    with hosts(NAMES, form) as fleet:
        patient, impatient = broker(fleet["redis2"], 0), broker(fleet["redis1"], REDIS_TIMEOUT_S)
        exporters = [exporter(fleet[name], patient.url(n)) for n, name in enumerate(PLANTED["impatient_supervisor"], 1)]
        first, second, idle = workers(
            {fleet[name]: impatient.url(n) for n, name in enumerate(("worker1", "worker2", "worker3"), 1)}
        )
        proxy = balanced(
            fleet["proxy1"],
            {fleet["page1"]: WELL_PAGE_S, fleet["page2"]: WELL_PAGE_S, fleet["page3"]: SICK_PAGE_S},
        )
        wait_until_ready(exporters)
        with _visitors(proxy):
            _provoke((first, second), idle)
            fleet[UNREACHABLE].unplug()
            fleet[FAILING].break_python()
            yield Site(fleet, impatient, (first, second), idle, tuple(exporters), proxy)


def _provoke(spinning: tuple[Worker, ...], idle: Worker) -> None:
    """One task runs, one is reserved, two wait, and Redis closes the connection on which the next would come."""
    idle.queue("quick-1")
    for worker in spinning:
        worker.queue("gated-1", "gated-2", "quick-3", "quick-4")
    for worker in spinning:
        wait_for(worker.spins_on, 60, f"the worker on {worker.host.name} to spin")
    wait_for(lambda: idle.half_closed() >= 1, 60, f"Redis to close a connection of {idle.host.name}")


@contextmanager
def _visitors(proxy: Balanced) -> Iterator[None]:
    load = proxy.load()
    threads = [threading.Thread(target=load.run) for _number in range(VISITORS)]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: load.sent() >= 60, 90, "visitors")
        yield
    finally:
        load.end()
        for thread in threads:
            thread.join()
