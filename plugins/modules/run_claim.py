#!/usr/bin/python
# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: run_claim
short_description: Name a run, and claim its report folder
version_added: 0.1.0
description:
  - Gives the run a name for M(closewait.remediation.run_lock), and keeps it in C(run.json) of the report folder.
  - Of two runs with the same folder at the same time the second is refused, as it would overwrite the diagnosis that
    the first acts on.
  - Removes C(result.json) of an earlier run, so that nobody takes it for the verdict of this one. Not in check mode.
  - After a run that was broken off the next one with the same folder has the same name, and so takes over the locks
    that were left behind.
options:
  output_dir:
    description: The report folder on the controller, as for M(closewait.remediation.diagnosis).
    type: path
    default: ./closewait-report
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.remediation_group
attributes:
  action:
    description: Has an action plugin of the same name, which does all of it on the controller.
    support: full
  check_mode:
    support: full
    details: It claims the folder in check mode too, because that changes no host.
  diff_mode:
    support: N/A
    details: It changes no host.
  idempotent:
    support: full
notes:
  - It runs on the controller and needs no connection. Run it once, not once per host.
seealso:
  - module: closewait.remediation.run_lock
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Name this run
  closewait.remediation.run_claim:
    output_dir: ./closewait-report
  register: claim
  run_once: true
"""

RETURN = r"""
run:
  description: The name, 32 hexadecimal digits.
  returned: success
  type: str
  sample: 5f0c2c8be2b84c6ab0b8ad8a0d8f5f6c
who:
  description: User and controller.
  returned: success
  type: str
  sample: ops on control1
resumed:
  description: Whether it is the name of an earlier run with this folder.
  returned: success
  type: bool
"""
