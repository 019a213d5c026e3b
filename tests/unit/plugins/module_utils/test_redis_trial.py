# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the trial start leaves out, and how it ends. With real servers: integration target redis_conf."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._redis import conf as redis_conf
from ansible_collections.closewait.remediation.plugins.module_utils._redis import trial as redis_trial
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    WAIT_S,
    has_ended,
    started_when_written,
    wait_until,
)

ME = redis_trial.Owner(os.getuid(), os.getgid())
#: A configuration in which everything that reaches out of the process is set.
LIVE = """\
port 6379
tls-port 6380
bind 10.1.2.3
unixsocket /run/redis/live.sock
unixsocketperm 777
dir /var/lib/redis
dbfilename live.rdb
save 60 1
appendonly yes
appendfilename live.aof
logfile /var/log/redis/live.log
pidfile /run/redis/live.pid
daemonize yes
supervised systemd
syslog-enabled yes
replicaof 10.9.9.9 6379
slaveof 10.9.9.9 6379
masterauth upstream-secret
cluster-enabled yes
cluster-config-file nodes.conf
loadmodule /usr/lib/redis/modules/search.so
search.timeout 500
requirepass live-secret
user admin on >admin-secret ~* +@all
aclfile /etc/redis/users.acl
rename-command CONFIG ""
tls-key-file-pass key-secret
maxmemory 100mb
Timeout 0
"""


def test_nothing_that_reaches_out_is_obeyed() -> None:
    assert redis_trial.harmless(redis_conf.parse("live.conf", LIVE)) == [
        "bind 10.1.2.3",
        "maxmemory 100mb",
        "Timeout 0",
    ]


def test_names_are_compared_without_case() -> None:
    assert redis_trial.harmless(redis_conf.parse("live.conf", "Dir /var/lib/redis\nAPPENDONLY yes\n")) == []


def _server(folder: Path, body: str) -> str:
    path = folder / "redis-server"
    path.write_text("#!/bin/sh\n" + body)
    path.chmod(0o755)
    return str(path)


def test_the_words_of_a_server_that_does_not_start_are_in_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_trial, "_START_SECONDS", WAIT_S)
    body = "cat > /dev/null; echo noise; echo '*** FATAL CONFIG FILE ERROR ***'; echo \">>> 'bogus 1'\"; exit 1\n"
    lines = redis_conf.parse("x.conf", "timeout 0\n")
    with pytest.raises(redis_trial.TrialError) as caught:
        redis_trial.prove(_server(tmp_path, body), "/bin/false", lines, {"timeout": "0"}, ME)
    assert str(caught.value).endswith("*** FATAL CONFIG FILE ERROR *** >>> 'bogus 1'")
    assert "noise" not in str(caught.value)


def test_a_server_that_never_answers_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_trial, "_START_SECONDS", 0.3)
    monkeypatch.setattr(redis_trial, "_STOP_SECONDS", 0.2)
    started_when_written(tmp_path / "pid", monkeypatch)
    body = "trap '' TERM; sleep 60 & echo $! > %s/pid; while :; do wait; done\n" % tmp_path
    lines = redis_conf.parse("x.conf", "timeout 0\n")
    with pytest.raises(redis_trial.TrialError, match="did not get ready"):
        redis_trial.prove(_server(tmp_path, body), "/bin/false", lines, {"timeout": "0"}, ME)
    wait_until(lambda: has_ended(int((tmp_path / "pid").read_text())))


def test_the_trial_leaves_nothing_behind_and_has_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    body = "cat > %s/seen; pwd > %s/folder; printf '%%s\\n' \"$@\" > %s/arguments; exit 1\n" % ((tmp_path,) * 3)
    lines = redis_conf.parse("x.conf", LIVE)
    with pytest.raises(redis_trial.TrialError):
        redis_trial.prove(_server(tmp_path, body), "/bin/false", lines, {"timeout": "0"}, ME)
    folder = (tmp_path / "folder").read_text().strip()
    assert (tmp_path / "seen").read_text().splitlines() == ["bind 10.1.2.3", "maxmemory 100mb", "Timeout 0"]
    assert (tmp_path / "arguments").read_text().split("\n") == [
        *(
            "-",
            "--port",
            "0",
            "--unixsocket",
            folder + "/s",
            "--unixsocketperm",
            "700",
            "--dir",
            folder,
            "--save",
            "",
            "",
        )
    ]
    assert not os.path.exists(folder)


def test_a_missing_server_is_said_with_what_to_do() -> None:
    with pytest.raises(redis_trial.TrialError, match="/no/such/server not found"):
        redis_trial.find_server("/no/such/server")


def test_a_server_that_cannot_be_run_is_said(tmp_path: Path) -> None:
    server = tmp_path / "redis-server"
    server.write_text("#!/no/such/interpreter\n")
    server.chmod(0o755)
    with pytest.raises(redis_trial.TrialError, match="cannot run"):
        redis_trial.prove(str(server), "/bin/false", [], {"timeout": "0"}, ME)
