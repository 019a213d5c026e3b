# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set how long a running Redis server keeps idle connections."""

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_timeout
short_description: Set the idle timeout of a running Redis or Valkey server
version_added: 0.1.0
description:
  - Sets C(timeout), and if wanted C(tcp-keepalive), with C(CONFIG SET), and reads them back. No restart, and no
    connection is closed.
  - A server with a C(timeout) closes connections that were idle for so many seconds. Clients that do not notice keep
    half-closed sockets, and an event loop that watches one of them spins. V(0) switches that off.
  - It changes the running server only. What counts after its next start is the matter of
    M(closewait.remediation.redis_conf); the role P(closewait.remediation.redis_timeout#role) does both.
  - If a step fails, the values from before are put back.
  - A C(timeout) that would close clients at once, as they are idle for longer, is refused with figures unless
    O(close_idle) says so. Of clients that do not notice, that would make half-closed sockets.
  - It warns when C(timeout) and C(tcp-keepalive) are both V(0), as nothing finds clients that vanish then.
  - The server never closes replicas, monitors, its primary, and clients that are blocked (C(BLPOP)) or subscribed.
  - Without O(host), O(port) and O(unix_socket) the server on C(127.0.0.1:6379) is meant.
options:
  timeout:
    description: Seconds after which the server closes an idle connection. V(0) is never.
    type: int
    default: 0
  tcp_keepalive:
    description:
      - Seconds between TCP keepalives to silent clients. V(0) is none.
      - Without it the setting is left alone.
    type: int
  close_idle:
    description:
      - Whether to go on, with a warning, when O(timeout) would close clients at once, or when their idle times cannot
        be seen.
      - They are looked at only when O(timeout) is not V(0) and is to become shorter; that needs C(+client|list), before
        Redis 7 C(+client).
    type: bool
    default: false
  server_pid:
    description:
      - Process id of the server on the managed host. It is asked from the network namespace of that process, so a
        server in a container need not publish its port, and O(unix_socket) is a path as that process sees it.
      - It fails when another process answers there.
    type: int
extends_documentation_fragment:
  - closewait.remediation.redis_connection
  - closewait.remediation.attributes
  - closewait.remediation.attributes.remediation_group
attributes:
  check_mode:
    support: full
    details: Where the client program is not installed yet, it warns and predicts a change.
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: closewait.remediation.redis_conf
  - module: closewait.remediation.redis_facts
  - name: Redis client handling
    description: What C(timeout) and C(tcp-keepalive) do.
    link: https://redis.io/docs/latest/develop/reference/clients/
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Stop the server from closing idle connections
  closewait.remediation.redis_timeout:
    timeout: 0

- name: The same on a unix socket as an ACL user, and find dead clients by keepalive instead
  closewait.remediation.redis_timeout:
    timeout: 0
    tcp_keepalive: 120
    unix_socket: /run/redis/redis-server.sock
    username: config-admin
    password: "{{ vault_redis_password }}"
"""

RETURN = r"""
before:
  description: The settings as they were. Null where the client program is not installed yet (check mode).
  returned: success
  type: dict
  sample: {"timeout": 1200, "tcp_keepalive": 300}
after:
  description: The settings as the server reports them afterwards; in check mode as they would be.
  returned: success
  type: dict
  sample: {"timeout": 0, "tcp_keepalive": 300}
client_found:
  description: Whether there is a client program. It can be V(false) in check mode only.
  returned: success
  type: bool
  sample: true
config_file:
  description: The configuration file that the server was started with. Null when there was none or it does not say.
  returned: success
  type: str
  sample: /etc/redis/redis.conf
idle:
  description: Idle times of the clients, as far as they were looked at, see O(close_idle). Null when they were not.
  returned: success, and failure because of them
  type: dict
  contains:
    clients:
      description: How many are connected, this module's own connection included.
      type: int
    exempt:
      description: How many of them the server would never close as they are now.
      type: int
    longest_s:
      description: The longest idle time of the others.
      type: int
    beyond:
      description: How many of the others O(timeout) closes at once.
      type: int
    longest:
      description: The longest idle of those, at most 20, each with C(id), C(addr), C(name), C(age), C(idle), C(flags).
      type: list
      elements: dict
    omitted:
      description: How many are not in RV(idle.longest).
      type: int
process_id:
  description: Process id of the server as it sees itself. Null when it does not say.
  returned: success
  type: int
  sample: 4321
server:
  description: V(redis) or V(valkey). Null when it does not say.
  returned: success
  type: str
  sample: redis
version:
  description: Version of the server. Null when it does not say.
  returned: success
  type: str
  sample: 7.0.15
"""

from dataclasses import replace
from typing import Any, Mapping, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils import _listening
from ansible_collections.closewait.remediation.plugins.module_utils._redis import cli as redis_cli
from ansible_collections.closewait.remediation.plugins.module_utils._redis import idle as redis_idle
from ansible_collections.closewait.remediation.plugins.module_utils._redis import live as redis_live
from ansible_collections.closewait.remediation.plugins.module_utils._redis import options as redis_options
from ansible_collections.closewait.remediation.plugins.module_utils._redis import process as redis_process
from ansible_collections.closewait.remediation.plugins.module_utils._redis import reply as redis_reply
from ansible_collections.closewait.remediation.plugins.module_utils._redis import sentinel as redis_sentinel


class ClosingClientsError(redis_reply.RedisError):
    """The timeout would close clients at once; ``idle`` as in the result."""

    def __init__(self, said: str, idle: dict[str, Any]) -> None:
        advice = "choose a longer one, or 0 for never, or say close_idle; nothing was changed"
        super().__init__("would_close", said, advice)
        self.idle = idle


def main() -> None:
    """Ask, compare, and unless in check mode set."""
    module = AnsibleModule(
        argument_spec={
            "timeout": {"type": "int", "default": 0},
            "tcp_keepalive": {"type": "int"},
            "close_idle": {"type": "bool", "default": False},
            "server_pid": {"type": "int"},
            **redis_options.ARGUMENTS,
        },
        required_together=redis_options.REQUIRED_TOGETHER,
        supports_check_mode=True,
    )
    wanted = {name: module.params[name] for name in redis_live.PARAMETERS}
    try:
        redis_live.check(wanted)
        client = _client(module)
        result = _beside_server(module, client, wanted) if client else _not_installed(wanted)
    except ClosingClientsError as exc:
        module.fail_json(msg=str(exc), kind=exc.kind, idle=exc.idle)
    except redis_reply.RedisError as exc:
        module.fail_json(msg=str(exc), kind=exc.kind)
    except OSError as exc:
        module.fail_json(msg="%s: %s; run this as root" % (exc.filename or "setns", exc.strerror), kind="hidden")
    module.exit_json(**result)


def _client(module: AnsibleModule) -> Optional[str]:
    """Path of the client; None in check mode on a host that is still to get one."""
    try:
        return redis_cli.find_client(module.params["redis_cli"])
    except redis_reply.RedisError as exc:
        if not module.check_mode:
            raise
        module.warn("%s, so check mode takes Redis as not installed yet, and predicts a change." % exc.said)
        return None


def _beside_server(module: AnsibleModule, client: str, wanted: Mapping[str, Optional[int]]) -> dict[str, Any]:
    with redis_process.beside(module.params["server_pid"]):
        return _run(module, client, wanted)


def _run(module: AnsibleModule, client: str, wanted: Mapping[str, Optional[int]]) -> dict[str, Any]:
    params = module.params
    endpoint = redis_options.endpoint(params)
    if params["server_pid"] and endpoint.unix_socket:
        endpoint = replace(endpoint, unix_socket=_listening.reachable(params["server_pid"], endpoint.unix_socket))
    server = redis_cli.RedisCli(client, endpoint, redis_options.login(params), params["reply_timeout"])
    before = _read(server)
    changes = redis_live.differing(before, wanted)
    identity = _identity(module, server)
    _check_process(params["server_pid"], identity["process_id"])
    shorter = redis_live.shortens(before["timeout"], changes.get("timeout"))
    idle = _idle(module, server, changes["timeout"]) if shorter else None
    after = {**before, **changes}
    undetected = redis_live.undetected(after)
    if undetected:
        module.warn("%s." % undetected)
    if changes and not module.check_mode:
        after = redis_live.change(server, before, changes)
    return {"changed": bool(changes), "client_found": True, "idle": idle, **identity, **_states(before, after)}


def _read(server: redis_cli.RedisCli) -> dict[str, int]:
    try:
        return redis_live.read(server)
    except redis_reply.RedisError as exc:
        raise redis_sentinel.explained(exc, server) from exc


def _idle(module: AnsibleModule, server: redis_cli.RedisCli, timeout: int) -> Optional[dict[str, Any]]:
    """Figures about the clients. Raises ClosingClientsError, or RedisError when they cannot be seen, unless allowed."""
    try:
        clients = server.clients()
    except redis_reply.RedisError as exc:
        unseen = _unseen(exc)
        if not module.params["close_idle"]:
            raise unseen from exc
        module.warn("%s." % unseen.said)
        return None
    figures = redis_idle.figures(clients, timeout)
    said = redis_idle.sentence(clients, timeout)
    if said and not module.params["close_idle"]:
        raise ClosingClientsError(said, figures)
    if said:
        module.warn("%s." % said)
    return figures


def _unseen(exc: redis_reply.RedisError) -> redis_reply.RedisError:
    said = "whether clients are idle for longer than the new timeout cannot be seen: CLIENT LIST: %s" % exc.said
    advice = "let the user +client|list (before Redis 7: +client), or say close_idle; nothing was changed"
    return redis_reply.RedisError(exc.kind, said, advice)


def _identity(module: AnsibleModule, server: redis_cli.RedisCli) -> dict[str, Any]:
    try:
        return server.identity()._asdict()
    except redis_reply.RedisError as exc:
        module.warn("INFO: %s. So neither version nor configuration file are known." % exc)
        return _nobody()


def _check_process(pid: Optional[int], answering: Optional[int]) -> None:
    if pid is None:
        return
    own = redis_process.pid_in_own_namespace(pid)
    if answering != own:
        said = "process %s answers there instead of %d" % (answering, own)
        raise redis_reply.RedisError("stranger", said, "nothing was changed")


def _nobody() -> dict[str, Any]:
    return dict.fromkeys(redis_reply.Identity._fields)


def _not_installed(wanted: Mapping[str, Optional[int]]) -> dict[str, Any]:
    before: dict[str, Optional[int]] = dict.fromkeys(wanted)
    return {"changed": True, "client_found": False, "idle": None, **_nobody(), **_states(before, wanted)}


def _states(before: Mapping[str, Optional[int]], after: Mapping[str, Optional[int]]) -> dict[str, Any]:
    return {
        "before": dict(before),
        "after": dict(after),
        "diff": {
            "before_header": "running server",
            "after_header": "running server",
            "before": redis_live.listing(before),
            "after": redis_live.listing(after),
        },
    }


if __name__ == "__main__":
    main()
