# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options by which the Redis modules reach a server."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragment ``closewait.remediation.redis_connection``; the arguments are in ``module_utils._redis.options``."""

    DOCUMENTATION = r"""
options:
  host:
    description: Name or address of the server. For a wildcard (V(0.0.0.0), V(::)) the loopback address is asked.
    type: str
  port:
    description: TCP port of the server.
    type: int
  unix_socket:
    description: Path of the server's unix socket. Takes precedence over O(host), O(port) and O(tls).
    type: path
  username:
    description:
      - ACL user (Redis 6 and later). Without it the default user is asked.
      - It needs C(+config|get +config|set +info), before Redis 7 C(+config +info).
    type: str
  password:
    description:
      - Password of O(username) or of the default user.
      - It is handed to the client in its environment, never as an argument.
    type: str
  tls:
    description: Whether to connect with TLS.
    type: bool
    default: false
  tls_ca_cert:
    description: CA certificate to check the server's with. Without it the client uses the system's.
    type: path
  tls_cert:
    description: Client certificate, where the server asks for one.
    type: path
  tls_key:
    description: Key of O(tls_cert).
    type: path
  redis_cli:
    description: The client program. Without it C(redis-cli) and then C(valkey-cli) are looked for.
    type: path
  reply_timeout:
    description: Seconds to wait for each answer. A stopped or blocked server takes connections and never answers.
    type: float
    default: 5.0
requirements:
  - redis-cli 6.0 or later, or valkey-cli, on the managed host
"""
