# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of awx/ against the playbooks that they name, the documentation, and ansible-builder."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from readme.hosts import REPOSITORY

RESOURCES = REPOSITORY / "awx" / "resources"
#: What AWX takes for a playbook when it lists those of a project (awx/main/utils/ansible.py), but for files of tasks.
PLAYBOOK = re.compile(r"^\s*?-?\s*?(?:hosts|(?:ansible\.builtin\.)?import_playbook):\s*?.*?$", re.MULTILINE)


class _Loader(yaml.SafeLoader):
    """Knows the tag of Ansible for texts that are not evaluated."""


def _unsafe(_loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
    return str(node.value)


_Loader.add_constructor("!unsafe", _unsafe)


def resource(name: str) -> Any:
    return yaml.load((RESOURCES / f"{name}.yml").read_text(), Loader=_Loader)  # noqa: S506 - it is a safe one


def questions() -> list[tuple[str, dict[str, Any]]]:
    """Each question with the playbook that gets the answer; shared ones are named by their variable."""
    data, found = resource("job_templates"), []
    for template in data["closewait_awx_job_templates"]:
        for question in template["survey_spec"]["spec"]:
            shared = data[question.strip("{} ")] if isinstance(question, str) else question
            found.append((template["playbook"], shared))
    return found


def test_awx_lists_every_playbook_that_a_template_names() -> None:
    for template in resource("job_templates")["closewait_awx_job_templates"]:
        path = Path(template["playbook"])
        assert PLAYBOOK.search((REPOSITORY / path).read_text()), path
        assert not {"roles", "tasks"} & set(path.parts)


def test_nothing_else_of_awx_is_taken_for_a_playbook() -> None:
    taken = [path.name for path in (REPOSITORY / "awx").rglob("*.yml") if PLAYBOOK.search(path.read_text())]
    assert taken == ["apply.yml"]


@pytest.mark.parametrize(("playbook", "question"), questions(), ids=lambda value: str(value)[:40])
def test_each_question_is_about_a_documented_variable_and_never_answered_with_nothing(
    playbook: str, question: dict[str, Any]
) -> None:
    documented = (REPOSITORY / "docs" / "VARIABLES.md").read_text()
    assert f"| `{question['variable']}` |" in documented, playbook
    assert question["default"] not in ("", None)
    if question["type"] == "multiplechoice" and "{{" not in question["default"]:
        assert question["default"] in question["choices"]


def test_there_is_no_secret() -> None:
    texts = [path.read_text() for path in (REPOSITORY / "awx").rglob("*") if path.is_file()]
    assert not [line for text in texts for line in text.splitlines() if re.search(r"password: +\"?[^\"\s!]", line)]


def test_ansible_builder_makes_a_build_of_the_definition(tmp_path: Path) -> None:
    definition = REPOSITORY / "awx" / "execution-environment.yml"
    argv = [
        sys.executable,
        "-m",
        "ansible_builder",
        "create",
        "-f",
        str(definition),
        "-c",
        str(tmp_path),
        "--output-filename",
        "Containerfile",
    ]
    run = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    lines = (tmp_path / "Containerfile").read_text().splitlines()
    assert any("ansible-core>=2.19,<2.22" in line for line in lines)
    assert (tmp_path / "_build" / "requirements.txt").read_text() == (
        REPOSITORY / "awx" / "requirements.txt"
    ).read_text()


def test_the_environment_has_what_the_collection_asks_for() -> None:
    def names(path: str) -> set[str]:
        lines = (line.partition("#")[0].strip() for line in (REPOSITORY / path).read_text().splitlines())
        return {line for line in lines if line}

    assert names("meta/ee-requirements.txt") <= names("awx/requirements.txt")
