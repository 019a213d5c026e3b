# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each runtime: named from outside, then its half-closed connection replaced, or left alone for a reason.

Celery's prefork and gevent pools have scenarios of their own: ``celery_redis``, ``celery_ghost``, ``celery_gevent``.
"""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from typing import NamedTuple

import pytest

from scenario_kit.figures import record
from scenario_kit.kernel_sockets import close_wait_fds, socket_inodes
from scenario_kit.runtime_bench import Bench
from scenario_kit.spinner import Spinner
from scenario_kit.waiting import wait_for

_RESTART = "drain the program and restart it through its supervisor"


class Runtime(NamedTuple):
    """As it must be named: ``version`` and ``loop`` are patterns, None where nothing is to be told."""

    name: str
    version: str | None = None
    loop: str | None = None
    role: str | None = None


CPYTHON = r"3\.1[123]\.\d+"
CLOSABLE = {
    "selectors": Runtime("cpython", CPYTHON),
    "asyncio": Runtime("cpython", CPYTHON, "asyncio"),
    "uvloop": Runtime("cpython", CPYTHON, r"uvloop \d+\.\d+.*"),
    "gunicorn": Runtime("cpython", CPYTHON, role="gunicorn"),
    "java": Runtime("java", r"17\.\d+\.\d+"),
}
LEFT_ALONE = {
    "gevent": (Runtime("cpython", CPYTHON, r"gevent (25|26|27).*"), r"gevent [\d.]+ is loaded"),
    "gevent-old": (Runtime("cpython", CPYTHON, r"gevent 24.*"), r"gevent 24[\d.]+ is loaded"),
    "c-static": (Runtime("unknown"), "the runtime is not known"),
    "musl": (Runtime("unknown"), "the runtime is not known"),
    "musl-static": (Runtime("unknown"), "the runtime is not known"),
}


def check_runtime(bench: Bench, program: Spinner, expected: Runtime) -> None:
    found = bench.runtime(program)
    assert (found["name"], found["role"]) == (expected.name, expected.role), found
    assert expected.version is None or re.fullmatch(expected.version, found["version"]), found
    assert expected.loop is None or any(re.fullmatch(expected.loop, loop) for loop in found["loops"]), found


def check_left_alone(bench: Bench, program: Spinner, reason: str, alternative: str) -> None:
    """Refused in check mode and for real, and nothing of it is different afterwards."""
    before = (socket_inodes(program.pid), program.dead_watches())
    for row in (bench.predict(program), bench.close(program)):
        assert row["outcome"] == "refused", row
        assert re.search(reason, row["reason"]), row
        assert row["alternative"] == alternative, row
    assert (socket_inodes(program.pid), program.dead_watches()) == before
    program.check_service()


def check_cured(program: Spinner) -> None:
    """It sleeps, its next use of the upstream fails cleanly, and those after it are answered with what was asked."""
    wait_for(program.calm, 10, "the program to sleep")
    program.check_service()
    assert not program.dead_watches()
    assert program.use() != "used"
    assert [program.use() for _turn in range(3)] == ["used"] * 3
    assert all(line.startswith("ask ") for line in program.upstream.heard), "something else was sent to the upstream"
    program.check_service()


@pytest.mark.parametrize("name", CLOSABLE)
def test_it_is_replaced_and_the_program_works_on(bench: Bench, name: str) -> None:
    with bench.start(name) as program:
        program.half_close_until_it_spins()
        check_runtime(bench, program, CLOSABLE[name])
        target, (watch,) = program.target(), program.dead_watches()
        assert watch.level_triggered_read
        assert bench.predict(program)["outcome"] == "would_replace"
        assert program.dead_watches() == [watch], "check mode has changed something"
        row = bench.close(program)
        assert (row["outcome"], row["method"]) == ("replaced", "placeholder"), row
        assert row["unregistered_from"] == [watch.epoll_fd]
        assert socket_inodes(program.pid)[target["fd"]] != target["inode"]
        check_cured(program)
        record("runtimes", runtime=name, stop_ms=row["stop_ms"])


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_it_is_left_alone_and_the_program_lives_when_it_is_forced(bench: Bench, name: str) -> None:
    runtime, reason = LEFT_ALONE[name]
    with bench.start(name) as program:
        program.half_close_until_it_spins()
        check_runtime(bench, program, runtime)
        check_left_alone(bench, program, reason, _RESTART)
        row = bench.close(program, force_runtime=True)
        assert (row["outcome"], row["method"]) == ("replaced", "placeholder"), row
        check_cured(program)
        record("runtimes_forced", runtime=name, stop_ms=row["stop_ms"])


def test_node_whose_loop_did_not_turn_when_the_upstream_closed(bench: Bench, tmp_path: Path) -> None:
    with bench.start("node") as program:
        assert program.ask(program.port, "busy", str(tmp_path / "go-on")) == "busy now"
        program.half_close_until_it_spins()
        check_runtime(bench, program, Runtime("node", r"\d+\.\d+\.\d+"))
        (watch,) = program.dead_watches()
        assert watch.level_triggered_read
        assert bench.predict(program)["outcome"] == "would_replace"
        row = bench.close(program)
        assert (row["outcome"], row["method"]) == ("replaced", "placeholder"), row
        (tmp_path / "go-on").touch()
        check_cured(program)


def test_node_that_sleeps_has_stopped_watching_by_itself(bench: Bench) -> None:
    with bench.start("node") as program:
        program.half_close()
        wait_for(lambda: not program.dead_watches(), 10, "libuv to stop watching it")
        check_left_alone(bench, program, "no event loop watches it", "no remedy is needed")
        assert program.use() == "failed EOF"
        assert program.use() == "used"


def test_go_watches_edge_triggered(bench: Bench) -> None:
    with bench.start("go") as program:
        program.half_close_until_it_spins()
        check_runtime(bench, program, Runtime("go", r"1\.\d+(\.\d+)?"))
        (watch,) = program.dead_watches()
        assert not watch.level_triggered_read
        before = (socket_inodes(program.pid), program.dead_watches())
        for row in (bench.predict(program), bench.close(program), bench.close(program, method="close")):
            assert row["outcome"] == "refused", row
            assert row["reason"]
            assert row["alternative"]
        assert (socket_inodes(program.pid), program.dead_watches()) == before
        program.check_service()
        assert program.use() == "failed EOF"
        assert program.use() == "used"


def test_asyncio_transport_keeps_the_number_that_a_placeholder_holds(bench: Bench) -> None:
    """A transport stops watching at the end of the data, so it is forced here, to see what asyncio makes of it."""
    with bench.start("asyncio-transport") as program:
        program.half_close()
        wait_for(lambda: not program.dead_watches(), 10, "the transport to stop watching it")
        check_left_alone(bench, program, "no event loop watches it", "no remedy is needed")
        row = bench.close(program, force_unwatched=True)
        assert row["outcome"] == "replaced", row
        check_cured(program)
        assert "is used by transport" not in program.program.tail()


def test_why_numbers_are_not_freed_in_asyncio(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: with the number free the next connection gets it, and asyncio refuses to serve that."""
    # Without it asyncio keeps to itself why it has dropped a connection.
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    with bench.start("asyncio-transport") as program:
        program.half_close()
        target = program.target()
        row = bench.close(program, force_unwatched=True, force_runtime=True, method="close", force_close=True)
        assert row["outcome"] == "closed", row
        assert target["fd"] not in socket_inodes(program.pid)
        with socket.create_connection(("127.0.0.1", program.port)):
            complaint = f"is used by transport <_SelectorSocketTransport fd={target['fd']} "
            wait_for(lambda: complaint in program.program.tail(), 10, "asyncio to refuse the number")


def test_why_numbers_are_not_freed_elsewhere(bench: Bench) -> None:
    """Control: with the number free, what was meant for the upstream is sent to whoever has the number now."""
    with bench.start("gevent-old") as program:
        program.half_close_until_it_spins()
        row = bench.close(program, force_runtime=True, method="close", force_close=True)
        assert row["outcome"] == "closed", row
        assert program.use().startswith("ask "), "the client did not get what was meant for the upstream"


def test_gunicorn_the_master_is_not_touched(bench: Bench) -> None:
    with bench.start("gunicorn") as program:
        master = program.program.pid
        assert program.pid != master
        program.half_close_until_it_spins()
        fds = sorted(os.listdir(f"/proc/{master}/fd"))
        assert not close_wait_fds(master)
        assert bench.close(program)["outcome"] == "replaced"
        assert sorted(os.listdir(f"/proc/{master}/fd")) == fds
        check_cured(program)
        assert "Worker exiting" not in program.program.tail()
