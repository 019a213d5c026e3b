# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The product made wrong on purpose, for the test of this test: it believes during the stop what it saw long before.

That is what every tool does that closes a bare number. Only processes of this test that ask for it are affected.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from ansible_collections.closewait.remediation.plugins.module_utils import _fd_observation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.closewait.remediation.plugins.module_utils import _fd_decision

LONGEST_DELAY_S = 0.5


class Blindfolded(_fd_observation.Observer):
    """Looks once, at the beginning, and a while later repeats what it has seen."""

    def __init__(self, targets: Iterable[_fd_decision.Target], proc: str = "/proc") -> None:
        known = list(targets)
        super().__init__(known, proc)
        self._seen = {target: super(Blindfolded, self).observe(target) for target in known}
        time.sleep(random.uniform(0.0, LONGEST_DELAY_S))  # noqa: S311

    def observe(self, target: _fd_decision.Target) -> _fd_decision.Observed:
        """No look at all; without the registrations, because removing those of another file fails."""
        return self._seen[target]._replace(epolls=[], level_triggered=True)


def put_on() -> None:
    """From now on, in this process."""
    _fd_observation.Observer = Blindfolded  # type: ignore[misc]
