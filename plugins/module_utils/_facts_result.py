# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all facts modules of this collection return, and the option that bounds it."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from ansible.module_utils.basic import AnsibleModule

BOUNDED = {"max_items": {"type": "int", "default": 50}}
MOST_ITEMS = 10000


def max_items(module: AnsibleModule) -> int:
    """The cap on every list; ends the module when it is out of range."""
    value = int(module.params["max_items"])
    if not 1 <= value <= MOST_ITEMS:
        module.fail_json(msg="max_items must be between 1 and %d, not %d" % (MOST_ITEMS, value))
    return value


def leave(
    module: AnsibleModule, subsets: Mapping[str, Mapping[str, Any]], provenance: Optional[Mapping[str, Any]] = None
) -> None:
    """Return the facts; what could not be read is also a warning, so that nobody takes silence for health."""
    for name, subset in subsets.items():
        for error in subset["errors"][:5]:
            module.warn("%s: could not look at %s: %s" % (name, error["source"], error["reason"]))
    module.exit_json(changed=False, ansible_facts={"closewait": {**(provenance or {}), **subsets}})
