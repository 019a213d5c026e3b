# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start a victim, talk to it, look at it, end it. Each command prints one JSON object.

python3 -m victim start --dir DIR --name NAME --have watched*3 --have unread:17 --have healthy*2
python3 -m victim ask   --dir DIR --name NAME use 9
python3 -m victim check --dir DIR --name NAME
python3 -m victim stop  --dir DIR
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from . import hardening, identity, loop, peer, scenario, sockets

READY_S = 20.0
ANSWER_S = 10.0
#: A check looks at so many rounds of the loop.
ROUNDS = 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="victim")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("start", "ask", "check", "trace", "hail", "stop"):
        command = commands.add_parser(name)
        command.add_argument("--dir", type=Path, required=True)
        command.add_argument("--name", default="victim")
    _start_options(commands.choices["start"])
    commands.choices["ask"].add_argument("words", nargs="+")
    commands.choices["hail"].add_argument("--count", type=int, default=200)
    _check_options(commands.choices["check"])
    commands.choices["stop"].add_argument("--only", default="", help="a name; default: all of them")
    arguments = parser.parse_args()
    answer = _COMMANDS[arguments.command](arguments)
    print(json.dumps(answer))
    return int("wrong" in answer)


def _start_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--have", action="append", type=scenario.parse, default=[], metavar="KIND[:NUMBER][*COUNT]")
    parser.add_argument("--port", type=int, default=0, help="of the server")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--main", default="epoll", help="the system call in which the main thread waits")
    parser.add_argument("--load", action="append", default=[], help="a module to import")
    parser.add_argument("--seccomp", action="store_true")
    parser.add_argument("--timer", action="append", default=[], metavar="real|prof:MS", help="take a signal every MS")
    parser.add_argument("--note", help="stands on the command line, and nothing else")
    parser.add_argument("--password", help="the same")
    parser.add_argument("--hot", action="store_true", help="do not rest between rounds: use a whole CPU")
    parser.add_argument("--become", nargs="+", default=[], help="the program to be instead, last option")


def _check_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quiet-fd", type=int, action="append", default=[], help="must not be ready any more")
    parser.add_argument("--mute", action="store_true", help="it answers no questions: look from outside only")


def start(arguments: argparse.Namespace) -> dict[str, Any]:
    """Fork the victim and return what it has, as soon as it has it all."""
    end, other = os.pipe()
    if os.fork() == 0:
        os.close(end)
        _be_victim(arguments, other)
    os.close(other)
    with open(end, encoding="utf-8") as stream:
        text = stream.read()
    if not text:
        return {"wrong": (arguments.dir / f"{arguments.name}.log").read_text()}
    described: dict[str, Any] = json.loads(text)
    return described


def _be_victim(arguments: argparse.Namespace, ready: int) -> None:
    os.setsid()
    log = os.open(arguments.dir / f"{arguments.name}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for number in (1, 2):
        os.dup2(log, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    (arguments.dir / f"{arguments.name}.pid").write_text(f"{os.getpid()} {identity.start_time(os.getpid())}")
    for module in arguments.load:
        importlib.import_module(module)
    peers = _fork_peer(arguments.port, ready)
    control = socket.socket(socket.AF_UNIX)
    path = arguments.dir / f"{arguments.name}.sock"
    path.unlink(missing_ok=True)
    control.bind(str(path))
    control.listen()
    body = loop.Loop(control, 0.0 if arguments.hot else loop.PACE_S)
    made = scenario.Scenario(body, peers)
    for wish in arguments.have:
        made.fulfil(wish)
    loop.idle_threads(arguments.threads, body)
    if arguments.seccomp:
        hardening.filter_system_calls()
    described = _describe(arguments, peers, made)
    with open(ready, "w", encoding="utf-8") as stream:
        json.dump(described, stream)
    _live(arguments, body, made, control)


def _live(arguments: argparse.Namespace, body: loop.Loop, made: scenario.Scenario, control: socket.socket) -> None:
    if arguments.become:
        scenario.become(arguments.become, body, control, made.groups)
    for timer in arguments.timer:
        body.take_signals(*timer.split(":"))
    if arguments.main == "epoll":
        body.run()
    loop.block(arguments.main, body)


def _fork_peer(port: int, ready: int) -> sockets.Peers:
    servers = [peer.listen(socket.AF_INET, port)]
    if scenario.interfaces():
        servers.append(peer.listen(socket.AF_INET6, port))
    ports = [server.getsockname()[1] for server in servers]
    if os.fork() == 0:
        os.close(ready)
        try:
            peer.serve(servers)
        finally:
            os._exit(0)
    for server in servers:
        server.close()
    return sockets.Peers(ports[0], ports[1] if len(ports) > 1 else None)


def _describe(arguments: argparse.Namespace, peers: sockets.Peers, made: scenario.Scenario) -> dict[str, Any]:
    return {
        "name": arguments.name,
        "pid": os.getpid(),
        "start_time": identity.start_time(os.getpid()),
        "python": platform.python_version(),
        "ports": peers._asdict(),
        "netns": Path("/proc/self/ns/net").stat().st_ino,
        **made.groups,
    }


def ask(arguments: argparse.Namespace) -> dict[str, Any]:
    """The victim's answer to one command."""
    number = int(arguments.words[1]) if arguments.words[1:] else 0
    return {"answer": _ask(arguments, arguments.words[0], number)}


def check(arguments: argparse.Namespace) -> dict[str, Any]:
    """What is wrong with the victim, seen from outside and by its own word; nothing is if there is no ``wrong``."""
    pid, born = _recorded(arguments)
    if identity.start_time(pid) != born:
        return {"wrong": "it has ended"}
    states = identity.states(pid)
    if set(states) & set("TtZX") or identity.tracer(pid):
        return {"wrong": f"it stands still or is traced: {states}, tracer {identity.tracer(pid)}"}
    if arguments.mute:
        return {"states": states}
    first = _ask(arguments, "probe", 0)
    second = _after_some_rounds(arguments, first["rounds"])
    ready = [fd for fd in arguments.quiet_fd if str(fd) in second["ready"]]
    if ready or second["rounds"] <= first["rounds"] or second["echoed"] != second["healthy"] or second["faults"]:
        return {"wrong": {"still_ready": ready, "first": first, "second": second}}
    return {"states": states, **second}


def _after_some_rounds(arguments: argparse.Namespace, rounds: int) -> dict[str, Any]:
    """A later answer and all that was ready since: what is ready in a question's round may count for the next."""
    deadline = time.monotonic() + ANSWER_S
    ready: dict[str, int] = {}
    while True:
        time.sleep(0.1)
        answer: dict[str, Any] = _ask(arguments, "probe", 0)
        for fd, count in answer["ready"].items():
            ready[fd] = ready.get(fd, 0) + count
        if answer["rounds"] >= rounds + ROUNDS or time.monotonic() > deadline:
            return {**answer, "ready": ready}


def trace(arguments: argparse.Namespace) -> dict[str, Any]:
    """Trace the victim, without stopping it, until this tracer is ended by ``stop``."""
    pid, _born = _recorded(arguments)
    end, other = os.pipe()
    tracer = os.fork()
    if tracer == 0:
        os.setsid()
        record = arguments.dir / f"{arguments.name}-tracer.pid"
        record.write_text(f"{os.getpid()} {identity.start_time(os.getpid())}")
        hardening.seize(pid)
        for number in (1, 2, other):
            os.close(number)
        while True:
            signal.pause()
    os.close(other)
    os.read(end, 1)
    return {"tracer": tracer, "tracer_seen": identity.tracer(pid)}


def hail(arguments: argparse.Namespace) -> dict[str, Any]:
    """Send signals that queue up, in bursts, with room for a stop on a slow machine in between."""
    pid, _born = _recorded(arguments)
    for turn in range(arguments.count):
        os.kill(pid, loop.QUEUED_SIGNAL)
        time.sleep(0.8 if turn % 15 == 14 else 0.005)
    return {"sent": arguments.count}


def stop(arguments: argparse.Namespace) -> dict[str, Any]:
    """End what was started with this directory, or only the victim of that name."""
    ended = []
    for record in sorted(arguments.dir.glob(f"{arguments.only or '*'}.pid")):
        pid, born = map(int, record.read_text().split())
        try:
            if identity.start_time(pid) == born:
                os.killpg(pid, signal.SIGKILL)
                ended.append(pid)
        except (FileNotFoundError, ProcessLookupError):
            pass
        record.unlink()
    return {"ended": ended}


def _recorded(arguments: argparse.Namespace) -> tuple[int, int]:
    pid, born = (arguments.dir / f"{arguments.name}.pid").read_text().split()
    return int(pid), int(born)


def _ask(arguments: argparse.Namespace, command: str, number: int) -> Any:
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(ANSWER_S)
        control.connect(str(arguments.dir / f"{arguments.name}.sock"))
        control.sendall(json.dumps([command, number]).encode("ascii") + b"\n")
        return json.loads(control.makefile().readline())


_COMMANDS = {"start": start, "ask": ask, "check": check, "trace": trace, "hail": hail, "stop": stop}

if __name__ == "__main__":
    sys.exit(main())
