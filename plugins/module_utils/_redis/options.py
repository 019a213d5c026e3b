# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options by which the modules reach a server; documented in the fragment ``redis_connection``."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from ansible_collections.closewait.remediation.plugins.module_utils._redis.cli import Endpoint, Login, Tls

ARGUMENTS: dict[str, dict[str, Any]] = {
    "host": {"type": "str"},
    "port": {"type": "int"},
    "unix_socket": {"type": "path"},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "tls": {"type": "bool", "default": False},
    "tls_ca_cert": {"type": "path"},
    "tls_cert": {"type": "path"},
    "tls_key": {"type": "path"},
    "redis_cli": {"type": "path"},
    "reply_timeout": {"type": "float", "default": 5.0},
}
REQUIRED_TOGETHER = [("tls_cert", "tls_key")]


def named(params: Mapping[str, Any]) -> bool:
    """Whether the caller says where the server is."""
    return any(params[name] is not None for name in ("host", "port", "unix_socket"))


def endpoint(params: Mapping[str, Any]) -> Endpoint:
    """Where the server is, with Redis' own defaults for what was not said."""
    default = Endpoint()
    port = default.port if params["port"] is None else params["port"]
    return Endpoint(params["host"] or default.host, port, params["unix_socket"], tls(params))


def login(params: Mapping[str, Any]) -> Login:
    """Who asks."""
    return Login(params["username"] or None, params["password"] or None)


def tls(params: Mapping[str, Any]) -> Optional[Tls]:
    """The TLS files, or None for a plain connection."""
    return Tls(params["tls_ca_cert"], params["tls_cert"], params["tls_key"]) if params["tls"] else None
