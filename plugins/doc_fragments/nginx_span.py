# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules that gather the subset ``nginx``."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragment ``closewait.remediation.nginx_span``."""

    DOCUMENTATION = r"""
options:
  nginx_window:
    description: How many seconds of the access logs count, back from now.
    type: float
    default: 600.0
  nginx_since:
    description:
      - Only requests that began after this moment count, on the clock of the managed host. UTC as in
        V(2026-01-03T08:30:00Z), or seconds since the epoch.
      - For looking at what has been tried since something was changed.
    type: str
  nginx_max_bytes:
    description:
      - How many bytes at the end of each log are read at most, older rotated files (C(.1), C(.2.gz), C(-20260103.gz))
        included. Nothing is kept of a line that was counted, so this bounds time, not memory.
      - Where the window reaches further back, C(cut) says so.
    type: int
    default: 8388608
  nginx_upstreams:
    description: Names of upstreams whose state is waited for. It is then told when too few attempts were made to judge.
    type: list
    elements: str
    default: []
"""
