# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers captured from supervisor 3.4.0, 4.2.5 and 4.3.0, with names of programs changed."""

from __future__ import annotations

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import supervisorctl_reply as reply
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl_reply import (
    SupervisorctlError,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("auto                             RUNNING   pid 1121, uptime 0:00:03\n", ("RUNNING", 1121)),
        ("grp:many_01                      RUNNING   pid 98, uptime 12 days, 0:00:13\n", ("RUNNING", 98)),
        ("auto                             STARTING  \n", ("STARTING", None)),
        (
            "gone                             BACKOFF   Exited too quickly (process log may have details)\n",
            ("BACKOFF", None),
        ),
        ("unex                             EXITED    Nov 20 03:48 PM\n", ("EXITED", None)),
        ("stopped                          STOPPED   Not started\n", ("STOPPED", None)),
        ("a_name_longer_than_the_column_of_thirty_two FATAL     can't find command '/x'\n", ("FATAL", None)),
    ],
)
def test_status_of_one_program(text: str, expected: tuple[str, int | None]) -> None:
    assert tuple(reply.status(text)) == expected


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("nosuch:nosuch: ERROR (no such process)\n", "supervisord has no such program"),
        ("No such process nosuch\n", "supervisord has no such program"),
        ("unix:///run/none.sock no such file\n", "nothing listens at supervisord's address"),
        ("http://127.0.0.1:1 refused connection\n", "nothing listens at supervisord's address"),
        (
            (
                "Server requires authentication\nerror: <class 'xmlrpc.client.ProtocolError'>, "
                "<ProtocolError for 127.0.0.1/RPC2: 401 Unauthorized>: file: /x/xmlrpc.py line: 539\n"
            ),
            "supervisord wants a user name and a password",
        ),
        (
            "Error: Server requires authentication\nFor help, use c3.py -h\n",
            "supervisord wants a user name and a password",
        ),
        (
            "error: <class 'xmlrpclib.Fault'>, <Fault 6: 'SHUTDOWN_STATE'>: file: /x/xmlrpclib.py line: 800\n",
            "supervisord is shutting down",
        ),
        ("*** Unknown syntax: signal TERM auto\n", "this supervisor cannot send signals; that needs 3.2 or newer"),
        ("", "supervisorctl printed nothing"),
        ("\nsomething new\n\n", "something new"),
    ],
)
def test_any_other_answer_is_an_error_with_a_reason(text: str, meaning: str) -> None:
    with pytest.raises(SupervisorctlError) as caught:
        reply.status(text)
    assert str(caught.value) == meaning


def test_a_signal_counts_as_sent_only_when_supervisord_says_so() -> None:
    reply.check_signalled("auto: signalled\n")
    with pytest.raises(SupervisorctlError, match=r"stopped: ERROR \(not running\)"):
        reply.check_signalled("stopped: ERROR (not running)\n")
    with pytest.raises(SupervisorctlError, match="no such program"):
        reply.check_signalled("nosuch: ERROR (no such process)\n")


def test_a_program_that_runs_already_counts_as_started() -> None:
    reply.check_started("unex: started\n")
    reply.check_started("unex: ERROR (already started)\n")
    with pytest.raises(SupervisorctlError, match="spawn error"):
        reply.check_started("gone: ERROR (spawn error)\n")


def test_all_processes_of_an_answer() -> None:
    text = (
        "a-name-that-is-longer-than-thirty-characters   RUNNING   pid 12, uptime 1 day, 0:00:01\n"
        "g:x_00                           STARTING  \ng:x_01                           FATAL     Exited too quickly\n"
    )
    assert reply.statuses(text) == {
        "a-name-that-is-longer-than-thirty-characters": ("RUNNING", 12),
        "g:x_00": ("STARTING", None),
        "g:x_01": ("FATAL", None),
    }
    with pytest.raises(SupervisorctlError, match="no such group"):
        reply.statuses("nosuch: ERROR (no such group)\n")


def test_what_a_reread_found() -> None:
    assert reply.changes("No config updates to processes\n") == {}
    text = "new: available\nold: disappeared\nshop: changed\n"
    assert reply.changes(text) == {"new": "available", "old": "disappeared", "shop": "changed"}
    with pytest.raises(SupervisorctlError, match="CANT_REREAD"):
        reply.changes("ERROR: CANT_REREAD: invalid literal for int() with base 10: 'x' in section 'program:a'\n")


def test_an_update_that_did_not_happen_is_an_error() -> None:
    reply.check_updated("shop: stopped\nshop: updated process group\n", "shop")
    reply.check_updated("shop: added process group\n", "shop")
    with pytest.raises(SupervisorctlError, match="nothing to update in shop"):
        reply.check_updated("", "shop")
    with pytest.raises(SupervisorctlError, match="no such group"):
        reply.check_updated("ERROR: no such group: shop\n", "shop")
    with pytest.raises(SupervisorctlError):
        reply.check_updated("shop: stopped\n", "shop")
    with pytest.raises(SupervisorctlError):
        reply.check_updated("workshop: updated process group\n", "shop")


def test_stopped_or_not_running_before() -> None:
    reply.check_stopped("shop:a: stopped\n")
    reply.check_stopped("shop:a: ERROR (not running)\n")
    with pytest.raises(SupervisorctlError, match="no such program"):
        reply.check_stopped("shop:a: ERROR (no such process)\n")


def test_who_was_killed() -> None:
    line = "2026-11-20 19:29:06,359 WARN killing 'slow_00' (5156) with SIGKILL"
    log = "2026-11-20 19:29:04,358 INFO waiting for slow_00 to stop\n%s\n2026-11-20 19:29:06,363 WARN stopped\n" % line
    assert reply.killed(log) == [line]
    assert reply.killed("nothing of the kind\n") == []
    assert reply.killed("supervisord: ERROR (no log file)\n") is None
