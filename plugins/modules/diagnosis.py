#!/usr/bin/python
# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: diagnosis
short_description: Find out from gathered facts why services spin or leak, and plan what would help
version_added: 0.1.0
description:
  - Asks every rule of this collection about the facts of every host, writes C(diagnosis.json) and C(plan.json), and
    prints them as a table.
  - A rule that could not see what it needs answers C(unknown) with the reason. It never counts as healthy.
  - The plan is a proposal. Nothing is changed by this action.
  - Each finding has a page in C(docs/incidents), and the files have schemas in C(docs/schema).
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.remediation_group
  - closewait.remediation.report
options:
  allow:
    description:
      - The roughest kind of action that the plan may mark as allowed.
      - V(config) changes a server's setting, V(live) a running service's state, V(invasive) stops a process for some
        milliseconds and changes it from outside, V(disruptive) restarts a worker.
    type: str
    choices: [config, live, invasive, disruptive]
    default: config
  forbid:
    description: Actions that the plan does not mark as allowed, whatever O(allow) says.
    type: list
    elements: str
    choices: [redis_client_kill, fd_close, worker_restart]
    default: []
  reviewed_plan:
    description:
      - A C(plan.json) of an earlier diagnosis that somebody has reviewed, with what is not wanted taken out or set to
        C(allowed) false.
      - It is a permission, not an order. Only what it allows and what this diagnosis asks for again, with the same
        process, setting and sockets, is allowed in the plan of today. What is out of date is listed as C(stale).
    type: path
seealso:
  - module: closewait.remediation.incident_facts
  - module: closewait.remediation.verdict
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Look at all workers
  hosts: workers
  gather_facts: false
  tasks:
    - name: Gather
      closewait.remediation.incident_facts:
      become: true
      register: closewait_gathered

- name: Report
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Diagnose
      closewait.remediation.diagnosis:
        hosts: "{{ groups['workers'] }}"
        output_dir: /var/tmp/report-of-today
        allow: invasive
      register: closewait_diagnosed
"""

RETURN = r"""
diagnosis:
  description: The content of C(diagnosis.json), see C(docs/schema/diagnosis.schema.json).
  returned: success
  type: dict
  contains:
    schema_version:
      description: Version of the format.
      type: int
    hosts:
      description: Per inventory name its verdict (C(findings), C(healthy), C(unknown)), findings, unknowns and errors.
      type: dict
    fleet:
      description: Findings that only a comparison between hosts shows.
      type: dict
plan:
  description: The content of C(plan.json), see C(docs/schema/plan.schema.json).
  returned: success
  type: dict
  contains:
    schema_version:
      description: Version of the format.
      type: int
    allow:
      description: The roughest kind of action that was allowed.
      type: str
    actions:
      description: What to do, in order. An action that is not allowed is there with C(allowed) false.
      type: list
      elements: dict
    not_healed:
      description: What stays as it is, and why.
      type: list
      elements: dict
    stale:
      description: What of O(reviewed_plan) is not done, or not whole, because it is out of date. Only with that option.
      type: list
      elements: dict
paths:
  description: Where the files were written on the controller.
  returned: success
  type: dict
  sample: {"diagnosis": "/var/tmp/report-of-today/diagnosis.json", "plan": "/var/tmp/report-of-today/plan.json"}
table:
  description: The same for people, as it was printed.
  returned: success
  type: str
"""
