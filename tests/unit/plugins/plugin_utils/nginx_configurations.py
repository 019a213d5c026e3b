# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations and options for the tests of planning."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.closewait.remediation.plugins.module_utils._nginx import effective as nginx_effective
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.tree import Documents
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import plan as nginx_plan
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import wanted as nginx_wanted
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.plan import Given, Plan
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.wanted import Wanted

MAIN = "/srv/ngx/nginx.conf"
SNIPPET = "/srv/ngx/conf.d/closewait.conf"
UPSTREAM = "upstream app { server 10.1.0.1:81; server 10.1.0.2:81; }"


def wanted(**options: Any) -> Wanted:
    """As the action gives them."""
    left_out: dict[str, Any] = dict.fromkeys(nginx_effective.DEFAULTS)
    given = {
        **left_out,
        "upstreams": [],
        "only": [],
        "placement": "in_place",
        "snippet_file": SNIPPET,
        "log": None,
        "log_file": "/var/log/up.log",
        "app_keepalive_timeout": None,
        **options,
    }
    return nginx_wanted.wanted(given)


def given(main: str, snippet: str | None = None, **more: str) -> Given:
    """``more``: names in conf.d and their texts; a snippet is read when ``main`` includes conf.d."""
    texts = {MAIN: main, **{f"/srv/ngx/conf.d/{name}.conf": text for name, text in more.items()}}
    if snippet is not None:
        texts[SNIPPET] = snippet
    includes = {"/srv/ngx/conf.d/*.conf": sorted(path for path in texts if path != MAIN)}
    return Given(Documents(MAIN, "/srv/ngx", texts, includes), snippet, "/var/log/nginx/access.log", keeps=False)


def planned(main: str, snippet: str | None = None, more: dict[str, str] | None = None, **options: Any) -> Plan:
    """The plan for a configuration and options."""
    return nginx_plan.plan(given(main, snippet, **(more or {})), wanted(**options))


def planned_of_1_29_7(main: str, **options: Any) -> Plan:
    """The plan for an nginx that keeps connections to upstreams unless told otherwise."""
    return nginx_plan.plan(replace(given(main), keeps=True), wanted(**options))


def result(main: str, **options: Any) -> str:
    """What becomes of the main file."""
    return planned(main, **options).after.documents.texts[MAIN]
