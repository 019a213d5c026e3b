# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the CPU window."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragment ``closewait.remediation.cpu``."""

    DOCUMENTATION = r"""
options:
  window:
    description: For how many seconds the use of the CPU is watched.
    type: float
    default: 1.0
  subwindows:
    description: Into how many parts the window is divided. A process that spins is busy in all of them.
    type: int
    default: 5
  min_cpu_percent:
    description: Processes that use less of one CPU than this in the window, and in its first part, are left out.
    type: float
    default: 5.0
  pids:
    description:
      - Processes that are listed first, however little they use.
      - One that is named here and not listed did not live through the window.
    type: list
    elements: int
    default: []
"""
