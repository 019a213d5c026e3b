# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes that the modules of this collection share."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragments ``closewait.remediation.attributes[.part]``."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return the predicted result without changing the target.
  diff_mode:
    description: Returns what changed, or in check mode would change, when run with C(--diff).
  idempotent:
    description: A second run with the same arguments changes nothing.
  platform:
    description: The operating systems on which this runs.
    support: full
    platforms: linux
"""

    READ_ONLY = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: It only reads, so it does the same in check mode.
  diff_mode:
    support: N/A
    details: It changes nothing.
  idempotent:
    support: full
    details: It changes nothing. What it reads may change from moment to moment.
"""

    FACTS = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: It only reads, so it does the same in check mode.
  diff_mode:
    support: N/A
    details: It changes nothing.
  facts:
    description: Returns facts under C(ansible_facts.closewait).
    support: full
  idempotent:
    support: full
    details: It changes nothing. What it reads changes from moment to moment.
"""

    REMEDIATION_GROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/closewait.remediation.remediation) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - closewait.remediation.remediation
"""
