#!/usr/bin/python
# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tcp_facts
short_description: Gather facts about half-closed TCP connections
version_added: 0.1.0
description:
  - Tells which sockets are in C(CLOSE_WAIT), since when, who holds them, and whether an event loop watches them.
  - Reads the kernel's own listing (inet_diag over netlink) in every network namespace that has processes, and
    C(/proc). Nothing is run, traced or changed.
  - What could not be read is listed under RV(ansible_facts.closewait.tcp.errors), and the part that needed it is null,
    never empty.
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.facts
  - closewait.remediation.attributes.remediation_group
  - closewait.remediation.bounded
notes:
  - Needs root to see the sockets of other users' processes and other namespaces. Without it the facts say what is
    missing.
seealso:
  - module: closewait.remediation.cpu_facts
  - module: closewait.remediation.incident_facts
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Look at half-closed connections
  closewait.remediation.tcp_facts:
  become: true

- name: Show who holds how many
  ansible.builtin.debug:
    var: ansible_facts.closewait.tcp.close_wait.by_process
"""

RETURN = r"""
ansible_facts:
  description: Facts to add to C(ansible_facts).
  returned: always
  type: dict
  contains:
    closewait:
      description: The facts of this collection.
      type: dict
      contains:
        tcp:
          description: Half-closed connections and what watches them.
          type: dict
          contains:
            errors:
              description: What could not be read, each with C(source) and C(reason).
              type: list
              elements: dict
            unreadable:
              description: Processes that could not be looked into, with C(total), a sample and C(omitted).
              type: dict
            addresses:
              description: Addresses of this host over all its network namespaces. Null when they could not be read.
              type: list
              elements: str
            namespaces:
              description: Network namespaces looked at, each with one member's pid and the number of processes in it.
              type: list
              elements: dict
            states:
              description: Number of TCP sockets per state. Null when no namespace could be listed.
              type: dict
              sample: {ESTABLISHED: 212, LISTEN: 9, CLOSE_WAIT: 8}
            listeners:
              description: Listening sockets with C(netns), C(address), C(port), C(inode) and C(holders).
              type: dict
            close_wait:
              description: Half-closed sockets. Null when no namespace could be listed.
              type: dict
              contains:
                total:
                  description: All of them.
                  type: int
                unaccepted:
                  description: Those that no program has accepted yet (inode 0). Nobody can close them.
                  type: int
                unowned:
                  description: Those with an inode for which no holder was found.
                  type: int
                sockets:
                  description:
                    - A sample, watched ones and old ones first.
                    - Each has C(netns), C(family), C(local), C(remote), C(inode), C(cookie), C(uid), C(recv_q),
                      C(send_q), C(unread_bytes), C(fin_read), C(age_s), C(idle_at_fin_s), C(holders) and
                      C(registrations).
                    - C(age_s) bounds the seconds since the peer closed, C(idle_at_fin_s) those that the connection had
                      been idle then. A C(max) of null means that nothing bounds it.
                  type: list
                  elements: dict
                omitted:
                  description: How many are not in the sample.
                  type: int
                by_peer:
                  description: Totals per remote address and port.
                  type: list
                  elements: dict
                by_process:
                  description:
                    - Totals per process that holds some, with the number watched, level-triggered or not, ages in
                      classes (upper end in seconds) and the limit of open files.
                  type: list
                  elements: dict
            watchers:
              description:
                - Epoll registrations. C(level_triggered) counts those that report again and again.
                - C(suspects) are those that could make a loop spin, of kind V(registered), or V(ghost) when the process
                  watches a socket that it does not hold at that number (any more).
                - With 5000 sockets and more, epoll sets of processes that slept meanwhile are not read, for they cannot
                  be what spins. C(asleep) counts those processes.
              type: dict
            accept_queues:
              description:
                - What waits to be accepted, looked at twice, and what the processes do that should accept it.
                - Null when no namespace could be listed.
              type: dict
              contains:
                window_s:
                  description:
                    - Seconds between the two looks. M(closewait.remediation.incident_facts) has the window of
                      M(closewait.remediation.cpu_facts) in between, this module only as long as it takes itself.
                  type: float
                namespaces:
                  description:
                    - By how much C(overflows) (an accept queue was full) and C(drops) (these, and others for any
                      reason) grew in each network namespace meanwhile, and per second. Null for a namespace that was
                      not there at the first look.
                  type: list
                  elements: dict
                listeners:
                  description:
                    - Listening sockets with something waiting at either look, the worst first.
                    - Each has C(queue) connections that no program has accepted, of C(backlog) that may wait, and
                      C(queue_before) at the first look.
                    - C(half_closed) connections to it were closed by their peer, C(half_closed_stood) of them before
                      the first look. C(unaccepted) of them were not accepted, so nobody can close them. C(by_peer) has
                      the same by address.
                  type: list
                  elements: dict
                omitted:
                  description: How many listening sockets are not listed.
                  type: int
                processes:
                  description:
                    - The holders of those where the same may have waited all the time, followed for a second.
                    - C(accepting), C(running) and C(waiting) are numbers of C(samples) in which a thread waited in a
                      call that returns when a connection comes, ran, or all threads waited for something else.
                    - C(waits) tells for what, with the system call, the place in the kernel, and the remote end where
                      it is a single TCP connection.
                    - C(cmdline), C(runtime) and C(supervisor) are as in M(closewait.remediation.cpu_facts).
                  type: list
                  elements: dict
                processes_omitted:
                  description: How many such processes were not followed.
                  type: int
            closing:
              description:
                - Connections that this end has closed and the other one has not (FIN_WAIT1, FIN_WAIT2), each with
                  C(netns), C(local), C(remote) and C(state). Null when no namespace could be listed.
                - It is what the other end of a half-closed connection shows of it, for as long as the kernel keeps it.
              type: dict
            vanished:
              description:
                - TCP connections that were reset, or ended for want of an answer, while their fd stayed open. No
                  listing shows them. Null when no namespace could be listed.
                - C(total) counts those that were asked what they had been connected to (Linux 5.6 or newer), C(unasked)
                  those that could not be asked, and may be sockets that were never connected.
                - C(sockets) is a sample, each with C(netns), C(local), C(remote), C(inode), C(cookie), C(silent_s) and
                  C(holders). C(silent_s) is seconds since it last received data, not since it ended.
              type: dict
            established:
              description:
                - Established connections that were opened from this host, in crowds of 20 and more.
                - Null when no namespace could be asked.
                - Those that came in, at a port that something listens on, are only counted (C(incoming)).
              type: dict
              contains:
                opened:
                  description: All that were opened from here.
                  type: int
                unowned:
                  description: Those of which no holder was seen.
                  type: int
                by_remote:
                  description:
                    - The remotes with most connections of processes of one C(name), each with C(total), the number of
                      C(processes) that have some, and C(p50) and C(max) of how many such a process has.
                    - A local port can be used once per source address, remote address and remote port. C(ports_used) of
                      C(ports) are, from the C(source) address that uses most, C(time_wait) of them by what is over.
                    - Of C(sampled) connections half have been idle for C(idle_p50_s) or less, none for more than
                      C(idle_max_s), and C(waiting) have asked something that is not answered yet.
                  type: list
                  elements: dict
                by_process:
                  description:
                    - The processes with most connections to each of their remotes. C(p50) and C(max) are over all
                      C(remotes), C(top) are those with most, C(fds) and C(fd_limit) its open files and their limit.
                  type: list
                  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils import _facts_result
from ansible_collections.closewait.remediation.plugins.module_utils._collectors import tcp


def main() -> None:
    """Collect and return."""
    module = AnsibleModule(argument_spec=_facts_result.BOUNDED, supports_check_mode=True)
    facts = tcp.collect(max_items=_facts_result.max_items(module))
    _facts_result.leave(module, {"tcp": facts})


if __name__ == "__main__":
    main()
