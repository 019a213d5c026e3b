#!/usr/bin/python
# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cpu_facts
short_description: Gather facts about processes that use the CPU
version_added: 0.1.0
description:
  - Watches all processes for a moment and tells which use the CPU, how much of it as user and as system, how often they
    gave the CPU up by themselves, and what they run on.
  - A loop that spins is always runnable and never gives the CPU up by itself. An honestly busy process looks the same;
    only M(closewait.remediation.tcp_facts) tells the two apart.
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.facts
  - closewait.remediation.attributes.remediation_group
  - closewait.remediation.bounded
  - closewait.remediation.cpu
requirements:
  - psutil
notes:
  - Command lines are shown without passwords (in URLs and in options that are named like one) and cut in length.
seealso:
  - module: closewait.remediation.tcp_facts
  - module: closewait.remediation.incident_facts
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Watch for three seconds
  closewait.remediation.cpu_facts:
    window: 3
  become: true
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
        cpu:
          description: Processes that use the CPU.
          type: dict
          contains:
            errors:
              description: What could not be read, each with C(source) and C(reason).
              type: list
              elements: dict
            window_s:
              description: Length of the window in seconds.
              type: float
            subwindows:
              description: Number of its parts.
              type: int
            cpus:
              description: Number of CPUs of the host.
              type: int
            asked:
              description: The processes named in O(pids).
              type: list
              elements: int
            processes_total:
              description: Processes that lived through the window.
              type: int
            processes:
              description:
                - The busy ones, busiest first. Percent is always of one CPU.
                - Each has C(pid), C(start_time), C(ppid), C(name), C(uid), C(cmdline), C(threads), C(cpu_percent),
                  C(user_percent), C(system_percent), C(cpu_percent_windows), C(state), C(states), C(hottest_thread),
                  C(runtime) and C(supervisor), and C(voluntary_per_s) and C(involuntary_per_s), the context switches of
                  all threads.
                - C(runtime) has C(name), C(version), C(loops) (event-loop libraries loaded) and C(role), all told from
                  outside. The name is V(cpython), V(pypy), V(node), V(java), V(go), V(erlang), V(ruby), V(php) or
                  V(unknown).
              type: list
              elements: dict
            omitted:
              description: How many busy processes are not in the list.
              type: int
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils import (
    _cpu_options,
    _cpu_sampling,
    _cpu_window,
    _facts_result,
    _procfs,
)
from ansible_collections.closewait.remediation.plugins.module_utils._collectors import cpu

ARGUMENTS = {**_facts_result.BOUNDED, **_cpu_options.ARGUMENTS}


def main() -> None:
    """Check the needs, collect and return."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    if not _cpu_sampling.HAS_PSUTIL:
        module.fail_json(msg=_cpu_window.NO_PSUTIL)
    unknown = [pid for pid in module.params["pids"] if _procfs.stat(pid) is None]
    if unknown:
        module.fail_json(msg="no such process: %s; take pids from this host, now" % ", ".join(map(str, unknown)))
    try:
        options = _cpu_options.parse(module.params)
    except ValueError as exc:
        module.fail_json(msg=str(exc))
    facts = cpu.collect(options, _cpu_window.CpuWindow(options), _facts_result.max_items(module))
    _facts_result.leave(module, {"cpu": facts})


if __name__ == "__main__":
    main()
