# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``with hosts(20) as fleet``: hosts on this machine, as long as the block, and nothing of them afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import apart, control_groups, interruption, inventory, network, watch_limit
from .access import Access, access
from .command import run
from .form import Form
from .host import Host
from .inventory import Variables
from .layers import layers
from .machines import machines


@dataclass(frozen=True)
class Fleet:
    """Hosts that are up. ``variables``: how Ansible comes into all of them."""

    hosts: Mapping[str, Host]
    access: Access
    variables: Variables

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    def inventory(
        self, groups: Mapping[str, Iterable[str]] | None = None, each: Mapping[str, Variables] | None = None
    ) -> str:
        """The text of an inventory of all hosts, over SSH with pipelining; ``each``: more variables of some hosts."""
        own = {name: {"ansible_host": host.address, **(each or {}).get(name, {})} for name, host in self.hosts.items()}
        ssh = {
            "ansible_ssh_common_args": self.access.options_text(),
            "ansible_control_path_dir": str(self.access.connections),
            "ansible_pipelining": True,
        }
        return inventory.text(own, {**ssh, **self.variables}, groups or {})

    def ssh(self, name: str, *words: str) -> str:
        """What a command prints over there, as Ansible's user."""
        user = self.variables["ansible_user"]
        return run(["ssh", *self.access.options(), f"{user}@{self.hosts[name].address}", "--", *words])


def named(count: int) -> list[str]:
    """Names for so many hosts."""
    return [f"host{number:02}" for number in range(1, count + 1)]


@contextmanager
def hosts(names: int | Sequence[str], form: Form) -> Iterator[Fleet]:
    """So many hosts, or these, up and reachable over SSH. For a process that is ``apart``."""
    apart.insist()
    control_groups.sweep()
    given = named(names) if isinstance(names, int) else list(names)
    with ExitStack() as stack:
        stack.enter_context(interruption.orderly())
        stack.enter_context(watch_limit.raised(len(given)))
        place = stack.enter_context(layers(given, form.lower()))
        keys = stack.enter_context(access(place / ".access"))
        _introduce(given, place, keys)
        stack.enter_context(network.bridge(given))
        up = stack.enter_context(machines(given, place, form))
        yield Fleet({host.name: host for host in up}, keys, form.variables())


def _introduce(names: Sequence[str], place: Path, keys: Access) -> None:
    """Every host knows the others by name, and lets the controller in."""
    lines = [f"{network.address(number)} {name}\n" for number, name in enumerate(names, 1)]
    for name in names:
        root = place / name / "root"
        keys.let_in(root)
        (root / "etc/hosts").write_text("".join(["127.0.0.1 localhost\n", *lines]))
