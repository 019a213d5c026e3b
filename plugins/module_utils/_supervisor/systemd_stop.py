# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long systemd lets a service take to stop: ``TimeoutStopSec`` of the unit that runs a process.

``systemctl show`` prints it as ``TimeoutStopUSec`` in the words of systemd.time(7), such as ``1min 30s``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs, _supervision

_ANSWER_S = 10
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d|w|month|y)?(?=\s|\d|\Z)")
_SECONDS = {
    "us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0,
    "month": 2629800.0, "y": 31557600.0,
}  # fmt: skip


class Unit(NamedTuple):
    """``stop_timeout``: seconds, ``inf`` for none."""

    name: str
    stop_timeout: float


def of(pid: int, proc: str = "/proc") -> Optional[Unit]:
    """The service that a process belongs to; None without systemd, without a service, or without an answer."""
    supervisor = _supervision.from_cgroup(_procfs.cgroup(pid, proc))
    client = shutil.which("systemctl")
    if supervisor is None or client is None:
        return None
    seconds = parse(_show(client, supervisor.name))
    return None if seconds is None else Unit(supervisor.name, seconds)


def parse(text: str) -> Optional[float]:
    """Seconds in ``TimeoutStopUSec=…``; None when there is no such line or it cannot be read."""
    match = re.search(r"^TimeoutStopUSec=(.*)$", text, re.MULTILINE)
    words = match.group(1).strip() if match else ""
    if words == "infinity":
        return float("inf")
    parts = _SPAN.findall(words)
    if not parts or _SPAN.sub("", words).strip():
        return None
    return sum(float(number) * _SECONDS[unit or "us"] for number, unit in parts)


def _show(client: str, unit: str) -> str:
    try:
        # run_command has no time limit.
        answer = subprocess.run(  # pylint: disable=ansible-bad-function
            [client, "show", "--property=TimeoutStopUSec", "--", unit],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"LC_ALL": "C"},
            timeout=_ANSWER_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.decode("utf-8", "replace")
