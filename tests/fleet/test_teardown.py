# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is left of a fleet, however it ends. Each ends before another begins: there is one at a time."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet import apart, network, watch_limit
from fleet.bare import Bare
from fleet.booted import Booted
from fleet.form import Form
from fleet.hosting import Fleet, hosts
from fleet.traces import added, traces
from scenario_kit.processes import Program, started
from scenario_kit.waiting import wait_for

HOLDER = Path(__file__).with_name("holder_program.py")
FORMS = ("bare", "booted")


class MidwayError(Exception):
    """What goes wrong in the middle of a test."""


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, booted: Booted) -> Form:
    """Each of them."""
    return Bare() if request.param == "bare" else booted


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """What there was before is what there is afterwards."""
    before = traces()
    yield
    assert added(before, traces()) == {}


def test_a_fleet_leaves_traces_while_it_is_there(form: Form) -> None:
    """A control: the look that finds nothing afterwards finds it now."""
    before = traces()
    with hosts(2, form) as fleet:
        assert list(fleet.hosts) == ["host01", "host02"]
        kinds = set(added(before, traces()))
    assert {"processes", "mounts", "links", "network namespaces", "folders"} <= kinds
    assert ("control groups" in kinds) == isinstance(form, Booted)


def test_an_exception_in_the_middle(form: Form) -> None:
    with pytest.raises(MidwayError), hosts(2, form):
        raise MidwayError


def test_a_host_that_does_not_come_up(form: Form, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are up by then."""

    def argv(_form: Form, name: str, root: Path) -> list[str]:
        return ["sh", "-c", "echo no such luck; exit 1"] if name == "host02" else original(form, name, root)

    original = type(form).argv
    monkeypatch.setattr(type(form), "argv", argv)
    with pytest.raises(RuntimeError, match="host02 has ended: no such luck"), hosts(3, form):
        pytest.fail("it came up")


def test_what_could_not_be_built_is_not_left_half_done(monkeypatch: pytest.MonkeyPatch) -> None:
    def lines(names: list[str]) -> Iterator[str]:
        yield from list(original(names))[:-1]
        yield "link set nonsense up"

    original = network.outer_lines
    monkeypatch.setattr(network, "outer_lines", lines)
    with pytest.raises(Exception, match="nonsense"), hosts(2, Bare()):
        pytest.fail("it came up")


def holder(form: str, booted: Booted) -> list[str | Path]:
    return [sys.executable, HOLDER, form, booted.cache, "2"]


def wait_until_up(program: Program) -> None:
    wait_for(lambda: "up" in program.tail() or not program.running(), 60, "the fleet of another process")
    assert program.running(), program.tail()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal(number: signal.Signals, form: str, booted: Booted, tmp_path: Path) -> None:
    before = traces()
    with started(holder(form, booted), tmp_path / "holder.log") as program:
        wait_until_up(program)
        assert traces()["links"]
        program.process.send_signal(number)
        assert program.process.wait(timeout=20) != 0
        assert "KeyboardInterrupt" in program.tail()
        # Before anything else cleans up.
        assert added(before, traces()) == {}


def test_a_kill_takes_the_namespaces_along(booted: Booted, tmp_path: Path) -> None:
    """Then nobody tidies up: what is in namespaces is gone all the same, and what is not is in nobody's way."""
    before = traces()
    apart_from_us = apart.around(holder("booted", booted))
    with started(apart_from_us, tmp_path / "holder.log") as program:
        wait_until_up(program)
        assert traces()["control groups"]
        program.process.kill()
        program.process.wait(timeout=20)
    wait_for(lambda: "processes" not in added(before, traces()), 20, "its processes to be gone")
    left = added(before, traces())
    assert set(left) <= {"control groups", "folders", "watch limit"}
    with hosts(2, booted) as fleet:
        assert fleet["host01"].succeeds("true")
    for name in left["folders"]:
        Path(name).rmdir()
    watch_limit.LIMIT.write_text(before["watch limit"][0])


def test_there_is_one_fleet_at_a_time() -> None:
    with hosts(1, Bare()), pytest.raises(RuntimeError, match="one fleet at a time"), hosts(1, Bare()):
        pytest.fail("there are two")


def test_a_fleet_is_refused_where_it_would_leave_traces() -> None:
    """Outside of namespaces of its own."""
    code = "from fleet.hosting import hosts; from fleet.bare import Bare; hosts(1, Bare()).__enter__()"
    isolate = ["unshare", "--mount", "--", "sh", "-c", 'umount /run && exec "$0" "$@"']
    tried = subprocess.run([*isolate, sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert tried.returncode == 1
    assert "a fleet wants namespaces of its own" in tried.stderr


def test_no_more_than_it_is_named(form: Form) -> None:
    with hosts(["redis1", "worker1"], form) as fleet:
        known: Fleet = fleet
        assert [host.run("hostname").strip() for host in known.hosts.values()] == ["redis1", "worker1"]
