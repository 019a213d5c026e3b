# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ends a plan before anything was changed."""

from __future__ import annotations

from ansible_collections.closewait.remediation.plugins.module_utils._nginx.files import ConfigError


class PlanError(ConfigError):
    """What is wanted cannot be done, or must not; the text says why and what to do. Nothing was changed."""
