# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet rules: one module per finding that only many hosts together show. A new file here is a new rule."""

from __future__ import annotations

import importlib
import pkgutil

from ansible_collections.closewait.remediation.plugins.plugin_utils._fleet_rules._fleet import FleetRule, FleetScene

__all__ = ["FleetRule", "FleetScene", "discover"]


def discover() -> list[FleetRule]:
    """Every rule module of this package, by name. Modules with a leading underscore are what rules share."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    return [importlib.import_module(f"{__name__}.{name}") for name in names]
