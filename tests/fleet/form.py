# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a form of host has to know of itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from .host import Host


class Form(Protocol):
    """``booted`` is with an init system, ``bare`` is but an sshd."""

    def lower(self) -> Path:
        """The tree that all hosts share."""

    def prepare(self, name: str, root: Path) -> None:
        """Put into the files of a host what it needs to come up."""

    def argv(self, name: str, root: Path) -> list[str]:
        """What brings the host up. Its only child is the first process of the host; it ends when that does."""

    def is_up(self, host: Host) -> bool:
        """Whether all of it is up, besides sshd."""

    def tidy(self, name: str) -> None:
        """Take away what the host leaves outside of its namespaces."""

    def variables(self) -> Mapping[str, Any]:
        """How Ansible comes in."""
