# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the MariaDB and MySQL servers of a host and how long their clients are idle."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mysql_facts
short_description: Find the MariaDB and MySQL servers of a host, their timeouts and their idle clients
version_added: 0.1.0
description:
  - Finds the processes of MariaDB and MySQL servers, in containers too, and asks each with its own client program, by
    its unix socket and else by TCP, for C(wait_timeout), how many clients are connected, and how long they have been
    idle.
  - A session that is idle inside of a transaction was not given back by its program. It is listed with the process
    behind it, where that is on the same host and in the same network namespace.
  - A server that did not answer is listed with the reason. It is never left out, and its settings are null.
  - A server is always asked without a login first, which is how Debian lets in root. Only one that denies access is
    given O(username) and O(password), in a file of mode 0600 that is removed at once.
options:
  max_items:
    description: How many servers are looked at, and for each how many pools and sessions are listed.
    type: int
    default: 100
  username:
    description: Who asks. The user needs C(PROCESS), for without it only its own sessions are seen.
    type: str
  password:
    description: Password of the user.
    type: str
  client:
    description: The client program. Without it C(mariadb) and then C(mysql) are looked for.
    type: path
  reply_timeout:
    description: Seconds to wait for an answer of a server.
    type: float
    default: 5.0
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.facts
  - closewait.remediation.attributes.remediation_group
notes:
  - Finding where another user's server listens needs root.
seealso:
  - module: closewait.remediation.mysql_timeout
  - module: closewait.remediation.tcp_facts
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Look at the databases
  closewait.remediation.mysql_facts:
  become: true

- name: Show sessions that nobody gave back
  ansible.builtin.debug:
    msg: "{{ ansible_facts.closewait.mysql.instances | map(attribute='held') | select | flatten }}"
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
        mysql:
          description: The MariaDB and MySQL servers.
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
                  description: Process id.
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
                unix_socket:
                  description: Path of its unix socket, in its own mount namespace. Null when there is none.
                  type: str
                listening:
                  description: All TCP addresses and ports that it listens on. Null when that could not be seen.
                  type: list
                  elements: dict
                product:
                  description: V(mariadb) or V(mysql).
                  type: str
                version:
                  description: Version of the server.
                  type: str
                wait_timeout:
                  description:
                    - Seconds after which it ends an idle session that connects now. Older ones keep what they got.
                  type: int
                interactive_timeout:
                  description: The same for interactive clients.
                  type: int
                max_connections:
                  description: How many clients it takes at most.
                  type: int
                connected:
                  description: How many are connected, the one that asked included.
                  type: int
                most_connected:
                  description: How many were at most since it started.
                  type: int
                aborted_clients:
                  description: Sessions since it started that ended without a goodbye, because idle, killed or dead.
                  type: int
                uptime_s:
                  description: For how long it has been running, in seconds.
                  type: int
                all_sessions_seen:
                  description: Whether the sessions of all users could be seen.
                  type: bool
                pools:
                  description:
                    - Idle sessions by C(user) and C(host), with their number C(idle) and C(longest_idle_s), the longest
                      idle first. C(pools_omitted) is how many pools were left out.
                  type: list
                  elements: dict
                held:
                  description:
                    - Sessions that are idle inside of a transaction, the longest idle first, each with C(id), C(user),
                      C(host), C(port), C(idle_s), and the process C(client), null where it is not known.
                    - Null when the server does not tell. C(held_omitted) is how many were left out.
                  type: list
                  elements: dict
                error:
                  description: Why the server did not answer. Null when it did.
                  type: str
              sample:
                - address: 127.0.0.1
                  aborted_clients: 31
                  connected: 9
                  error: null
                  held: []
                  held_omitted: 0
                  interactive_timeout: 28800
                  listening: [{"address": "127.0.0.1", "port": 3306}]
                  max_connections: 151
                  most_connected: 24
                  netns: 4026531840
                  pid: 4321
                  pools: [{"user": "shop", "host": "10.0.0.5", "idle": 4, "longest_idle_s": 7310}]
                  pools_omitted: 0
                  port: 3306
                  product: mariadb
                  start_time: 170318
                  unix_socket: /run/mysqld/mysqld.sock
                  uptime_s: 1209600
                  version: 10.11.14-MariaDB
                  wait_timeout: 28800
                  all_sessions_seen: true
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils._collectors import mysql


def main() -> None:
    """Ask all servers of this host."""
    module = AnsibleModule(
        argument_spec={
            "max_items": {"type": "int", "default": 100},
            "username": {"type": "str"},
            "password": {"type": "str", "no_log": True},
            "client": {"type": "path"},
            "reply_timeout": {"type": "float", "default": 5.0},
        },
        supports_check_mode=True,
    )
    params = module.params
    asking = mysql.Asking(params["client"], params["username"], params["password"], params["reply_timeout"])
    module.exit_json(ansible_facts={"closewait": {"mysql": mysql.collect(asking, params["max_items"])}})


if __name__ == "__main__":
    main()
