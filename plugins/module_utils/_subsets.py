# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The subsets of ``incident_facts``: which there are, which are wanted, and gathering them one after the other.

A new subset is a file in ``_collectors`` and a line here.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Callable, Dict, Iterable, List, Mapping, NamedTuple

from ansible_collections.closewait.remediation.plugins.module_utils import (
    _accept_queues,
    _cpu_options,
    _cpu_window,
    _procfs,
)
from ansible_collections.closewait.remediation.plugins.module_utils._collectors import (
    cpu,
    mysql,
    nginx,
    progress,
    redis,
    supervisor,
    tcp,
)

Fact = Dict[str, Any]


class Options(NamedTuple):
    """What the collectors need to know, each its own part; ``max_items`` caps every list."""

    cpu: _cpu_options.CpuOptions
    window: _cpu_window.CpuWindow
    redis: redis.Asking
    nginx: nginx.Options
    mysql: mysql.Asking
    max_items: int
    #: What FIRST_LOOKS saw, by subset.
    seen: Mapping[str, Any] = {}


Collect = Callable[[Options], Fact]

ALL = "all"

#: In this order: the window first, so that the sockets are looked at when it is known who was busy up to then.
COLLECTORS: Dict[str, Collect] = {
    "cpu": lambda options: cpu.collect(options.cpu, options.window, options.max_items),
    "progress": lambda options: progress.collect(options.cpu, options.window),
    "tcp": lambda options: tcp.collect(options.max_items, known=_known(options)),
    "redis": lambda options: redis.collect(options.redis, options.max_items),
    "supervisor": lambda options: supervisor.collect(options.max_items),
    "nginx": lambda options: nginx.collect(options.nginx, options.max_items),
    "mysql": lambda options: mysql.collect(options.mysql, options.max_items),
}

#: For what one look cannot tell: taken of the wanted subsets before the first of them is collected, so that the window
#: lies in between.
FIRST_LOOKS: Dict[str, Callable[[], Any]] = {"tcp": _accept_queues.first_look}


def _known(options: Options) -> tcp.Known:
    """What the window has shown already."""
    return tcp.Known(options.seen.get("tcp"), options.window.users())


def choose(wanted: Iterable[str]) -> List[str]:
    """Names in order of gathering. Raises ValueError with one line that names the unknown subset and the known ones."""
    words = list(wanted)
    for word in words:
        if word[word.startswith("!") :] not in (ALL, *COLLECTORS):
            known = ", ".join([ALL, *sorted(COLLECTORS)])
            raise ValueError("gather_subset: there is no subset %s; choose from %s, or !NAME" % (word, known))
    taken = {word for word in words if not word.startswith("!")}
    without = {word[1:] for word in words if word.startswith("!")}
    everything = ALL in taken or not taken
    return [name for name in COLLECTORS if (everything or name in taken) and name not in without and ALL not in without]


def window(names: Iterable[str], options: _cpu_options.CpuOptions) -> _cpu_window.CpuWindow:
    """The window that the subsets of these names share."""
    return _cpu_window.ProgressWindow(options) if "progress" in names else _cpu_window.CpuWindow(options)


def collect(names: Iterable[str], options: Options) -> Dict[str, Fact]:
    """Facts per subset."""
    wanted = list(names)
    prepared = options._replace(seen={name: FIRST_LOOKS[name]() for name in wanted if name in FIRST_LOOKS})
    return {name: COLLECTORS[name](prepared) for name in wanted}


def provenance(proc: str = "/proc") -> Dict[str, Any]:
    """When and in which boot the facts were gathered: pids and start times mean nothing in another one."""
    return {
        "gathered_at": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "boot_id": _procfs.boot_id(proc),
    }
