# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set how programs are stopped in the configuration files of supervisord."""

from __future__ import annotations

DOCUMENTATION = r"""
module: supervisor_conf
short_description: Set stopwaitsecs and its like in the configuration files of supervisord
version_added: 0.1.0
description:
  - Sets C(stopwaitsecs), C(stopsignal), C(killasgroup) and C(stopasgroup) of programs, in the file where each program
    is defined, be that the main one or one that C([include]) names. Nothing that runs is touched. That is the matter of
    M(closewait.remediation.supervisor_apply).
  - An option is changed where it counts. Supervisor reads the main file, then the included ones in order, and the last
    line wins. If it is nowhere, it is added to the section that holds the command. Inline comments and every other byte
    stay as they are. A value that means the same already is left as it is written.
  - All files are replaced in one step each, with owner, mode, ACL and extended attributes kept, or none is.
  - Settings that would cause the next incident are refused. These are a C(stopwaitsecs) lower than that of now,
    C(stopasgroup) with the prefork pool of Celery, a C(stopsignal) on which Celery drops its tasks, and what
    supervisord itself refuses.
  - It warns when a Celery time limit is above C(stopwaitsecs), when C(TimeoutStopSec) of supervisord's own systemd
    unit is not, and when C(killasgroup) is false for a Celery prefork pool.
options:
  path:
    description:
      - The main configuration file.
      - Without it the one that the running supervisord was started with is taken. It fails when several run.
    type: path
  default_path:
    description: The main configuration file when O(path) is not given and no supervisord runs.
    type: path
    default: /etc/supervisor/supervisord.conf
  programs:
    description: The programs and their settings. What is not given is left alone.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name in the section, V(worker) for C([program:worker]).
        type: str
        required: true
      section:
        description: The kind of the section.
        type: str
        choices: [program, eventlistener, fcgi-program]
        default: program
      stopwaitsecs:
        description: Seconds between the stop signal and C(KILL).
        type: int
      stopsignal:
        description: The signal that asks the program to end.
        type: str
        choices: [TERM, HUP, INT, QUIT, USR1, USR2]
      killasgroup:
        description: Whether C(KILL) goes to the whole process group.
        type: bool
      stopasgroup:
        description: Whether the stop signal goes to the whole process group.
        type: bool
  allow_lower:
    description: Whether C(stopwaitsecs) may become less than it is.
    type: bool
    default: false
  allow_stopasgroup:
    description: Whether C(stopasgroup) may become true for a Celery worker with the prefork pool.
    type: bool
    default: false
  backup_dir:
    description:
      - Where files are copied to before they change, with owner and mode kept. It is created with mode 0700.
      - It is refused when C([include]) would read the copies.
    type: path
    default: /var/backups/closewait
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.remediation_group
attributes:
  check_mode:
    support: full
    details: Where the main file is not there yet, it takes Supervisor as not installed, warns, and predicts a change.
  diff_mode:
    support: full
    details: Shows the settings of this module only, as the files also hold passwords.
  idempotent:
    support: full
notes:
  - Supervisor 3.x and 4.x are understood alike.
  - C(%(ENV_X)s) is expanded with the environment of the running supervisord. One that cannot be expanded is replaced.
seealso:
  - module: closewait.remediation.supervisor_apply
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Let Celery finish its tasks at the next deploy
  closewait.remediation.supervisor_conf:
    programs:
      - name: celery
        stopwaitsecs: 900
        killasgroup: true
        stopasgroup: false
"""

RETURN = r"""
path:
  description: The main configuration file.
  returned: success
  type: str
  sample: /etc/supervisor/supervisord.conf
programs:
  description: What the files say of each program. Supervisor's defaults are filled in; null is what cannot be told.
  returned: success
  type: list
  elements: dict
  contains:
    section:
      description: The section.
      type: str
    groups:
      description: The process groups that run it.
      type: list
      elements: str
    before:
      description: Settings before.
      type: dict
    after:
      description: Settings afterwards; in check mode those that would be.
      type: dict
  sample:
    - section: program:celery
      groups: [celery]
      before: {stopwaitsecs: 10, stopsignal: TERM, stopasgroup: false, killasgroup: false}
      after: {stopwaitsecs: 900, stopsignal: TERM, stopasgroup: false, killasgroup: true}
groups:
  description: The process groups of all of them, each once.
  returned: success
  type: list
  elements: str
  sample: [celery]
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
      description: Its copy from before. Null in check mode.
      type: str
  sample:
    - path: /etc/supervisor/conf.d/celery.conf
      backup: /var/backups/closewait/etc_supervisor_conf.d_celery.conf.20260314T092653.589793Z
"""

import os
from typing import Any, Mapping

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils import _file_set, _write_outcome
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import case as supervisor_case
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import (
    guard,
    programs,
    supervisord_choice,
    supervisord_conf_files,
    supervisord_conf_rewrite,
)
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisord_conf import ConfError

_SETTINGS = ("stopwaitsecs", "stopsignal", "killasgroup", "stopasgroup")


def main() -> None:
    """Decide, and unless in check mode write."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path"},
            "default_path": {"type": "path", "default": "/etc/supervisor/supervisord.conf"},
            "programs": {"type": "list", "elements": "dict", "required": True, "options": _program_spec()},
            "allow_lower": {"type": "bool", "default": False},
            "allow_stopasgroup": {"type": "bool", "default": False},
            "backup_dir": {"type": "path", "default": "/var/backups/closewait"},
        },
        supports_check_mode=True,
    )
    with _write_outcome.failing(module, ConfError):
        module.exit_json(**_run(module, module.params))


def _program_spec() -> dict[str, Any]:
    return {
        "name": {"type": "str", "required": True},
        "section": {"type": "str", "choices": list(programs.KINDS), "default": "program"},
        "stopwaitsecs": {"type": "int"},
        "stopsignal": {"type": "str", "choices": ["TERM", "HUP", "INT", "QUIT", "USR1", "USR2"]},
        "killasgroup": {"type": "bool"},
        "stopasgroup": {"type": "bool"},
    }


def _run(module: AnsibleModule, params: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {programs.section(item["section"], item["name"]): _settings(item) for item in params["programs"]}
    chosen = supervisord_choice.choose(params["path"], params["default_path"])
    if module.check_mode and not os.path.lexists(chosen.main):
        return _not_installed(module, chosen.main, wanted)
    tree = supervisord_conf_files.read(chosen.main, chosen.environ())
    for part in wanted:
        programs.check_defined(tree, part)
    new = supervisord_conf_rewrite.rewrite(tree, wanted)
    _guard(module, chosen, tree, new.tree, list(wanted))
    supervisord_conf_files.check_backup_folder(params["backup_dir"], tree)
    written = [_file_set.Written(path, None) for path in new.changed]
    if new.changed and not module.check_mode:
        written = _file_set.write(_changes(tree, new), params["backup_dir"])
    listed = [_program(tree, new.tree, part) for part in wanted]
    return {
        "changed": bool(new.changed),
        "path": chosen.main,
        "programs": listed,
        "groups": list(dict.fromkeys(group for item in listed for group in item["groups"])),
        "files": [item._asdict() for item in written],
        "diff": {
            "before_header": ", ".join(new.changed),
            "after_header": ", ".join(new.changed),
            "before": supervisord_conf_rewrite.shown(tree, list(wanted)),
            "after": supervisord_conf_rewrite.shown(new.tree, list(wanted)),
        },
    }


def _settings(item: Mapping[str, Any]) -> dict[str, programs.Value]:
    return {name: item[name] for name in _SETTINGS if item[name] is not None}


def _guard(
    module: AnsibleModule,
    chosen: supervisord_choice.Chosen,
    tree: supervisord_conf_files.Tree,
    new: supervisord_conf_files.Tree,
    parts: list[str],
) -> None:
    allowed = guard.Allowed(module.params["allow_lower"], module.params["allow_stopasgroup"])
    cases = supervisor_case.cases(chosen.daemon, tree, new, parts)
    refused = [reason for case in cases for reason in guard.refusals(case, allowed)]
    if refused:
        raise ConfError("; ".join(refused))
    unit = supervisor_case.unit(chosen.daemon)
    for case in cases:
        for warning in guard.warnings(case, unit):
            module.warn(warning)


def _changes(tree: supervisord_conf_files.Tree, new: supervisord_conf_rewrite.Rewritten) -> list[_file_set.Change]:
    old = {file.path: supervisord_conf_files.encoded(file.text) for file in tree.files}
    texts = {file.path: supervisord_conf_files.encoded(file.text) for file in new.tree.files}
    return [_file_set.Change(path, old[path], texts[path], path) for path in new.changed]


def _program(tree: supervisord_conf_files.Tree, new: supervisord_conf_files.Tree, part: str) -> dict[str, Any]:
    return {
        "section": part,
        "groups": programs.groups(tree, part),
        "before": programs.settings(tree, part)._asdict(),
        "after": programs.settings(new, part)._asdict(),
    }


def _not_installed(module: AnsibleModule, path: str, wanted: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    module.warn("%s is not there, so check mode takes Supervisor as not installed yet." % path)
    after = "\n".join(
        "[%s]\n%s" % (part, "".join("%s=%s\n" % item for item in settings.items())) for part, settings in wanted.items()
    )
    return {
        "changed": True,
        "path": path,
        "programs": [
            {"section": part, "groups": [], "before": {}, "after": dict(settings)} for part, settings in wanted.items()
        ],
        "groups": [],
        "files": [],
        "diff": {"before_header": path, "after_header": path, "before": "", "after": after},
    }


if __name__ == "__main__":
    main()
