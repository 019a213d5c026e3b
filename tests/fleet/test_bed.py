# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts are what they seem: machines of their own, reached over SSH, that can fail as machines do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.answers import answers, words
from fleet.booted import Booted
from fleet.control import control
from fleet.hosting import Fleet, hosts
from scenario_kit.figures import record
from scenario_kit.playbooks import Control

COUNT = 20
PING = "ansible.builtin.ping"
#: With room: 20 hosts were up in 4 to 8 s on two cores, with 20 MB each.
UP_WITHIN_S = 60
MEMORY_PER_HOST_MB = 60


def available_mb() -> float:
    """Memory that the machine has left."""
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return int(lines["MemAvailable"].split()[0]) / 1024


@pytest.fixture(scope="module")
def fleet(booted: Booted) -> Iterator[Fleet]:
    """As many as the issue asks for."""
    booted.lower()  # made by now; its making is not the boot
    before, began = available_mb(), time.monotonic()
    with hosts(COUNT, booted) as up:
        seconds, used = time.monotonic() - began, before - available_mb()
        record("fleet", hosts=COUNT, up_s=round(seconds, 1), memory_mb=round(used))
        print(f"{COUNT} hosts up in {seconds:.1f} s with {used:.0f} MB")
        assert seconds < UP_WITHIN_S
        assert used < COUNT * MEMORY_PER_HOST_MB
        yield up


@pytest.fixture
def ansible(fleet: Fleet, tmp_path: Path) -> Control:
    """The controller of all of them."""
    return control(fleet, tmp_path / "control")


def test_ansible_reaches_all_of_them_with_pipelining(fleet: Fleet, ansible: Control) -> None:
    began = time.monotonic()
    outcome = ansible.ad_hoc("all", PING, {})
    record("fleet_ping", hosts=COUNT, seconds=round(time.monotonic() - began, 1))
    assert outcome.status == 0, outcome.text
    assert words(outcome.text) == dict.fromkeys(fleet.hosts, "SUCCESS")
    # Nothing was copied: without pipelining a module is a file in there first.
    assert not any((host.root / "home/deploy/.ansible").exists() for host in fleet.hosts.values())
    assert not any((host.root / "root/.ansible").exists() for host in fleet.hosts.values())


def test_they_are_machines_of_their_own(fleet: Fleet, ansible: Control) -> None:
    assert [host.run("hostname").strip() for host in fleet.hosts.values()] == list(fleet.hosts)
    for path in ("/etc/machine-id", "/proc/sys/kernel/random/boot_id"):
        assert len({host.run("cat", path) for host in fleet.hosts.values()}) == COUNT
    printed = ansible.ad_hoc("host07", "ansible.builtin.setup", {}).text
    facts = answers(printed)["host07"].result["ansible_facts"]
    assert (facts["ansible_service_mgr"], facts["ansible_hostname"]) == ("systemd", "host07")
    assert facts["ansible_eth0"]["ipv4"]["address"] == fleet["host07"].address


def test_a_service_runs_on_the_host_that_it_was_started_on(fleet: Fleet, ansible: Control) -> None:
    outcome = ansible.ad_hoc("host07", "ansible.builtin.systemd_service", {"name": "nginx", "state": "started"})
    assert words(outcome.text) == {"host07": "CHANGED"}, outcome.text
    assert fleet["host07"].succeeds("systemctl", "is-active", "nginx")
    assert not fleet["host08"].succeeds("systemctl", "is-active", "nginx")
    assert fleet["host08"].succeeds("bash", "-c", "exec 3<>/dev/tcp/host07/80"), "they reach each other by name"
    fleet["host07"].run("systemctl", "stop", "nginx")
    assert not fleet["host08"].succeeds("bash", "-c", "exec 3<>/dev/tcp/host07/80")


def test_hosts_without_cable_or_sshd_are_unreachable(fleet: Fleet, ansible: Control) -> None:
    fleet["host02"].unplug()
    fleet["host03"].run("systemctl", "stop", "ssh.service")
    fleet.access.hang_up()  # else Ansible goes on with the connection that it has
    seen = words(ansible.ad_hoc("~host0[1-4]", PING, {}).text)
    assert seen == {"host01": "SUCCESS", "host02": "UNREACHABLE", "host03": "UNREACHABLE", "host04": "SUCCESS"}
    fleet["host02"].plug()
    fleet["host03"].run("systemctl", "start", "ssh.service")
    assert set(words(ansible.ad_hoc("~host0[1-4]", PING, {}).text).values()) == {"SUCCESS"}


def test_a_host_whose_python_is_broken_is_reached_and_fails(fleet: Fleet, ansible: Control) -> None:
    fleet["host05"].break_python()
    outcome = ansible.ad_hoc("host05:host06", PING, {})
    assert words(outcome.text) == {"host05": "FAILED", "host06": "SUCCESS"}, outcome.text
    assert fleet.ssh("host05", "hostname").strip() == "host05"
