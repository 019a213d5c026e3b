#!/usr/bin/python
# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the supervisords of a host, how they stop their programs, and what they left behind."""

from __future__ import annotations

DOCUMENTATION = r"""
module: supervisor_facts
short_description: Find how supervisord stops its programs, whom it has killed, and what was left behind
version_added: 0.1.0
description:
  - Finds every supervisord of the host and reads its configuration files as it does, with includes, groups and
    expansions. For each program it returns how it would be stopped, and for a Celery worker how long its tasks may and
    did take.
  - Finds processes that a program of supervisord's left behind, by their environment.
  - Reads at most the last MiB of each log. Secrets in the configuration are not returned.
  - Starts, stops and changes nothing. The state of the programs is asked of supervisord by C(supervisorctl status),
    with the rights of its own user. Only where a file was changed after supervisord started, C(supervisorctl reread) is
    asked too, for nothing else tells whether a program runs with what its file says now.
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.facts
  - closewait.remediation.attributes.remediation_group
  - closewait.remediation.bounded
notes:
  - Reading the environment of other users' processes needs root.
  - A supervisord in a container is listed with an C(error); look from inside of the container.
seealso:
  - module: closewait.remediation.supervisor_conf
  - module: closewait.remediation.supervisor_apply
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Look at supervisord
  closewait.remediation.supervisor_facts:
  become: true

- name: Show what it would kill after ten seconds
  ansible.builtin.debug:
    msg: "{{ ansible_facts.closewait.supervisor.daemons | map(attribute='programs') | flatten
      | selectattr('stopwaitsecs', 'eq', 10) | map(attribute='program') }}"
"""

RETURN = r"""
ansible_facts:
  description: The facts.
  returned: always
  type: dict
  contains:
    closewait:
      description: The facts of this collection.
      type: dict
      contains:
        supervisor:
          description: The supervisords and what they left behind.
          type: dict
          contains:
            errors:
              description: What could not be looked at, each with C(source) and C(reason).
              type: list
              elements: dict
            omitted:
              description: Supervisords that were left out because of O(max_items).
              type: int
            daemons:
              description: One per running supervisord. Null when processes could not be listed.
              type: list
              elements: dict
              contains:
                pid:
                  description: Process id.
                  type: int
                start_time:
                  description: Start of the process in clock ticks after boot. Together with C(pid) it names a process.
                  type: int
                configuration:
                  description: Its main file. Null when that cannot be told.
                  type: str
                unit:
                  description: The systemd unit it belongs to, C(name) and C(stop_timeout_s). A null timeout is none.
                  type: dict
                programs:
                  description: One per section. Null when the files could not be read, and C(error) says why.
                  type: list
                  elements: dict
                  contains:
                    program:
                      description: The section.
                      type: str
                    groups:
                      description: The process groups that run it.
                      type: list
                      elements: str
                    stopwaitsecs:
                      description: Seconds between the stop signal and C(KILL). Null when it cannot be told.
                      type: int
                    stopsignal:
                      description: The signal that asks it to end.
                      type: str
                    stopasgroup:
                      description: Whether that signal goes to the whole process group.
                      type: bool
                    killasgroup:
                      description: Whether C(KILL) goes to the whole process group.
                      type: bool
                    autorestart:
                      description: V(true), V(false) or V(unexpected).
                      type: str
                    changed_at:
                      description: When its file was written, in seconds since the epoch.
                      type: float
                    in_force:
                      description: Whether it runs with what the file says. Null when supervisord gave no answer.
                      type: bool
                    celery:
                      description: C(pool) and C(limits_s) of a Celery worker's command line. Null for anything else.
                      type: dict
                    tasks_seen:
                      description: Finished tasks at the end of the worker's log.
                      type: int
                    longest_task_s:
                      description: The longest of them in seconds.
                      type: float
                    processes:
                      description:
                        - Its processes, each with C(name), C(state), C(pid), C(start_time) and C(started_at) in
                          seconds since the epoch. What is not known is null.
                      type: list
                      elements: dict
                programs_omitted:
                  description: Programs that were left out because of O(max_items).
                  type: int
                kills:
                  description:
                    - Processes that it killed because C(stopwaitsecs) was over, each with C(process), C(pid) and C(at)
                      in seconds since the epoch, from the end of its log. Null when that could not be read.
                  type: list
                  elements: dict
                kills_total:
                  description: How many of them there are.
                  type: int
                error:
                  description: What could not be learned, and why. Null when all was.
                  type: str
            orphans:
              description:
                - Processes left behind, each with C(pid), C(start_time), C(ppid), C(name), C(cmdline) without secrets,
                  the C(program) as C(group:process), C(current_pid) of what runs under that name now, and whether it
                  is a C(celery) worker. Null when environments could not be read.
              type: list
              elements: dict
            orphans_omitted:
              description: Such processes that were left out because of O(max_items).
              type: int
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils import _facts_result
from ansible_collections.closewait.remediation.plugins.module_utils._collectors import supervisor


def main() -> None:
    """Look, and return."""
    module = AnsibleModule(argument_spec=_facts_result.BOUNDED, supports_check_mode=True)
    _facts_result.leave(module, {"supervisor": supervisor.collect(_facts_result.max_items(module))})


if __name__ == "__main__":
    main()
