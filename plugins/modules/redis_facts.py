# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the Redis servers of a host and their idle timeouts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_facts
short_description: Find the Redis and Valkey servers of a host and their idle timeouts
version_added: 0.1.0
description:
  - Finds the processes of Redis and Valkey servers, in containers too, and asks each for C(timeout), C(tcp-keepalive),
    its version and its configuration file, on a socket that it listens on and from its own network namespace.
  - With O(host), O(port) or O(unix_socket) it asks the server there and nothing else, be it on the managed host or not.
  - A server that gave no settings is listed with the reason. It is never left out, and its settings are null.
  - A server is always asked without a login first. Every server process that then wants one is given O(username) and
    O(password), so use them with O(host), O(port) or O(unix_socket) where others may run such a process.
options:
  max_items:
    description: How many servers are looked at. How many were left out is RV(ansible_facts.closewait.redis.omitted).
    type: int
    default: 100
extends_documentation_fragment:
  - closewait.remediation.redis_connection
  - closewait.remediation.attributes
  - closewait.remediation.attributes.facts
  - closewait.remediation.attributes.remediation_group
notes:
  - Finding where another user's server listens needs root.
seealso:
  - module: closewait.remediation.redis_timeout
  - module: closewait.remediation.redis_conf
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Look at the Redis servers
  closewait.remediation.redis_facts:

- name: Show those that close idle connections
  ansible.builtin.debug:
    msg: "{{ ansible_facts.closewait.redis.instances | selectattr('timeout') }}"
"""

RETURN = r"""
ansible_facts:
  description: The facts.
  returned: success
  type: dict
  contains:
    closewait:
      description: The facts of this collection.
      type: dict
      contains:
        redis:
          description: The Redis and Valkey servers.
          type: dict
          contains:
            errors:
              description: What could not be looked at, each with C(source) and C(reason).
              type: list
              elements: dict
            omitted:
              description: Servers that were left out because of O(max_items).
              type: int
            instances:
              description: One per server process. Null when the processes could not be listed.
              type: list
              elements: dict
              contains:
                pid:
                  description: Process id. Null when the server that was asked is no process of this host.
                  type: int
                start_time:
                  description: Start of the process in clock ticks after boot. Together with C(pid) it names a process.
                  type: int
                netns:
                  description: Inode of its network namespace. Null when it was not looked at.
                  type: int
                address:
                  description: Address that it listens on, as it is bound. Null without TCP.
                  type: str
                port:
                  description: TCP port. The lowest, if there are several. Null without TCP.
                  type: int
                listening:
                  description: All TCP addresses and ports that it listens on. Null when that could not be seen.
                  type: list
                  elements: dict
                unix_socket:
                  description: Path of its unix socket, in its own mount namespace. Null when there is none.
                  type: str
                server:
                  description: V(redis) or V(valkey).
                  type: str
                version:
                  description: Version of the server.
                  type: str
                config_file:
                  description: File that it was started with, in its own mount namespace. Null when there was none.
                  type: str
                timeout:
                  description: Seconds after which it closes an idle connection. V(0) is never, null is unknown.
                  type: int
                tcp_keepalive:
                  description: Seconds between TCP keepalives to silent clients. V(0) is none, null is unknown.
                  type: int
                error:
                  description: Why the settings are unknown. Null when they are known.
                  type: str
              sample:
                - address: 0.0.0.0
                  config_file: /etc/redis/redis.conf
                  error: null
                  listening: [{"address": "0.0.0.0", "port": 6379}, {"address": "::", "port": 6379}]
                  netns: 4026531840
                  pid: 4321
                  port: 6379
                  server: redis
                  start_time: 170318
                  tcp_keepalive: 300
                  timeout: 1200
                  unix_socket: null
                  version: 7.0.15
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils._collectors import redis
from ansible_collections.closewait.remediation.plugins.module_utils._redis import options as redis_options


def main() -> None:
    """Ask one server, or all of this host."""
    module = AnsibleModule(
        argument_spec={"max_items": {"type": "int", "default": 100}, **redis_options.ARGUMENTS},
        required_together=redis_options.REQUIRED_TOGETHER,
        supports_check_mode=True,
    )
    module.exit_json(ansible_facts={"closewait": {"redis": _facts(module.params)}})


def _facts(params: dict[str, Any]) -> dict[str, Any]:
    asking = redis.Asking(
        params["redis_cli"], redis_options.login(params), params["reply_timeout"], redis_options.tls(params)
    )
    if redis_options.named(params):
        return redis.ask(redis_options.endpoint(params), asking)
    return redis.collect(asking, params["max_items"])


if __name__ == "__main__":
    main()
