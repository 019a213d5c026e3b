# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shape of the ``nginx`` subset."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.common import SourceError


class UpstreamServer(TypedDict):
    """One address of a ``server`` line and the attempts at it.

    ``server``: as it is written; ``address``: as it is logged, None when the name has no address. ``state``: up, down
    or backup. ``failed``: answered 5xx, by nginx itself where it got no answer. ``timed``: those with a time.
    ``slow``: how many took at least so many seconds. ``well_since``: attempts since the last that failed or took a
    second. Quantiles in seconds, within 5 %.
    """

    address: str | None
    server: str
    state: str
    weight: str | None
    max_fails: str | None
    fail_timeout: str | None
    attempts: int
    timed: int
    failed: int
    never_connected: int
    timed_out: int
    well_since: int
    slow: dict[str, int]
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None


class NginxUpstream(TypedDict):
    """An ``upstream`` block. ``unseen``: why it is not known how its servers do, None when it is.

    ``requests``: those that went there; ``client_gone``: given up by the client (499); ``no_live_servers``: nginx had
    none to try. ``timeouts``: directive -> its values where it is proxied to.
    """

    name: str
    requests: int
    attempts: int
    retried: int
    attempts_per_request: float | None
    client_gone: int
    no_live_servers: int
    servers: list[UpstreamServer]
    servers_omitted: int
    timeouts: dict[str, list[str]]
    unseen: str | None


class ReadLog(TypedDict):
    """What was read of one access log. ``oldest``, ``newest``: seconds since the epoch. ``cut``: why not all."""

    path: str
    files: int
    lines: int
    other_lines: int
    oldest: float | None
    newest: float | None
    cut: str | None


class NginxInstance(TypedDict):
    """An nginx master; with ``error`` set it was seen, but its configuration could not be read.

    ``changed_since_load``: a file is younger than the workers, so that what it says may not count yet.
    """

    pid: int
    start_time: int
    netns: int | None
    program: str | None
    config_file: str | None
    prefix: str | None
    changed_since_load: bool | None
    error: str | None
    upstreams: list[NginxUpstream] | None
    upstreams_omitted: int
    logs: list[ReadLog]


class NginxFacts(TypedDict):
    """The ``nginx`` subset. ``since``: only attempts that began after it (seconds since the epoch) were counted.

    ``asked``: names of upstreams whose state somebody waits for, so that too few attempts are worth a word.
    """

    errors: list[SourceError]
    window_s: float
    since: float | None
    asked: NotRequired[list[str]]
    instances: list[NginxInstance] | None
    omitted: int
