#!/usr/bin/python
# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: progress_facts
short_description: Gather facts about whether busy processes get anywhere
version_added: 0.1.0
description:
  - Watches the busiest processes, 32 at most, through the same window as M(closewait.remediation.cpu_facts), and
    tells for each part of it after the first what they read and wrote, which system calls they made and which of those
    failed, how their connections changed, and how the files grew that they write to.
  - A loop that fails for ever and honest work look the same by their use of the CPU. Only this tells the two apart.
  - Nothing is stopped or traced. System calls are counted by the kernel (perf events on the tracepoint
    C(raw_syscalls:sys_exit)), which needs root. A loop that did nothing but system calls, half a million per second of
    CPU, was not measurably slower meanwhile.
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.facts
  - closewait.remediation.attributes.remediation_group
  - closewait.remediation.cpu
requirements:
  - psutil
notes:
  - Files on file systems that other machines serve are not asked about, as a server that is away would not answer.
  - For machines other than x86_64 and aarch64 no system calls are counted, nor for 32-bit programs.
seealso:
  - module: closewait.remediation.cpu_facts
  - module: closewait.remediation.incident_facts
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Watch for three seconds
  closewait.remediation.progress_facts:
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
        progress:
          description: What the busiest processes got done.
          type: dict
          contains:
            errors:
              description: What could not be read, each with C(source) and C(reason).
              type: list
              elements: dict
            window_s:
              description: Length of the window in seconds. Its first part only finds out who is busy.
              type: float
            subwindows:
              description: Number of the parts after the first. Lists of numbers have as many entries.
              type: int
            processes:
              description:
                - The busiest ones. Each has C(pid), C(start_time), C(name) and C(errors), what could not be read of it.
                - C(io) has C(bytes_read), C(bytes_written), C(reads) and C(writes), as C(/proc/PID/io) counts them,
                  which is without C(send) and C(recv). A write that failed is one of the writes, with no bytes.
                - C(calls) is about the threads C(tids) over C(seconds). It has C(total), C(polls) (calls that wait for
                  something to happen), C(moved) (calls that moved data or brought a connection) and C(failing), and
                  in C(failing_calls) the most frequent ones of these with C(call), C(errno) and C(count).
                - C(sockets) has how many it C(held) at the end, and how many it C(opened) and C(ended) meanwhile.
                  C(tcp) therein has C(listening), C(waiting) (for it to accept them), C(connected), C(unread) (with
                  data that it has not read) and C(sent_ago_s) (how long ago it sent something on any of them).
                - C(files) are regular files that it has open for writing, with C(path), C(deleted), C(size),
                  C(grown) and C(free_bytes) on their file system, the fullest first.
                - C(missing_folders) are paths on its command line whose C(folder) does not exist.
                - What could not be looked at is null.
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
)
from ansible_collections.closewait.remediation.plugins.module_utils._collectors import progress
from ansible_collections.closewait.remediation.plugins.module_utils._progress.window import ProgressWindow


def main() -> None:
    """Check the needs, collect and return."""
    module = AnsibleModule(argument_spec=dict(_cpu_options.ARGUMENTS), supports_check_mode=True)
    if not _cpu_sampling.HAS_PSUTIL:
        module.fail_json(msg=_cpu_window.NO_PSUTIL)
    try:
        options = _cpu_options.parse(module.params)
    except ValueError as exc:
        module.fail_json(msg=str(exc))
    facts = progress.collect(options, ProgressWindow(options))
    _facts_result.leave(module, {"progress": facts})


if __name__ == "__main__":
    main()
