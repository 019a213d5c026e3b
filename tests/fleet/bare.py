# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that are namespaces over this machine's own files, with sshd as first process: every Python of it is there."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import access, network
from .host import Host

_NAMESPACES = ("unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--")
#: $1 is the root, $2 the name, the rest what to run. Nothing of the machine's /run, /tmp and /proc is in there.
_SETTLE = """\
hostname "$2"
cd "$1"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /dev dev
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mkdir -p run/sshd run/old
pivot_root . run/old
umount -l /run/old
rmdir /run/old
shift 2
exec "$@"
"""


@dataclass(frozen=True)
class Bare:
    """``python``: the interpreter that Ansible shall use, that of this program if not said."""

    python: Path = Path(sys.executable)

    def lower(self) -> Path:
        """The machine's own files."""
        return Path("/")

    def prepare(self, name: str, root: Path) -> None:
        """Nothing but what the access puts there."""

    def argv(self, name: str, root: Path) -> list[str]:
        """Namespaces, and sshd in them."""
        sshd = ["/usr/sbin/sshd", "-D", "-e", "-f", f"/{access.SETTINGS}", "-o", "Subsystem=sftp internal-sftp"]
        enter = ["nsenter", f"--net={network.namespace(name)}", *_NAMESPACES]
        return [*enter, "sh", "-euc", _SETTLE, "sh", str(root), name, *sshd]

    def is_up(self, host: Host) -> bool:
        """There is nothing besides sshd."""
        return bool(host.init)

    def tidy(self, name: str) -> None:
        """Nothing is outside."""

    def variables(self) -> Mapping[str, Any]:
        """As root: the machine's sudo is not ours to set up."""
        return {"ansible_user": "root", "ansible_python_interpreter": str(self.python)}
