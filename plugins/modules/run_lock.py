#!/usr/bin/python
# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let one run at a time change a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: run_lock
short_description: Let one run at a time change a host
version_added: 0.1.0
description:
  - Takes, renews or gives back the lock of a host, so that two runs of C(remediate) cannot heal the same process at the
    same time, whoever started them and from wherever.
  - The lock is a lease. A run that was broken off leaves it behind, and after O(lease) seconds without a renewal any
    other run may take it. A run with the same O(run) takes it at once.
  - If another run has it, the module fails and says which one and for how long.
options:
  run:
    description: What names the run, see M(closewait.remediation.run_claim).
    type: str
    required: true
  who:
    description: User and controller, for whoever finds the lock.
    type: str
    default: unknown
  lease:
    description: For how many seconds the lock holds without a renewal. Longer than the longest step of the run.
    type: int
    default: 1800
  take_over:
    description: Take the lock from another run. Only after making sure that the other run is dead.
    type: bool
    default: false
  path:
    description: The lock file, in a file system that a start of the host empties.
    type: path
    default: /run/closewait/run.lock
  state:
    description:
      - V(present) takes or renews the lock, V(absent) gives it back.
      - A lock of another run is never given back.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.remediation_group
attributes:
  check_mode:
    support: full
    details: It says what would become of the lock, and leaves it as it is.
  diff_mode:
    support: N/A
    details: A lock is no part of what a host is like, so C(changed) is always false.
  idempotent:
    support: full
seealso:
  - module: closewait.remediation.run_claim
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Name this run
  closewait.remediation.run_claim:
    output_dir: ./closewait-report
  register: claim
  run_once: true

- name: Take the lock of every host
  closewait.remediation.run_lock:
    run: "{{ claim.run }}"
    who: "{{ claim.who }}"

- name: Give it back
  closewait.remediation.run_lock:
    run: "{{ claim.run }}"
    state: absent
"""

RETURN = r"""
outcome:
  description:
    - V(taken), V(renewed), or V(taken_over) with O(state=present).
    - V(given_back), or V(not_ours) when there was none or it was of another run, with O(state=absent).
    - V(held) when another run has it, which is a failure.
  returned: always
  type: str
  sample: taken
reason:
  description: Why, in a sentence.
  returned: always
  type: str
  sample: nobody had it
"""

import time
from typing import Any, Dict, Mapping, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils import _run_lock
from ansible_collections.closewait.remediation.plugins.module_utils._run_lock import Decision, Lease


def main() -> None:
    """Look, decide, and unless in check mode write."""
    module = AnsibleModule(
        argument_spec={
            "run": {"type": "str", "required": True},
            "who": {"type": "str", "default": "unknown"},
            "lease": {"type": "int", "default": 1800},
            "take_over": {"type": "bool", "default": False},
            "path": {"type": "path", "default": "/run/closewait/run.lock"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        supports_check_mode=True,
    )
    act = {"present": _foretell if module.check_mode else _take, "absent": _keep if module.check_mode else _give_back}
    try:
        decision = act[module.params["state"]](module.params)
    except _run_lock.LockFileError as exc:
        module.fail_json(msg=str(exc))
    result: Dict[str, Any] = {"changed": False, **decision._asdict()}
    if decision.outcome == "held":
        module.fail_json(msg=_advice(decision.reason), **result)
    module.exit_json(**result)


def _decide(found: Optional[Lease], params: Mapping[str, Any]) -> Decision:
    dead = {found.run} if found and params["take_over"] else ()
    return _run_lock.decide(found, params["run"], time.time(), dead)


def _take(params: Mapping[str, Any]) -> Decision:
    with _run_lock.opened(params["path"]) as lock:
        decision = _decide(_run_lock.read(lock), params)
        if decision.outcome != "held":
            now = time.time()
            _run_lock.write(lock, Lease(params["run"], params["who"], now, now + params["lease"]))
    return decision


def _foretell(params: Mapping[str, Any]) -> Decision:
    return _decide(_run_lock.peek(params["path"]), params)


def _give_back(params: Mapping[str, Any]) -> Decision:
    decision = _keep(params)
    if decision.outcome == "given_back":
        with _run_lock.opened(params["path"]) as lock:
            found = _run_lock.read(lock)
            if found is not None and found.run == params["run"]:
                _run_lock.write(lock, None)
    return decision


def _keep(params: Mapping[str, Any]) -> Decision:
    found = _run_lock.peek(params["path"])
    if found is None or found.run != params["run"]:
        return Decision("not_ours", "this run does not have it")
    return Decision("given_back", "this run had it")


def _advice(reason: str) -> str:
    return (
        "Another run is at work on this host: %s. Wait for its end. If that run is dead, closewait_lock_take_over=true "
        "takes the lock from it" % reason
    )


if __name__ == "__main__":
    main()
