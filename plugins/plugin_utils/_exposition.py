# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A diagnosis in Prometheus' text format (version 0.0.4), for the textfile collector of node_exporter. Pure.

How many series there are is bounded by the number of hosts: what is in the findings never adds more than
``FINDINGS_PER_HOST`` to a host. A host that could not be looked at has its verdict ``unknown``, as in the diagnosis.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple, get_args

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import (
    Diagnosis,
    Finding,
    HostDiagnosis,
    HostVerdict,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._text import CUT, clean

FINDINGS_PER_HOST = 20
FLEET_FINDINGS = 100
LABEL_LENGTH = 256  # longer than any host name

Labels = tuple[tuple[str, str], ...]


class Sample(NamedTuple):
    """One line of a metric."""

    labels: Labels
    value: float


class Metric(NamedTuple):
    """A gauge with its samples."""

    name: str
    meaning: str
    samples: list[Sample]


def of_diagnosis(diagnosis: Diagnosis, made_at: float) -> str:
    """The whole file. ``made_at``: when the diagnosis was made, in seconds since the epoch."""
    return "".join(line for metric in _metrics(diagnosis, made_at) for line in _lines(metric))


def _metrics(diagnosis: Diagnosis, made_at: float) -> Iterator[Metric]:
    hosts, fleet = diagnosis["hosts"], diagnosis["fleet"]["findings"]
    per_host = {name: _counted(host["findings"], FINDINGS_PER_HOST) for name, host in hosts.items()}
    together, left_out = _counted(fleet, FLEET_FINDINGS)
    shown = [sample for samples, _omitted in per_host.values() for sample in samples]
    omitted = left_out + sum(count for _samples, count in per_host.values())
    yield Metric("closewait_finding", "Findings of the last diagnosis that have these labels.", shown)
    yield Metric("closewait_fleet_finding", "Findings that only the comparison of hosts shows.", together)
    yield Metric("closewait_findings_omitted", "Findings beyond the bound that have no series.", [Sample((), omitted)])
    yield Metric("closewait_host_verdict", "What was said of the host, findings, healthy or unknown.", _said(hosts))
    yield Metric("closewait_host_findings", "How many findings the host has, none left out.", _severities(hosts))
    looks = _looks(hosts)
    yield Metric("closewait_host_last_look_timestamp_seconds", "When the host was looked at, by its clock.", looks)
    yield Metric("closewait_hosts", "How many hosts have this verdict.", _verdicts(hosts.values()))
    yield Metric("closewait_last_diagnosis_timestamp_seconds", "When the diagnosis was made.", [Sample((), made_at)])


def _counted(findings: Iterable[Finding], most: int) -> tuple[list[Sample], int]:
    """Samples of at most so many label sets, the gravest first, and how many findings have none of them."""
    counts = Counter(_labels(finding) for finding in findings)
    samples = [Sample(labels, count) for labels, count in counts.items()]
    return samples[:most], sum(int(sample.value) for sample in samples[most:])


def _labels(finding: Finding) -> Labels:
    """Neither pids nor numbers: a process that was started anew is the same series."""
    about = finding["process"]["name"] if finding["process"] else finding["subject"] or ""
    labels = {name: finding[name] for name in ("host", "id", "severity", "confidence")}
    return _told({**labels, "process": about})


def _told(labels: dict[str, str]) -> Labels:
    return tuple((name, _value(text)) for name, text in labels.items())


def _value(text: str) -> str:
    """What a label may hold: nothing that does not print, nothing that a person could not read, not too much."""
    shown = clean(text)
    return shown if len(shown) <= LABEL_LENGTH else shown[: LABEL_LENGTH - 1] + CUT


def _said(hosts: dict[str, HostDiagnosis]) -> list[Sample]:
    return [Sample(_told({"host": name, "verdict": host["verdict"]}), 1) for name, host in hosts.items()]


def _severities(hosts: dict[str, HostDiagnosis]) -> list[Sample]:
    return [
        Sample(_told({"host": name, "severity": severity}), count)
        for name, host in hosts.items()
        for severity, count in Counter(finding["severity"] for finding in host["findings"]).items()
    ]


def _looks(hosts: dict[str, HostDiagnosis]) -> list[Sample]:
    seen = ((name, _seconds(host["gathered_at"])) for name, host in hosts.items())
    return [Sample(_told({"host": name}), at) for name, at in seen if at is not None]


def _seconds(moment: str | None) -> float | None:
    """Seconds since the epoch of ``2026-11-02T08:15:30Z``; None for what is no such text: a host may send anything."""
    try:
        return None if moment is None else datetime.fromisoformat(moment).timestamp()
    except (ValueError, OverflowError):
        return None


def _verdicts(hosts: Iterable[HostDiagnosis]) -> list[Sample]:
    counts = Counter(host["verdict"] for host in hosts)
    return [Sample((("verdict", verdict),), counts[verdict]) for verdict in get_args(HostVerdict)]


def _lines(metric: Metric) -> Iterator[str]:
    if not metric.samples:
        return
    yield f"# HELP {metric.name} {metric.meaning}\n# TYPE {metric.name} gauge\n"
    for labels, value in metric.samples:
        inner = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels)
        yield f"{metric.name}{{{inner}}} {value:.15g}\n" if inner else f"{metric.name} {value:.15g}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
