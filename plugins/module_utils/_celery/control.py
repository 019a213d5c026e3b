# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions and orders to one running Celery worker, through Celery's own client and its remote control.

The client runs as the worker's user, in its folder and with its environment, so that it finds the same app and broker.
A broker URL that was on the worker's command line goes by CELERY_BROKER_URL, not by arguments.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
from typing import Any, NamedTuple, Optional, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._celery.command import Worker
from ansible_collections.closewait.remediation.plugins.module_utils._restart.act import Identity

#: How long the client waits for replies, and how long it may take in all: it imports the app first.
_REPLY_S = 5
_CLIENT_S = 90


class CeleryError(Exception):
    """The client cannot run, or nobody answers; one line fit for an operator."""


class Client(NamedTuple):
    """``argv``: the start of a command line, with nothing secret in it; the rest is what the worker has."""

    argv: list[str]
    environ: dict[str, str]
    folder: str
    uid: int
    gid: int
    groups: list[int]


class Node(NamedTuple):
    """A worker as Celery calls it."""

    client: Client
    name: str


def client_of(process: Identity, worker: Worker, argv: Optional[Sequence[str]]) -> Client:
    """The client for a running worker; ``argv`` in place of what its command line says. Raises PermissionError."""
    environ = {
        name: value for name, value in _procfs.environ(process.pid).items() if not name.startswith("SUPERVISOR_")
    }
    if worker.broker:
        environ["CELERY_BROKER_URL"] = worker.broker
    status = _procfs.status(process.pid)
    uid, gid = (int(status.get(key, "65534 65534").split()[1]) for key in ("Uid", "Gid"))
    groups = [int(word) for word in status.get("Groups", "").split()]
    return Client(list(argv or worker.client), environ, _folder(process.pid), uid, gid, groups)


def node(client: Client, process: Identity, hostname: Optional[str]) -> Node:
    """The worker whose main process that is. ``hostname``: its ``-n``. Raises CeleryError unless it is exactly one."""
    replies = ask(client, "inspect", "stats")
    same = [name for name, stats in replies.items() if isinstance(stats, dict) and stats.get("pid") == process.pid]
    here = [name for name in same if _is_here(name, hostname)]
    if len(here) != 1:
        counts = (len(replies), len(here), process.pid)
        raise CeleryError("%d Celery workers answered, and %d of them are process %d of this host" % counts)
    return Node(client, here[0])


def queues(worker: Node) -> list[str]:
    """The queues it consumes from. Raises CeleryError."""
    return [str(item.get("name")) for item in _list(worker, "active_queues")]


def stop_consuming(worker: Node, queue: str) -> None:
    """Take no more messages from that queue; what it has it still does. Raises CeleryError."""
    _order(worker, "cancel_consumer", queue)


def consume(worker: Node, queue: str) -> None:
    """Take messages from that queue again. Raises CeleryError."""
    _order(worker, "add_consumer", queue)


def busy(worker: Node) -> int:
    """Tasks that it works on or has taken to do next; not those with a later ETA. Raises CeleryError."""
    return len(_list(worker, "active")) + len(_list(worker, "reserved"))


def ask(client: Client, kind: str, *words: str, node_name: Optional[str] = None) -> dict[str, Any]:
    """Replies by worker. ``kind``: ``inspect`` or ``control``. Raises CeleryError."""
    where = ["--destination", node_name] if node_name else []
    argv = [*client.argv, kind, "--timeout", str(_REPLY_S), *where, "--json", *words]
    try:
        # run_command has neither a time limit nor a way to give up rights.
        answer = subprocess.run(  # pylint: disable=ansible-bad-function
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=client.folder,
            env=client.environ,
            preexec_fn=lambda: _give_up_rights(client),
            timeout=_CLIENT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CeleryError("%s gave no answer in %d s" % (argv[0], _CLIENT_S)) from None
    except (OSError, subprocess.SubprocessError) as exc:
        raise CeleryError("cannot run %s: %s" % (argv[0], exc)) from exc
    return replies_in(answer.stdout.decode("utf-8", "replace"), answer.stderr.decode("utf-8", "replace"))


def replies_in(output: str, errors: str) -> dict[str, Any]:
    """The replies in what the client printed: an object by worker (``inspect``) or a list of such (``control``).

    The app may print lines of its own. Raises CeleryError when there are none.
    """
    lines = output.splitlines()
    for number, line in enumerate(lines):
        found = _decoded("\n".join(lines[number:])) if line.startswith(("{", "[")) else None
        if found is not None:
            return found
    said = [line.strip() for line in [*errors.splitlines(), *lines] if line.strip()]
    raise CeleryError("Celery's client found no worker: %s" % (said[-1][:300] if said else "it printed nothing"))


def _decoded(text: str) -> Optional[dict[str, Any]]:
    try:
        found, _end = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return None
    parts = found if isinstance(found, list) else [found]
    if not all(isinstance(part, dict) for part in parts):
        return None
    return {name: reply for part in parts for name, reply in part.items()}


def _list(worker: Node, what: str) -> list[Any]:
    found = ask(worker.client, "inspect", what, node_name=worker.name).get(worker.name)
    if not isinstance(found, list):
        raise CeleryError("%s did not say what is %s" % (worker.name, what))
    return found


def _order(worker: Node, order: str, queue: str) -> None:
    said = ask(worker.client, "control", order, queue, node_name=worker.name).get(worker.name)
    if not isinstance(said, dict) or "ok" not in said:
        raise CeleryError("%s does not %s %s: %s" % (worker.name, order, queue, said))


def _is_here(name: str, hostname: Optional[str]) -> bool:
    # Without -n, and with %h in it, a worker is called after its host; a literal name is taken at its word.
    host = name.partition("@")[2]
    return name == hostname or host in (socket.gethostname(), socket.gethostname().partition(".")[0])


def _folder(pid: int) -> str:
    try:
        return os.readlink("/proc/%d/cwd" % pid)
    except OSError:
        return "/"


def _give_up_rights(client: Client) -> None:
    if os.geteuid() == 0:
        os.setgroups(client.groups)
        os.setresgid(client.gid, client.gid, client.gid)
        os.setresuid(client.uid, client.uid, client.uid)
