# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record a change that was made, so that it can be undone."""

from __future__ import annotations

DOCUMENTATION = r"""
module: change_record
short_description: Record a change of files and live values, so that it can be taken back
version_added: 0.1.0
description:
  - Writes down which files of a service were changed, where their copies from before are, and which values of the
    running service were set. M(closewait.remediation.change_restore) goes back by these records.
  - The roles of this collection call it at the end of a change that was verified.
  - A record is a JSON file of mode 0600 in C(records) below O(backup_dir), with checksums of the files before and
    after. It holds no content of a file, and no secrets; a live setting whose name looks like one is refused.
options:
  role:
    description: The role that made the change.
    type: str
    required: true
  subject:
    description: The instance that was changed, for example C(127.0.0.1:6379) or C(/etc/nginx/nginx.conf).
    type: str
    required: true
  files:
    description:
      - The files that were changed, as modules such as M(closewait.remediation.redis_conf) return them, in the order in
        which they were written.
      - Files that do not differ from their copies are left out.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The file.
        type: path
        required: true
      backup:
        description: Its copy from before. Without it the file is new.
        type: path
  live:
    description: Values of the running service. Without it none were set.
    type: dict
    suboptions:
      before:
        description: Setting and value before the change.
        type: dict
        required: true
      after:
        description: Setting and value after it.
        type: dict
        required: true
  rollback_of:
    description:
      - Where this change was a roll-back, the record that it went back before, which is
        RV(closewait.remediation.change_restore#module:to).
    type: str
  backup_dir:
    description:
      - The folder of the copies. It is created with mode 0700.
      - It is refused when others may write into it, as they would decide what a roll-back writes.
    type: path
    default: /var/backups/closewait
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.remediation_group
attributes:
  check_mode:
    support: full
    details: It looks whether the folder can be used, and predicts no id.
  diff_mode:
    support: none
    details: It changes nothing but its own folder.
  idempotent:
    support: partial
    details:
      - The same copies are recorded once.
      - Live values have nothing that tells one change from another one like it, so a change of them alone is recorded
        again.
seealso:
  - module: closewait.remediation.change_restore
  - module: closewait.remediation.change_info
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Record what was done to a Redis
  closewait.remediation.change_record:
    role: redis_timeout
    subject: 127.0.0.1:6379
    files: "{{ conf.files }}"
    live:
      before: {timeout: 1200}
      after: {timeout: 0}
"""

RETURN = r"""
record:
  description: Id of the record. Null when there was nothing to record, and in check mode.
  returned: success
  type: str
  sample: 20260314T092653.589793Z-redis_timeout
"""

from typing import Any, Mapping, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils._ledger import record as ledger_record
from ansible_collections.closewait.remediation.plugins.module_utils._ledger import store as ledger_store
from ansible_collections.closewait.remediation.plugins.module_utils._ledger.record import LedgerError, Live


def main() -> None:
    """Compare, and unless in check mode write down."""
    module = AnsibleModule(
        argument_spec={
            "role": {"type": "str", "required": True},
            "subject": {"type": "str", "required": True},
            "files": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {"path": {"type": "path", "required": True}, "backup": {"type": "path"}},
            },
            "live": {
                "type": "dict",
                "options": {
                    "before": {"type": "dict", "required": True},
                    "after": {"type": "dict", "required": True},
                },
            },
            "rollback_of": {"type": "str"},
            "backup_dir": {"type": "path", "default": "/var/backups/closewait"},
        },
        supports_check_mode=True,
    )
    try:
        result = _run(module.params, _entry(module.params), writing=not module.check_mode)
    except LedgerError as exc:
        module.fail_json(msg="%s. Nothing was recorded." % exc)
    except OSError as exc:
        advice = " Run this as root." if isinstance(exc, PermissionError) else ""
        module.fail_json(msg="%s: %s.%s Nothing was recorded." % (exc.filename, exc.strerror, advice))
    module.exit_json(**result)


def _entry(params: Mapping[str, Any]) -> ledger_store.Entry:
    live = params["live"]
    return ledger_store.Entry(
        params["role"],
        params["subject"],
        [(item["path"], item["backup"]) for item in params["files"]],
        None if live is None else _changed(live["before"], live["after"]),
        params["rollback_of"],
    )


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Optional[Live]:
    """Only values that differ: the others are no matter of this change."""
    names = [name for name in after if before.get(name) != after[name]]
    return Live({name: before.get(name) for name in names}, {name: after[name] for name in names}) if names else None


def _run(params: Mapping[str, Any], entry: ledger_store.Entry, *, writing: bool) -> dict[str, Any]:
    problem = ledger_store.entry_problem(entry)
    if problem:
        raise LedgerError(problem)
    if entry.live:
        ledger_record.check_live(entry.live)
    records = ledger_store.read(params["backup_dir"], entry.role)
    if entry.rollback_of and entry.rollback_of not in [record.id for record in records]:
        raise LedgerError("rollback_of: there is no record %s" % entry.rollback_of)
    files = ledger_store.compare(entry)
    known = ledger_store.already(records, entry, files)
    if known:
        return {"changed": False, "record": known}
    if not writing:
        # There a module that would change a file has no copy of it, and a new file is not there yet.
        planned = [path for path, backup in entry.files if backup is None]
        return {"changed": bool(files or planned or entry.live), "record": None}
    if not (files or entry.live):
        return {"changed": False, "record": None}
    return {"changed": True, "record": ledger_store.save(params["backup_dir"], entry, files, records)}


if __name__ == "__main__":
    main()
