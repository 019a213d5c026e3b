# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wanted of an nginx: the options of the action, checked one by one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.closewait.remediation.plugins.module_utils._nginx.effective import DEFAULTS
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.time import milliseconds
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.plan_error import PlanError

TIMEOUTS = ("proxy_connect_timeout", "proxy_send_timeout", "proxy_read_timeout")
CONDITIONS = (
    *("error", "timeout", "denied", "invalid_header", "http_500", "http_502", "http_503", "http_504"),
    *("http_403", "http_404", "http_429", "non_idempotent", "off"),
)
_TIMES = (*TIMEOUTS, "proxy_next_upstream_timeout")
_PLAIN = re.compile(r"[^\s;{}\"'\\#$]+\Z")


@dataclass(frozen=True)
class Server:
    """Of one ``server`` line; None leaves a parameter alone."""

    address: str
    state: str | None = None
    max_fails: int | None = None
    fail_timeout: str | None = None


@dataclass(frozen=True)
class Upstream:
    """Of one ``upstream`` block; its ``max_fails`` and ``fail_timeout`` are for every server."""

    name: str
    servers: tuple[Server, ...] = ()
    max_fails: int | None = None
    fail_timeout: str | None = None
    keepalive: int | None = None
    keepalive_timeout: str | None = None


@dataclass(frozen=True)
class Snippet:
    """The role's own file. ``settings``: whether the proxy settings go there; ``log`` None leaves its log alone."""

    path: str
    settings: bool = False
    log: bool | None = None
    log_path: str = ""


@dataclass(frozen=True)
class Wanted:
    """``proxy``: directive -> value. ``only``: names of upstreams, none is all. ``app_keepalive_timeout`` in ms."""

    proxy: Mapping[str, str]
    upstreams: tuple[Upstream, ...]
    snippet: Snippet
    only: tuple[str, ...] = ()
    app_keepalive_timeout: int | None = None


def wanted(options: Mapping[str, Any]) -> Wanted:
    """Raises PlanError for a value that nginx would refuse, or that starts an incident by itself."""
    app = options["app_keepalive_timeout"]
    snippet = Snippet(options["snippet_file"], options["placement"] == "snippet", options["log"], options["log_file"])
    if snippet.settings and options["only"]:
        raise PlanError("placement snippet is for all of http: leave out only, or use placement in_place")
    return Wanted(
        proxy={name: _proxy_value(name, options[name]) for name in DEFAULTS if options[name] is not None},
        upstreams=tuple(map(_upstream, options["upstreams"])),
        snippet=snippet,
        only=tuple(options["only"]),
        app_keepalive_timeout=None if app is None else _time("app_keepalive_timeout", app),
    )


def at(given: Wanted, snippet_path: str) -> Wanted:
    """With the snippet's real path."""
    return replace(given, snippet=replace(given.snippet, path=snippet_path))


def lines(given: Wanted) -> list[str]:
    """What is wanted, in the words of the configuration: for a host without one."""
    found = [f"{name} {value};" for name, value in given.proxy.items()]
    for upstream in given.upstreams:
        found += [f"upstream {upstream.name}: {text}" for text in _of_upstream(upstream)]
    return [*found, *(["log_format closewait_upstream"] if given.snippet.log else [])]


def _of_upstream(upstream: Upstream) -> list[str]:
    own = {name: getattr(upstream, name) for name in ("max_fails", "fail_timeout", "keepalive", "keepalive_timeout")}
    found = [f"{name} {value}" for name, value in own.items() if value is not None]
    for server in upstream.servers:
        parts = {"max_fails": server.max_fails, "fail_timeout": server.fail_timeout}
        words = [f"{name}={value}" for name, value in parts.items() if value is not None]
        found.append(" ".join(["server", server.address, *words, *([server.state] if server.state else [])]))
    return found


def same(name: str, one: str, other: str) -> bool:
    """Whether two values mean the same to nginx."""
    if name in _TIMES or name in ("fail_timeout", "keepalive_timeout"):
        try:
            return milliseconds(one) == milliseconds(other)
        except ValueError:
            return False
    return sorted(one.split()) == sorted(other.split())


def _proxy_value(name: str, value: Any) -> str:
    if name == "proxy_next_upstream":
        return _conditions(value)
    if name == "proxy_next_upstream_tries":
        return str(_number(name, value))
    text = str(value)
    if _time(name, text) == 0 and name in TIMEOUTS:
        raise PlanError(
            f"{name} 0 gives up at once, so every request fails with 504, as in incident I1: set more than 0"
        )
    return text


def _conditions(values: Sequence[str]) -> str:
    unknown = [value for value in values if value not in CONDITIONS]
    if unknown or not values:
        raise PlanError(f"proxy_next_upstream: {unknown or 'nothing'} is not one of {', '.join(CONDITIONS)}")
    if "off" in values and len(values) > 1:
        raise PlanError("proxy_next_upstream: off goes with nothing else")
    return " ".join(values)


def _upstream(given: Mapping[str, Any]) -> Upstream:
    name = given["name"]
    if given.get("keepalive") == 0:
        raise PlanError(f"upstream {name}: nginx takes no keepalive 0: remove the directive by hand where it stands")
    return Upstream(
        name=name,
        servers=tuple(_server(name, server) for server in given.get("servers") or ()),
        max_fails=_optional_number(f"upstream {name}: max_fails", given.get("max_fails")),
        fail_timeout=_optional_time(f"upstream {name}: fail_timeout", given.get("fail_timeout")),
        keepalive=_optional_number(f"upstream {name}: keepalive", given.get("keepalive")),
        keepalive_timeout=_optional_time(f"upstream {name}: keepalive_timeout", given.get("keepalive_timeout")),
    )


def _server(upstream: str, given: Mapping[str, Any]) -> Server:
    address = given["address"]
    where = f"upstream {upstream}, server {address}"
    if not _PLAIN.match(address):
        raise PlanError(f"{where}: this is no address")
    return Server(
        address=address,
        state=given.get("state"),
        max_fails=_optional_number(f"{where}: max_fails", given.get("max_fails")),
        fail_timeout=_optional_time(f"{where}: fail_timeout", given.get("fail_timeout")),
    )


def _number(what: str, value: Any) -> int:
    number = int(value)
    if number < 0:
        raise PlanError(f"{what}: {number} is below 0")
    return number


def _optional_number(what: str, value: Any) -> int | None:
    return None if value is None else _number(what, value)


def _optional_time(what: str, value: Any) -> str | None:
    if value is None:
        return None
    _time(what, str(value))
    return str(value)


def _time(what: str, value: str) -> int:
    try:
        return milliseconds(value)
    except ValueError as exc:
        raise PlanError(f"{what}: {exc}") from exc
