# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers told by PID namespace and cgroup, in a /proc made of links."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _container

_ID = "0123456789abcdef" * 4


def _proc(root: Path, namespace: str, cgroup: str) -> str:
    for name, inode in (("self", "pid:[1]"), ("7", namespace)):
        (root / name / "ns").mkdir(parents=True)
        (root / name / "ns" / "pid").symlink_to(inode)
    (root / "7" / "cgroup").write_text(cgroup)
    return str(root)


@pytest.mark.parametrize(
    ("namespace", "cgroup", "expected"),
    [
        ("pid:[1]", "0::/system.slice/x.service\n", None),
        ("pid:[2]", "0::/system.slice/docker-%s.scope\n" % _ID, "docker 0123456789ab"),
        ("pid:[2]", "12:cpu:/docker/%s\n" % _ID, "docker 0123456789ab"),
        ("pid:[2]", "0::/machine.slice/libpod-%s.scope/container\n" % _ID, "podman 0123456789ab"),
        ("pid:[2]", "0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-%s.scope\n" % _ID, "other"),
        ("pid:[2]", "", "other"),
    ],
)
def test_container_of_a_process(tmp_path: Path, namespace: str, cgroup: str, expected: str | None) -> None:
    assert _container.of(7, _proc(tmp_path, namespace, cgroup)) == expected


def test_a_process_that_is_gone_is_in_none(tmp_path: Path) -> None:
    assert _container.of(8, _proc(tmp_path, "pid:[2]", "")) is None
