# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The subsets of ``incident_facts``: which there are, which are wanted, and gathering them one after the other.

A new subset is a file in ``_collectors``, a function and a line here. Ansible sends the sources of a module, and Python
compiles in every run on every host what is imported: so a collector is imported only where its subset is wanted.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import _cpu_options, _cpu_window, _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.span import Span

if TYPE_CHECKING:
    from ansible_collections.closewait.remediation.plugins.module_utils._collectors import tcp as tcp_collector

Fact = Dict[str, Any]


class User(NamedTuple):
    """Who asks a server."""

    name: Optional[str] = None
    password: Optional[str] = None


class Options(NamedTuple):
    """What the collectors need to know, each its own part; ``max_items`` caps every list."""

    cpu: _cpu_options.CpuOptions
    window: _cpu_window.CpuWindow
    max_items: int
    redis: User = User()
    mysql: User = User()
    nginx: Span = Span()
    nginx_upstreams: Tuple[str, ...] = ()
    #: What FIRST_LOOKS saw, by subset.
    seen: Mapping[str, Any] = {}


Collect = Callable[[Options], Fact]

ALL = "all"


def _cpu(options: Options) -> Fact:
    from ansible_collections.closewait.remediation.plugins.module_utils._collectors import cpu

    return cpu.collect(options.cpu, options.window, options.max_items)


def _progress(options: Options) -> Fact:
    from ansible_collections.closewait.remediation.plugins.module_utils._collectors import progress

    return progress.collect(options.cpu, options.window)


def _tcp(options: Options) -> Fact:
    from ansible_collections.closewait.remediation.plugins.module_utils._collectors import tcp

    return tcp.collect(options.max_items, known=_known(options))


def _redis(options: Options) -> Fact:
    from ansible_collections.closewait.remediation.plugins.module_utils._collectors import redis
    from ansible_collections.closewait.remediation.plugins.module_utils._redis.cli import Login

    return redis.collect(redis.Asking(login=Login(options.redis.name, options.redis.password)), options.max_items)


def _supervisor(options: Options) -> Fact:
    from ansible_collections.closewait.remediation.plugins.module_utils._collectors import supervisor

    return supervisor.collect(options.max_items)


def _nginx(options: Options) -> Fact:
    from ansible_collections.closewait.remediation.plugins.module_utils._collectors import nginx

    return nginx.collect(nginx.Options(options.nginx, options.nginx_upstreams), options.max_items)


def _mysql(options: Options) -> Fact:
    from ansible_collections.closewait.remediation.plugins.module_utils._collectors import mysql

    asking = mysql.Asking(username=options.mysql.name, password=options.mysql.password)
    return mysql.collect(asking, options.max_items)


def _first_look_at_queues() -> Any:
    from ansible_collections.closewait.remediation.plugins.module_utils import _accept_queues, _netns

    namespaces, _denied = _netns.discover(_procfs.pids())
    return _accept_queues.first_look(namespaces)


#: In this order: the window first, so that the sockets are looked at when it is known who was busy up to then.
COLLECTORS: Dict[str, Collect] = {
    "cpu": _cpu,
    "progress": _progress,
    "tcp": _tcp,
    "redis": _redis,
    "supervisor": _supervisor,
    "nginx": _nginx,
    "mysql": _mysql,
}

#: For what one look cannot tell: taken of the wanted subsets before the first of them is collected, so that the window
#: lies in between.
FIRST_LOOKS: Dict[str, Callable[[], Any]] = {"tcp": _first_look_at_queues}


def _known(options: Options) -> tcp_collector.Known:
    """What the window has shown already."""
    from ansible_collections.closewait.remediation.plugins.module_utils._collectors import tcp

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
    if "progress" not in names:
        return _cpu_window.CpuWindow(options)
    from ansible_collections.closewait.remediation.plugins.module_utils._progress.window import ProgressWindow

    return ProgressWindow(options)


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
