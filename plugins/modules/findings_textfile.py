#!/usr/bin/python
# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: findings_textfile
short_description: Export the findings of a diagnosis to Prometheus
version_added: 0.1.0
description:
  - Reads C(diagnosis.json) on the controller and writes all that it says, of every host, into one file on the host on
    which this runs, for the textfile collector of its node_exporter.
  - One file for all hosts, and not one on each, because a host that cannot be reached would keep the good news of
    yesterday. Here its verdict is C(unknown).
  - The names of the metrics, the labels and the rules that alert on them are in C(docs/EVENTS.md).
options:
  path:
    description: The file, see M(closewait.remediation.textfile_write).
    type: path
    required: true
  output_dir:
    description:
      - Folder on the controller with C(diagnosis.json), as M(closewait.remediation.diagnosis) has written it.
      - A relative path counts from the working directory.
    type: path
    default: ./closewait-report
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.remediation_group
attributes:
  action:
    description: Has an action plugin of the same name, which reads and translates on the controller.
    support: full
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
    details: The same diagnosis gives the same file.
seealso:
  - module: closewait.remediation.diagnosis
  - module: closewait.remediation.textfile_write
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Let the Prometheus of the monitoring host collect the findings
  hosts: monitor1
  gather_facts: false
  tasks:
    - name: Export
      closewait.remediation.findings_textfile:
        path: /var/lib/prometheus/node-exporter/closewait.prom
      become: true
"""

RETURN = r"""
path:
  description: The file that was written.
  returned: success
  type: str
  sample: /var/lib/prometheus/node-exporter/closewait.prom
"""
