# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look whether the peer of a spinning process may end one of its connections."""

from __future__ import annotations

DOCUMENTATION = r"""
module: connection_info
short_description: Connections of one process to one peer, and whether that peer may end one of them
version_added: 0.1.0
description:
  - Looks, at this moment, at the connections that a process has to one address and port, at the epoll sets of the
    process, and at all other processes that hold the same connections.
  - It is the half of M(closewait.remediation.redis_client_kill) that runs on the host of the worker. It says V(ready)
    only when the process still spins on what it spun on and shares no connection with another process.
  - It changes nothing.
options:
  pid:
    description: The process.
    type: int
    required: true
  start_time:
    description:
      - When it started, in clock ticks since boot, which is field 22 of C(/proc/PID/stat).
      - If the process with this O(pid) started at another time, it is another process.
    type: int
    required: true
  peer_address:
    description: Address of the peer as the process has it.
    type: str
    required: true
  peer_port:
    description: Port of the peer as the process has it.
    type: int
    required: true
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.read_only
  - closewait.remediation.attributes.remediation_group
notes:
  - It needs root, to see the open files of other processes.
  - A copy of a connection is looked for in every process that can be read. One that cannot be read is a reason to
    refuse when it descends from the process.
seealso:
  - module: closewait.remediation.redis_client_kill
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Look at the connections of a worker to its broker
  closewait.remediation.connection_info:
    pid: 4711
    start_time: 883113
    peer_address: 192.0.2.10
    peer_port: 6379
  register: seen
"""

RETURN = r"""
outcome:
  description:
    - V(ready), the process watches a half-closed connection to the peer, and holds it and its open ones alone.
    - V(calm), it watches no half-closed connection to the peer.
    - V(gone), there is no such process.
    - V(refused), the peer should end none.
  returned: success
  type: str
  sample: ready
reason:
  description: Why, in a sentence.
  returned: success
  type: str
  sample: it alone holds 1 half-closed and 3 open connections
connections:
  description:
    - The open connections to the peer, unless RV(outcome) is V(refused) or V(gone).
    - In the form that O(closewait.remediation.redis_client_kill#module:clients) takes.
  returned: success
  type: list
  elements: dict
  contains:
    address:
      description: Address of the process's end.
      type: str
    port:
      description: Port of the process's end.
      type: int
    cookie:
      description: What names the socket as long as this host runs, in hex.
      type: str
    watched:
      description: Whether an epoll set of the process reports it for ever once the peer has closed.
      type: bool
  sample: [{"address": "192.0.2.31", "port": 49090, "cookie": "000000000000a1b2", "watched": true}]
half_closed:
  description: Number of half-closed connections to the peer that the event loop waits for.
  returned: success
  type: int
  sample: 1
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils import _connection_decision, _connection_look
from ansible_collections.closewait.remediation.plugins.module_utils._redis.client_list import plain


def main() -> None:
    """Look, and say what it means."""
    module = AnsibleModule(
        argument_spec={
            "pid": {"type": "int", "required": True},
            "start_time": {"type": "int", "required": True},
            "peer_address": {"type": "str", "required": True},
            "peer_port": {"type": "int", "required": True},
        },
        supports_check_mode=True,
    )
    params = module.params
    peer = (plain(params["peer_address"]), params["peer_port"])
    try:
        look = _connection_look.look(params["pid"], params["start_time"], peer)
    except OSError as exc:
        module.fail_json(msg="the connections of %d cannot be seen: %s; run this as root" % (params["pid"], exc))
    module.exit_json(**_result(look))


def _result(look: _connection_look.Look) -> dict[str, Any]:
    answer = _connection_decision.answer(look)
    usable = look.open if answer.outcome in ("ready", "calm") else []
    return {
        "changed": False,
        "outcome": answer.outcome,
        "reason": answer.reason,
        "connections": [_connection(one) for one in usable],
        "half_closed": sum(one.watched for one in look.half_closed),
    }


def _connection(one: _connection_look.Connection) -> dict[str, Any]:
    return {"address": one.address, "port": one.port, "cookie": one.cookie, "watched": one.watched}


if __name__ == "__main__":
    main()
