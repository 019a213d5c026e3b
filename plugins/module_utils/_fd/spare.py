# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unconnected socket that takes a number's place, and its way out of the process again."""

from __future__ import annotations

from typing import Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._fd import act as fd_act
from ansible_collections.closewait.remediation.plugins.module_utils._fd.decision import Target
from ansible_collections.closewait.remediation.plugins.module_utils._fd.gdb import GdbError
from ansible_collections.closewait.remediation.plugins.module_utils._fd.observation import Observer
from ansible_collections.closewait.remediation.plugins.module_utils._fd.stop import Stop


class SpareSocket:
    """At most one is in the process at a time; ``number``: where, None when there is none."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._there: Optional[fd_act.Spare] = None
        #: The number of one of which nobody heard whether it was opened; None when there is no doubt.
        self.unheard: Optional[int] = None
        #: In the process as it stands still now; None: not looked up yet.
        self._lowest_free: Optional[int] = None

    @property
    def number(self) -> Optional[int]:
        """Its number in the process while it still has to go."""
        return None if self._there is None else self._there.number

    def new_stop(self) -> None:
        """The process has run since."""
        self._lowest_free = None

    def replace(self, stop: Stop, target: Target) -> None:
        """Put one on the target's number. The spare itself stays, see :meth:`drop`."""
        flags = self._observer.flags(target)
        if self._lowest_free is None:
            self._lowest_free = fd_act.lowest_free(target.pid)
        try:
            self._there = fd_act.open_spare(stop, target.pid, self._observer.family(target), flags)
        except GdbError:
            self._find(stop, target.pid)
            raise
        self._lowest_free = self._there.number
        fd_act.shut(stop, self._there, self._observer.source(target.pid))
        fd_act.place(stop, self._there.number, target, flags)

    def drop(self, stop: Stop) -> None:
        """Close it, if it still is there."""
        if self._there is not None:
            if fd_act.is_there(self._there):
                fd_act.close(stop, self._there.number)
            self._there = None

    def _find(self, stop: Stop, pid: int) -> None:
        """The call may have been made although its answer was never heard. Held, the process has not run since.

        Gdb may have ended at the call's entry, and then the thread still has to make it: it stands still afterwards.
        """
        if not stop.comes_to_rest():
            self.unheard = self._lowest_free
        elif self._lowest_free is not None:
            inode = _procfs.socket_inode(_procfs.link(pid, self._lowest_free))
            self._there = None if inode is None else fd_act.Spare(pid, self._lowest_free, inode)
