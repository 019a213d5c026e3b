# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the action nginx_upstream, as its documentation has them."""

from __future__ import annotations

from typing import Any

from ansible_collections.closewait.remediation.plugins.module_utils._nginx import options as nginx_options

_TIMES = ("proxy_connect_timeout", "proxy_send_timeout", "proxy_read_timeout", "proxy_next_upstream_timeout")
_SERVER = {
    "address": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["up", "down"]},
    "max_fails": {"type": "int"},
    "fail_timeout": {"type": "str"},
}
_UPSTREAM = {
    "name": {"type": "str", "required": True},
    "max_fails": {"type": "int"},
    "fail_timeout": {"type": "str"},
    "keepalive": {"type": "int"},
    "keepalive_timeout": {"type": "str"},
    "servers": {"type": "list", "elements": "dict", "options": _SERVER, "default": []},
}
ARGUMENTS: dict[str, Any] = {
    **{name: {"type": "str"} for name in _TIMES},
    "proxy_next_upstream": {"type": "list", "elements": "str"},
    "proxy_next_upstream_tries": {"type": "int"},
    "upstreams": {"type": "list", "elements": "dict", "options": _UPSTREAM, "default": []},
    "only": {"type": "list", "elements": "str", "default": []},
    "placement": {"type": "str", "choices": ["in_place", "snippet"], "default": "in_place"},
    "snippet_file": {"type": "path", "default": "/etc/nginx/conf.d/closewait.conf"},
    "log": {"type": "bool"},
    "log_file": {"type": "path", "default": "/var/log/nginx/closewait-upstream.log"},
    "app_keepalive_timeout": {"type": "str"},
    "workers_per_server": {"type": "int", "default": 1},
    "window": {"type": "float", "default": 300.0},
    "backup_dir": {"type": "path", "default": "/var/backups/closewait"},
    **nginx_options.ARGUMENTS,
}
