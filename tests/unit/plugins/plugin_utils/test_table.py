# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables that people read."""

from __future__ import annotations

from typing import Any

from ansible_collections.closewait.remediation.plugins.plugin_utils import _gathered, _result_table, _table, _text
from ansible_collections.closewait.remediation.plugins.plugin_utils._plan import plan
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds
from ansible_collections.closewait.remediation.plugins.plugin_utils._verdict import judge
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.scenes import diagnosed, incident

HOSTILE = "\x1b]0;owned\x07\x1b[1A\x1b[2K\u202e界" + "n" * 300 + "\n HOST fake  healthy"


def table(results: dict[str, Any], **changed: Any) -> str:
    diagnosis = diagnosed(results)
    return _table.of_diagnosis(diagnosis, plan(diagnosis, changed.get("allow", "invasive")))


def assert_harmless(text: str) -> None:
    for line in text.split("\n"):
        assert _text.width(line) <= 100, line
        assert _text.clean(line) == line


def test_everything_a_reader_needs() -> None:
    text = table({**incident(), "cellar": None})
    for part in (
        "HOST kiln-2",
        "CRITICAL half_closed_spin (proven)",
        "celery (20417)",
        "CPU 88 % (user 81, system 7) over 3 s, voluntary switches 0.0/s",
        "epoll 9 watches fd 61",
        "proven: Redis 198.51.100.77:6491 on larder",
        "redis_timeout on larder (config): set timeout 0 of the server",
        "HOST cellar",
        "kiln-2                                             1 critical                         -",
        "unknown   cellar",
        "no result was registered on this host",
        "healthy   larder",
        "3 hosts: 1 with findings, 1 healthy, 1 unknown",
        "PLAN (up to invasive is allowed)",
        "a1 redis_timeout on larder (cause, config): set timeout 0 of the server at port 6491; timeout 417 closes",
        "fd_close on kiln-2 (symptom, invasive): close fd 61 in process 20417; with registration",
        "process 20417 python -m celery -A kiln worker, cpython 3.12.3, celery-prefork, supervisord",
    ):
        assert part in text or part in " ".join(text.split())
    assert_harmless(text)


def test_hosts_unknown_for_the_same_reason_share_a_block() -> None:
    refused = {"unreachable": True, "msg": "no route"}
    text = table({"a": refused, "b": refused, "c": refused, "d": {"failed": True, "msg": "no sudo"}})
    assert text.count("no route") == 1
    assert "3 HOSTS" in text
    assert "hosts     a, b, c" in text
    assert "HOST d" in text
    assert "nothing to do where it could look; 4 hosts unknown" in text


def test_nothing_wrong() -> None:
    text = table({make.REDIS_HOST: make.registered(make.server())})
    assert text.split("\n") == [
        "SUMMARY",
        "  healthy   larder",
        "  1 host: 0 with findings, 1 healthy, 0 unknown",
        "",
        "PLAN (up to invasive is allowed)",
        "  nothing to do",
    ]


def test_what_is_not_allowed_and_what_stays_is_shown() -> None:
    text = table(incident(), allow="config")
    assert "NOT ALLOWED, fd_close on kiln-2" in text
    assert "stays     kiln-2 process 20417, half_closed_spin: fd_close is invasive" in text


def test_errors_of_a_healthy_host_are_shown() -> None:
    blind = make.redis(instances=None, errors=[{"source": "psutil", "reason": "is missing"}])
    text = table({make.REDIS_HOST: make.registered(make.server(redis=blind))})
    assert "no look   redis: psutil: is missing" in text


def test_hostile_text_everywhere() -> None:
    process = make.process(
        name=HOSTILE,
        cmdline=[HOSTILE],
        runtime={"name": HOSTILE, "version": HOSTILE, "loops": [HOSTILE], "role": HOSTILE},
        supervisor={"kind": "systemd", "name": HOSTILE},
    )
    errors = [{"source": HOSTILE, "reason": HOSTILE}]
    redis = make.redis(make.instance(timeout=None, error=HOSTILE))
    worker = make.worker(cpu=make.cpu(process, errors=errors), tcp=make.tcp(errors=errors))
    results = {
        make.HOST: make.registered(worker),
        make.REDIS_HOST: make.registered(make.server(redis=redis)),
        HOSTILE: {"failed": True, "msg": HOSTILE},
    }
    text = table(results)
    assert_harmless(text)
    assert "HOST fake" not in [line.strip() for line in text.split("\n")]
    assert not any(line.startswith("HOST fake") for line in text.split("\n"))


def result_table(now: make.Fact) -> str:
    earlier = diagnosed(incident())
    gathered = {make.HOST: _gathered.from_result(make.registered(now, "2026-11-03T00:00:00Z"), "seen")}
    gathered[make.REDIS_HOST] = _gathered.from_result(make.registered(make.server()), "seen")
    check = {make.HOST: [{"argv": ["probe", HOSTILE], "ok": False, "reason": HOSTILE}]}
    return _result_table.of_result(judge(earlier, gathered, None, check, {}, Thresholds()))  # type: ignore[arg-type]


def test_result() -> None:
    other = make.watcher(pid=31, start_time=7, name=HOSTILE, holders=[make.holder(31, 7)])
    now = make.worker(
        tcp=make.tcp(watchers=make.watchers(make.watcher(), other), errors=[{"source": HOSTILE, "reason": HOSTILE}]),
        cpu=make.cpu(make.process(), make.process(31, 7, name=HOSTILE)),
    )
    text = result_table(now)
    assert "NOT HEALED" in text
    assert "still spinning, half_closed_spin is found again; CPU 88 % before, 88 % now" in " ".join(text.split())
    assert "redis     larder (198.51.100.77:6491): timeout was 417; still there, timeout is 417" in text
    assert "NEW" in text
    assert_harmless(text)


def test_healed_for_now() -> None:
    earlier = diagnosed({make.HOST: make.registered(make.worker())})
    cured = make.worker(tcp=make.tcp(watchers=make.watchers()), cpu=make.cpu(make.sleeping(), asked=[make.PID]))
    now = _gathered.from_result(make.registered(cured, "2026-11-03T00:00:00Z"), "seen")
    text = _result_table.of_result(judge(earlier, {make.HOST: now}, None, {}, {}, Thresholds()))
    assert "HEALED FOR NOW: the cause is not known, it may come back" in text
    assert "no looked-at host has the address" in " ".join(text.split())


def test_nothing_to_heal() -> None:
    earlier = diagnosed({make.REDIS_HOST: make.registered(make.server())})
    now = _gathered.from_result(make.registered(make.server(), "2026-11-03T00:00:00Z"), "seen")
    assert (
        _result_table.of_result(judge(earlier, {make.REDIS_HOST: now}, None, {}, {}, Thresholds())) == "NOTHING TO HEAL"
    )


def test_large_fleet_stays_short() -> None:
    results = {f"host-{n:04}": make.registered(make.server()) for n in range(700)}
    text = table(results)
    assert "and 600 more" in text
    assert "700 hosts: 0 with findings, 700 healthy, 0 unknown" in text
    assert len(text.split("\n")) < 40
    assert_harmless(text)
