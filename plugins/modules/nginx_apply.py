# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put configuration files of nginx into place, and the running nginx onto them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_apply
short_description: Change files of nginx and reload it, or leave both as they were
version_added: 0.1.0
description:
  - Keeps a copy of each file, replaces all of them in one step each, asks C(nginx -t), reloads, waits until only new
    workers take connections, looks for new C([emerg]) lines in the error log, and asks the given URLs.
  - If any of that fails, the files are put back, nginx is reloaded with them, and the error says how that went.
  - C(nginx -t) alone is no proof, as it passes with a port that another program holds.
  - A configuration that is broken already is refused before anything is written.
  - Where nginx does not run, the files are written and tested, and count from its next start.
options:
  files:
    description: The files to write, in this order.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The file.
        type: path
        required: true
      before_sha256:
        description: The checksum of what it has to be now. Without it, the file must not exist.
        type: str
      content:
        description: What it shall hold, in Base64.
        type: str
        required: true
  undo:
    description:
      - Files that another step has written. When the reload fails, they get the content of their copies, and are
        removed where there is none.
      - With it nginx is reloaded in any case.
    type: list
    elements: dict
    suboptions:
      path:
        description: The file.
        type: path
        required: true
      backup:
        description: Its copy from before. Without it, the file did not exist.
        type: path
  concerned:
    description:
      - Files that the running workers must not be older than. If one is younger, nginx is reloaded although no file
        changes.
    type: list
    elements: path
    default: []
  backup_dir:
    description:
      - Where files are copied to before they change. Created with mode 0700.
      - It is refused when an C(include) with a wildcard would read the copies.
    type: path
    default: /var/backups/closewait
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.remediation_group
  - closewait.remediation.nginx_service
attributes:
  check_mode:
    support: full
    details: C(nginx -t) asks for the files as they are, and only where nginx runs, for it makes files that are missing.
  diff_mode:
    support: none
    details: M(closewait.remediation.nginx_upstream) shows the changes.
  idempotent:
    support: full
requirements:
  - nginx or OpenResty on the managed host
seealso:
  - module: closewait.remediation.nginx_upstream
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Load what somebody has written, with the way back
  closewait.remediation.nginx_apply:
    undo:
      - path: /etc/nginx/conf.d/app.conf
        backup: /var/backups/closewait/etc_nginx_conf.d_app.conf.20260314T092653.589793Z
    probes:
      - url: http://127.0.0.1/health
        headers: {Host: app.example.com}
"""

RETURN = r"""
files:
  description: The files that were written, in check mode those that would be.
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
running:
  description: Whether nginx runs.
  returned: success
  type: bool
reloaded:
  description: Whether it was reloaded, in check mode whether it would be.
  returned: success
  type: bool
workers:
  description: Process ids of the workers. Null when nothing was reloaded.
  returned: success
  type: dict
  contains:
    before:
      description: Those that took connections before.
      type: list
      elements: int
    after:
      description: Those that do now.
      type: list
      elements: int
"""

import base64
import hashlib
from typing import Any, Dict, List, Mapping, Tuple

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils import _file_set
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import apply as nginx_apply
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import files as nginx_files
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import options as nginx_options
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import program as nginx_program
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.probe import Probe

FILE = {
    "path": {"type": "path", "required": True},
    "before_sha256": {"type": "str"},
    "content": {"type": "str", "required": True, "no_log": True},
}
WRITTEN = {"path": {"type": "path", "required": True}, "backup": {"type": "path"}}
_NOTHING = (
    nginx_files.ConfigError,
    nginx_program.NginxError,
    _file_set.ChangedError,
)


def main() -> None:
    """Look, refuse, and unless in check mode act."""
    module = AnsibleModule(
        argument_spec={
            **nginx_options.ARGUMENTS,
            "files": {"type": "list", "elements": "dict", "default": [], "options": FILE},
            "undo": {"type": "list", "elements": "dict", "options": WRITTEN},
            "concerned": {"type": "list", "elements": "path", "default": []},
            "backup_dir": {"type": "path", "default": "/var/backups/closewait"},
        },
        mutually_exclusive=[("files", "undo")],
        supports_check_mode=True,
    )
    try:
        result = _run(module, module.params)
    except nginx_apply.NotAppliedError as exc:
        module.fail_json(msg="%s." % exc)
    except _NOTHING as exc:
        module.fail_json(msg="%s. Nothing was changed." % exc)
    except _file_set.HalfWrittenError as exc:
        module.fail_json(msg="%s." % exc)
    except OSError as exc:
        module.fail_json(msg="%s: %s. Nothing was changed: run this as root." % (exc.filename, exc.strerror))
    module.exit_json(**result)


def _run(module: AnsibleModule, params: Mapping[str, Any]) -> Dict[str, Any]:
    program = _program(params)
    if params["undo"] is not None:
        return _load(module, program, params)
    service = nginx_apply.look(program, params["pid_file"], params["error_log"])
    changes = [_change(item) for item in params["files"]]
    stale = nginx_apply.is_stale(service, params["concerned"])
    if service.master is not None or not module.check_mode:
        nginx_program.test(program)
    nginx_apply.check_backup_folder(service, params["backup_dir"])
    written = [_file_set.Written(change.path, None) for change in changes]
    applied = nginx_apply.Applied(written, None)
    needed = bool(changes) or stale
    if needed and not module.check_mode:
        applied = nginx_apply.apply(service, changes, params["backup_dir"], *_proof(params))
    return _result(service, applied, changed=needed)


def _load(module: AnsibleModule, program: nginx_program.Program, params: Mapping[str, Any]) -> Dict[str, Any]:
    """What another step has written."""
    written = [_file_set.Written(item["path"], item["backup"]) for item in params["undo"]]
    probes, limits = _proof(params)
    try:
        service = nginx_apply.look(program, params["pid_file"], params["error_log"])
        applied = nginx_apply.Applied([], None) if module.check_mode else nginx_apply.load(service, probes, limits)
        return _result(service, applied, changed=True)
    except (nginx_program.NginxError, nginx_files.ConfigError) as exc:
        where = nginx_apply.Place(program, params["pid_file"], params["error_log"], params["backup_dir"])
        back = nginx_apply.undo(where, written, limits)
        raise nginx_apply.NotAppliedError("%s. %s" % (exc, back)) from exc


def _result(service: nginx_apply.Service, applied: nginx_apply.Applied, *, changed: bool) -> Dict[str, Any]:
    return {
        "changed": changed,
        "files": [item._asdict() for item in applied.written],
        "running": service.master is not None,
        "reloaded": changed and service.master is not None,
        "workers": None if applied.workers is None else applied.workers._asdict(),
    }


def _program(params: Mapping[str, Any]) -> nginx_program.Program:
    found = nginx_program.find(params["program"])
    if found is None:
        raise nginx_program.NginxError("%(program)s is not here: install it, or set program" % params)
    config_file = params["config_file"] or nginx_program.build(found).conf_path
    return nginx_program.Program(found, config_file, params["prefix"])


def _change(item: Mapping[str, Any]) -> _file_set.Change:
    before = _file_set.content(item["path"])
    if (None if before is None else hashlib.sha256(before).hexdigest()) != item["before_sha256"]:
        raise _file_set.ChangedError("%s was changed by someone else in the meantime: run this again" % item["path"])
    return _file_set.Change(item["path"], before, base64.b64decode(item["content"]), None)


def _proof(params: Mapping[str, Any]) -> Tuple[List[Probe], nginx_apply.Limits]:
    probes = [Probe(item["url"], item["status"], item["headers"], item["validate_certs"]) for item in params["probes"]]
    return probes, nginx_apply.Limits(params["reload_timeout"], params["probe_timeout"])


if __name__ == "__main__":
    main()
