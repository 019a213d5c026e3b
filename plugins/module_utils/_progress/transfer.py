# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process has read and written so far (proc_pid_io(5)). recv(2) and send(2) on sockets are not counted there."""

from __future__ import annotations

import re
from typing import List, NamedTuple, Sequence

_LINE = re.compile(r"^(rchar|wchar|syscr|syscw): (\d+)$", re.MULTILINE)


class Transfer(NamedTuple):
    """Bytes and calls since the process began; ``writes`` counts failed calls too, ``written`` only bytes written."""

    read: int
    written: int
    reads: int
    writes: int


def parse(text: str) -> Transfer:
    """Text of ``/proc/PID/io``. Raises KeyError when a line is missing."""
    values = {name: int(value) for name, value in _LINE.findall(text)}
    return Transfer(values["rchar"], values["wchar"], values["syscr"], values["syscw"])


def of(pid: int, proc: str = "/proc") -> Transfer:
    """The counters now. Raises OSError: PermissionError, or the process is gone."""
    with open("%s/%d/io" % (proc, pid), encoding="ascii") as stream:
        return parse(stream.read())


def steps(looks: Sequence[Transfer]) -> List[Transfer]:
    """What was added between one look and the next."""
    return [Transfer(*(now - before for now, before in zip(b, a))) for a, b in zip(looks, looks[1:])]
