# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program does not get round to accepting connections, because its only loop waits for somebody else.

Its CPU use is low, and the number of CLOSE_WAIT sockets may be small too: what counts is that the accept queue stands,
or that clients gave up without anybody taking notice, while nobody who should accept does.
"""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import (
    AffectedProcess,
    Cause,
    Confidence,
    Finding,
    Remedy,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.accept_queues import (
    Acceptor,
    AcceptQueue,
    AcceptQueues,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _accept_loop, _proxy, _remedies
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import (
    Connection,
    Outcome,
    Scene,
    incomplete,
    missing,
)

ID = "blocked_accept_loop"
SPINS = False
#: Measured: an AsyncHTTPClient with room for ten has no CLOSE_WAIT and empty queues, and 63 of 800 requests answered.
ONLY_SERVICE_PROVES = True

#: Of the half-closed connections, the share of one address from which on it is *the* peer.
ONE_PEER_SHARE = 0.9
PIDS_SHOWN = 16


def evaluate(scene: Scene) -> Outcome:
    """One finding per program, about the worst of its ports."""
    tcp = scene.facts.get("tcp")
    queues = tcp.get("accept_queues") if tcp else None
    if queues is None:
        return Outcome([], missing(scene, "tcp", "accept_queues"))
    findings: dict[tuple[int, int], Finding] = {}
    unknowns = incomplete(scene, "tcp")
    for row in queues["listeners"]:
        trouble = _accept_loop.trouble(queues, row, scene.thresholds)
        if trouble is None:
            continue
        found = _finding(scene, queues, row, trouble)
        if isinstance(found, str):
            unknowns.append(found)
        elif found is not None and found["process"] is not None:
            findings.setdefault((found["process"]["pid"], found["process"]["start_time"]), found)
    if queues["omitted"]:
        unknowns.append(f"{queues['omitted']} listening sockets with something waiting were cut off the list")
    return Outcome(list(findings.values()), unknowns)


def _finding(
    scene: Scene, queues: AcceptQueues, row: AcceptQueue, trouble: _accept_loop.Trouble
) -> Finding | str | None:
    """A text where it cannot be told; None where somebody accepts, or those who should are busy."""
    processes = _accept_loop.acceptors(queues, row)
    states = {_accept_loop.state(process, scene.thresholds) for process in processes}
    if "accepts" in states:
        return None
    blocked = [item for process in processes if (item := _accept_loop.blocked_on(process, scene.thresholds))]
    blocked = [item for item in blocked if _accept_loop.state(item.process, scene.thresholds) == "blocked"]
    blocked.sort(key=lambda item: item.remote is None)
    if blocked:
        return _about(scene, queues, row, trouble, blocked)
    return None if "busy" in states else _why_not_told(queues, row, processes)


def _why_not_told(queues: AcceptQueues, row: AcceptQueue, processes: list[Acceptor]) -> str:
    where = f"{row['queue']} connections wait at {row['address']}:{row['port']}, {row['half_closed']} were given up"
    errors = [process["error"] for process in processes if process["error"]]
    if errors:
        return f"{where}; what process {processes[0]['pid']} waits for could not be read: {errors[0]}"
    if any(process["samples"] < _accept_loop.FEW_SAMPLES for process in processes):
        return f"{where}; process {processes[0]['pid']} ended before it could be seen what it waits for"
    if processes:
        return f"{where}, and the event loop of process {processes[0]['pid']} holds them off: its own limit, perhaps"
    more = f", {queues['processes_omitted']} processes were not followed" if queues["processes_omitted"] else ""
    return f"{where}; who should accept them was not found{more}"


def _about(
    scene: Scene,
    queues: AcceptQueues,
    row: AcceptQueue,
    trouble: _accept_loop.Trouble,
    blocked: list[_accept_loop.Blocked],
) -> Finding:
    program = _program(_accept_loop.acceptors(queues, row), blocked)
    confidence = _confidence(trouble, blocked[0])
    others = _other_ports(queues, row, program)
    return {
        "id": ID,
        "host": scene.host,
        "severity": "critical" if trouble.certain else "high",
        "confidence": confidence,
        "title": (
            f"{program['name']} ({program['pid']}) does not accept at port {row['port']}: it waits in "
            f"{blocked[0].call}{_for_whom(blocked[0])}"
        ),
        "process": _affected(program),
        "subject": None,
        "evidence": {
            **_accept_loop.evidence(queues, row, blocked[:PIDS_SHOWN]),
            "blocked_processes": len(blocked),
            "other_ports": others,
            "told": list(_told(queues, row, trouble, blocked)),
        },
        "cause": _cause(scene, row, blocked[0], confidence),
        "remedy": _remedy(scene, row, program),
        "unknowns": [*_unknowns(row, trouble, blocked[0]), *_proxy.untold(scene, row)],
    }


def _program(processes: list[Acceptor], blocked: list[_accept_loop.Blocked]) -> Acceptor:
    """The process that the others of it come from, which also is the one that a supervisor knows."""
    parents = {item.process["ppid"] for item in blocked}
    masters = [process for process in processes if {process["pid"]} == parents]
    return masters[0] if masters else blocked[0].process


def _affected(process: Acceptor) -> AffectedProcess:
    return {
        "pid": process["pid"],
        "start_time": process["start_time"],
        "name": process["name"],
        "cmdline": process["cmdline"],
        "runtime": process["runtime"],
        "supervisor": process["supervisor"],
    }


def _confidence(trouble: _accept_loop.Trouble, blocked: _accept_loop.Blocked) -> Confidence:
    """Proven: somebody was let down, and it was in that one wait whenever it was looked at, for somebody known."""
    if not trouble.certain:
        return "suspected"
    always = blocked.seen + blocked.process["running"] >= blocked.process["samples"]
    return "proven" if always and blocked.remote is not None else "likely"


def _for_whom(blocked: _accept_loop.Blocked) -> str:
    if blocked.remote is not None:
        return f" for {blocked.remote['address']}:{blocked.remote['port']}"
    return f" ({blocked.protocol} socket)" if blocked.protocol else f" ({blocked.wchan})"


def _told(
    queues: AcceptQueues,
    row: AcceptQueue,
    trouble: _accept_loop.Trouble,
    blocked: list[_accept_loop.Blocked],
) -> Iterable[str]:
    before = "not known" if row["queue_before"] is None else row["queue_before"]
    yield f"{row['queue']} connections wait to be accepted ({before} before), {row['backlog']} may"
    if trouble.refused:
        yield f"{trouble.refused} connections were refused in {queues['window_s']:.1f} s because a queue was full"
    if row["half_closed"]:
        yield (
            f"{row['half_closed']} connections were given up by {_peers(row)}; {row['half_closed_stood']} of them "
            f"before the window of {queues['window_s']:.1f} s began, and {row['unaccepted']} were never accepted"
        )
    for item in blocked[:PIDS_SHOWN]:
        process = item.process
        yield (
            f"process {process['pid']}: in {item.call}{_for_whom(item)} in {item.seen} of {process['samples']} "
            f"samples, ready to accept in {process['accepting']}, running in {process['running']}"
        )


def _peers(row: AcceptQueue) -> str:
    first = row["by_peer"][0]
    if first["half_closed"] >= ONE_PEER_SHARE * row["half_closed"]:
        return str(first["address"])
    return f"{len(row['by_peer']) + row['by_peer_omitted']} addresses"


def _other_ports(queues: AcceptQueues, row: AcceptQueue, program: Acceptor) -> list[str]:
    """Where else the same program lets connections wait."""
    return [
        f"{other['address']}:{other['port']}"
        for other in queues["listeners"]
        if other is not row and other["inode"] in program["listeners"]
    ]


def _cause(scene: Scene, row: AcceptQueue, blocked: _accept_loop.Blocked, confidence: Confidence) -> Cause:
    summary = f"its loop waits in {blocked.call}{_for_whom(blocked)}, and serves nobody else meanwhile"
    cause: Cause = {
        "status": "proven" if confidence == "proven" else "likely",
        "summary": summary,
        "peer": None,
        "service": None,
        "setting": None,
        "value": None,
    }
    if blocked.remote is not None:
        peer = scene.peer_of(Connection(row["netns"], None, blocked.remote))
        cause["peer"] = {"address": peer.address, "port": peer.port, "host": peer.host}
    return cause


def _remedy(scene: Scene, row: AcceptQueue, program: Acceptor) -> list[Remedy]:
    why = (
        "closing its half-closed connections would not free it, for it has read the requests already; "
        f"{row['unaccepted']} were never accepted, which nobody can close; only a new process serves at once"
    )
    return [
        *map(_proxy.remedy, _proxy.floods(scene, row)),
        _remedies.restart_of(scene.host, program, program["supervisor"], why),
        _remedies.advice(
            "call it asynchronously or in threads (run_in_executor), with room for all requests at once (Tornado's "
            "AsyncHTTPClient takes 10 unless max_clients says more), and with a timeout below the proxy's"
        ),
        _remedies.advice(
            "a longer read timeout of the proxy helps only where fewer requests come than the program can do: arrival "
            "rate x service time / processes below 1"
        ),
    ]


def _unknowns(row: AcceptQueue, trouble: _accept_loop.Trouble, blocked: _accept_loop.Blocked) -> Iterable[str]:
    if blocked.remote is None:
        yield f"whom it waits for is not known{': it is no TCP connection' if blocked.protocol != 'TCP' else ''}"
    elif blocked.known < blocked.seen:
        yield f"in {blocked.seen - blocked.known} of {blocked.seen} samples the connection was gone or another one"
    if not trouble.certain:
        yield "nobody has given up yet, so it may be slow and get round to them in time"
    if row["queue_before"] is None:
        yield "how long the queue has been like this is not known: it was not seen before"
    if blocked.process["threads_omitted"]:
        yield f"{blocked.process['threads_omitted']} of its threads were not looked at"
