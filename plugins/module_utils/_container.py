# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a process lives in a container, told from outside (pid_namespaces(7), cgroups(7))."""

from __future__ import annotations

import os
import re
from typing import Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs

_ENGINES = (
    ("docker", re.compile(r"/docker[-/]([0-9a-f]{12,64})")),
    ("podman", re.compile(r"/libpod-([0-9a-f]{12,64})")),
)


def of(pid: int, proc: str = "/proc") -> Optional[str]:
    """``docker ID``, ``podman ID`` or ``other``; None when the process is in our own PID namespace."""
    try:
        if os.readlink("%s/%d/ns/pid" % (proc, pid)) == os.readlink("%s/self/ns/pid" % proc):
            return None
    except (FileNotFoundError, ProcessLookupError):
        return None
    return engine(_procfs.cgroup(pid, proc)) or "other"


def engine(cgroup: str) -> Optional[str]:
    """Engine and container id in the text of ``/proc/PID/cgroup``."""
    for name, pattern in _ENGINES:
        match = pattern.search(cgroup)
        if match:
            return "%s %s" % (name, match.group(1)[:12])
    return None
