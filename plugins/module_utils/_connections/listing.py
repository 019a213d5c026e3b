# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The TCP sockets of all network namespaces that could be entered."""

from __future__ import annotations

from collections import Counter
from operator import itemgetter
from typing import Dict, Iterable, Iterator, List, Mapping, NamedTuple

from ansible_collections.closewait.remediation.plugins.module_utils import _netns, _sock_diag, _tcp_facts
from ansible_collections.closewait.remediation.plugins.module_utils._connections import survey

_NOT_LISTENING = _sock_diag.ALL_STATES & ~(1 << _sock_diag.LISTEN)


class Listed(NamedTuple):
    """One namespace; ``all`` has the half-closed ones as well."""

    namespace: _netns.Namespace
    all: survey.Survey
    close_wait: List[_sock_diag.TcpSocket]
    listen: List[_sock_diag.TcpSocket]


class Listing(NamedTuple):
    """``failed``: namespaces that could not be listed, and why."""

    parts: List[Listed]
    failed: List[_netns.Failure]

    @property
    def close_wait(self) -> List[_tcp_facts.Placed]:
        """The half-closed sockets."""
        return [_tcp_facts.Placed(part.namespace.netns, tcp) for part in self.parts for tcp in part.close_wait]

    @property
    def listen(self) -> List[_tcp_facts.Placed]:
        """The listening sockets."""
        return [_tcp_facts.Placed(part.namespace.netns, tcp) for part in self.parts for tcp in part.listen]

    def counts(self) -> Dict[int, int]:
        """Exact number per state."""
        total: Counter[int] = Counter()
        for part in self.parts:
            found = Counter(map(itemgetter(survey.STATE), part.all.rows))
            # Half-closed ones were listed twice: they are as many as the second time, with which their rows agree.
            found[_sock_diag.CLOSE_WAIT] = len(part.close_wait)
            found[_sock_diag.LISTEN] = len(part.listen)
            total += found
        return dict(total)

    def by_inode(self) -> Dict[int, survey.Row]:
        """Every socket that a program holds, listening ones as well."""
        found: Dict[int, survey.Row] = {}
        for part in self.parts:
            found.update(survey.by_inode(part.all.rows))
            found.update((tcp.inode, survey.row(tcp)) for tcp in part.listen)
        return found

    def placed(self, inodes: Iterable[int]) -> Dict[int, _tcp_facts.Placed]:
        """These sockets in full, but for listening ones."""
        wanted = set(inodes)
        return {
            inode: _tcp_facts.Placed(part.namespace.netns, _sock_diag.decode(raw))
            for part in self.parts
            for inode, raw in survey.answers(part.all.blocks, wanted).items()
        }


class StateNames(Mapping[int, str]):
    """State name per inode, named when asked: of very many sockets few are."""

    def __init__(self, rows: Mapping[int, survey.Row]) -> None:
        self._rows = rows

    def __getitem__(self, inode: int) -> str:
        number = self._rows[inode][survey.STATE]
        return _sock_diag.STATES.get(number, str(number))

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def of(namespaces: Iterable[_netns.Namespace], proc: str = "/proc") -> Listing:
    """List each of them. A namespace whose processes have all ended since has nothing to list."""
    return Listing(*_netns.each(namespaces, lambda namespace: _listed(namespace, proc)))


def _listed(namespace: _netns.Namespace, proc: str) -> Listed:
    with _netns.entered(namespace, proc):
        sock = _sock_diag.open_socket()
    with sock:
        # What becomes half-closed in between is then listed twice, and not never.
        everything = survey.survey(sock, _NOT_LISTENING)
        close_wait = _sock_diag.in_state(sock, _sock_diag.CLOSE_WAIT)
        return Listed(namespace, everything, close_wait, _sock_diag.in_state(sock, _sock_diag.LISTEN))
