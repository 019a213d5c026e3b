# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused and what is warned of, from command lines and settings; nothing runs."""

from __future__ import annotations

from typing import Any, Optional

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._celery import command as celery_command
from ansible_collections.closewait.remediation.plugins.module_utils._celery import control as celery_control
from ansible_collections.closewait.remediation.plugins.module_utils._celery.control import CeleryError
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import apply as supervisor_apply
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import guard, systemd_stop
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.programs import Settings
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl_reply import ProgramStatus

_NOW = Settings(10, "TERM", stopasgroup=False, killasgroup=False)
_NOTHING_ALLOWED = guard.Allowed(lower=False, stopasgroup=False)


def _case(command: str, now: Settings = _NOW, **changes: Any) -> guard.Case:
    return guard.Case("program:w", now, now._replace(**changes), celery_command.of_text(command))


@pytest.mark.parametrize(
    ("command", "client"),
    [
        ("/srv/bin/celery -A shop worker -c 4", ["/srv/bin/celery", "--app", "shop"]),
        ("/srv/bin/python -m celery --app=shop.app worker", ["/srv/bin/python", "-m", "celery", "--app", "shop.app"]),
        ("python3.11 /srv/bin/celery worker -Ashop", ["python3.11", "/srv/bin/celery", "--app", "shop"]),
        ("env LANG=C nice -n 5 celery -A shop worker", ["celery", "--app", "shop"]),
        ("/bin/sh -c 'cd /srv && exec celery --workdir /x -A shop worker -n w@%%h'",
         ["celery", "--app", "shop", "--workdir", "/x"]),
    ],
)  # fmt: skip
def test_a_worker_is_known_by_its_command(command: str, client: list[str]) -> None:
    worker = celery_command.of_text(command)
    assert worker is not None
    assert worker.client == client


@pytest.mark.parametrize(
    "command", ["celery -A shop beat", "/bin/cat", "", "run 'unclosed", "python -m celeryish worker", "worker celery"]
)
def test_other_commands_are_none(command: str) -> None:
    assert celery_command.of_text(command) is None


def test_options_of_a_worker_and_no_broker_in_the_client() -> None:
    worker = celery_command.of_text(
        "celery -A a -b redis://:hush@h/0 worker --time-limit=300 --soft-time-limit 240 -P gevent --hostname w1@x"
    )
    assert worker is not None
    assert (worker.broker, worker.pool) == ("redis://:hush@h/0", "gevent")
    assert (worker.time_limit, worker.soft_time_limit, worker.hostname) == (300, 240, "w1@x")
    assert "hush" not in " ".join(worker.client)


@pytest.mark.parametrize(
    ("command", "now", "changes", "says"),
    [
        ("x", {"stopwaitsecs": 60}, {"stopwaitsecs": 59}, "less than the 60"),
        ("x", {}, {"stopwaitsecs": -1}, "is no time"),
        ("x", {}, {"stopasgroup": True}, "refused by supervisord itself"),
        ("celery -A s worker", {}, {"stopasgroup": True, "killasgroup": True}, "ends its tasks at once"),
        ("celery -A s worker", {}, {"stopsignal": "QUIT"}, "does not let Celery finish"),
        ("celery -A s worker -P solo", {}, {"stopsignal": "HUP"}, "does not let Celery finish"),
    ],
)
def test_refusals(command: str, now: dict[str, Any], changes: dict[str, Any], says: str) -> None:
    reasons = guard.refusals(_case(command, _NOW._replace(**now), **changes), _NOTHING_ALLOWED)
    assert len(reasons) >= 1
    assert says in reasons[0]
    assert reasons[0].startswith("[program:w]: ")


@pytest.mark.parametrize(
    ("command", "now", "changes", "allowed"),
    [
        ("x", {}, {"stopwaitsecs": 600, "killasgroup": True}, _NOTHING_ALLOWED),
        ("x", {"stopwaitsecs": None}, {"stopwaitsecs": 1}, _NOTHING_ALLOWED),
        ("x", {}, {"stopwaitsecs": 1}, guard.Allowed(lower=True, stopasgroup=False)),
        ("x", {}, {"stopasgroup": True, "killasgroup": True, "stopsignal": "QUIT"}, _NOTHING_ALLOWED),
        ("celery worker -P gevent", {}, {"stopasgroup": True, "killasgroup": True}, _NOTHING_ALLOWED),
        ("celery worker", {}, {"stopasgroup": True, "killasgroup": True}, guard.Allowed(lower=False, stopasgroup=True)),
        ("celery worker", {"stopsignal": "QUIT"}, {"stopwaitsecs": 60}, _NOTHING_ALLOWED),
    ],
)
def test_what_is_not_refused(command: str, now: Any, changes: Any, allowed: guard.Allowed) -> None:
    assert guard.refusals(_case(command, _NOW._replace(**now), **changes), allowed) == []


_UNIT = systemd_stop.Unit("supervisor.service", 90.0)


@pytest.mark.parametrize(
    ("command", "changes", "unit", "says"),
    [
        ("celery worker --time-limit 300 --soft-time-limit 600", {"killasgroup": True}, None, "may take 600 s"),
        ("celery worker", {"stopwaitsecs": 20}, None, "killasgroup is false"),
        ("x", {"stopwaitsecs": 90}, _UNIT, "supervisor.service within TimeoutStopSec=90 s"),
    ],
)
def test_warnings(command: str, changes: Any, unit: Optional[systemd_stop.Unit], says: str) -> None:
    warnings = guard.warnings(_case(command, **changes), unit)
    assert len(warnings) == 1
    assert says in warnings[0]


def test_stopasgroup_that_stands_is_warned_of() -> None:
    both = _NOW._replace(stopasgroup=True, killasgroup=True)
    assert any("stopasgroup is true" in item for item in guard.warnings(_case("celery worker", both), None))


@pytest.mark.parametrize(
    ("command", "changes", "unit"),
    [
        ("celery worker --time-limit 300", {"killasgroup": True, "stopwaitsecs": 300}, None),
        ("celery worker -P solo", {}, None),
        ("x", {"stopwaitsecs": 89}, _UNIT),
        ("x", {"stopwaitsecs": 8900}, _UNIT._replace(stop_timeout=float("inf"))),
        ("x", {"stopwaitsecs": None}, _UNIT),
    ],
)
def test_nothing_to_warn_of(command: str, changes: Any, unit: Optional[systemd_stop.Unit]) -> None:
    assert guard.warnings(_case(command, **changes), unit) == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("TimeoutStopUSec=1min 30s\n", 90.0),
        ("TimeoutStopUSec=infinity\n", float("inf")),
        ("A=1\nTimeoutStopUSec=2h 1min 5.5s\nB=2\n", 7265.5),
        ("TimeoutStopUSec=900ms\n", 0.9),
        ("TimeoutStopUSec=1w 2d\n", 777600.0),
        ("TimeoutStopUSec=\n", None),
        ("TimeoutStopUSec=soon\n", None),
        ("TimeoutStopUSec=1min soon\n", None),
        ("", None),
    ],
)
def test_timespans_of_systemd(text: str, seconds: Optional[float]) -> None:
    found = systemd_stop.parse(text)
    assert found == (None if seconds is None else pytest.approx(seconds))


def test_replies_of_celery_among_lines_of_the_app() -> None:
    # Celery 5.6.2: inspect prints an object, control a list of them.
    assert celery_control.replies_in('{oops\nready {x}\n{"w@h": [{"name": "celery"}]}\n', "") == {
        "w@h": [{"name": "celery"}]
    }
    assert celery_control.replies_in('[2026] hello\n[{"w@h": {"ok": "x"}}, {"v@h": {"ok": "y"}}]', "") == {
        "w@h": {"ok": "x"},
        "v@h": {"ok": "y"},
    }
    with pytest.raises(CeleryError, match="No nodes replied"):
        celery_control.replies_in("", "Error: No nodes replied within time constraint\n")


def test_what_stands_still_and_would_be_started() -> None:
    found = {name: ProgramStatus(state, None) for name, state in
             (("g:a", "STOPPED"), ("g:b", "EXITED"), ("g:c", "FATAL"), ("g:d", "STOPPED"))}  # fmt: skip
    assert supervisor_apply.standing(found, {"g:a", "g:b", "g:c"}) == ["g:a", "g:b"]
