# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make supervisord run groups of programs as its files now say."""

from __future__ import annotations

DOCUMENTATION = r"""
module: supervisor_apply
short_description: Have supervisord take over changed settings without losing the work that runs
version_added: 0.1.0
description:
  - Makes groups of programs run as the configuration files now say. C(supervisorctl update) alone stops a program with
    the B(old) C(stopwaitsecs), so raising that setting kills the very work that it is to protect.
  - With O(apply=drain) nothing is left to do when the group is stopped. A Celery worker is told through its own remote
    control to consume no more, and is waited for until nothing is active or reserved. Then each process gets its
    stop signal, is waited for, and is kept by C(supervisorctl stop) from being started anew. Then that group alone is
    updated, and all that ran before is seen to run again.
  - It is verified with C(supervisorctl reread), which compares what runs with the files, all settings of it, and
    starts and stops nothing. No version of Supervisor reports the C(stopwaitsecs) that a running program really has.
    C(getAllConfigInfo) of 4.x returns what was read last, not what runs.
  - If a process does not finish in time, consumers consume again, what has stopped is started, and it fails. It
    never sends C(KILL).
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
  groups:
    description:
      - Process groups. A program that no C([group:x]) lists is in a group of its own name.
      - All programs of a group are replaced together, as Supervisor cannot update a part of one.
    type: list
    elements: str
  sections:
    description: The groups that run these programs, named by their sections, such as V(program:worker).
    type: list
    elements: str
  apply:
    description:
      - V(drain) waits until nothing is left to do.
      - V(restart) updates at once. Work that takes longer than the old C(stopwaitsecs) is killed.
      - V(defer) does nothing but have the files checked.
    type: str
    choices: [drain, defer, restart]
    default: drain
  drain_timeout:
    description: How long each group gets to finish its work, in seconds.
    type: int
    default: 600
  drain_by:
    description:
      - V(auto) drains Celery workers through their remote control, and other programs by their stop signal.
      - V(signal) takes the signal for Celery too. With C(autorestart=true) a new worker may then begin tasks in the
        moment before it is stopped again, and has the old C(stopwaitsecs) for them.
    type: str
    choices: [auto, signal]
    default: auto
  celery_command:
    description:
      - The client of Celery with its app, such as V([/srv/shop/bin/celery, -A, shop]), where the command line of the
        worker does not tell it.
      - It runs as the user of the worker, in its folder and with its environment.
    type: list
    elements: str
  start_stopped:
    description:
      - Whether processes of the group that stand still, and have C(autostart), may be started. An update does that.
      - Without it such a group is refused.
    type: bool
    default: false
  must_run:
    description: Processes as C(group:process) that have to run after an update, although they may not run now.
    type: list
    elements: str
    default: []
  supervisorctl:
    description:
      - The client program.
      - Without it the one beside the running supervisord is taken, and then one on C(PATH).
    type: path
  expect_change:
    description: In check mode, whether the files of the groups are going to change before a real run comes to this.
    type: bool
    default: false
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.remediation_group
attributes:
  check_mode:
    support: full
    details:
      - It asks supervisord to compare its files with what runs, and Celery workers for their names. Nothing is started
        or stopped.
  diff_mode:
    support: full
  idempotent:
    support: full
requirements:
  - supervisor 3.2 or newer
notes:
  - The client runs with the rights of the running supervisord.
  - Celery tasks with an ETA that a worker holds go back to the queue.
seealso:
  - module: closewait.remediation.supervisor_conf
  - module: closewait.remediation.worker_restart
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Let the workers of the shop finish, then run them with their new settings
  closewait.remediation.supervisor_apply:
    groups: [celery]
    drain_timeout: 1800
"""

RETURN = r"""
outcome:
  description:
    - V(applied), or V(would_apply) in check mode.
    - V(unchanged), the groups ran as the files say already.
    - V(deferred), they do not, and O(apply=defer).
    - V(not_running), no supervisord runs with that file.
  returned: success
  type: str
  sample: applied
reason:
  description: What that means, in a sentence.
  returned: success
  type: str
  sample: celery runs as the files say
groups:
  description: What was done to each group that did not run as the files say.
  returned: success
  type: list
  elements: dict
  contains:
    group:
      description: Its name.
      type: str
    before:
      description: Process id by name, before.
      type: dict
    after:
      description: Process id by name, afterwards. Empty in check mode.
      type: dict
    drained_s:
      description: Seconds until nothing was left to do. Null in check mode.
      type: float
  sample:
    - group: celery
      before: {"celery:celery": 4711}
      after: {"celery:celery": 4823}
      drained_s: 41.3
effective:
  description:
    - The settings that the programs of these groups run with, by section, as far as that is proven.
    - Null where supervisord runs something else than its files say, for then nothing tells.
  returned: success
  type: dict
  sample:
    program:celery: {stopwaitsecs: 900, stopsignal: TERM, stopasgroup: false, killasgroup: true}
killed:
  description:
    - Lines of supervisord's log from this run on a process that it killed, which O(apply=drain) is to prevent.
    - Null when there is no log to look at.
  returned: success
  type: list
  elements: str
  sample: []
others_changed:
  description: Processes of other groups that are not the ones of before. They are not touched by this module.
  returned: success
  type: list
  elements: str
  sample: []
"""

from typing import Any, NamedTuple, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils._celery.control import CeleryError
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import apply as supervisor_apply
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import members as supervisor_members
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import (
    programs,
    supervisord_choice,
    supervisord_conf_files,
)
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.apply import (
    Drain,
    NotAppliedError,
    Work,
)
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl import Supervisorctl
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl_reply import (
    SupervisorctlError,
)
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisord_conf import ConfError
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisord_conf_files import Tree

_CHANGED = "changed"
_DEFERRED = (
    "%s runs with settings of before. They count until supervisord itself starts anew or the group is updated, not"
    " until the program restarts; and supervisorctl update kills what takes longer than the old stopwaitsecs"
)
#: A group takes its stopwaitsecs to stop, and the old one, which nothing tells, may be longer than that in the files.
_UPDATE_S = 900


class Site(NamedTuple):
    """``control`` of the supervisord, and its files as they are now."""

    control: Supervisorctl
    tree: Tree


def main() -> None:
    """Look, decide, and unless in check mode act."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path"},
            "default_path": {"type": "path", "default": "/etc/supervisor/supervisord.conf"},
            "groups": {"type": "list", "elements": "str"},
            "sections": {"type": "list", "elements": "str"},
            "apply": {"type": "str", "choices": ["drain", "defer", "restart"], "default": "drain"},
            "drain_timeout": {"type": "int", "default": 600},
            "drain_by": {"type": "str", "choices": ["auto", "signal"], "default": "auto"},
            "celery_command": {"type": "list", "elements": "str"},
            "start_stopped": {"type": "bool", "default": False},
            "must_run": {"type": "list", "elements": "str", "default": []},
            "supervisorctl": {"type": "path"},
            "expect_change": {"type": "bool", "default": False},
        },
        required_one_of=[("groups", "sections")],
        mutually_exclusive=[("groups", "sections")],
        supports_check_mode=True,
    )
    try:
        result = _run(module)
    except (ConfError, NotAppliedError, SupervisorctlError, CeleryError) as exc:
        module.fail_json(msg="%s." % exc)
    except OSError as exc:
        module.fail_json(msg="%s: %s. This needs the rights of root." % (exc.filename, exc.strerror))
    module.exit_json(**result)


def _run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    chosen = supervisord_choice.choose(params["path"], params["default_path"])
    if chosen.daemon is None:
        reason = "no supervisord runs with %s; the next one to start does as it says" % chosen.main
        return _result("not_running", reason)
    control = Supervisorctl(chosen.access(params["supervisorctl"]))
    site = Site(control, supervisord_conf_files.read(chosen.main, chosen.environ()))
    states = control.reread()
    groups = _groups(site.tree, params["groups"], params["sections"])
    loaded = _loaded(control, groups, states)
    pending = _pending(module, loaded, states)
    if not pending:
        return {**_result("unchanged", _unchanged(groups, loaded)), "effective": _effective(site, loaded)}
    if params["apply"] == "defer":
        return _result("deferred", _DEFERRED % ", ".join(pending))
    work = [_work(module, site, group) for group in pending]
    if module.check_mode:
        done = [{"group": item.group, "before": _pids(item), "after": {}, "drained_s": None} for item in work]
        return {**_result("would_apply", _applied(pending)), "groups": done, "diff": _diff(pending)}
    return {**_act(module, site, work), "diff": _diff(pending)}


def _groups(tree: Tree, groups: Optional[list[str]], sections: Optional[list[str]]) -> list[str]:
    named = groups or [group for part in sections or [] for group in programs.groups(tree, part)]
    return list(dict.fromkeys(named))


def _loaded(control: Supervisorctl, groups: list[str], states: dict[str, str]) -> list[str]:
    """Those of the groups that supervisord knows; a new one is known to its files only. Raises SupervisorctlError."""
    loaded = [group for group in groups if states.get(group) != "available"]
    for group in loaded:
        control.group(group)
    return loaded


def _pending(module: AnsibleModule, loaded: list[str], states: dict[str, str]) -> list[str]:
    pending = [group for group in loaded if states.get(group) == _CHANGED]
    if not (module.check_mode and module.params["expect_change"]):
        return pending
    for group in pending:
        module.warn("%s differs from its files already, and an update applies these other changes as well" % group)
    return loaded


def _unchanged(groups: list[str], loaded: list[str]) -> str:
    new = [group for group in groups if group not in loaded]
    if new:
        return "%s is not loaded yet, and will run as the files say when it is added" % ", ".join(new)
    return "%s: as the files say already" % ", ".join(groups)


def _work(module: AnsibleModule, site: Site, group: str) -> Work:
    found = supervisor_apply.settled(site.control, group)
    parts = programs.processes(site.tree, group)
    autostart = {name for name, part in parts.items() if programs.starts_by_itself(site.tree, part)}
    standing = supervisor_apply.standing(found, autostart)
    if standing and not module.params["start_stopped"]:
        reason = "%s would be started by an update of %s: start or remove them first, or allow it (start_stopped)"
        raise NotAppliedError(reason % (", ".join(standing), group))
    running = supervisor_members.running(found)
    must_run = [name for name in found if name in running or name in module.params["must_run"]]
    if module.params["apply"] == "restart":
        return Work(group, running, must_run, None)
    how = supervisor_members.How(module.params["drain_by"] == "auto", module.params["celery_command"])
    members = supervisor_members.members(site.tree, group, running, how)
    return Work(group, running, must_run, Drain(members, module.params["drain_timeout"]))


def _act(module: AnsibleModule, site: Site, work: list[Work]) -> dict[str, Any]:
    control, groups = site.control, [item.group for item in work]
    log, others = control.killed(), _others(site, groups)
    seconds = max([_UPDATE_S, module.params["drain_timeout"], *_longest(site, groups)])
    done = [{"group": item.group, **_replaced(control, item, seconds)} for item in work]
    still = [group for group in groups if group in control.reread()]
    if still:
        raise NotAppliedError("%s was updated and differs from its files again: somebody else changes them" % still[0])
    now, log_now = _others(site, groups), control.killed()
    return {
        **_result("applied", _applied(groups)),
        "groups": done,
        "effective": _effective(site, groups),
        "killed": None if log is None or log_now is None else [line for line in log_now if line not in log],
        "others_changed": sorted(name for name, pid in others.items() if now.get(name) != pid),
    }


def _replaced(control: Supervisorctl, work: Work, seconds: int) -> dict[str, Any]:
    applied = supervisor_apply.replace(control, work, seconds)
    return {"before": applied.before, "after": applied.after, "drained_s": applied.seconds}


def _others(site: Site, groups: list[str]) -> dict[str, Optional[int]]:
    everything = site.control.everything()
    return {name: status.pid for name, status in everything.items() if name.partition(":")[0] not in groups}


def _longest(site: Site, groups: list[str]) -> list[int]:
    parts = [part for group in groups for part in programs.members(site.tree, group)]
    return [programs.settings(site.tree, part).stopwaitsecs or 0 for part in parts]


def _effective(site: Site, groups: list[str]) -> dict[str, Any]:
    parts = [part for group in groups for part in programs.members(site.tree, group)]
    return {part: programs.settings(site.tree, part)._asdict() for part in parts}


def _pids(work: Work) -> dict[str, int]:
    return {name: process.pid for name, process in work.running.items()}


def _applied(groups: list[str]) -> str:
    return "%s: as the files say" % ", ".join(groups)


def _diff(groups: list[str]) -> dict[str, str]:
    return {
        "before": "".join("%s: runs with other settings than its files say\n" % group for group in groups),
        "after": "".join("%s: runs as its files say\n" % group for group in groups),
    }


def _result(outcome: str, reason: str) -> dict[str, Any]:
    return {
        "changed": outcome in ("applied", "would_apply"),
        "outcome": outcome,
        "reason": reason,
        "groups": [],
        "effective": None,
        "killed": [],
        "others_changed": [],
    }


if __name__ == "__main__":
    main()
