# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which other members of a replication have another idle timeout."""

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_peers
short_description: Find members of a replication that have another idle timeout
version_added: 0.1.0
description:
  - C(timeout) and C(tcp-keepalive) are not replicated. A replica's own values count for the clients that read from it,
    and for all clients once it is promoted. This finds the members that differ from the wanted values.
  - Members are found from C(INFO) of one of them, further from every member that is found, and, where a Sentinel is
    named, from the Sentinel, which also knows those that are down.
  - It warns of each that differs or could not be asked.
  - The member that is asked is not in the result itself.
  - Each member is asked without a login first, and given O(username) and O(password) when it wants one.
options:
  timeout:
    description: What C(timeout) should be.
    type: int
    default: 0
  tcp_keepalive:
    description: What C(tcp-keepalive) should be. Without it that is not compared.
    type: int
  server_pid:
    description: Process id of the member on the managed host. All are asked from its network namespace.
    type: int
  sentinel_host:
    description: Name or address of a Sentinel that watches the member.
    type: str
  sentinel_port:
    description: Port of the Sentinel.
    type: int
    default: 26379
  sentinel_username:
    description: ACL user of the Sentinel.
    type: str
  sentinel_password:
    description: Password of the Sentinel.
    type: str
  max_items:
    description: How many members are asked.
    type: int
    default: 32
extends_documentation_fragment:
  - closewait.remediation.redis_connection
  - closewait.remediation.attributes
  - closewait.remediation.attributes.read_only
  - closewait.remediation.attributes.remediation_group
seealso:
  - module: closewait.remediation.redis_timeout
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Find members that would still close idle connections
  closewait.remediation.redis_peers:
    timeout: 0
    sentinel_host: 127.0.0.1
  register: members

- name: Show them
  ansible.builtin.debug:
    msg: "{{ members.peers | rejectattr('differs', 'false') }}"
"""

RETURN = r"""
peers:
  description: The other members.
  returned: success
  type: list
  elements: dict
  contains:
    host:
      description: Address by which the others know it.
      type: str
    port:
      description: Its port.
      type: int
    role:
      description: V(primary) or V(replica). Null when it could not be asked.
      type: str
    timeout:
      description: Its C(timeout). Null when it could not be asked.
      type: int
    tcp_keepalive:
      description: Its C(tcp-keepalive). Null when it could not be asked.
      type: int
    differs:
      description: Whether it differs from what is wanted. Null when it could not be asked.
      type: bool
    error:
      description: Why it could not be asked.
      type: str
  sample:
    - host: 10.0.0.2
      port: 6379
      role: replica
      timeout: 1200
      tcp_keepalive: 300
      differs: true
      error: null
errors:
  description: What else could not be looked at, each with C(source) and C(reason).
  returned: success
  type: list
  elements: dict
omitted:
  description: How many members were left out because of O(max_items).
  returned: success
  type: int
"""

from dataclasses import replace
from typing import Any, Mapping, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils import _listening
from ansible_collections.closewait.remediation.plugins.module_utils._redis import cli as redis_cli
from ansible_collections.closewait.remediation.plugins.module_utils._redis import live as redis_live
from ansible_collections.closewait.remediation.plugins.module_utils._redis import options as redis_options
from ansible_collections.closewait.remediation.plugins.module_utils._redis import peers as redis_peers
from ansible_collections.closewait.remediation.plugins.module_utils._redis import process as redis_process
from ansible_collections.closewait.remediation.plugins.module_utils._redis import reply as redis_reply


def main() -> None:
    """Ask one member, and then those that it names."""
    module = AnsibleModule(
        argument_spec={
            "timeout": {"type": "int", "default": 0},
            "tcp_keepalive": {"type": "int"},
            "server_pid": {"type": "int"},
            "sentinel_host": {"type": "str"},
            "sentinel_port": {"type": "int", "default": 26379},
            "sentinel_username": {"type": "str"},
            "sentinel_password": {"type": "str", "no_log": True},
            "max_items": {"type": "int", "default": 32},
            **redis_options.ARGUMENTS,
        },
        required_together=redis_options.REQUIRED_TOGETHER,
        supports_check_mode=True,
    )
    try:
        with redis_process.beside(module.params["server_pid"]):
            result = _run(module.params)
    except redis_reply.RedisError as exc:
        module.fail_json(msg=str(exc), kind=exc.kind)
    except OSError as exc:
        module.fail_json(msg="%s: %s; run this as root" % (exc.filename or "setns", exc.strerror), kind="hidden")
    for warning in redis_peers.warnings(result["peers"]):
        module.warn(warning)
    module.exit_json(changed=False, **result)


def _run(params: Mapping[str, Any]) -> dict[str, Any]:
    endpoint = redis_options.endpoint(params)
    if params["server_pid"] and endpoint.unix_socket:
        endpoint = replace(endpoint, unix_socket=_listening.reachable(params["server_pid"], endpoint.unix_socket))
    client = redis_cli.find_client(params["redis_cli"])
    asking = redis_peers.Asking(client, redis_options.login(params), params["reply_timeout"])
    found = redis_peers.look(endpoint, asking, _sentinel(params), params["max_items"])
    wanted = {name: params[name] for name in redis_live.PARAMETERS}
    return {
        "peers": [redis_peers.shown(member, wanted) for member in found.members],
        "errors": found.errors,
        "omitted": found.omitted,
    }


def _sentinel(params: Mapping[str, Any]) -> Optional[redis_peers.Sentinel]:
    if params["sentinel_host"] is None:
        return None
    endpoint = redis_cli.Endpoint(params["sentinel_host"], params["sentinel_port"], tls=redis_options.tls(params))
    login = redis_cli.Login(params["sentinel_username"] or None, params["sentinel_password"] or None)
    return redis_peers.Sentinel(endpoint, login)


if __name__ == "__main__":
    main()
