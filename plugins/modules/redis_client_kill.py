# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disconnect one client of a Redis server, so that a worker that spins connects anew."""

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_client_kill
short_description: Disconnect the listening connection of a worker from its Redis or Valkey server
version_added: 0.1.0
description:
  - Heals, without touching the process, a Celery prefork worker whose event loop spins on a half-closed connection to
    Redis. The server ends (C(CLIENT KILL ID)) one of the worker's other connections, one that only listens
    (C(SUBSCRIBE)). The worker notices that, gives up all its connections, and makes new ones.
  - To be of use the C(timeout) of the server has to be V(0) before, see M(closewait.remediation.redis_timeout).
    Otherwise the worker spins again soon.
  - It runs on the host of the server. What the connections are is found out on the host of the worker, with
    M(closewait.remediation.connection_info).
  - At most one client is disconnected, and only one that is proven to be the worker's. Every one of O(clients) has to
    be a client of this server with that very address, at both ends. Behind an address translation or a proxy that is
    not so, and it is refused.
  - Replicas, the master, monitors, clients of another user, and connections that do more than listen are left alone.
    Disconnecting one of the latter was seen not to help.
  - Without O(host), O(port) and O(unix_socket) the server on C(127.0.0.1:6379) is meant.
options:
  clients:
    description:
      - All connections of the worker to the server, as in RV(closewait.remediation.connection_info#module:connections).
    type: list
    elements: dict
    required: true
    suboptions:
      address:
        description: The worker's own end.
        type: str
        required: true
      port:
        description: The worker's own end.
        type: int
        required: true
      watched:
        description: Whether the event loop of the worker waits for it. Only such a connection is disconnected.
        type: bool
        default: true
      cookie:
        description: What names the connection on the host of the worker. It is handed back in RV(client).
        type: str
      id:
        description:
          - The id of the client, as found in an earlier run, in check mode say. The server gives an id only once, so
            with it no other client can be meant, whoever has that address by now.
          - When the server has no client with this id any more, nothing is done.
        type: int
  server_address:
    description:
      - The server's end of the connections, as the worker has it.
      - It is compared where the server tells its own end (Redis 6.2).
    type: str
  server_port:
    description: The server's end of the connections, as the worker has it.
    type: int
  client_username:
    description: ACL user of the worker. Without it, all connections must at least belong to one user.
    type: str
  server_pid:
    description:
      - Process id of the server on the managed host. It is asked from the network namespace of that process.
      - It fails when another process answers there.
    type: int
extends_documentation_fragment:
  - closewait.remediation.redis_connection
  - closewait.remediation.attributes
  - closewait.remediation.attributes.remediation_group
attributes:
  check_mode:
    support: full
    details: It finds the client and does not disconnect it.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - With ids, a second run finds the client gone and changes nothing.
      - Without, the worker has other connections by then, so the old addresses are refused as unknown.
notes:
  - The user O(username) needs C(+client|list +client|kill), and C(+info) with O(server_pid), and nothing else.
  - For the worker it is a lost connection. A running task with C(acks_late) is delivered a second time, and with
    C(worker_cancel_long_running_tasks_on_connection_loss) such a task is cancelled.
seealso:
  - module: closewait.remediation.connection_info
  - module: closewait.remediation.redis_timeout
  - module: closewait.remediation.fd_close
  - name: CLIENT KILL
    description: The command.
    link: https://redis.io/docs/latest/commands/client-kill/
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: See which client it would be
  closewait.remediation.redis_client_kill:
    clients: "{{ seen.connections }}"
    server_address: 192.0.2.10
    server_port: 6379
  check_mode: true
  delegate_to: redis1
  register: known

- name: Disconnect it
  closewait.remediation.redis_client_kill:
    clients: ["{{ known.client }}"]
    server_address: 192.0.2.10
    server_port: 6379
  delegate_to: redis1
"""

RETURN = r"""
outcome:
  description:
    - V(killed), or V(would_kill) in check mode.
    - V(gone), the server has no client with the given O(clients[].id) any more.
    - V(refused), nothing was done.
  returned: success
  type: str
  sample: killed
reason:
  description: Why, in a sentence.
  returned: success
  type: str
  sample: "it only listens: its end makes the process give up all its connections and connect anew"
client:
  description: The client, in the form that O(clients) takes. Null when there is none to disconnect.
  returned: success
  type: dict
  contains:
    id:
      description: The id that the server gave it.
      type: int
    address:
      description: Address of the worker's end.
      type: str
    port:
      description: Port of the worker's end.
      type: int
    watched:
      description: As in O(clients).
      type: bool
    cookie:
      description: As in O(clients).
      type: str
  sample: {"id": 4711, "address": "192.0.2.31", "port": 49090, "watched": true, "cookie": "000000000000a1b2"}
"""

from dataclasses import replace
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils import _listening
from ansible_collections.closewait.remediation.plugins.module_utils._redis import cli as redis_cli
from ansible_collections.closewait.remediation.plugins.module_utils._redis import client_kill as redis_client_kill
from ansible_collections.closewait.remediation.plugins.module_utils._redis import clients as redis_clients
from ansible_collections.closewait.remediation.plugins.module_utils._redis import options as redis_options
from ansible_collections.closewait.remediation.plugins.module_utils._redis import process as redis_process
from ansible_collections.closewait.remediation.plugins.module_utils._redis import reply as redis_reply

CLIENT = {
    "address": {"type": "str", "required": True},
    "port": {"type": "int", "required": True},
    "watched": {"type": "bool", "default": True},
    "cookie": {"type": "str"},
    "id": {"type": "int"},
}


def main() -> None:
    """Choose, and unless in check mode disconnect."""
    module = AnsibleModule(
        argument_spec={
            "clients": {"type": "list", "elements": "dict", "options": CLIENT, "required": True},
            "server_address": {"type": "str"},
            "server_port": {"type": "int"},
            "client_username": {"type": "str"},
            "server_pid": {"type": "int"},
            **redis_options.ARGUMENTS,
        },
        required_together=[*redis_options.REQUIRED_TOGETHER, ("server_address", "server_port")],
        supports_check_mode=True,
    )
    if not module.params["clients"]:
        module.fail_json(msg="clients is empty: name the connections of the worker", kind="bad_value")
    try:
        with redis_process.beside(module.params["server_pid"]):
            result = _run(module)
    except redis_reply.RedisError as exc:
        module.fail_json(msg=str(exc), kind=exc.kind)
    except OSError as exc:
        module.fail_json(msg="%s: %s; run this as root" % (exc.filename or "setns", exc.strerror), kind="hidden")
    module.exit_json(**result)


def _run(module: AnsibleModule) -> dict[str, Any]:
    server = _server(module.params)
    choice = redis_client_kill.choose(server.connected(), _wanted(module.params), _terms(module.params))
    if choice.client is None:
        return _result(choice.outcome, choice)
    if module.check_mode:
        return _result("would_kill", choice)
    if not server.kill(choice.client.id):
        return _result("gone", choice._replace(reason="it had disconnected by itself"))
    return _result("killed", choice)


def _server(params: dict[str, Any]) -> redis_clients.RedisClients:
    """The server, proven to be the process that was asked for."""
    pid = params["server_pid"]
    endpoint = redis_options.endpoint(params)
    if pid and endpoint.unix_socket:
        endpoint = replace(endpoint, unix_socket=_listening.reachable(pid, endpoint.unix_socket))
    program = redis_cli.find_client(params["redis_cli"])
    server = redis_clients.RedisClients(program, endpoint, redis_options.login(params), params["reply_timeout"])
    if pid and server.identity().process_id != redis_process.pid_in_own_namespace(pid):
        raise redis_reply.RedisError("stranger", "another process than %d answers there" % pid, "nothing was changed")
    return server


def _wanted(params: dict[str, Any]) -> list[redis_client_kill.Wanted]:
    return [redis_client_kill.Wanted(**one) for one in params["clients"]]


def _terms(params: dict[str, Any]) -> redis_client_kill.Terms:
    address = params["server_address"]
    return redis_client_kill.Terms((address, params["server_port"]) if address else None, params["client_username"])


def _result(outcome: str, choice: redis_client_kill.Choice) -> dict[str, Any]:
    changed = outcome in ("killed", "would_kill")
    before = redis_client_kill.listing(choice)
    return {
        "changed": changed,
        "outcome": outcome,
        "reason": choice.reason,
        "client": redis_client_kill.named(choice),
        "diff": {
            "before_header": "clients",
            "after_header": "clients",
            "before": before,
            "after": "" if changed else before,
        },
    }


if __name__ == "__main__":
    main()
