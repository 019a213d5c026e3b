# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SSH into the hosts: keys that are made for one fleet and end with it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from . import network
from .command import CommandError, run

#: Where a host has them; sshd of a booted host reads the first of each by itself.
SETTINGS = Path("etc/ssh/sshd_config.d/fleet.conf")
HOST_KEY = Path("etc/ssh/fleet_host_key")
AUTHORIZED = Path("etc/ssh/fleet_authorized_keys")
_SETTINGS = f"""\
HostKey /{HOST_KEY}
AuthorizedKeysFile /{AUTHORIZED}
PermitRootLogin prohibit-password
PasswordAuthentication no
UseDNS no
MaxStartups 100
"""


@dataclass(frozen=True)
class Access:
    """``folder`` holds the key of the controller, that of all hosts, and what the controller knows of them."""

    folder: Path

    @property
    def key(self) -> Path:
        """The private key of the controller."""
        return self.folder / "controller"

    def options(self) -> list[str]:
        """Options of ssh(1): nothing of the user's own, and no host that is not one of these."""
        known = self.folder / "known_hosts"
        return [
            *("-F", "none", "-i", str(self.key), "-o", "IdentitiesOnly=yes", "-o", f"UserKnownHostsFile={known}"),
            *("-o", "StrictHostKeyChecking=yes", "-o", "LogLevel=ERROR"),
        ]

    def options_text(self) -> str:
        """The same for a command line."""
        return shlex.join(self.options())

    @property
    def connections(self) -> Path:
        """Where Ansible's ssh keeps connections for the next task; sockets, so the path has to be short."""
        return self.folder / "cp"

    def hang_up(self) -> None:
        """End the connections that are kept."""
        for connection in self.connections.glob("*"):
            with suppress(CommandError):
                run(["ssh", "-F", "none", "-o", f"ControlPath={connection}", "-O", "exit", "nobody"])

    def let_in(self, root: Path) -> None:
        """Put into a host's files what its sshd needs."""
        for path, text in (
            (SETTINGS, _SETTINGS),
            (HOST_KEY, (self.folder / "host").read_text()),
            (AUTHORIZED, (self.folder / "controller.pub").read_text()),
        ):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
            (root / path).chmod(0o600 if path == HOST_KEY else 0o644)


@contextmanager
def access(folder: Path) -> Iterator[Access]:
    """Fresh keys below ``folder``."""
    folder.mkdir(mode=0o700)
    for name in ("controller", "host"):
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"closewait-fleet {name}", "-f", folder / name])
    algorithm, key = (folder / "host.pub").read_text().split()[:2]
    (folder / "known_hosts").write_text(f"{network.PATTERN} {algorithm} {key}\n")
    given = Access(folder)
    given.connections.mkdir()
    try:
        yield given
    finally:
        given.hang_up()
