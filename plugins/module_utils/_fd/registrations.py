# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which registrations of one process's sockets this run has taken away, and how they come back."""

from __future__ import annotations

from typing import Dict, Iterable, List

from ansible_collections.closewait.remediation.plugins.module_utils import _fd_copy
from ansible_collections.closewait.remediation.plugins.module_utils._fd import act as fd_act
from ansible_collections.closewait.remediation.plugins.module_utils._fd import epoll_removal
from ansible_collections.closewait.remediation.plugins.module_utils._fd.decision import Observed, Target
from ansible_collections.closewait.remediation.plugins.module_utils._fd.observation import Observer
from ansible_collections.closewait.remediation.plugins.module_utils._fd.stop import Stop


class Registrations:
    """``laid``: per socket the watchers of a ghost whose registration this run has removed already, in any process."""

    def __init__(self, observer: Observer, laid: Dict[int, List[int]]) -> None:
        self._observer = observer
        self._laid = laid
        #: They count as watched although they are not any more.
        self._removed: Dict[Target, List[epoll_removal.Registration]] = {}
        #: Where each was registered when it was last looked at.
        self._seen: Dict[Target, List[int]] = {}

    def look(self, target: Target) -> Observed:
        """The fd now; a ghost whose registration another holder's turn has removed for all of them still is one."""
        seen = self._observer.observe(target)
        self._seen[target] = seen.epolls
        if target.ghost and not seen.ghost_watchers:
            seen = seen._replace(ghost_watchers=self._laid.get(target.inode, []))
        return seen

    def were_touched(self, target: Target) -> bool:
        """Whether it was this run's to be taken out of epoll sets."""
        return target in self._removed

    def gone_from(self, target: Target) -> List[int]:
        """Epoll fds from which it was removed and is missing still."""
        return [registration.epoll_fd for registration in self._removed.get(target, [])]

    def remove_outside(self, target: Target, epolls: Iterable[int]) -> bool:
        """Without a stop; False where that is not possible (before Linux 5.6)."""
        source = self._observer.source(target.pid)
        if source is not None:
            self._remove(source, target, epolls)
        return source is not None

    def remove(self, stop: Stop, target: Target, seen: Observed) -> None:
        """While the process stands still."""
        # Those that were made since the last look go as well: each try costs a microsecond.
        if not self.remove_outside(target, self._observer.epolls(target.pid)):
            removed = self._removed.setdefault(target, [])
            for epoll_fd in seen.epolls:
                fd_act.unregister(stop, target, [epoll_fd])
                removed.append(epoll_removal.Registration(epoll_fd, None, 0))
        if target.ghost:
            self._laid.setdefault(target.inode, seen.ghost_watchers)

    def note_unheard(self, target: Target, epolls: List[int]) -> None:
        """A call may have been made although its answer was never heard. ``epolls``: where it is registered now."""
        gone = [number for number in self._seen.get(target, []) if number not in epolls]
        known = self._removed.setdefault(target, [])
        heard = self.gone_from(target)
        known.extend(epoll_removal.Registration(number, None, 0) for number in gone if number not in heard)

    def put_back(self, target: Target) -> None:
        """What is left alone after all is to be as it was: the loop hears of it again."""
        source, removed = self._observer.source(target.pid), self._removed.get(target)
        if source is not None and removed:
            self._removed[target] = epoll_removal.put_back(source, target.fd, target.inode, removed)

    def _remove(self, source: _fd_copy.Source, target: Target, epolls: Iterable[int]) -> None:
        known = self._observer.registered(target)
        removed = epoll_removal.remove(source, target.fd, target.inode, epolls, known)
        before = self._removed.setdefault(target, [])
        numbers = {registration.epoll_fd for registration in before}
        before.extend(registration for registration in removed if registration.epoll_fd not in numbers)
