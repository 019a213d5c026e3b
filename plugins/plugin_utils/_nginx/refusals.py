# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must not be: settings that start another incident of the family. Judged on the configuration as it would be."""

from __future__ import annotations

from ansible_collections.closewait.remediation.plugins.module_utils._nginx import effective as nginx_effective
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import upstreams as nginx_upstreams
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.time import milliseconds
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.tree import Placed, Tree
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import blocks as nginx_blocks
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.plan_error import PlanError
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.wanted import Upstream, Wanted

_DEFAULT_KEEPALIVE_TIMEOUT = "60s"
#: https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_connect_timeout
_LONGEST_CONNECT_MS = 75_000


def check(after: Tree, wanted: Wanted, *, keeps: bool) -> list[str]:
    """Raises PlanError for what must not be; returns what to warn of.

    ``keeps``: whether this nginx keeps connections to upstreams unless told otherwise.
    """
    for block in nginx_upstreams.blocks(after):
        _refuse_no_live_server(after, block)
    warnings = [
        warning for upstream in wanted.upstreams for warning in _keepalive(after, upstream, wanted, keeps=keeps)
    ]
    warnings += [warning for upstream in wanted.upstreams for warning in _keepalive_used(after, upstream, keeps=keeps)]
    for block in nginx_upstreams.blocks(after):
        warnings += _flood(after, block, wanted)
    return [*warnings, *_times(wanted)]


def _refuse_no_live_server(after: Tree, block: Placed) -> None:
    if nginx_upstreams.servers(after, block) and not nginx_upstreams.live(after, block):
        raise PlanError(
            f"upstream {_name(block)} ({block.where()}) would have no live server: nginx -t takes that, and "
            'every request fails with 502 "no live upstreams", as in incident I1. Return one (state: up) first'
        )


def _keepalive(after: Tree, upstream: Upstream, wanted: Wanted, *, keeps: bool) -> list[str]:
    block = nginx_blocks.find(after, upstream.name)
    if (nginx_upstreams.value(after, block, "keepalive") or ("32" if keeps else "0")) == "0":
        unused = upstream.keepalive_timeout is not None
        return [f"upstream {upstream.name}: keepalive_timeout does nothing without keepalive"] if unused else []
    timeout = nginx_upstreams.value(after, block, "keepalive_timeout") or _DEFAULT_KEEPALIVE_TIMEOUT
    if wanted.app_keepalive_timeout is None:
        text = f"upstream {upstream.name}: nginx keeps idle connections for {timeout}"
        return [f"{text}; set app_keepalive_timeout to have it checked that the application keeps them longer"]
    if milliseconds(timeout) >= wanted.app_keepalive_timeout:
        raise PlanError(
            f"upstream {upstream.name}: keepalive_timeout {timeout} is not below the application's "
            f"({wanted.app_keepalive_timeout / 1000:g} s): the application would close first, which leaves half-closed "
            "connections in nginx, as in incident I0, and fails requests. Set keepalive_timeout lower"
        )
    return []


def _keepalive_used(after: Tree, upstream: Upstream, *, keeps: bool) -> list[str]:
    """An nginx that does not keep connections speaks HTTP/1.0 to upstreams and asks them to close."""
    if not upstream.keepalive:
        return []
    places = [place for place in nginx_effective.proxied(after) if nginx_effective.target(place) == upstream.name]
    bad = [place for place in places if not _is_persistent(after, place, keeps=keeps)]
    return [
        f'upstream {upstream.name}: keepalive needs proxy_http_version 1.1 and proxy_set_header Connection "" '
        f"({place.where()})"
        for place in bad[:3]
    ]


def _is_persistent(after: Tree, place: Placed, *, keeps: bool) -> bool:
    version = nginx_effective.effective(after, "proxy_http_version", place)
    told = version.statement.values if version else ("1.1" if keeps else "1.0",)
    connection = _header(after, place, "connection")
    return told != ("1.0",) and (keeps if connection is None else connection == ("",))


def _header(after: Tree, place: Placed, name: str) -> tuple[str, ...] | None:
    """What ``proxy_set_header`` sets it to. The innermost level that sets any header counts, and that alone."""
    for block in nginx_effective.levels(place):
        headers = [child.statement.values for child in after.children(block) if child.name == "proxy_set_header"]
        if headers:
            return next((values[1:] for values in headers if values[0].lower() == name), None)
    return None


def _flood(after: Tree, block: Placed, wanted: Wanted) -> list[str]:
    """max_fails=0 and no limit of tries: each request goes to every server when all are slow."""
    live = nginx_upstreams.live(after, block)
    blind = [server for server in live if nginx_upstreams.parameter(server, "max_fails") == "0"]
    places = [place for place in nginx_effective.proxied(after) if nginx_effective.target(place) == _name(block)]
    endless = [place for place in places if _tries_all(after, place)]
    if len(live) < 2 or len(blind) < len(live) or not endless:
        return []
    text = (
        f"upstream {_name(block)}: with max_fails=0 and without a limit of proxy_next_upstream "
        f"({endless[0].where()}) a request tries all {len(live)} servers when they are slow, the flood of incident I1: "
        "set proxy_next_upstream_tries or proxy_next_upstream_timeout, or proxy_next_upstream off"
    )
    if _name(block) in {upstream.name for upstream in wanted.upstreams if _sets_max_fails(upstream)}:
        raise PlanError(text)
    return [text]


def _sets_max_fails(upstream: Upstream) -> bool:
    given = [upstream.max_fails, *(server.max_fails for server in upstream.servers)]
    return any(value is not None for value in given)


def _tries_all(after: Tree, place: Placed) -> bool:
    value = {
        name: nginx_effective.value(after, f"proxy_next_upstream{name}", place) for name in ("", "_tries", "_timeout")
    }
    conditions = value[""].split()
    return "timeout" in conditions and value["_tries"] == "0" and milliseconds(value["_timeout"]) == 0


def _times(wanted: Wanted) -> list[str]:
    found = []
    connect = wanted.proxy.get("proxy_connect_timeout")
    if connect is not None and milliseconds(connect) > _LONGEST_CONNECT_MS:
        found.append(f"proxy_connect_timeout {connect}: it cannot usually exceed 75 seconds")
    if "non_idempotent" in wanted.proxy.get("proxy_next_upstream", "").split():
        found.append("proxy_next_upstream non_idempotent: a POST that a slow server still works on is sent again")
    return found


def _name(block: Placed) -> str:
    return block.statement.values[0] if block.statement.values else ""
