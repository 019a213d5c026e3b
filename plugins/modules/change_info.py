# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List recorded changes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: change_info
short_description: List the changes that were recorded on a host
version_added: 0.1.0
description:
  - Lists what M(closewait.remediation.change_record) recorded, oldest first.
options:
  role:
    description: List the changes of this role. Without it those of all.
    type: str
  subject:
    description: List the changes of this instance. Without it those of all.
    type: str
  backup_dir:
    description: The folder of copies and records. It is refused when others may write into it.
    type: path
    default: /var/backups/closewait
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.read_only
  - closewait.remediation.attributes.remediation_group
seealso:
  - module: closewait.remediation.change_record
  - module: closewait.remediation.change_restore
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: What did the roles change here?
  closewait.remediation.change_info:
  register: changes
"""

RETURN = r"""
records:
  description: The recorded changes, oldest first.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Id, to be used as O(closewait.remediation.change_restore#module:to).
      type: str
      sample: 20260314T092653.589793Z-redis_timeout
    role:
      description: The role that made the change.
      type: str
    subject:
      description: The instance.
      type: str
    time:
      description: When it was recorded (ISO 8601, UTC).
      type: str
    files:
      description: Paths of the files that were changed.
      type: list
      elements: str
    live:
      description: RV(ignore:before) and RV(ignore:after) of the values that were set in the running service, or null.
      type: dict
    rollback_of:
      description: For a roll-back the id of the record that it went back before.
      type: str
    undone:
      description: Whether a later roll-back took it back.
      type: bool
"""

from typing import Any, Mapping

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils._ledger import states as ledger_states
from ansible_collections.closewait.remediation.plugins.module_utils._ledger import store as ledger_store
from ansible_collections.closewait.remediation.plugins.module_utils._ledger.record import LedgerError, Record


def main() -> None:
    """Read, and tell."""
    module = AnsibleModule(
        argument_spec={
            "role": {"type": "str"},
            "subject": {"type": "str"},
            "backup_dir": {"type": "path", "default": "/var/backups/closewait"},
        },
        supports_check_mode=True,
    )
    try:
        result = _run(module.params)
    except LedgerError as exc:
        module.fail_json(msg="%s." % exc)
    except OSError as exc:
        advice = " Run this as root." if isinstance(exc, PermissionError) else ""
        module.fail_json(msg="%s: %s.%s" % (exc.filename, exc.strerror, advice))
    module.exit_json(changed=False, records=result)


def _run(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    records = ledger_store.read(params["backup_dir"], params["role"])
    in_effect = _in_effect(records)
    return [
        _told(record, undone=record.rollback_of is None and record.id not in in_effect)
        for record in records
        if params["subject"] in (None, record.subject)
    ]


def _in_effect(records: list[Record]) -> set[str]:
    found: set[str] = set()
    for key in {(record.role, record.subject) for record in records}:
        mine = [record for record in records if (record.role, record.subject) == key]
        found.update(ledger_states.stacks(mine)[-1])
    return found


def _told(record: Record, *, undone: bool) -> dict[str, Any]:
    return {
        **record._asdict(),
        "files": [item.path for item in record.files],
        "live": record.live and record.live._asdict(),
        "undone": undone,
    }


if __name__ == "__main__":
    main()
