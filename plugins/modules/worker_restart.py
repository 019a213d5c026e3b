# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drain one process and have its supervisor start it again."""

from __future__ import annotations

DOCUMENTATION = r"""
module: worker_restart
short_description: Drain a process and have supervisord start it again
version_added: 0.1.0
description:
  - The last remedy, for a process that cannot be healed while it runs. It asks the process to end (C(TERM)), waits
    until it has finished what it works on, and sees to it that its supervisor runs it again.
  - The supervisor is found from outside, by the environment and the ancestors of the process, not by its name.
  - Only supervisord is acted on. For a systemd unit, a container, or a process nobody would start again, nothing is
    done, and RV(command) says what could be run by hand.
  - The process is never killed, unless O(kill_after) says so. If it has not ended after O(drain_timeout), it is left
    draining, and RV(outcome) says so.
  - C(supervisorctl restart) is not used, as it kills after C(stopwaitsecs), which is 10 seconds unless configured.
  - The client runs with the rights of the running C(supervisord), unless O(configuration) is given.
options:
  pid:
    description:
      - The process, which has to be the one that supervisord itself started, or below that one.
      - Of a child, such as a pool process of Celery, the one that supervisord started is drained and started again.
    type: int
    required: true
  start_time:
    description:
      - When it started, in clock ticks since boot, which is field 22 of C(/proc/PID/stat).
      - If the process with this O(pid) started at another time, it is another process, and is left alone.
    type: int
    required: true
  drain_timeout:
    description: How long to wait for the end of the process, in seconds.
    type: int
    default: 600
  kill_after:
    description:
      - If the process has not ended so many seconds after O(stop_signal), have supervisord send it C(KILL).
      - For a process that was seen to act on no signal and to get nothing done. What it has in work is lost. Its
        children are not killed.
      - Without it the process is never killed.
    type: int
  stop_signal:
    description:
      - The signal on which the program finishes its work and ends.
      - V(TERM) is right for Celery, gunicorn and most others, V(QUIT) for nginx and php-fpm.
    type: str
    choices: [TERM, INT, QUIT, HUP, USR1, USR2]
    default: TERM
  supervisorctl:
    description:
      - The client program.
      - Without it the one beside the running C(supervisord) is taken, and then one on C(PATH).
    type: path
  configuration:
    description:
      - The configuration file of supervisord, from which C(supervisorctl) takes address, user name and password.
      - Without it the one that the running C(supervisord) was started with is taken.
    type: path
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.remediation_group
attributes:
  check_mode:
    support: full
    details: It asks supervisord about the program, and sends nothing to the process.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - After a restart the process is another one, so a second run finds it gone and changes nothing.
      - A process that is still draining gets the signal again. Celery and gunicorn take that as the first one.
requirements:
  - supervisor 3.2 or newer
notes:
  - Celery that runs with C(REMAP_SIGTERM) would end its tasks on C(TERM), so that is refused.
  - Prefetched messages that a draining Celery worker never began go back to the queue.
seealso:
  - module: closewait.remediation.fd_close
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Restart a worker that a diagnosis named, and give its tasks twenty minutes
  closewait.remediation.worker_restart:
    pid: "{{ finding.process.pid }}"
    start_time: "{{ finding.process.start_time }}"
    drain_timeout: 1200
  register: restart

- name: Stop unless it runs again
  ansible.builtin.assert:
    that: restart.outcome in ["restarted", "gone"]
    fail_msg: "{{ restart.reason }}; {{ restart.command }}"
"""

RETURN = r"""
outcome:
  description:
    - V(restarted), the old process has ended, by itself or after O(kill_after), and a new one runs.
    - V(draining), it was asked to end and had not done so after O(drain_timeout).
    - V(refused), nothing was done.
    - V(gone), the process had ended before.
    - V(would_restart), in check mode.
  returned: always
  type: str
  sample: restarted
reason:
  description: Why, in a sentence.
  returned: always
  type: str
  sample: supervisord runs it as export:celery
command:
  description: What an operator could run instead or next. Null when there is nothing to recommend.
  returned: always
  type: str
  sample: systemctl restart celery.service
supervisor:
  description: Who started the process. Null when that is not known.
  returned: always
  type: dict
  contains:
    kind:
      description: Either V(supervisord) or V(systemd).
      type: str
    name:
      description: Group and process in supervisord, or the unit.
      type: str
  sample: {"kind": "supervisord", "name": "export:celery"}
process:
  description: The process that runs now. Null when it is not known.
  returned: always
  type: dict
  contains:
    pid:
      description: Process id.
      type: int
    start_time:
      description: Clock ticks since boot.
      type: int
  sample: {"pid": 4711, "start_time": 8675309}
drained_s:
  description: Seconds from the signal to the end of the old process. Null unless RV(outcome=restarted).
  returned: always
  type: float
  sample: 41.3
"""

import time
from typing import Any, Mapping, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils._restart import act as restart_act
from ansible_collections.closewait.remediation.plugins.module_utils._restart import decision as restart_decision
from ansible_collections.closewait.remediation.plugins.module_utils._restart import observation as restart_observation
from ansible_collections.closewait.remediation.plugins.module_utils._restart.act import Identity
from ansible_collections.closewait.remediation.plugins.module_utils._restart.decision import Seen
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl import (
    Access,
    Supervisorctl,
)
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl_reply import (
    SupervisorctlError,
)


def main() -> None:
    """Look, decide, and unless in check mode act."""
    module = AnsibleModule(
        argument_spec={
            "pid": {"type": "int", "required": True},
            "start_time": {"type": "int", "required": True},
            "drain_timeout": {"type": "int", "default": 600},
            "kill_after": {"type": "int"},
            "stop_signal": {
                "type": "str",
                "choices": ["TERM", "INT", "QUIT", "HUP", "USR1", "USR2"],
                "default": "TERM",
            },
            "supervisorctl": {"type": "path"},
            "configuration": {"type": "path"},
        },
        supports_check_mode=True,
    )
    try:
        result = _run(module)
    except PermissionError as exc:
        module.fail_json(msg="%s: %s. This needs the rights of root." % (exc.filename, exc.strerror))
    except (restart_act.NotBackError, SupervisorctlError) as exc:
        module.fail_json(msg="%s. The process was asked to end." % exc)
    module.exit_json(**result)


def _run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    old = Identity(params["pid"], params["start_time"])
    observation = restart_observation.observe(old, params["supervisorctl"], params["configuration"])
    seen = observation.seen
    decision = restart_decision.decide(seen, params["stop_signal"])
    if decision.outcome != restart_decision.RESTART or observation.access is None:
        return _result(seen, decision.outcome, decision.reason, decision.command, _if_alive(old))
    main = restart_act.main_process(seen.program.pid if seen.program else None, old)
    if module.check_mode and main:
        result = _result(seen, "would_restart", decision.reason, None, main)
        return {**result, "changed": True, "diff": _diff(seen, "a new process, running")}
    return _act(seen, observation.access, main, params)


def _act(seen: Seen, access: Access, old: Optional[Identity], params: Mapping[str, Any]) -> dict[str, Any]:
    program, seconds = str(seen.name), params["drain_timeout"]
    control = Supervisorctl(access)
    if old is None or not restart_act.still_the_one(control, program, old):
        return _result(seen, "gone", "it ended by itself just now", None, None)
    began = time.monotonic()
    patience = seconds if params["kill_after"] is None else min(seconds, params["kill_after"])
    ended, how = restart_act.drain(control, program, old, params["stop_signal"], patience), "ended by itself"
    if not ended and params["kill_after"] is not None:
        ended, how = restart_act.kill(control, program, old), "did not act on %s and was killed" % params["stop_signal"]
    if not ended:
        draining = restart_decision.still_draining(seen, patience)
        result = _result(seen, "draining", draining.reason, draining.command, old)
        return {**result, "changed": True, "diff": _diff(seen, "process %d, draining" % old.pid)}
    drained_s = round(time.monotonic() - began, 1)
    new = restart_act.come_back(control, program, old)
    result = _result(seen, "restarted", "it %s after %.1f s" % (how, drained_s), None, new)
    return {**result, "changed": True, "drained_s": drained_s, "diff": _diff(seen, "process %d, running" % new.pid)}


def _if_alive(process: Identity) -> Optional[Identity]:
    return process if restart_act.alive(process) else None


def _result(
    seen: Seen, outcome: str, reason: str, command: Optional[str], process: Optional[Identity]
) -> dict[str, Any]:
    return {
        "changed": False,
        "outcome": outcome,
        "reason": reason,
        "command": command,
        "supervisor": {"kind": seen.kind, "name": seen.name} if seen.kind else None,
        "process": process._asdict() if process else None,
        "drained_s": None,
    }


def _diff(seen: Seen, state: str) -> dict[str, str]:
    return {"before": "%s: process %d, running\n" % (seen.name, seen.pid), "after": "%s: %s\n" % (seen.name, state)}


if __name__ == "__main__":
    main()
