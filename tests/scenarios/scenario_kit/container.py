# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container on this host without an engine: user, PID, network and mount namespaces, another root, its own /proc.

Its first process sleeps, as the pause process of a pod does; programs are put beside it by nsenter(1).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import living
from .processes import started
from .waiting import wait_for

#: Everything that the host has, below another root; /proc is that of the new PID namespace.
_BUILD = """
mount --rbind / "$0" && mount -t proc proc "$0/proc" && ip link set lo up && touch "$0$1" && exec chroot "$0" sleep 600
"""
_SPACES = ("user", "pid", "net", "mnt")


@dataclass(frozen=True)
class Container:
    """``pid`` is its first process as the host sees it."""

    pid: int

    def command(self, argv: Sequence[str | Path]) -> list[str]:
        """The argv that runs ``argv`` inside."""
        inside = [
            "nsenter",
            "--target",
            str(self.pid),
            "--user",
            "--net",
            "--pid",
            "--mount",
            f"--root=/proc/{self.pid}/root",
        ]
        return [*inside, "--", *(str(word) for word in argv)]

    def run(self, argv: Sequence[str | Path]) -> str:
        """What a command inside prints."""
        return subprocess.run(self.command(argv), capture_output=True, text=True, timeout=60, check=True).stdout

    def is_apart(self) -> bool:
        """Whether each of its namespaces, and its root, is another than ours."""
        here, there = Path("/proc/self/ns"), Path(f"/proc/{self.pid}/ns")
        spaces = all(os.readlink(here / name) != os.readlink(there / name) for name in _SPACES)
        return spaces and not os.path.samestat(os.stat("/proc/self/root/proc"), os.stat(f"/proc/{self.pid}/root/proc"))


def _first(session: int) -> int | None:
    """The process of the session that sleeps: unshare itself stays outside."""
    return next((pid for pid in living.session(session) if living.words(pid)[:1] == ["sleep"]), None)


@contextmanager
def container(folder: Path) -> Iterator[Container]:
    """One whose root is made below ``folder``; its end ends everything in it."""
    root, ready = folder / "root", folder / "ready"
    root.mkdir(parents=True)
    unshare = ["unshare", "--user", "--map-root-user", "--pid", "--net", "--mount", "--fork", "--kill-child", "--"]
    with started([*unshare, "sh", "-c", _BUILD, root, ready], folder / "container.log") as program:
        wait_for(lambda: ready.exists() or not program.running(), 20, "the container")
        pid = wait_for(lambda: program.running() and _first(program.pid), 20, "its first process")
        yield Container(int(pid))
