# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proof that a server can be started with a configuration, by starting one that can touch nothing.

redis-server has no option that only checks its files. A second server on a live configuration would, however, take the
live one's port and pid file, load and later overwrite its data, append to its AOF, join its cluster, sync from its
primary and run its modules. So everything that reaches out of the process is taken away first, and what cannot be left
out is pointed into an empty folder of the trial's own. See :data:`REACHES_OUT`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from typing import IO, Callable, Iterable, Iterator, Mapping, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils._redis import cli as redis_cli
from ansible_collections.closewait.remediation.plugins.module_utils._redis.conf import Line, same_value
from ansible_collections.closewait.remediation.plugins.module_utils._redis.conf_files import encoded
from ansible_collections.closewait.remediation.plugins.module_utils._redis.reply import RedisError

SERVERS = ("redis-server", "valkey-server")
_START_SECONDS = 15.0
_STOP_SECONDS = 3.0
_LONGEST_PATH = 100  # sun_path holds 108 bytes

#: Directives that the trial must not obey. Without them Redis' default applies, which is harmless, except where
#: :func:`_own` says otherwise.
REACHES_OUT = frozenset(
    (
        # sockets and addresses
        *("port", "tls-port", "rdma-port", "rdma-bind", "unixsocket", "unixsocketperm", "unixsocketgroup"),
        # data: a second server with the same folder reads the live data, and saves over it when it ends
        *("dir", "save", "appendonly", "dbfilename", "appendfilename", "appenddirname", "aclfile"),
        # files and services that the live server owns
        *("logfile", "pidfile", "syslog-enabled", "daemonize", "supervised"),
        # other machines: it would sync from the primary, or join the cluster with the live server's identity
        *("replicaof", "slaveof", "cluster-enabled", "cluster-config-file", "tls-replication", "tls-cluster"),
        # foreign code, which may do anything at its start
        "loadmodule",
        # who may ask: the trial's socket is only reachable by root and the owner, and it must answer CONFIG GET
        *("requirepass", "user", "rename-command"),
        # secrets that it needs for none of this
        *("masterauth", "masteruser", "primaryauth", "primaryuser", "tls-key-file-pass", "tls-client-key-file-pass"),
    )
)


class TrialError(Exception):
    """The server did not start with this configuration, or says something else than the files; the text is its own."""


class Owner(NamedTuple):
    """Who the trial runs as."""

    uid: int
    gid: int


def find_server(wanted: Optional[str] = None) -> str:
    """Path of the server program. Raises TrialError."""
    folders = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/bin", "/usr/local/bin"])
    names = (wanted,) if wanted else SERVERS
    for name in names:
        path = shutil.which(name, path=folders)
        if path:
            return path
    raise TrialError(
        "%s not found: without it a changed file cannot be checked; say where it is (redis_server)" % " or ".join(names)
    )


def harmless(lines: Iterable[Line]) -> list[str]:
    """The directives that the trial obeys. A dot is in names of module settings only, and there are no modules."""
    return [line.text for line in lines if line.name not in REACHES_OUT and "." not in line.name]


def prove(
    server: str, client: str, lines: Iterable[Line], wanted: Mapping[str, str], owner: Owner
) -> dict[str, Optional[str]]:
    """What a server started with these directives reports. Raises TrialError when that is not what is wanted."""
    found = settings(server, client, lines, wanted, owner)
    for name, value in wanted.items():
        if not same_value(found[name], value):
            raise TrialError("started with the changed files the server has %s %s, not %s" % (name, found[name], value))
    return found


def settings(
    server: str, client: str, lines: Iterable[Line], names: Iterable[str], owner: Owner
) -> dict[str, Optional[str]]:
    """What a server started with these directives reports for these parameters. Raises TrialError.

    It runs as the owner of the configuration: who may write that file must not get root to read or run something by it.
    """
    # The log has no name: in the owner's folder root must not open what the owner may have put there.
    with _folder(owner) as folder, tempfile.TemporaryFile() as log:
        socket = os.path.join(folder, "s")
        text = "\n".join([*harmless(lines), ""])
        with _running([server, "-", *_own(folder, socket)], text, folder, owner, log) as process:
            cli = redis_cli.RedisCli(client, redis_cli.Endpoint(unix_socket=socket), redis_cli.Login(), 5.0)
            _wait(process, cli, log)
            return _asked(cli, names)


def _own(folder: str, socket: str) -> list[str]:
    # As arguments, which win over the configuration, and hold even if that gets lost on its way through a wrapper.
    return ["--port", "0", "--unixsocket", socket, "--unixsocketperm", "700", "--dir", folder, "--save", ""]


def _asked(cli: redis_cli.RedisCli, names: Iterable[str]) -> dict[str, Optional[str]]:
    try:
        return {name: cli.config_get(name) for name in names}
    except RedisError as exc:
        raise TrialError("a trial start succeeded, but did not answer: %s" % exc) from exc


@contextmanager
def _folder(owner: Owner) -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix="closewait-")
    if len(folder) > _LONGEST_PATH:
        os.rmdir(folder)
        folder = tempfile.mkdtemp(prefix="closewait-", dir="/tmp")
    try:
        os.chown(folder, owner.uid, owner.gid)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(
    argv: list[str], text: str, folder: str, owner: Owner, log: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """The server with the configuration on its standard input, so that no copy of it lies anywhere."""
    environment = {"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)}
    try:
        # Not AnsibleModule.run_command, which waits for the end: this one has to be asked while it runs.
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            argv,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
            start_new_session=True,  # so that a wrapper and what it started can be ended together
            preexec_fn=_become(owner),  # noqa: PLW1509 - no threads here; user= and group= need Python 3.9
        )
    except (OSError, subprocess.SubprocessError) as exc:
        raise TrialError("cannot run %s: %s" % (argv[0], exc)) from exc
    try:
        _feed(process, text)
        yield process
    finally:
        _stop(process)


def _feed(process: subprocess.Popen[bytes], text: str) -> None:
    # A server that does not like the beginning may be gone before the end; why, stands in its log.
    with suppress(BrokenPipeError):
        if process.stdin:
            process.stdin.write(encoded(text))
            process.stdin.close()


def _become(owner: Owner) -> Optional[Callable[[], None]]:
    if os.geteuid() != 0 or owner.uid == 0:
        return None

    def drop() -> None:
        os.setgroups([])
        os.setgid(owner.gid)
        os.setuid(owner.uid)

    return drop


def _wait(process: subprocess.Popen[bytes], cli: redis_cli.RedisCli, log: IO[bytes]) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise TrialError("the server does not start with the changed configuration: %s" % _complaint(log))
        try:
            cli.identity()
        except RedisError:
            time.sleep(0.05)
        else:
            return
    raise TrialError("the server did not get ready within %g seconds: %s" % (_START_SECONDS, _complaint(log)))


def _complaint(log: IO[bytes]) -> str:
    """The end of its output on one line; "FATAL CONFIG FILE ERROR" comes with the line it means."""
    log.seek(0)
    lines = [line.strip() for line in log.read().decode("utf-8", "replace").splitlines() if line.strip()]
    starts = [number for number, line in enumerate(lines) if "FATAL CONFIG FILE ERROR" in line]
    return " ".join(lines[starts[-1] :] if starts else lines[-3:])[:500]


def _stop(process: subprocess.Popen[bytes]) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.terminate()
        process.wait(_STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
