# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the action nginx_upstream, as its documentation has them."""

from __future__ import annotations

from typing import Any

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
_PROBE = {
    "url": {"type": "str", "required": True},
    "status": {"type": "int", "default": 200},
    "headers": {"type": "dict", "default": {}},
    "validate_certs": {"type": "bool", "default": True},
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
    "program": {"type": "str", "default": "nginx"},
    "config_file": {"type": "path"},
    "prefix": {"type": "path"},
    "pid_file": {"type": "path"},
    "error_log": {"type": "path"},
    "backup_dir": {"type": "path", "default": "/var/backups/closewait"},
    "probes": {"type": "list", "elements": "dict", "options": _PROBE, "default": []},
    "reload_timeout": {"type": "float", "default": 15.0},
    "probe_timeout": {"type": "float", "default": 5.0},
}
