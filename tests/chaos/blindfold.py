# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The product made wrong on purpose, for the test of this test: it never looks, and believes what it was told.

That is what every tool does that closes a bare number. Only processes of this test that ask for it are affected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.closewait.remediation.plugins.module_utils._fd import observation as fd_observation

if TYPE_CHECKING:
    from ansible_collections.closewait.remediation.plugins.module_utils._fd import decision as fd_decision

LONG_AGO_S = 100.0


class Blindfolded(fd_observation.Observer):
    """Sees on every number the half-closed, watched socket that was named."""

    def observe(self, target: fd_decision.Target) -> fd_decision.Observed:
        """Without registrations, for to remove those of another file fails."""
        seen = super().observe(target)
        return seen._replace(
            start_time=target.start_time,
            is_open=True,
            inode=target.inode,
            state="CLOSE_WAIT",
            cookie=target.cookie,
            unread=0,
            unsent=0,
            lingers=False,
            age=LONG_AGO_S,
            epolls=[],
            level_triggered=True,
            holders=[],
        )


def put_on() -> None:
    """From now on, in this process."""
    fd_observation.Observer = Blindfolded  # type: ignore[misc]
