# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``nginx`` subset: every nginx of this host, its upstreams, and how the attempts at their servers went.

Sources: ``/proc``, ``nginx -V``, the configuration files of the running master, and the access logs that they name.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils._nginx import access_logs as nginx_access_logs
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import addresses as nginx_addresses
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import attempts as nginx_attempts
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import effective as nginx_effective
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import files as nginx_files
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import process as nginx_process
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import program as nginx_program
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import tree as nginx_tree
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import upstreams as nginx_upstreams
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.access_logs import Log
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.span import Span
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.tally import ServerTally, UpstreamTally
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.tree import Placed, Tree

Fact = Dict[str, Any]
#: Of the settings of different locations that pass to one upstream.
_MOST_VALUES = 5


class Options(NamedTuple):
    """``asked``: names of upstreams that somebody waits for, repeated in the facts."""

    span: Span = Span()
    asked: Tuple[str, ...] = ()


class _Upstream(NamedTuple):
    """``servers``: each line of the block with the addresses it is logged by, None when its name has none.

    ``logs``: for each place that passes to it the one that tells; ``blind``: the others.
    """

    block: Placed
    users: Sequence[Placed]
    servers: List[Tuple[Placed, Optional[List[str]]]]
    logs: List[Log]
    blind: List[Log]

    @property
    def name(self) -> str:
        return self.block.statement.values[0]

    def tally(self) -> UpstreamTally:
        return UpstreamTally(self.name, [address for _line, found in self.servers for address in found or ()])


def collect(options: Options, max_items: int) -> Fact:
    """Every nginx master. Never raises for what could not be learned: it is an ``error`` of the instance.

    ``max_items`` caps the instances, and for each the servers of all upstreams together.
    """
    facts: Fact = {
        "errors": [],
        "window_s": options.span.window,
        "since": options.span.since,
        "asked": sorted(options.asked),
        "instances": None,
        "omitted": 0,
    }
    try:
        masters = nginx_process.masters()
    except OSError as exc:
        facts["errors"].append({"source": "/proc", "reason": str(exc.strerror)})
        return facts
    facts["instances"] = [_instance(master, options, max_items) for master in masters[:max_items]]
    facts["omitted"] = max(0, len(masters) - max_items)
    return facts


def _instance(master: nginx_process.Master, options: Options, max_items: int) -> Fact:
    facts: Fact = {
        "pid": master.identity.pid,
        "start_time": master.identity.start_time,
        "netns": nginx_process.netns(master.identity),
        "program": None,
        "config_file": None,
        "prefix": None,
        "changed_since_load": None,
        "error": None,
        "upstreams": None,
        "upstreams_omitted": 0,
        "logs": [],
    }
    try:
        program = nginx_process.program(master)
        facts.update(program=program.path, config_file=program.config_file, prefix=program.prefix)
        build = nginx_program.build(program.path)
        files = nginx_files.read(program.config_file)
        tree = Tree(nginx_tree.documents(files, program.config_file))
        facts["changed_since_load"] = _changed(files, master)
        facts.update(_upstreams(tree, program.prefix or build.prefix, build.http_log_path, options, max_items))
    except (nginx_program.NginxError, nginx_files.ConfigError, OSError) as exc:
        facts["error"] = str(exc)
    return facts


def _changed(files: nginx_files.Files, master: nginx_process.Master) -> Optional[bool]:
    """Whether a file is younger than the workers, so that what it says may not count yet; None without workers."""
    workers = [nginx_process.started(worker) for worker in nginx_process.workers(master.identity)]
    youngest = max(os.stat(path).st_mtime for path in files.contents)
    # Start times are known to some hundredths of a second.
    return youngest > min(workers) + 1.0 if workers else None


def _upstreams(tree: Tree, prefix: str, default_log: str, options: Options, max_items: int) -> Fact:
    found = [_upstream(tree, block, prefix, default_log) for block in nginx_upstreams.blocks(tree)]
    tallies = [upstream.tally() for upstream in found]
    readings, faults = nginx_attempts.count(_wanted_logs(found), tallies, options.span)
    faults.update(_strange(readings))
    shown = [_shown(tree, upstream, tally, faults) for upstream, tally in zip(found, tallies)]
    kept = _kept(shown, max_items)
    return {
        "upstreams": kept,
        "upstreams_omitted": len(shown) - len(kept),
        "logs": [reading._asdict() for reading in readings[:max_items]],
    }


def _strange(readings: Sequence[nginx_attempts.Reading]) -> Dict[str, str]:
    """Logs of which not one line is in the format of the configuration."""
    return {
        reading.path: "none of its %d lines has the format that the configuration gives it" % reading.lines
        for reading in readings
        if reading.lines and reading.lines == reading.other_lines
    }


def _upstream(tree: Tree, block: Placed, prefix: str, default_log: str) -> _Upstream:
    users = nginx_upstreams.users(tree, block)
    logs = [_absolute(nginx_access_logs.of(tree, user, default_log), prefix) for user in users]
    telling = [list(filter(nginx_access_logs.is_sufficient, found))[:1] for found in logs]
    servers = nginx_upstreams.servers(tree, block)
    return _Upstream(
        block,
        users,
        [(line, nginx_addresses.logged(nginx_upstreams.address(line))) for line in servers],
        list(dict.fromkeys(log for found in telling for log in found)),
        [log for found in logs for log in found if not nginx_access_logs.is_sufficient(log)],
    )


def _absolute(logs: Sequence[Log], prefix: str) -> List[Log]:
    return [log._replace(path=os.path.join(prefix, log.path)) for log in logs]


def _wanted_logs(found: Sequence[_Upstream]) -> List[Log]:
    return list(dict.fromkeys(log for upstream in found for log in upstream.logs))


def _shown(tree: Tree, upstream: _Upstream, tally: UpstreamTally, faults: Dict[str, str]) -> Fact:
    return {
        "name": upstream.name,
        **tally.shown(),
        "servers": [row for line, found in upstream.servers for row in _servers(line, found, tally)],
        "servers_omitted": 0,
        "timeouts": _timeouts(tree, upstream.users),
        "unseen": _unseen(upstream, faults),
    }


def _servers(line: Placed, found: Optional[List[str]], tally: UpstreamTally) -> List[Fact]:
    """One row per address: a name may stand for several servers."""
    words = line.statement.values[1:]
    state = "down" if "down" in words else "backup" if "backup" in words else "up"
    settings = {name: nginx_upstreams.parameter(line, name) for name in ("weight", "max_fails", "fail_timeout")}
    own = {"server": line.statement.values[0], "state": state, **settings}
    rows = [{"address": address, **own, **tally.servers[address].shown()} for address in found or ()]
    return rows or [{"address": None, **own, **ServerTally().shown()}]


def _timeouts(tree: Tree, users: Sequence[Placed]) -> Dict[str, List[str]]:
    """What counts where it is passed to, the different values of each setting."""
    places = [place for place in users if place.name == "proxy_pass"]
    return {
        name: list(dict.fromkeys(nginx_effective.value(tree, name, place) for place in places))[:_MOST_VALUES]
        for name in nginx_effective.DEFAULTS
    }


def _unseen(upstream: _Upstream, faults: Dict[str, str]) -> Optional[str]:
    """Why it is not known how its servers do; None when it is."""
    if not upstream.users:
        return None
    if not upstream.logs:
        return _blind(upstream)
    unread = [path for path in (log.path for log in upstream.logs) if path in faults]
    if unread:
        return "%s cannot be read: %s" % (unread[0], faults[unread[0]])
    nameless = [line.statement.values[0] for line, found in upstream.servers if found is None]
    return "%s could not be resolved, so its lines cannot be told" % ", ".join(nameless) if nameless else None


def _blind(upstream: _Upstream) -> str:
    what = "its requests are logged to no file"
    if upstream.blind:
        paths = ", ".join(sorted({log.path for log in upstream.blind}))
        what = "%s lacks $upstream_addr, $upstream_response_time or a time" % paths
    return "%s; role nginx_upstream with nginx_upstream_log: true adds a log that tells" % what


def _kept(shown: List[Fact], most: int) -> List[Fact]:
    """The busiest upstreams, as many as have so many servers together; the busiest of all in any case."""
    kept: List[Fact] = []
    left = most
    for facts in sorted(shown, key=lambda upstream: -upstream["attempts"]):
        servers = facts["servers"]
        if kept and len(servers) > left:
            break
        kept.append({**facts, "servers": servers[:most], "servers_omitted": max(0, len(servers) - most)})
        left -= len(servers)
    return kept
