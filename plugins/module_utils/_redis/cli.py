# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to a Redis or Valkey server through its own command line client."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from typing import Optional

from ansible_collections.closewait.remediation.plugins.module_utils._redis import client_list as redis_client_list
from ansible_collections.closewait.remediation.plugins.module_utils._redis import replication as redis_replication
from ansible_collections.closewait.remediation.plugins.module_utils._redis import reply as redis_reply

CLIENTS = ("redis-cli", "valkey-cli")
#: Where they are when PATH does not say: self-built servers, and sudo's or cron's short PATH.
_MORE_FOLDERS = ("/usr/bin", "/usr/local/bin", "/usr/local/sbin", "/opt/redis/bin", "/opt/valkey/bin", "/snap/bin")
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "*": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not bound to


@dataclass(frozen=True)
class Tls:
    """Files for a TLS connection; None leaves the choice to the client."""

    ca_cert: Optional[str] = None
    cert: Optional[str] = None
    key: Optional[str] = None


@dataclass(frozen=True)
class Login:
    """Who asks. No user name means the default user; a user name without password an ACL user with ``nopass``."""

    username: Optional[str] = None
    password: Optional[str] = field(default=None, repr=False)


@dataclass(frozen=True)
class Endpoint:
    """Where the server listens; a unix socket takes precedence."""

    host: str = "127.0.0.1"
    port: int = 6379
    unix_socket: Optional[str] = None
    tls: Optional[Tls] = None


class RedisCli:
    """One server, asked one question per process of the client, each for at most ``reply_timeout`` seconds."""

    def __init__(self, client: str, endpoint: Endpoint, login: Login, reply_timeout: float) -> None:
        self._argv = [client, "--no-raw", *_where(endpoint), *_who(login)]
        self._environment = _environment(login)
        self._reply_timeout = reply_timeout

    def config_get(self, name: str) -> Optional[str]:
        """One parameter as text, None when the server does not know it. Raises RedisError."""
        return redis_reply.config_values(self._ask("CONFIG", "GET", name)).get(name)

    def config_set(self, name: str, value: int) -> None:
        """Set one parameter: before Redis 7 the command takes no more than one. Raises RedisError."""
        said = self._ask("CONFIG", "SET", name, str(value)).strip()
        if said != "OK":
            raise redis_reply.error_reply(said)

    def identity(self) -> redis_reply.Identity:
        """From ``INFO server``. Raises RedisError."""
        return redis_reply.identity(redis_reply.info_fields(self._ask("INFO", "server")))

    def info(self) -> dict[str, str]:
        """The default sections of ``INFO``. Raises RedisError."""
        return redis_reply.info_fields(self._ask("INFO"))

    def clients(self) -> list[redis_client_list.Client]:
        """All that are connected, this one included. Raises RedisError."""
        return redis_client_list.parse(self._ask("CLIENT", "LIST"))

    def sentinel_primaries(self) -> list[redis_replication.Known]:
        """Those that a Sentinel watches. Raises RedisError."""
        return redis_replication.known(self._ask("SENTINEL", "MASTERS"))

    def sentinel_replicas(self, name: str) -> list[redis_replication.Known]:
        """Of one group of a Sentinel, by the word that all versions know. Raises RedisError."""
        return redis_replication.known(self._ask("SENTINEL", "SLAVES", name))

    def _ask(self, *command: str) -> str:
        answer = self._run([*self._argv, *command])
        failure = redis_reply.failure(answer)
        if failure:
            raise failure
        return answer.stdout

    def _run(self, argv: list[str]) -> redis_reply.Answer:
        try:
            status, stdout, stderr = _run(argv, self._environment, self._reply_timeout)
        except subprocess.TimeoutExpired:
            said = "no answer within %g seconds" % self._reply_timeout
            raise redis_reply.RedisError("timed_out", said, "is the server stopped or blocked?") from None
        except OSError as exc:
            raise redis_reply.RedisError("cli_missing", "cannot run %s: %s" % (argv[0], exc.strerror)) from None
        return redis_reply.Answer(status, stdout.decode("utf-8", "replace"), stderr.decode("utf-8", "replace"))


def _run(argv: list[str], environment: dict[str, str], seconds: float) -> tuple[int, bytes, bytes]:
    """Like ``subprocess.run``, but on a timeout the children of a wrapper script end as well."""
    # Not AnsibleModule.run_command: it has no time limit, and a stopped server accepts connections for ever.
    with subprocess.Popen(  # pylint: disable=ansible-bad-function
        argv,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            stdout, stderr = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return process.returncode, stdout, stderr


def find_client(wanted: Optional[str] = None) -> str:
    """Path of the client: the one asked for, or the first of CLIENTS there is. Raises RedisError (``cli_missing``)."""
    folders = os.pathsep.join([os.environ.get("PATH", os.defpath), *_MORE_FOLDERS])
    names = (wanted,) if wanted else CLIENTS
    for name in names:
        path = shutil.which(name, path=folders)
        if path:
            return path
    raise redis_reply.RedisError(
        "cli_missing", "%s not found" % " or ".join(names), "install the client or say where it is (redis_cli)"
    )


def _where(endpoint: Endpoint) -> list[str]:
    if endpoint.unix_socket:
        return ["-s", endpoint.unix_socket]
    host = _WILDCARDS.get(endpoint.host, endpoint.host)
    return ["-h", host, "-p", str(endpoint.port), *_tls(endpoint.tls)]


def _tls(tls: Optional[Tls]) -> list[str]:
    if tls is None:
        return []
    files = (("--cacert", tls.ca_cert), ("--cert", tls.cert), ("--key", tls.key))
    return ["--tls"] + [word for option, path in files if path for word in (option, path)]


def _who(login: Login) -> list[str]:
    return ["--user", login.username] if login.username else []


def _environment(login: Login) -> dict[str, str]:
    """Nothing of ours but PATH: a REDISCLI_AUTH that happens to be set must not decide who we are.

    The password goes this way because an argument is readable for every user of the machine, the environment only for
    root and the own user. The client skips AUTH without the variable, so a nopass user needs it empty.
    """
    environment = {"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)}
    if login.password is not None or login.username:
        environment["REDISCLI_AUTH"] = login.password or ""
    return environment
