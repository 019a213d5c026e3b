# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The diagnosis and the plan as plain text, at most 100 columns wide, for people who read logs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import (
    SEVERITIES,
    Action,
    ActionName,
    Diagnosis,
    Finding,
    HostDiagnosis,
    Plan,
    Unknown,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._runtimes import described
from ansible_collections.closewait.remediation.plugins.plugin_utils._text import clean, fit, wrap

COLUMNS = 100
LABEL = 10
NAMES_SHOWN = 100
REGISTRATIONS_SHOWN = 3
TARGETS_SHOWN = 4


def of_diagnosis(diagnosis: Diagnosis, plan: Plan) -> str:
    """Every host that is not healthy in full, then one summary of all, then the plan."""
    lines: list[str] = []
    for names, host in _alike(diagnosis):
        lines += [*_host(names, host), ""]
    lines += _fleet(diagnosis)
    unknown = sum(host["verdict"] == "unknown" for host in diagnosis["hosts"].values())
    lines += [*_summary(diagnosis), "", *_plan(plan, unknown)]
    return "\n".join(line.rstrip() for line in lines)


def of_report(folder: Path, paths: Mapping[str, str]) -> str:
    """Where the files are."""
    return f"REPORT  {folder} ({', '.join(Path(path).name for path in paths.values())})"


def labelled(label: str, text: str, indent: int = 4) -> list[str]:
    """A label and a text beside it, wrapped; both are cleaned."""
    first = " " * indent + fit(clean(label), LABEL)
    return wrap(clean(text), first, " " * (indent + LABEL), COLUMNS)


def grouped(unknown: Iterable[Unknown]) -> list[tuple[str, str]]:
    """Rules that could not answer, together where they have the same reason: ``(ids, reason)``."""
    by_reason: dict[str, list[str]] = {}
    for entry in unknown:
        by_reason.setdefault(entry["reason"], []).append(entry["id"])
    return [(", ".join(ids), reason) for reason, ids in by_reason.items()]


def finding_lines(finding: Finding) -> Iterator[str]:
    """One finding in full."""
    yield from wrap(f"{finding['severity'].upper()} {finding['id']} ({finding['confidence']})", "  ", "  ", COLUMNS)
    yield from wrap(clean(finding["title"]), "    ", "    ", COLUMNS)
    yield from labelled("process" if finding["process"] else "subject", _process(finding))
    yield from labelled("numbers", _numbers(finding["evidence"]))
    yield from labelled("cause", f"{finding['cause']['status']}: {finding['cause']['summary']}")
    for remedy in finding["remedy"]:
        where = f" on {remedy['where']} ({remedy['risk']})" if remedy["where"] else ""
        what = _what(remedy["action"], remedy["vars"])
        yield from labelled("remedy", f"{remedy['action']}{where}: {what}{remedy['why']}")
    for unknown in finding["unknowns"]:
        yield from labelled("unseen", unknown)


def _alike(diagnosis: Diagnosis) -> list[tuple[list[str], HostDiagnosis]]:
    """The hosts that are worth a block of their own; those that are unknown for the same reasons share one."""
    blocks: dict[str, tuple[list[str], HostDiagnosis]] = {}
    for name, host in diagnosis["hosts"].items():
        if host["verdict"] != "healthy" or host["errors"]:
            reasons = repr((host["verdict"], host["unknown"], host["errors"]))
            blocks.setdefault(name if host["findings"] else reasons, ([], host))[0].append(name)
    return list(blocks.values())


def _host(names: list[str], host: HostDiagnosis) -> Iterator[str]:
    if len(names) == 1:
        yield f"HOST {fit(clean(names[0]), COLUMNS - 15)}{host['verdict']:>10}"
    else:
        yield f"{fit(f'{len(names)} HOSTS', COLUMNS - 10)}{host['verdict']:>10}"
        yield from labelled("hosts", _listed(names), indent=2)
    for finding in host["findings"]:
        yield from finding_lines(finding)
    for ids, reason in grouped(host["unknown"]):
        yield from labelled("unknown", f"{ids}: {reason}", indent=2)
    for error in host["errors"]:
        if all(error["reason"] not in entry["reason"] for entry in host["unknown"]):
            yield from labelled("no look", f"{error['source']}: {error['reason']}", indent=2)


def _fleet(diagnosis: Diagnosis) -> Iterator[str]:
    """What only many hosts together show."""
    findings = diagnosis["fleet"]["findings"]
    if findings:
        yield "FLEET"
    for finding in findings:
        yield from finding_lines(finding)
    if findings:
        yield ""


def _process(finding: Finding) -> str:
    process = finding["process"]
    if process is None:
        return finding["subject"] or "none"
    supervisor = process["supervisor"]
    by = f"{supervisor['kind']} {supervisor['name']}" if supervisor and supervisor["kind"] else "no supervisor known"
    command = _short(process["cmdline"]) or process["name"]
    return f"{process['pid']} {fit(clean(command), 60).rstrip()}, {described(process['runtime'])}, {by}"


def _short(cmdline: list[str]) -> str:
    """The command line without the folder of the program, which says least and takes most of the room."""
    return " ".join([cmdline[0].rpartition("/")[2] or cmdline[0], *cmdline[1:]]) if cmdline else ""


def _numbers(evidence: dict[str, Any]) -> str:
    parts = []
    if evidence.get("cpu_percent") is not None:
        parts.append(
            f"CPU {evidence['cpu_percent']:.0f} % (user {evidence['user_percent']:.0f}, "
            f"system {evidence['system_percent']:.0f}) over {evidence['window_s']:g} s, "
            f"voluntary switches {evidence['voluntary_per_s']}/s"
        )
    registrations = evidence.get("registrations", [])
    parts += [
        f"epoll {row['epoll_fd']} watches fd {row['fd']} (events {row['events']}, {row['state']}, {row['peer']})"
        for row in registrations[:REGISTRATIONS_SHOWN]
    ]
    more = len(registrations) + evidence.get("registrations_omitted", 0) - REGISTRATIONS_SHOWN
    if more > 0:
        parts.append(f"{more} more registrations")
    if evidence.get("close_wait_total") is not None:
        parts.append(f"CLOSE_WAIT {evidence['close_wait_total']}, watched {evidence['close_wait_watched']}")
    if evidence.get("fd_limit"):
        parts.append(f"{evidence['fd_limit_share']:.0%} of fd limit {evidence['fd_limit']}")
    if evidence.get("oldest_s") is not None:
        parts.append(f"ages {evidence['youngest_s']:.0f} to {evidence['oldest_s']:.0f} s")
    return "; ".join([*parts, *evidence.get("told", [])])


def _summary(diagnosis: Diagnosis) -> Iterator[str]:
    hosts = diagnosis["hosts"]
    found = {name: host for name, host in hosts.items() if host["verdict"] == "findings"}
    yield "SUMMARY"
    if found:
        yield f"  {fit('host', 50)} {fit('findings', 34)} unknown"
    for name, host in found.items():
        unanswered = len({entry["id"] for entry in host["unknown"]})
        yield f"  {fit(clean(name), 50)} {fit(_severities(host['findings']), 34)} {unanswered or '-'}"
    for verdict in ("healthy", "unknown"):
        names = [name for name, host in hosts.items() if host["verdict"] == verdict]
        if names:
            yield from labelled(verdict, _listed(names), indent=2)
    yield f"  {_hosts(len(hosts))}: {', '.join(_counts(diagnosis))}"


def _counts(diagnosis: Diagnosis) -> Iterator[str]:
    verdicts = [host["verdict"] for host in diagnosis["hosts"].values()]
    yield f"{verdicts.count('findings')} with findings"
    yield f"{verdicts.count('healthy')} healthy"
    yield f"{verdicts.count('unknown')} unknown"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more


def _hosts(number: int) -> str:
    return "1 host" if number == 1 else f"{number} hosts"


def _severities(findings: list[Finding]) -> str:
    counts = ((severity, sum(f["severity"] == severity for f in findings)) for severity in SEVERITIES)
    return ", ".join(f"{count} {severity}" for severity, count in counts if count)


def _plan(plan: Plan, unknown: int) -> Iterator[str]:
    yield f"PLAN (up to {plan['allow']} is allowed)"
    for action in plan["actions"]:
        yield from labelled(action["id"], _step(action), indent=2)
    if not plan["actions"]:
        yield "  nothing to do" + (f" where it could look; {_hosts(unknown)} unknown" if unknown else "")
    for entry in plan["not_healed"]:
        process = f" process {entry['pid']}" if entry["pid"] is not None else ""
        yield from labelled("stays", f"{entry['host']}{process}, {entry['finding']}: {entry['reason']}", indent=2)
    for stale in plan.get("stale", []):
        yield from labelled(
            "stale", f"{stale['id']} as reviewed, {stale['action']} on {stale['where']}: {stale['reason']}", 2
        )


def _step(action: Action) -> str:
    allowed = "" if action["allowed"] else "NOT ALLOWED, "
    others = f", for {len(action['hosts'])} hosts" if len(action["hosts"]) > 1 else ""
    kind = f"{action['stage']}, {action['risk']}{others}"
    what = _what(action["action"], action["vars"])
    return f"{allowed}{action['action']} on {action['where']} ({kind}): {what}{action['why']}"


def _what(action: ActionName, values: dict[str, Any]) -> str:
    """What an action does, in front of its reason."""
    if action == "redis_timeout":
        return f"set timeout {values['timeout']} of the server at port {values['port']}; "
    if action == "nginx_upstream":
        return f"{_upstream_settings(values)}; "
    if action == "redis_client_kill":
        worker, peer = values["worker"], values["peer"]
        return f"disconnect process {worker['pid']} from {peer['address']}:{peer['port']} where it only listens; "
    if action == "fd_close":
        targets = [f"fd {target['fd']} in process {target['pid']}" for target in values["targets"]]
        more = f" and {len(targets) - TARGETS_SHOWN} more" if len(targets) > TARGETS_SHOWN else ""
        return f"close {', '.join(targets[:TARGETS_SHOWN])}{more}; "
    if action == "worker_restart":
        kill = (
            f", killed if it has not ended {values['kill_after']} s after it was asked to"
            if "kill_after" in values
            else ""
        )
        return f"restart process {values['pid']}{kill}; "
    return ""


def _upstream_settings(values: dict[str, Any]) -> str:
    """In the words of nginx."""
    servers = [
        f"server {server['address']} of upstream {upstream['name']} {server['state']}"
        for upstream in values.get("upstreams", [])
        for server in upstream.get("servers", [])
        if server.get("state")
    ]
    settings = (name for name in values if name.startswith("proxy_"))
    proxy = [
        f"{name} {' '.join(map(str, value)) if isinstance(value := values[name], list) else value}" for name in settings
    ]
    return f"set {', '.join([*servers, *proxy])}"
