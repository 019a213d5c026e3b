# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ours, in plain Python: the ``close_wait`` collector as a module runs it. Prints its facts as JSON."""

from __future__ import annotations

import json

from ansible_collections.closewait.remediation.plugins.module_utils._collectors import close_wait

#: The default of the modules' option max_items.
MAX_ITEMS = 50

print(json.dumps(close_wait.collect(MAX_ITEMS)))
