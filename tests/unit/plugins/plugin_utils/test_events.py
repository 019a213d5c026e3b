# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an event from outside can bring about: a look at a host that is there, not too soon and not too often."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils._events import looks_file, named_hosts
from ansible_collections.closewait.remediation.plugins.plugin_utils._events.admission import Limits, Look, admit

INVENTORY = ["kiln-1", "kiln-2", "larder.example.org", "2001:db8::7", "198.51.100.40"]
NOW = 1_793_607_345.0
LIMITS = Limits(cool_down_s=600, per_hour=3)


def alert(instance: object, status: str = "firing", **labels: object) -> dict[str, Any]:
    return {"status": status, "labels": {"instance": instance, "closewait": "diagnose", **labels}}


def alerts(*listed: object) -> dict[str, Any]:
    return {"payload": {"status": "firing", "groupKey": "k", "alerts": list(listed)}}


def hosts(event: object) -> list[str]:
    return named_hosts.named(event, INVENTORY, "instance").hosts


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("kiln-1", "kiln-1"),
        ("kiln-1:9100", "kiln-1"),
        ("larder.example.org:9100", "larder.example.org"),
        ("198.51.100.40:9100", "198.51.100.40"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]:9100", "2001:db8::7"),
    ],
)
def test_a_host_of_the_inventory_with_or_without_a_port(text: str, host: str) -> None:
    assert hosts(alerts(alert(text))) == [host]
    assert hosts({"payload": {"host": text}}) == [host]
    assert hosts({"payload": {"hosts": [text, text]}}) == [host]


@pytest.mark.parametrize(
    "text",
    [
        *("all", "*", "kiln-*", "~kiln.*", "kiln-1,kiln-2", "kiln-1:kiln-2", "!kiln-1", "all:!kiln-1", "&kiln-1"),
        *(
            "{{ 7 * 7 }}",
            "{{ groups.all[0] }}",
            "{% raw %}kiln-1{% endraw %}",
            "@/etc/passwd",
            "../kiln-1",
            "kiln-1/..",
        ),
        *("", " kiln-1", "kiln-1 ", "kiln-1\n", "kiln-1\x00", "KILN-1", "kiln-1:", "kiln-1:99999999", "kiln-1:٣"),
        *("kiln-1:9100:9100", "kiln", "kiln-11", "localhost", "ungrouped"),
        *(None, True, 7, ["kiln-1"], {"name": "kiln-1"}),
    ],
)
def test_anything_else_is_no_host(text: object) -> None:
    for event in (alerts(alert(text)), {"payload": {"host": text if not isinstance(text, list) else [text]}}):
        named = named_hosts.named(event, INVENTORY, "instance")
        assert named.hosts == []
        assert [refusal.reason for refusal in named.refused] == ["no host of the inventory has this name"]


@pytest.mark.parametrize(
    "event",
    [
        *(None, "kiln-1", ["kiln-1"], {}, {"payload": None}, {"payload": "kiln-1"}, {"payload": ["kiln-1"]}),
        *({"payload": {}}, {"payload": {"alerts": "kiln-1"}}, {"payload": {"alerts": [None, "kiln-1", {}]}}),
        *({"host": "kiln-1"}, {"meta": {"hosts": ["kiln-1"]}}, {"payload": {"alerts": [{"labels": "kiln-1"}]}}),
        *({"payload": {"meta": {"hosts": "kiln-1"}}}, alerts({"status": "firing", "labels": None})),
    ],
)
def test_an_event_of_another_shape_names_nobody_and_that_is_said(event: object) -> None:
    named = named_hosts.named(event, INVENTORY, "instance")
    assert named.hosts == []
    assert named.refused


def test_only_alerts_that_fire_and_ask_for_it() -> None:
    event = alerts(alert("kiln-1", status="resolved"), alert("kiln-2", closewait="no"), alert("larder.example.org"))
    named = named_hosts.named(event, INVENTORY, "instance")
    assert named.hosts == ["larder.example.org"]
    assert named.refused == [
        ("kiln-1", "the alert is not firing"),
        ("kiln-2", "the alert has no label closewait=diagnose"),
    ]


def test_the_label_is_the_callers_choice() -> None:
    event = alerts(alert("monitor:9100", host="kiln-2"))
    assert named_hosts.named(event, INVENTORY, "host").hosts == ["kiln-2"]


def test_what_is_refused_can_be_shown() -> None:
    [refusal] = named_hosts.named({"payload": {"host": "\x1b[2J" + "x" * 9000}}, INVENTORY, "instance").refused
    assert refusal.name.startswith("\\x1b[2Jxxx")
    assert len(refusal.name) == named_hosts.SHOWN_LENGTH


def test_a_flood_of_names_is_cut_and_that_is_said() -> None:
    event = {"payload": {"hosts": [*(f"x{number}" for number in range(9000)), "kiln-1"]}}
    named = named_hosts.named(event, INVENTORY, "instance")
    assert named.hosts == []
    assert len(named.refused) == named_hosts.MOST_NAMES + 1
    assert "only the first 200" in named.refused[-1].reason


def looks(*pairs: tuple[str, float]) -> list[Look]:
    """Host and seconds ago."""
    return [{"host": host, "at": NOW - ago} for host, ago in pairs]


@pytest.mark.parametrize(
    ("before", "admitted"),
    [
        ([], ["a", "b"]),
        (looks(("a", 599)), ["b"]),
        (looks(("a", 600)), ["a", "b"]),
        (looks(("a", 3000), ("a", 20)), ["b"]),
        (looks(("c", 3599), ("d", 3000)), ["a"]),
        (looks(("c", 3600), ("d", 3000)), ["a", "b"]),
        (looks(("c", 1), ("d", 2), ("e", 3)), []),
        # A clock that was set back.
        (looks(("a", -86400)), ["b"]),
    ],
)
def test_cool_down_and_cap(before: list[Look], admitted: list[str]) -> None:
    decided = admit(["a", "b"], before, NOW, LIMITS)
    assert decided.admitted == admitted
    assert [refusal.name for refusal in decided.refused] == [host for host in "ab" if host not in admitted]
    assert all(refusal.reason for refusal in decided.refused)


def test_what_was_admitted_is_remembered_and_what_is_old_is_forgotten() -> None:
    decided = admit(["a"], looks(("b", 30), ("c", 4000)), NOW, LIMITS)
    assert decided.looks == looks(("b", 30), ("a", 0))
    again = admit(["a"], decided.looks, NOW + 1, LIMITS)
    assert again.admitted == []
    assert "1 s ago" in again.refused[0].reason


def test_a_long_cool_down_outlives_the_hour() -> None:
    long = Limits(cool_down_s=86400, per_hour=3)
    assert admit(["a"], looks(("a", 80000)), NOW, long).admitted == []


def test_the_clock_that_was_set_back_does_not_stop_it_for_ever() -> None:
    decided = admit(["b"], looks(("a", -86400)), NOW, LIMITS)
    assert admit(["a"], decided.looks, NOW + 601, LIMITS).admitted == ["a"]


def test_nothing_is_admitted_where_nothing_is_allowed() -> None:
    assert admit(["a"], [], NOW, Limits(0, 0)).admitted == []


def test_the_file_remembers_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "state" / "events.json"
    with looks_file.locked(path):
        assert looks_file.read(path) == []
        looks_file.write(path, looks(("a", 5)))
    assert looks_file.read(path) == looks(("a", 5))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "[]", '{"looks": []}', json.dumps({"schema_version": 1, "looks": [{"host": 7}]})])
def test_a_file_that_is_none_is_not_taken_for_an_empty_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "events.json").write_text(text)
    with pytest.raises(ValueError, match=r"events\.json"):
        looks_file.read(tmp_path / "events.json")
