# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep wait_timeout in an option file of MariaDB or MySQL."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mysql_conf
short_description: Set wait_timeout in an option file of its own for MariaDB or MySQL
version_added: 0.1.0
description:
  - Writes O(path), a file that is wholly the matter of this module, in a folder that the server's option files include.
    No other file is touched. The running server is the matter of M(closewait.remediation.mysql_timeout).
  - Before anything is written, the server program is run on the changed option files (C(--verbose --help), which starts
    no server), and has to report the wanted values. It fails as well when a line after O(path) wins.
  - Without O(content) it only has the server program read the files as they are, and reports the values.
options:
  path:
    description: The file, whose name must end in C(.cnf). Its folder must be included by the server's option files.
    type: path
  content:
    description: Its text, which has to set C(wait_timeout) and C(interactive_timeout) to the wanted values.
    type: str
  wait_timeout:
    description: The value that is to count when the server next starts. Without it the setting is left alone.
    type: int
  interactive_timeout:
    description: The same for this one.
    type: int
  defaults_file:
    description:
      - The option file that the server is started with.
      - Without it those that the server program reads by default.
    type: path
  server:
    description: The server program. Without it C(mariadbd) and then C(mysqld) are looked for.
    type: path
  backup_dir:
    description: Where O(path) is copied to before it changes. It is created with mode 0700.
    type: path
    default: /var/backups/closewait
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.remediation_group
attributes:
  check_mode:
    support: full
    details: It does all but write. Where the server program is not installed yet, it warns and predicts a change.
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - Options on the command line of the server, and C(SET PERSIST) of MySQL 8, win over option files.
seealso:
  - module: closewait.remediation.mysql_timeout
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Keep idle connections for ten hours, from the next start on
  closewait.remediation.mysql_conf:
    path: /etc/mysql/mariadb.conf.d/zz-closewait.cnf
    content: |
      [mysqld]
      wait_timeout = 36000
    wait_timeout: 36000
"""

RETURN = r"""
before:
  description: The values that the server program reads from the files, in seconds. Null where it is not installed yet.
  returned: success
  type: dict
  sample: {"wait_timeout": 28800, "interactive_timeout": 28800}
after:
  description: The same with the change.
  returned: success
  type: dict
  sample: {"wait_timeout": 36000, "interactive_timeout": 28800}
files:
  description: The file if it was changed, in check mode if it would be.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      type: str
    backup:
      description: Its copy from before. Null in check mode, and for a file that is new.
      type: str
"""

import os
from typing import Any, Mapping, Optional, Sequence

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils import _file_set, _write_outcome
from ansible_collections.closewait.remediation.plugins.module_utils._mysql import conf as mysql_conf
from ansible_collections.closewait.remediation.plugins.module_utils._mysql import conf_files as mysql_conf_files
from ansible_collections.closewait.remediation.plugins.module_utils._mysql import server as mysql_server
from ansible_collections.closewait.remediation.plugins.module_utils._mysql import trial as mysql_trial
from ansible_collections.closewait.remediation.plugins.module_utils._mysql.conf import MysqlConfError


def main() -> None:
    """Decide, try, and unless in check mode write."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path"},
            "content": {"type": "str"},
            "wait_timeout": {"type": "int"},
            "interactive_timeout": {"type": "int"},
            "defaults_file": {"type": "path"},
            "server": {"type": "path"},
            "backup_dir": {"type": "path", "default": "/var/backups/closewait"},
        },
        required_together=[("path", "content")],
        supports_check_mode=True,
    )
    with _write_outcome.failing(module, MysqlConfError):
        module.exit_json(**_run(module, module.params))


def _run(module: AnsibleModule, params: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {name: params[name] for name in mysql_server.NAMES if params[name] is not None}
    server = mysql_trial.find_server(params["server"])
    if server is None:
        if not module.check_mode:
            raise MysqlConfError("there is neither mariadbd nor mysqld here: say where it is (server)")
        module.warn("There is no server program, so check mode takes it as not installed yet.")
        return _not_installed(params, wanted)
    mains = [params["defaults_file"]] if params["defaults_file"] else mysql_trial.default_files(server)
    now = mysql_trial.values(server, mains, mysql_server.NAMES)
    change = _change(params)
    if change is None or change.before == change.after:
        _check(wanted, now)
        return {"changed": False, "before": now, "after": now, "files": [], "diff": []}
    _check_order(mains, params, wanted)
    after = mysql_trial.values_with(server, mains, params["content"], mysql_server.NAMES)
    _check(wanted, after)
    files = [_file_set.Written(change.path, None)]
    if not module.check_mode:
        files = _file_set.write([change], params["backup_dir"])
    return {
        "changed": True,
        "before": now,
        "after": after,
        "files": [item._asdict() for item in files],
        "diff": [_diff(change)],
    }


def _change(params: Mapping[str, Any]) -> Optional[_file_set.Change]:
    if params["path"] is None:
        return None
    if not params["path"].endswith(".cnf"):
        raise MysqlConfError("%(path)s: in a folder the server reads only files whose names end in .cnf" % params)
    if not os.path.isdir(os.path.dirname(params["path"])):
        raise MysqlConfError("%s: its folder does not exist" % params["path"])
    return _file_set.Change(params["path"], _file_set.content(params["path"]), params["content"].encode("utf-8"), None)


def _check_order(mains: Sequence[str], params: Mapping[str, Any], wanted: Mapping[str, int]) -> None:
    tree = mysql_conf_files.read_tree(mains, {params["path"]: params["content"]})
    if params["path"] not in tree.paths:
        raise MysqlConfError("%s is not included by %s" % (params["path"], " or ".join(mains)))
    for name in wanted:
        line = mysql_conf.last(tree.lines, name)
        if line is not None and line.path != params["path"]:
            raise MysqlConfError(
                "%s would not take effect: %s:%d sets it after %s" % (name, line.path, line.number, params["path"])
            )


def _check(wanted: Mapping[str, int], found: Mapping[str, int]) -> None:
    for name, value in wanted.items():
        if found[name] != value:
            raise MysqlConfError("with these files the server has %s %d, not %d" % (name, found[name], value))


def _not_installed(params: Mapping[str, Any], wanted: Mapping[str, int]) -> dict[str, Any]:
    nothing = dict.fromkeys(mysql_server.NAMES)
    text = {"before_header": params["path"], "after_header": params["path"], "before": "", "after": params["content"]}
    return {
        "changed": params["path"] is not None,
        "before": nothing,
        "after": {**nothing, **wanted},
        "files": [],
        "diff": [text] if params["path"] else [],
    }


def _diff(change: _file_set.Change) -> dict[str, str]:
    before, after = ((side or b"").decode("utf-8", "replace") for side in (change.before, change.after))
    return {"before_header": change.path, "after_header": change.path, "before": before, "after": after}


if __name__ == "__main__":
    main()
