#!/usr/bin/python
# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: batch_verdict
short_description: Tell whether the hosts that were just changed allow the next ones to follow
version_added: 0.1.0
description:
  - Compares the hosts of a batch with the C(diagnosis.json) and C(plan.json) of this run, from facts that were gathered
    after the change.
  - A host speaks against going on when a finding is still there for which all is done that the plan allows, when it
    got worse, when something new is found on it, when one of its checks failed, or when it cannot be looked at.
  - A finding for which the plan has nothing to do is not held against it.
  - It writes no file. The whole fleet is judged by M(closewait.remediation.verdict) at the end.
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.remediation_group
  - closewait.remediation.report
options:
  hosts:
    description: Inventory names of the hosts to judge. Without it, those of the batch.
    type: list
    elements: str
  checks_register_name:
    description: Name of the variable into which the commands were registered that show whether the service works.
    type: str
    default: closewait_checks
  stages:
    description: What has been done on the hosts so far.
    type: list
    elements: str
    choices: [cause, symptom, restart]
    required: true
attributes:
  check_mode:
    support: full
    details: It only compares, so it does the same in check mode.
seealso:
  - module: closewait.remediation.verdict
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Judge the batch
  closewait.remediation.batch_verdict:
    stages: [cause, symptom]
  register: batch
  run_once: true

- name: Stop here if it is not better for it
  ansible.builtin.fail:
    msg: "{{ batch.failures }}"
  when: batch.failures | length > 0
"""

RETURN = r"""
failures:
  description: Why a host speaks against going on, by inventory name. A host that does not is not there.
  returned: success
  type: dict
  sample: {"worker1": "process 4711: half_closed_spin is found again"}
"""
