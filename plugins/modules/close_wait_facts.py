#!/usr/bin/python
# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: close_wait_facts
short_description: Count half-closed TCP connections, and who holds them
version_added: 0.1.0
description:
  - Tells which sockets are in C(CLOSE_WAIT), since when and who holds them, and nothing else, so that it may be asked
    often, on hosts with tens of thousands of sockets too.
  - Whether an event loop watches them, where other connections lead, and everything else that a diagnosis needs is for
    M(closewait.remediation.tcp_facts).
  - Reads the kernel's own listing (inet_diag over netlink) in every network namespace that has processes, and
    C(/proc/PID/fd) when something is listed. Nothing is run, traced or changed.
  - What could not be read is listed under RV(ansible_facts.closewait.close_wait.errors), and the part that needed it is
    null, never empty.
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.facts
  - closewait.remediation.attributes.remediation_group
  - closewait.remediation.bounded
notes:
  - Needs root to see the sockets of other users' processes and other namespaces. Without it the facts say what is
    missing.
seealso:
  - module: closewait.remediation.tcp_facts
  - module: closewait.remediation.incident_facts
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Count half-closed connections
  closewait.remediation.close_wait_facts:
  become: true

- name: Show who holds more than a hundred
  ansible.builtin.debug:
    msg: "{{ item.name }} (pid {{ item.pid }}) holds {{ item.total }}, the oldest for {{ item.oldest_s }} s"
  loop: "{{ ansible_facts.closewait.close_wait.by_process | selectattr('total', 'gt', 100) }}"
  loop_control:
    label: "{{ item.pid }}"
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
        close_wait:
          description: Half-closed connections. All but C(errors) and C(unreadable) is null when none could be listed.
          type: dict
          contains:
            errors:
              description: What could not be read, each with C(source) and C(reason).
              type: list
              elements: dict
            unreadable:
              description: Processes that could not be looked into, with C(total), a sample and C(omitted).
              type: dict
            total:
              description: Half-closed sockets.
              type: int
              sample: 8
            unaccepted:
              description: Those that no program has accepted yet (inode 0). Nobody can close them.
              type: int
            unowned:
              description: Those with an inode for which no holder was found.
              type: int
            sockets:
              description:
                - A sample, old ones first.
                - Each has C(netns), C(family), C(local), C(remote), C(state), C(inode), C(cookie), C(uid), C(recv_q),
                  C(send_q), C(unread_bytes), C(fin_read), C(age_s), C(idle_at_fin_s) and C(holders).
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
            by_peer_omitted:
              description: How many remotes are not listed.
              type: int
            by_process:
              description:
                - Totals per process that holds some, with ages in classes (upper end in seconds) and the limit of open
                  files.
              type: list
              elements: dict
            by_process_omitted:
              description: How many processes are not listed.
              type: int
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils import _facts_result
from ansible_collections.closewait.remediation.plugins.module_utils._collectors import close_wait


def main() -> None:
    """Collect and return."""
    module = AnsibleModule(argument_spec=_facts_result.BOUNDED, supports_check_mode=True)
    facts = close_wait.collect(max_items=_facts_result.max_items(module))
    _facts_result.leave(module, {"close_wait": facts})


if __name__ == "__main__":
    main()
