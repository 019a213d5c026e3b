# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Go back to the state before a recorded change."""

from __future__ import annotations

DOCUMENTATION = r"""
module: change_restore
short_description: Put the files of a service back as they were before a recorded change
version_added: 0.1.0
description:
  - Goes back to the state before a change that M(closewait.remediation.change_record) recorded, over any number of
    later ones. All files of that state are put back or none, each after a copy of it was made.
  - It writes files only, and reports the live values of that state. Setting those, checking the configuration,
    reloading and verifying are the matter of the role that made the change. Its C(restore) tasks, and the playbook
    C(rollback), do all of it.
  - A roll-back that was recorded is a change like any other, and can be taken back by its own id.
  - A file that is not as the last record left it was changed by somebody else, and is refused with all others.
options:
  role:
    description: The role whose changes are meant.
    type: str
    required: true
  subject:
    description: The instance. It may be left out when the role recorded changes of one only.
    type: str
  to:
    description:
      - Id of a record. The state before that change is gone back to.
      - Without it, the last change that is still in effect is taken back; every further run takes back one more.
    type: str
  force_changed:
    description: Whether to overwrite files that somebody else changed since. Copies of them are made.
    type: bool
    default: false
  show:
    description:
      - Names of settings whose lines the diff shows in full.
      - Of any other line that differs it shows only that there is one, as configuration files hold passwords too.
    type: list
    elements: str
    default: []
  backup_dir:
    description: The folder of copies and records. It is refused when others may write into it.
    type: path
    default: /var/backups/closewait
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.remediation_group
attributes:
  check_mode:
    support: full
    details: It checks everything, the copies included.
  diff_mode:
    support: partial
    details: Shows the lines that differ, and of those in full only the settings named in O(show).
  idempotent:
    support: partial
    details: With O(to). Without it every run takes back one more change.
seealso:
  - module: closewait.remediation.change_record
  - module: closewait.remediation.change_info
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Take back the last change of the only Redis here
  closewait.remediation.change_restore:
    role: redis_timeout
    show: [timeout, tcp-keepalive, include]

- name: Go back to the state before a certain change
  closewait.remediation.change_restore:
    role: redis_timeout
    subject: 127.0.0.1:6379
    to: 20260314T092653.589793Z-redis_timeout
"""

RETURN = r"""
to:
  description: Id of the record that was gone back before. Null when no change is in effect any more.
  returned: success
  type: str
  sample: 20260314T092653.589793Z-redis_timeout
subject:
  description: The instance.
  returned: success
  type: str
  sample: 127.0.0.1:6379
files:
  description: The files that were changed, in check mode those that would be.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      type: str
    backup:
      description: Its copy from before this run. Null in check mode, and for a file that did not exist.
      type: str
live:
  description: Values of the running service in that state, for the caller to set. Null when no change since had any.
  returned: success
  type: dict
  sample: {"timeout": 1200}
undone:
  description:
    - Ids of the records whose effect this ends, the latest first. Empty when it is that state already.
    - While it is not empty, RV(live) is to be set, and the roll-back to be recorded with
      O(closewait.remediation.change_record#module:rollback_of).
  returned: success
  type: list
  elements: str
state:
  description: What became of the files, in words.
  returned: success
  type: str
  sample: Back to the state before 20260314T092653.589793Z-redis_timeout.
"""

from typing import Any, Mapping

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils import _file_set, _write_outcome
from ansible_collections.closewait.remediation.plugins.module_utils._ledger import restore as ledger_restore
from ansible_collections.closewait.remediation.plugins.module_utils._ledger import states as ledger_states
from ansible_collections.closewait.remediation.plugins.module_utils._ledger import store as ledger_store
from ansible_collections.closewait.remediation.plugins.module_utils._ledger.record import LedgerError, Record


def main() -> None:
    """Decide, and unless in check mode write."""
    module = AnsibleModule(
        argument_spec={
            "role": {"type": "str", "required": True},
            "subject": {"type": "str"},
            "to": {"type": "str"},
            "force_changed": {"type": "bool", "default": False},
            "show": {"type": "list", "elements": "str", "default": []},
            "backup_dir": {"type": "path", "default": "/var/backups/closewait"},
        },
        supports_check_mode=True,
    )
    with _write_outcome.failing(module, LedgerError):
        module.exit_json(**_run(module.params, writing=not module.check_mode))


def _run(params: Mapping[str, Any], *, writing: bool) -> dict[str, Any]:
    records = ledger_store.read(params["backup_dir"], params["role"])
    if not records:
        raise LedgerError("%(backup_dir)s has no record of a change by role %(role)s" % params)
    mine = ledger_states.of_one_subject(records, params["subject"])
    to = ledger_states.chosen(mine, params["to"])
    if to is None:
        return {"changed": False, "to": None, "subject": mine[0].subject, **_nothing()}
    return {"to": to, "subject": mine[0].subject, **_restore(params, mine, to, writing=writing)}


def _nothing() -> dict[str, Any]:
    return {"files": [], "live": None, "undone": [], "state": "No recorded change is in effect any more."}


def _restore(params: Mapping[str, Any], records: list[Record], to: str, *, writing: bool) -> dict[str, Any]:
    target = ledger_states.before(records, to)
    present = ledger_restore.look(target)
    foreign = ledger_restore.strangers(target, present)
    if foreign and not params["force_changed"]:
        raise LedgerError(
            "%s: somebody else changed that since %s. Look at it, then set force_changed to overwrite it"
            % (", ".join(foreign), records[-1].id)
        )
    changes = ledger_restore.changes(target, present)
    files = [_file_set.Written(change.path, None) for change in changes]
    if writing:
        files = _file_set.write(changes, params["backup_dir"])
    return {
        "changed": bool(changes),
        "files": [item._asdict() for item in files],
        "live": target.live,
        "undone": target.undone,
        "state": ("Back to the state before %s." if changes else "The files are as before %s already.") % to,
        "diff": [_diff(change, params["show"]) for change in changes],
    }


def _diff(change: _file_set.Change, names: list[str]) -> dict[str, str]:
    before, after = ledger_restore.shown(change, names)
    return {"before_header": change.path, "after_header": change.path, "before": before, "after": after}


if __name__ == "__main__":
    main()
