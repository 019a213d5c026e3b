# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that name one nginx, and how a reload of it is proven (doc fragment ``nginx_service``)."""

from __future__ import annotations

from typing import Any, Dict

_PROBE = {
    "url": {"type": "str", "required": True},
    "status": {"type": "int", "default": 200},
    "headers": {"type": "dict", "default": {}},
    "validate_certs": {"type": "bool", "default": True},
}
ARGUMENTS: Dict[str, Any] = {
    "program": {"type": "str", "default": "nginx"},
    "config_file": {"type": "path"},
    "prefix": {"type": "path"},
    "pid_file": {"type": "path"},
    "error_log": {"type": "path"},
    "probes": {"type": "list", "elements": "dict", "options": _PROBE, "default": []},
    "reload_timeout": {"type": "float", "default": 15.0},
    "probe_timeout": {"type": "float", "default": 5.0},
}
