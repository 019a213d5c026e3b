# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Half-closed connections of this machine, as the whole tcp subset sees them, with less work."""

from __future__ import annotations

import errno
import json
import os
from typing import Any, Dict

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import (
    _close_wait_facts,
    _netlink,
    _procfs,
    _sock_diag,
)
from ansible_collections.closewait.remediation.plugins.module_utils._collectors import close_wait, tcp
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    connection,
    cookie,
    forked,
    half_closed,
    inode,
)

MANY = 10_000
OURS = ("netns", "family", "local", "remote", "state", "inode", "cookie", "uid", "recv_q", "send_q", "unread_bytes")


def test_it_says_of_them_what_the_whole_subset_says() -> None:
    with half_closed(unread=11) as ours, half_closed() as shared, forked(shared.fileno()) as child:
        facts, whole = close_wait.collect(MANY), tcp.collect(MANY)["close_wait"]
        rows = {row["inode"]: row for row in facts["sockets"]}
        of_whole = {row["inode"]: row for row in whole["sockets"]}
        for sock in (ours, shared):
            row, same = rows[inode(sock)], of_whole[inode(sock)]
            assert row["cookie"] == cookie(sock)
            assert [row[key] for key in (*OURS, "holders")] == [same[key] for key in (*OURS, "holders")]
        assert {holder["pid"] for holder in rows[inode(shared)]["holders"]} == {os.getpid(), child}
        processes = {row["pid"]: row for row in facts["by_process"]}
        assert (processes[os.getpid()]["total"], processes[child]["total"]) == (2, 1)
        assert processes[child]["fd_limit"] == _procfs.fd_limit(child)
        assert set(facts) == {"errors", "unreadable", *_close_wait_facts.UNKNOWN}
        assert json.loads(json.dumps(facts)) == facts


def test_nothing_is_claimed_about_watchers() -> None:
    with half_closed():
        facts = close_wait.collect(MANY)
    assert all("registrations" not in row for row in facts["sockets"])
    assert all("watched" not in row for row in facts["by_process"])


def test_connections_that_are_whole_are_not_listed() -> None:
    with connection() as (client, _server):
        assert inode(client) not in [row["inode"] for row in close_wait.collect(MANY)["sockets"]]


def test_caps() -> None:
    with half_closed(), half_closed():
        facts = close_wait.collect(1)
    assert (len(facts["sockets"]), len(facts["by_peer"])) == (1, 1)
    assert facts["omitted"] == facts["total"] - 1 > 0


def test_what_nothing_is_listed_of_is_walked_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sock_diag, "in_state", lambda _sock, _state: [])
    monkeypatch.setattr(_procfs, "fds_of", lambda *_args: pytest.fail("there is nothing to look for"))
    facts = close_wait.collect(MANY)
    assert (facts["total"], facts["sockets"], facts["by_process"], facts["errors"]) == (0, [], [], [])


def test_what_cannot_be_listed_is_not_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_sock: object, _state: int) -> Any:
        raise _netlink.NetlinkError(errno.ENOENT, "No such file or directory")

    monkeypatch.setattr(_sock_diag, "in_state", refused)
    facts: Dict[str, Any] = close_wait.collect(MANY)
    assert facts["total"] is facts["sockets"] is facts["by_process"] is None
    assert "modprobe tcp_diag" in facts["errors"][0]["reason"]
