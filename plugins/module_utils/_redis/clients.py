# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``CLIENT LIST`` and ``CLIENT KILL`` of a running server, with the advice for who may disconnect."""

from __future__ import annotations

from ansible_collections.closewait.remediation.plugins.module_utils._redis import cli as redis_cli
from ansible_collections.closewait.remediation.plugins.module_utils._redis import client_list as redis_client_list
from ansible_collections.closewait.remediation.plugins.module_utils._redis.reply import RedisError

_ADVICE = {
    "forbidden": "the user needs +client|list +client|kill, and +info where server_pid is given",
    "auth_missing": "give a user name and password that may use CLIENT",
    "no_command": "CLIENT is renamed or disabled there",
}
_KILLED = "(integer) 1"
_NOBODY = "(integer) 0"


class RedisClients(redis_cli.RedisCli):
    """The clients of one server. Every method raises RedisError."""

    def connected(self) -> list[redis_client_list.Client]:
        """All of them, ours included."""
        try:
            return self.clients()
        except RedisError as exc:
            raise _about_clients(exc) from exc

    def kill(self, client_id: int) -> bool:
        """Disconnect one by its id (``CLIENT KILL ID``, Redis 2.8.12); False when the server has it no longer."""
        try:
            said = self._ask("CLIENT", "KILL", "ID", str(client_id)).strip()
        except RedisError as exc:
            raise _about_clients(exc) from exc
        if said not in (_KILLED, _NOBODY):
            raise RedisError("refused", "CLIENT KILL ID %d answered %r" % (client_id, said[:100]))
        return said == _KILLED


def _about_clients(exc: RedisError) -> RedisError:
    """The same failure with the advice that fits: that of the settings speaks of CONFIG."""
    return RedisError(exc.kind, exc.said, _ADVICE.get(exc.kind, exc.advice))
