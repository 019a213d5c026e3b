# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each decision, from what was seen; nothing runs."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._restart import decision as restart_decision
from ansible_collections.closewait.remediation.plugins.module_utils._restart.decision import Seen
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl_reply import ProgramStatus

_CLIENT = ["/opt/s/bin/supervisorctl", "-c", "/etc/my super.conf"]


def _seen(**changes: Any) -> Seen:
    seen = Seen(
        pid=812,
        above=[640, 1],
        cmdline=["python", "-m", "celery"],
        state="R",
        container=None,
        kind="supervisord",
        name="export:celery_01",
        program=ProgramStatus("RUNNING", 812),
        trouble=None,
        client_argv=_CLIENT,
        remapped_term=None,
    )
    return seen._replace(**changes)


def test_a_running_program_of_supervisord_is_restarted() -> None:
    decision = restart_decision.decide(_seen(), "TERM")
    assert decision == ("restart", "supervisord runs it as export:celery_01", None)


def test_of_a_child_the_program_above_it_is_restarted() -> None:
    decision = restart_decision.decide(_seen(program=ProgramStatus("RUNNING", 640)), "TERM")
    assert decision == ("restart", "it is a child of process 640, which supervisord runs as export:celery_01", None)


@pytest.mark.parametrize("state", [None, "Z", "X"])
def test_a_process_that_has_ended_is_gone(state: str | None) -> None:
    assert restart_decision.decide(_seen(state=state), "TERM").outcome == "gone"


@pytest.mark.parametrize(
    ("changes", "reason", "command"),
    [
        ({"kind": "systemd", "name": "my app.service"}, "TimeoutStopSec", "systemctl restart 'my app.service'"),
        ({"kind": None, "name": None}, "python -m celery", "kill -TERM 812"),
        ({"container": "docker 0123456789ab"}, "container", "docker restart --time 600 0123456789ab"),
        ({"container": "other"}, "container", None),
        ({"program": None, "trouble": "no answer"}, "no answer", "signal TERM export:celery_01"),
        ({"program": None, "trouble": "an orphan", "client_argv": []}, "an orphan", None),
        ({"program": ProgramStatus("STOPPED", None)}, "as STOPPED", None),
        ({"program": ProgramStatus("STARTING", None)}, "as STARTING", None),
        ({"program": ProgramStatus("RUNNING", 811)}, "is 811", None),
        ({"state": "T"}, "stopped or traced", None),
        ({"state": "t"}, "stopped or traced", None),
        ({"remapped_term": "SIGQUIT"}, "REMAP_SIGTERM=SIGQUIT", "signal TERM export:celery_01"),
    ],
)
def test_everything_else_is_refused_with_the_way_out(changes: Any, reason: str, command: str | None) -> None:
    decision = restart_decision.decide(_seen(**changes), "TERM")
    assert decision.outcome == "refused"
    assert reason in decision.reason
    if command is None:
        assert decision.command is None
    else:
        assert decision.command is not None
        assert decision.command.endswith(command)


def test_a_container_is_refused_whoever_runs_it_inside() -> None:
    decision = restart_decision.decide(_seen(container="podman 0123456789ab", kind="supervisord"), "TERM")
    assert decision.command == "podman restart --time 600 0123456789ab"


def test_remapping_term_matters_for_term_only() -> None:
    assert restart_decision.decide(_seen(remapped_term="SIGQUIT"), "INT").outcome == "restart"


def test_paths_in_commands_are_quoted() -> None:
    decision = restart_decision.decide(_seen(program=None, trouble="x"), "QUIT")
    assert decision.command == "/opt/s/bin/supervisorctl -c '/etc/my super.conf' signal QUIT export:celery_01"


def test_a_process_left_draining_may_need_a_start_later() -> None:
    decision = restart_decision.still_draining(_seen(), 45)
    assert decision.outcome == "draining"
    assert "45 s" in decision.reason
    assert decision.command == "/opt/s/bin/supervisorctl -c '/etc/my super.conf' start export:celery_01"
