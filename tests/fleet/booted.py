# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts with a Debian and a systemd of their own, in systemd-nspawn(1)."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import control_groups, network
from .base_tree import USER, base_tree
from .host import PYTHON, Host

#: A host may what a machine may, but not change the kernel that it shares with all others.
_CAPABILITIES = "--capability=all"
_LEFT_TO_THE_MACHINE = "--drop-capability=CAP_SYS_MODULE,CAP_SYS_TIME"
#: systemd-nspawn forbids these, a machine does not: gdb, what counts system calls, copies of file descriptors.
_SYSTEM_CALLS = "--system-call-filter=bpf kcmp perf_event_open pidfd_getfd process_vm_readv ptrace"


@dataclass(frozen=True)
class Booted:
    """``cache`` keeps the tree."""

    cache: Path

    def lower(self) -> Path:
        """The small Debian."""
        return base_tree(self.cache)

    def prepare(self, name: str, root: Path) -> None:
        """A name, and a control group of its own."""
        (root / "etc/hostname").write_text(f"{name}\n")
        control_groups.make(name)

    def argv(self, name: str, root: Path) -> list[str]:
        """A container that nothing keeps a register of: machined need not run here."""
        # Not by its option --network-namespace-path: then /sys would show the links of this end.
        enter = ["nsenter", f"--net={network.namespace(name)}"]
        return control_groups.inside(
            name,
            [
                *(*enter, "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot"),
                *(f"--directory={root}", f"--machine={name}"),
                *("--console=read-only", "--resolv-conf=off", "--timezone=off", "--link-journal=no"),
                *(_CAPABILITIES, _LEFT_TO_THE_MACHINE, _SYSTEM_CALLS, "--suppress-sync=yes"),
            ],
        )

    def is_up(self, host: Host) -> bool:
        """Every unit has started; raises RuntimeError naming one that has not."""
        asked = subprocess.run(
            host.entering("systemctl", "is-system-running"), capture_output=True, text=True, timeout=60, check=False
        )
        if asked.stdout.strip() == "degraded":
            raise RuntimeError(f"{host.name}: {host.run('systemctl', '--failed', '--plain', '--no-legend')}")
        return asked.stdout.strip() == "running"

    def tidy(self, name: str) -> None:
        """Its control groups."""
        control_groups.remove(name)

    def variables(self) -> Mapping[str, Any]:
        """As a user who becomes root."""
        return {"ansible_user": USER, "ansible_become": True, "ansible_python_interpreter": PYTHON}
