# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes of the facts that the modules gather on one host (``ansible_facts.closewait``): one file per subset.

``None`` stands for "could not look"; ``errors`` of the same subset says why. Times are seconds, queues bytes,
``start_time`` is clock ticks since boot (``/proc/PID/stat``, field 22), percentages are of one CPU.
"""
