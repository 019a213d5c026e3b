# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads on the host, plans on the controller, applies on the host; see the documentation of the module."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import access_logs as nginx_access_logs
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import upstreams as nginx_upstreams
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.files import ConfigError
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.tree import Documents
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import arguments as nginx_arguments
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import capacity as nginx_capacity
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import concerned as nginx_concerned
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import plan as nginx_plan
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import questions as nginx_questions
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import version as nginx_version
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import wanted as nginx_wanted
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.plan import Change, Given, Plan
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.plan_error import PlanError
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.wanted import Wanted

_COLLECTION = "closewait.remediation"
_PASSED_ON = ("program", "config_file", "prefix", "pid_file", "error_log", "backup_dir", "probes")
_LIMITS = ("reload_timeout", "probe_timeout")


class _ModuleError(Exception):
    """What a module says on the host."""


class ActionModule(ActionBase):
    """What is in the files never becomes part of the result: it may be secret."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Read, plan, judge, apply."""
        _validated, options = ActionBase.validate_argument_spec(self, argument_spec=nginx_arguments.ARGUMENTS)
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        try:
            wanted = nginx_wanted.wanted(options)
            read = self._module("nginx_files", _reading(options), variables)
            if not read["installed"]:
                return {**result, **self._not_installed(options, wanted)}
            wanted = nginx_wanted.at(wanted, read["snippet"]["path"])
            plan = nginx_plan.plan(_given(read), wanted)
            capacity = self._capacity(plan, wanted, options, read["prefix"], variables)
            applied = self._module("nginx_apply", _applying(options, plan, wanted), variables)
        except ConfigError as exc:
            return {**result, "failed": True, "msg": f"{exc}. Nothing was changed."}
        except _ModuleError as exc:
            return {**result, "failed": True, "msg": str(exc)}
        return {**result, **_answer(plan, applied, capacity)}

    def _module(self, name: str, arguments: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self._execute_module(
            module_name=f"{_COLLECTION}.{name}", module_args=dict(arguments), task_vars=task_vars
        )
        if answer.get("failed"):
            raise _ModuleError(answer.get("msg", f"{name} failed"))
        return answer

    def _not_installed(self, options: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
        program = options["program"]
        if not self._task.check_mode:
            raise PlanError(f"{program} is not here: install nginx, or set program")
        lines = nginx_wanted.lines(wanted)
        warning = f"{program} is not here, so check mode takes nginx as not installed yet."
        header = options["config_file"] or "the configuration of nginx"
        return {
            **_EMPTY,
            "changed": bool(lines),
            "diff": [_diff(header, "", "".join(f"{line}\n" for line in lines))],
            "warnings": [warning],
        }

    def _capacity(
        self, plan: Plan, wanted: Wanted, options: Mapping[str, Any], prefix: str, task_vars: dict[str, Any]
    ) -> list[dict[str, Any]]:
        questions = nginx_questions.questions(plan, wanted)
        logs = nginx_access_logs.logs(plan.before)
        loads: Mapping[str, Any] = {}
        if questions and logs:
            arguments = {
                "logs": [{"path": os.path.join(prefix, log.path), "format": log.format} for log in logs],
                "upstreams": {question.upstream: list(question.addresses) for question in questions},
                "window": options["window"],
            }
            loads = self._module("nginx_load", arguments, task_vars)["upstreams"]
        return [_judged(question, loads.get(question.upstream), options) for question in questions]


_EMPTY: dict[str, Any] = {
    "files": [],
    "running": None,
    "reloaded": False,
    "workers": None,
    "shadowed": [],
    "capacity": [],
    "upstreams": {},
    "config_file": None,
}


def _reading(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in ("program", "config_file", "snippet_file")}


def _given(read: Mapping[str, Any]) -> Given:
    texts = {item["path"]: _text(item["content"]) for item in read["files"]}
    documents = Documents(read["main"], read["folder"], texts, read["includes"])
    content = read["snippet"]["content"]
    keeps = nginx_version.keeps_connections(read["version"])
    return Given(documents, None if content is None else _text(content), read["http_log_path"], keeps)


def _text(content: str) -> str:
    return base64.b64decode(content).decode("latin-1")


def _applying(options: Mapping[str, Any], plan: Plan, wanted: Wanted) -> dict[str, Any]:
    return {
        **{name: options[name] for name in (*_PASSED_ON, *_LIMITS)},
        "files": [_file(change) for change in plan.changes],
        "concerned": nginx_concerned.files(plan.after, wanted),
    }


def _file(change: Change) -> dict[str, Any]:
    before = None if change.before is None else hashlib.sha256(change.before.encode("latin-1")).hexdigest()
    content = base64.b64encode(change.after.encode("latin-1")).decode("ascii")
    return {"path": change.path, "before_sha256": before, "content": content}


def _judged(
    question: nginx_questions.Question, load: Mapping[str, Any] | None, options: Mapping[str, Any]
) -> dict[str, Any]:
    seen = None if load is None else nginx_capacity.Load(**load)
    judgement = nginx_capacity.judge(seen, question.servers * options["workers_per_server"])
    if seen is None:
        reason = "no access log carries $upstream_addr and $upstream_response_time (option log makes one)"
        judgement = judgement._replace(reason=reason)
    advice = nginx_capacity.advice(question.upstream, judgement, raised=question.raised)
    return {"upstream": question.upstream, **judgement._asdict(), "advice": advice}


def _answer(plan: Plan, applied: Mapping[str, Any], capacity: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    advice = [judged["advice"] for judged in capacity if judged["advice"]]
    return {
        "changed": applied["changed"],
        "diff": [_diff(change.path, change.shown_before, change.shown_after) for change in plan.changes],
        "warnings": [*plan.warnings, *advice, *applied.get("warnings", [])],
        "files": applied["files"],
        "running": applied["running"],
        "reloaded": applied["reloaded"],
        "workers": applied["workers"],
        "shadowed": [shadow._asdict() for shadow in plan.shadowed],
        "capacity": list(capacity),
        "upstreams": nginx_upstreams.states(plan.after),
        "config_file": plan.before.documents.main,
    }


def _diff(path: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": path, "after_header": path, "before": before, "after": after}
