# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus is told. That the real tools read it is shown in tests/eda."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils import _exposition
from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Diagnosis
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.scenes import diagnosed, incident

MADE_AT = 1793607345.25
SPIN = 'host="kiln-2",id="half_closed_spin",severity="critical",confidence="proven",process="celery"'
HOSTILE = 'a"} 1\nup{x="\\\x1b[2J\u202e\udcff{{ 6 * 7 }}'
LINE = re.compile(r'[a-z_]+(\{([a-z]+="([^"\\\n]|\\[\\n"])*",?)+\})? -?[0-9.e+]+')


def samples(diagnosis: Diagnosis) -> list[str]:
    """Lines that are no comment; each in the format, no series twice."""
    text = _exposition.of_diagnosis(diagnosis, MADE_AT)
    assert text.endswith("\n")
    found = [line for line in text.splitlines() if not line.startswith("#")]
    assert [line for line in found if not LINE.fullmatch(line)] == []
    names = [line.rpartition(" ")[0] for line in found]
    assert sorted(set(names)) == sorted(names)
    return found


def crowd(findings: int, **changed: Any) -> Diagnosis:
    """The incident with so many findings on its host, each of a process of its own."""
    diagnosis = diagnosed(incident())
    host = diagnosis["hosts"][make.HOST]
    [model] = host["findings"]
    host["findings"] = []
    for number in range(findings):
        finding: Any = copy.deepcopy(model)
        finding["process"].update(pid=number + 2, name=changed.get("name", f"worker-{number}"))
        host["findings"].append(finding)
    return diagnosis


def test_an_incident_beside_healthy_and_unreachable_hosts() -> None:
    diagnosis = diagnosed({**incident(), "cellar": {"unreachable": True, "msg": "no route"}})
    assert samples(diagnosis) == [
        f"closewait_finding{{{SPIN}}} 1",
        "closewait_findings_omitted 0",
        'closewait_host_verdict{host="kiln-2",verdict="findings"} 1',
        'closewait_host_verdict{host="larder",verdict="healthy"} 1',
        'closewait_host_verdict{host="cellar",verdict="unknown"} 1',
        'closewait_host_findings{host="kiln-2",severity="critical"} 1',
        'closewait_host_last_look_timestamp_seconds{host="kiln-2"} 1793607330',
        'closewait_host_last_look_timestamp_seconds{host="larder"} 1793607330',
        'closewait_hosts{verdict="findings"} 1',
        'closewait_hosts{verdict="healthy"} 1',
        'closewait_hosts{verdict="unknown"} 1',
        "closewait_last_diagnosis_timestamp_seconds 1793607345.25",
    ]


def test_every_metric_says_what_it_is() -> None:
    text = _exposition.of_diagnosis(diagnosed(incident()), MADE_AT)
    told = re.findall(r"# HELP ([a-z_]+) .+\n# TYPE ([a-z_]+) gauge\n([a-z_]+)", text)
    assert told
    assert all(len(set(names)) == 1 for names in told)
    assert len(told) == text.count("# TYPE") == text.count("# HELP")


def test_no_hosts_at_all() -> None:
    assert samples(diagnosed({}))[-1] == "closewait_last_diagnosis_timestamp_seconds 1793607345.25"


def test_processes_of_one_name_are_one_series() -> None:
    found = samples(crowd(3, name="celery"))
    assert [line[-2:] for line in found if line.startswith("closewait_finding{")] == [" 3"]
    assert 'closewait_host_findings{host="kiln-2",severity="critical"} 3' in found


def test_a_host_has_no_more_series_than_the_bound_and_the_rest_is_counted() -> None:
    found = samples(crowd(57))
    assert sum(line.startswith("closewait_finding{") for line in found) == _exposition.FINDINGS_PER_HOST
    assert "closewait_findings_omitted 37" in found
    assert 'closewait_host_findings{host="kiln-2",severity="critical"} 57' in found


@pytest.mark.parametrize("field", ["name", "host"])
def test_text_from_elsewhere_ends_no_label(field: str) -> None:
    results = (
        incident(cpu=make.cpu(make.process(name=HOSTILE))) if field == "name" else {HOSTILE: incident()[make.HOST]}
    )
    text = _exposition.of_diagnosis(diagnosed(results), MADE_AT)
    samples(diagnosed(results))
    assert "\x1b" not in text
    assert "\nup{" not in text
    text.encode("utf-8")
    assert 'a\\"} 1\\\\nup{x=\\"\\\\\\\\x1b[2J\\\\u202e\\\\udcff{{ 6 * 7 }}' in text


def test_a_long_name_is_cut() -> None:
    line = next(line for line in samples(crowd(1, name="n" * 4000)) if line.startswith("closewait_finding{"))
    assert len(line) < 2 * _exposition.LABEL_LENGTH


def test_a_subject_stands_where_there_is_no_process() -> None:
    diagnosis = crowd(1)
    finding = diagnosis["hosts"][make.HOST]["findings"][0]
    finding["process"], finding["subject"] = None, "program shop"
    assert 'process="program shop"' in samples(diagnosis)[0]


@pytest.mark.parametrize("moment", ["yesterday", "99999-01-01", "", None])
def test_a_time_that_is_none_has_no_sample(moment: str | None) -> None:
    diagnosis = crowd(1)
    diagnosis["hosts"][make.HOST]["gathered_at"] = moment
    assert not [line for line in samples(diagnosis) if "last_look" in line and make.HOST in line]


def test_what_the_fleet_shows() -> None:
    diagnosis = crowd(1)
    [finding] = diagnosis["hosts"][make.HOST]["findings"]
    diagnosis["fleet"]["findings"] = [finding]
    assert sum(line.startswith("closewait_fleet_finding{") for line in samples(diagnosis)) == 1
