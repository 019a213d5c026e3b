# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is it healed? The earlier diagnosis and what the hosts say now in, one verdict per process out. Pure.

Neither CPU 0 % nor a process that is gone is health: a worker that died looks like that. Healed is a process that
still lives and of which no rule finds what it found before, or one that the plan meant to end. Where a finding was not
about a process, healed is that its rule could look and finds it no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, cast

from ansible_collections.closewait.remediation.plugins.plugin_utils import _rules, _standing_causes
from ansible_collections.closewait.remediation.plugins.plugin_utils._diagnosis import diagnose
from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import (
    SCHEMA_VERSION,
    AffectedProcess,
    CauseResult,
    Check,
    Diagnosis,
    Finding,
    HostDiagnosis,
    HostResult,
    Plan,
    ProcessResult,
    ProcessVerdict,
    Result,
    SubjectResult,
    SubjectVerdict,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.cpu import Process
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.host import HostFacts
from ansible_collections.closewait.remediation.plugins.plugin_utils._gathered import Gathered
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _spin
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds

Key = tuple[int, int]
REASONS_SHOWN = 2
STALE = "the only facts of this host are those of the diagnosis itself"
#: Findings about a process that spins.
SPINS = frozenset(rule.ID for rule in _rules.discover() if rule.SPINS)
#: Findings whose numbers can all be well on a service that answers nobody.
SERVED = frozenset(rule.ID for rule in _rules.discover() if getattr(rule, "ONLY_SERVICE_PROVES", False))
NOT_TRIED = (
    "no rule finds it any more, but whether the service answers was not tried: closewait_verify_commands can say, with "
    "a request through the proxy that must be answered in time"
)


class Now(NamedTuple):
    """One host after the remedy. ``restarted``: pid and start time of the processes that the plan meant to end.

    ``looked_again``: the facts are not those of the earlier diagnosis, left over on a host that dropped out of the run.
    """

    seen: Gathered
    diagnosis: HostDiagnosis
    same_boot: bool
    looked_again: bool
    restarted: frozenset[Key]


class SubjectAnswer(NamedTuple):
    """The same for what is not a process."""

    verdict: SubjectVerdict
    reason: str


class Answer(NamedTuple):
    """A verdict and what it rests on."""

    verdict: ProcessVerdict
    reason: str


def judge(
    before: Diagnosis,
    gathered: Mapping[str, Gathered],
    plan: Plan | None,
    checks: Mapping[str, list[Check]],
    redis_hosts: Mapping[str, str],
    thresholds: Thresholds,
) -> Result:
    """The result document. ``checks``: outcome per host of the commands that show whether the service works."""
    after = diagnose(gathered, redis_hosts, thresholds)
    hosts: dict[str, HostResult] = {}
    dark: list[str] = []
    for host, earlier in before["hosts"].items():
        now = _now(host, earlier, gathered, after, plan)
        if now.diagnosis["verdict"] == "unknown":
            dark.append(_dark(host, now))
        if earlier["verdict"] != "healthy" or host in checks or now.diagnosis["verdict"] != "healthy":
            hosts[host] = _host(earlier, now, checks.get(host, []), thresholds)
    causes = _standing_causes.compare(before, gathered)
    left = [*_left(hosts), *dark, *_standing(causes)]
    return {
        "schema_version": SCHEMA_VERSION,
        "healed": not left,
        "hosts": hosts,
        "causes": causes,
        "not_healed": left,
        "may_return": list(_standing_causes.unexplained(before)),
    }


def with_reasons(result: Result, left_alone: Mapping[str, str]) -> Result:
    """The same with the reasons why nothing was tried on a host, where something is left to heal on it."""
    hosts = {
        name: {**host, "left_alone": left_alone.get(name) if next(_left_on(host), None) else None}
        for name, host in result["hosts"].items()
    }
    reasons = [f"{name}: nothing was tried: {host['left_alone']}" for name, host in hosts.items() if host["left_alone"]]
    return {**result, "hosts": cast("dict[str, HostResult]", hosts), "not_healed": [*result["not_healed"], *reasons]}


def _now(
    host: str, earlier: HostDiagnosis, gathered: Mapping[str, Gathered], after: Diagnosis, plan: Plan | None
) -> Now:
    seen = gathered.get(host, Gathered(None, [{"source": host, "reason": "it was not looked at again"}]))
    nothing: HostDiagnosis = {
        "verdict": "unknown",
        "gathered_at": None,
        "boot_id": None,
        "findings": [],
        "unknown": [{"id": "any", "reason": error["reason"]} for error in seen.errors],
        "errors": seen.errors,
    }
    same_boot = None in (seen.boot_id, earlier["boot_id"]) or seen.boot_id == earlier["boot_id"]
    looked_again = seen.at is None or seen.at != earlier["gathered_at"]
    return Now(seen, after["hosts"].get(host, nothing), same_boot, looked_again, _restarted(plan, host))


def _dark(host: str, now: Now) -> str:
    """A host that cannot be looked at is never taken for a healthy one, whatever was found on it before."""
    reasons = [f"{error['source']}: {error['reason']}" for error in now.diagnosis["errors"]]
    reasons = reasons or [unknown["reason"] for unknown in now.diagnosis["unknown"]]
    return f"{host}: not known, could not look: {'; '.join(list(dict.fromkeys(reasons))[:REASONS_SHOWN])}"


def _restarted(plan: Plan | None, host: str) -> frozenset[Key]:
    actions = plan["actions"] if plan else []
    return frozenset(
        (action["vars"]["pid"], action["vars"]["start_time"])
        for action in actions
        if action["stage"] == "restart" and action["where"] == host and action["allowed"]
    )


def _host(earlier: HostDiagnosis, now: Now, checks: list[Check], thresholds: Thresholds) -> HostResult:
    by_process: dict[Key, list[Finding]] = {}
    for finding in earlier["findings"]:
        if finding["process"] is not None:
            by_process.setdefault(_key(finding["process"]), []).append(finding)
    old = {_about(finding) for finding in earlier["findings"]}
    return {
        "processes": [
            _unless_untried(_process(key, findings, now, thresholds), checks) for key, findings in by_process.items()
        ],
        "subjects": [_subject(finding, now) for finding in earlier["findings"] if finding["process"] is None],
        "new": [finding for finding in now.diagnosis["findings"] if _about(finding) not in old],
        "checks": checks,
        "unknown": now.diagnosis["unknown"],
        "errors": now.diagnosis["errors"],
        "left_alone": None,
    }


def _process(key: Key, findings: list[Finding], now: Now, thresholds: Thresholds) -> ProcessResult:
    answer = _answer(key, {finding["id"] for finding in findings}, now, thresholds)
    process = findings[0]["process"]
    measured = _measured(now.seen.facts, key)
    return {
        "pid": key[0],
        "start_time": key[1],
        "name": process["name"] if process else "",
        "findings": sorted({finding["id"] for finding in findings}),
        "verdict": answer.verdict,
        "healed": answer.verdict == "healed" or (answer.verdict == "gone" and key in now.restarted),
        "reason": answer.reason,
        "cpu_percent_before": findings[0]["evidence"].get("cpu_percent"),
        "cpu_percent_now": measured["cpu_percent"] if measured else None,
    }


def _unless_untried(result: ProcessResult, checks: list[Check]) -> ProcessResult:
    """Where only an answer of the service proves anything, a process without a finding is not healed by that."""
    if result["healed"] and not checks and SERVED.intersection(result["findings"]):
        return {**result, "verdict": "could_not_look", "healed": False, "reason": NOT_TRIED}
    return result


def _about(finding: Finding) -> tuple[str, Key | str | None]:
    """What makes two findings the same at two looks."""
    return finding["id"], _key(finding["process"]) if finding["process"] else finding["subject"]


def _subject(finding: Finding, now: Now) -> SubjectResult:
    answer = _answer_of_subject(finding, now)
    return {
        "finding": finding["id"],
        "subject": finding["subject"] or finding["title"],
        "verdict": answer.verdict,
        "healed": answer.verdict == "healed",
        "reason": answer.reason,
    }


def _answer_of_subject(finding: Finding, now: Now) -> SubjectAnswer:
    if now.seen.facts is None:
        return SubjectAnswer("could_not_look", "; ".join(error["reason"] for error in now.seen.errors))
    if not now.looked_again:
        return SubjectAnswer("could_not_look", STALE)
    if _about(finding) in {_about(again) for again in now.diagnosis["findings"]}:
        return SubjectAnswer("not_healed", "it is found again")
    unanswered = _unanswered(frozenset((finding["id"],)), now)
    return SubjectAnswer("could_not_look", unanswered) if unanswered else SubjectAnswer("healed", "it is found no more")


def _unanswered(ids: frozenset[str], now: Now) -> str:
    """Why rules cannot say now whether what they found is gone; empty when they can."""
    return "; ".join(dict.fromkeys(entry["reason"] for entry in now.diagnosis["unknown"] if entry["id"] in ids))


def _answer(key: Key, ids: set[str], now: Now, thresholds: Thresholds) -> Answer:
    facts = now.seen.facts
    if facts is None:
        return Answer("could_not_look", "; ".join(error["reason"] for error in now.seen.errors))
    if not now.looked_again:
        return Answer("could_not_look", STALE)
    if not now.same_boot:
        return Answer("gone", "the host was started again since")
    return _found_again(key, ids, now) or _without_finding(key, ids, facts, now, thresholds)


def _found_again(key: Key, ids: set[str], now: Now) -> Answer | None:
    still = {f["id"] for f in now.diagnosis["findings"] if f["process"] and _key(f["process"]) == key}
    if still - ids:
        return Answer("worse", f"it now has {', '.join(sorted(still - ids))} as well")
    if still:
        verdict: ProcessVerdict = "still_spinning" if still & SPINS else "not_healed"
        return Answer(verdict, f"{', '.join(sorted(still))} is found again")
    return None


def _without_finding(key: Key, ids: set[str], facts: HostFacts, now: Now, thresholds: Thresholds) -> Answer:
    """No rule finds anything about the process now: because nothing is there, or because nothing could be seen."""
    unanswered = _unanswered(frozenset(ids - SPINS), now)
    if unanswered:
        return Answer("could_not_look", unanswered)
    return _calm(key, ids, facts, now, thresholds) if ids & SPINS else _living(key, ids, facts)


def _living(key: Key, ids: set[str], facts: HostFacts) -> Answer:
    """Of a finding that is not about CPU use the rule has answered; left is whether the process lives."""
    cpu = facts.get("cpu")
    if _measured(facts, key):
        return Answer("healed", f"{', '.join(sorted(ids))} is gone")
    return _unmeasured(key, facts, cpu.get("asked", []) if cpu else [])


def _calm(key: Key, ids: set[str], facts: HostFacts, now: Now, thresholds: Thresholds) -> Answer:
    cpu = facts.get("cpu")
    if cpu is None or cpu["processes"] is None:
        return Answer("could_not_look", "CPU use could not be measured")
    spin = _spin.of_pid(cpu, *key, thresholds)
    if spin.answer == "unknown":
        return Answer("could_not_look", spin.reason)
    if spin.process is None:
        return _unmeasured(key, facts, cpu.get("asked", []))
    gone = Answer("healed", f"{', '.join(sorted(ids))} is gone")
    return _busy(_spin.polling(spin.process, cpu, thresholds), now) or gone if spin.answer == "spinning" else gone


def _busy(polling: _spin.Polling, now: Now) -> Answer | None:
    """A process without a finding that is always busy: still spinning, or at work."""
    if polling == "polls":
        return Answer("still_spinning", _why_still(now))
    if polling == "unknown":
        return Answer(
            "could_not_look", "it is busy, with what cannot be told from so little: look with a longer window"
        )
    return None


def _why_still(now: Now) -> str:
    unseen = "; ".join(dict.fromkeys(entry["reason"] for entry in now.diagnosis["unknown"]))
    return f"it still uses CPU like a spinning process, for a reason that no rule finds{': ' if unseen else ''}{unseen}"


def _unmeasured(key: Key, facts: HostFacts, asked: list[int]) -> Answer:
    """The process is not among those measured: calm, or no more."""
    if key[0] in asked:
        return Answer("gone", "the process has ended")
    if key in _seen_in_tcp(facts):
        return Answer("healed", "it lives and uses hardly any CPU")
    return Answer("could_not_look", "it uses hardly any CPU, but whether it still lives is not known")


def _seen_in_tcp(facts: HostFacts) -> set[Key]:
    """Processes that the TCP facts show to be alive."""
    tcp = facts.get("tcp")
    if tcp is None:
        return set()
    watchers = tcp["watchers"]["suspects"] if tcp["watchers"] else []
    half_closed = tcp["close_wait"]["by_process"] if tcp["close_wait"] else []
    listeners = tcp["listeners"]["sockets"] if tcp["listeners"] else []
    return {
        *((watcher["pid"], watcher["start_time"]) for watcher in watchers),
        *((row["pid"], row["start_time"]) for row in half_closed),
        *((holder["pid"], holder["start_time"]) for listener in listeners for holder in listener["holders"]),
    }


def _measured(facts: HostFacts | None, key: Key) -> Process | None:
    cpu = facts.get("cpu") if facts else None
    listed = cpu["processes"] or [] if cpu else []
    same = [process for process in listed if (process["pid"], process["start_time"]) == key]
    return same[0] if same else None


def _key(process: AffectedProcess) -> Key:
    return process["pid"], process["start_time"]


def _left(hosts: Mapping[str, HostResult]) -> Iterator[str]:
    """What is not as it should be, one line each."""
    for name, host in hosts.items():
        yield from (f"{name}: {line}" for line in _left_on(host))


def _left_on(host: HostResult) -> Iterator[str]:
    for process in host["processes"]:
        if not process["healed"]:
            yield f"process {process['pid']} is {_words(process['verdict'])}: {process['reason']}"
    for subject in host["subjects"]:
        if not subject["healed"]:
            yield f"{subject['finding']}, {subject['subject']} is {_words(subject['verdict'])}: {subject['reason']}"
    yield from (f"new since the diagnosis: {finding['title']}" for finding in host["new"])
    yield from (f"{' '.join(check['argv'])} failed: {check['reason']}" for check in host["checks"] if not check["ok"])


def _standing(causes: Iterable[CauseResult]) -> Iterator[str]:
    for cause in causes:
        if cause["verdict"] != "removed":
            where = f"{cause['host']} ({cause['address']}:{cause['port']})"
            yield f"{where}: the cause is {_words(cause['verdict'])}: {cause['reason']}"


def _words(verdict: str) -> str:
    return {"could_not_look": "not known, could not look"}.get(verdict, verdict.replace("_", " "))
