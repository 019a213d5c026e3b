# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option that bounds facts."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragment ``closewait.remediation.bounded``."""

    DOCUMENTATION = r"""
options:
  max_items:
    description:
      - How many entries each list of the facts has at most, those that matter most first.
      - Counts are always exact, and a cut is stated in C(omitted).
    type: int
    default: 50
"""
