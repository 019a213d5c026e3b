#!/usr/bin/python
# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: verdict
short_description: Tell from new facts whether what was diagnosed is healed
version_added: 0.1.0
description:
  - Compares the C(diagnosis.json) and C(plan.json) of an earlier M(closewait.remediation.diagnosis) with facts that
    were gathered afterwards, writes C(result.json), and prints it as a table.
  - A process is C(healed), C(still_spinning), C(not_healed), C(gone), C(worse), or C(could_not_look) applies. A process
    that is gone is healed only if the plan meant to restart it. CPU 0 % alone is no proof of health, for a worker that
    died has that too.
  - The cause must be gone as well. A server setting that still closes connections brings the same spin back.
  - It does not fail when something is not healed. Test RV(healed).
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.remediation_group
  - closewait.remediation.report
options:
  checks_register_name:
    description:
      - Name of the variable into which commands were registered on a host that show whether its service works, with or
        without a loop. Each must have ended with 0.
      - A host without that variable has no checks.
    type: str
    default: closewait_checks
  left_alone_variable:
    description:
      - Name of a host variable that says why nothing was tried on a host. Where something is not healed there, the
        reason is told.
    type: str
    default: closewait_left_alone
seealso:
  - module: closewait.remediation.incident_facts
  - module: closewait.remediation.diagnosis
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Look again
  hosts: workers:redis
  gather_facts: false
  tasks:
    - name: Gather
      closewait.remediation.incident_facts:
      become: true
      register: closewait_gathered

    - name: Ask the service itself
      ansible.builtin.command:
        argv: [/srv/shop/bin/canary-task, --wait, "20"]
      register: closewait_checks
      changed_when: false
      failed_when: false
      when: "'workers' in group_names"

- name: Judge
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Compare
      closewait.remediation.verdict:
        hosts: "{{ groups['workers'] + groups['redis'] }}"
        output_dir: /var/tmp/report-of-today
      register: closewait_verdict
      failed_when: not closewait_verdict.healed
"""

RETURN = r"""
healed:
  description: Whether all processes of the diagnosis are healed, causes gone, checks passed and nothing new found.
  returned: success
  type: bool
verdict:
  description: The content of C(result.json), see C(docs/schema/result.schema.json).
  returned: success
  type: dict
  contains:
    schema_version:
      description: Version of the format.
      type: int
    healed:
      description: As RV(healed).
      type: bool
    hosts:
      description: Per inventory name its processes, new findings, checks, unanswered rules and errors.
      type: dict
    causes:
      description: The server settings that were to blame, before and now.
      type: list
      elements: dict
    not_healed:
      description: What is not as it should be, one line each.
      type: list
      elements: str
    may_return:
      description: Findings whose cause is not known, one line each. What is healed now may come back.
      type: list
      elements: str
paths:
  description: Where the file was written on the controller.
  returned: success
  type: dict
  sample: {"result": "/var/tmp/report-of-today/result.json"}
table:
  description: The same for people, as it was printed.
  returned: success
  type: str
"""
