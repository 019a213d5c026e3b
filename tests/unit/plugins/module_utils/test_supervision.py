# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who restarts a process: cgroups of version 1 and 2, supervisord's variables, and a real process with them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Dict, Optional

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _supervision
from ansible_collections.closewait.remediation.plugins.module_utils._supervision import Supervisor
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import wait_until

V1 = """\
12:pids:/system.slice/redis-cache.service
11:memory:/system.slice/redis-cache.service
3:cpu,cpuacct:/
1:name=systemd:/system.slice/redis-cache.service
0::/system.slice/redis-cache.service
"""


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        (V1, "redis-cache.service"),
        ("0::/system.slice/supervisor.service\n", "supervisor.service"),
        ("0::/system.slice/system-getty.slice/getty@tty1.service\n", "getty@tty1.service"),
        ("0::/system.slice/app\\x2dweb.service/workers\n", "app\\x2dweb.service"),
        # systemd before 245 puts a user's services right below the user manager.
        ("0::/user.slice/user-1000.slice/user@1000.service/job.service\n", "job.service"),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/job.service\n", "job.service"),
        ("0::/user.slice/user-1000.slice/user@1000.service/init.scope\n", None),
        ("0::/user.slice/user-0.slice/session-4.scope\n", None),
        ("0::/\n", None),
        ("12:pids:/docker/5f3c\n0::/docker/5f3c\n", None),
        ("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-9f.scope\n", None),
        ("", None),
    ],
)
def test_the_unit_in_a_cgroup(text: str, unit: Optional[str]) -> None:
    expected = None if unit is None else Supervisor("systemd", unit, None)
    assert _supervision.from_cgroup(text) == expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"SUPERVISOR_ENABLED": "1", "SUPERVISOR_GROUP_NAME": "g"}, None),
        ({"SUPERVISOR_PROCESS_NAME": ""}, None),
        ({"SUPERVISOR_PROCESS_NAME": "w_03", "SUPERVISOR_GROUP_NAME": "tasks"}, ("tasks:w_03", None)),
        ({"SUPERVISOR_PROCESS_NAME": "solo"}, ("solo:solo", None)),
        (
            {"SUPERVISOR_PROCESS_NAME": "w", "SUPERVISOR_GROUP_NAME": "g", "SUPERVISOR_SERVER_URL": "unix:///s"},
            ("g:w", "unix:///s"),
        ),
    ],
)
def test_supervisords_variables(environ: Dict[str, str], expected: Optional[tuple[str, Optional[str]]]) -> None:
    assert _supervision.from_environ(environ) == (None if expected is None else Supervisor("supervisord", *expected))


def test_a_real_process_below_another_inherits_them() -> None:
    code = "import subprocess, sys; subprocess.run(['sleep', '60'])"
    environ = {**os.environ, "SUPERVISOR_PROCESS_NAME": "n7", "SUPERVISOR_GROUP_NAME": "grp"}
    process = subprocess.Popen([sys.executable, "-c", code], env=environ, start_new_session=True)
    try:
        children = "/proc/%d/task/%d/children" % (process.pid, process.pid)
        wait_until(lambda: _text(children).strip())
        grandchild = int(_text(children))
        wait_until(lambda: _supervision.of(grandchild) == Supervisor("supervisord", "grp:n7", None))
        assert _supervision.of(process.pid) == Supervisor("supervisord", "grp:n7", None)
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def _text(path: str) -> str:
    with open(path, encoding="ascii") as stream:
        return stream.read()
