# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which stages there are on which machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.tests.toolchain import catalogue, cores, interpreters
from ansible_collections.closewait.remediation.tests.toolchain.interpreters import Interpreter, Version
from ansible_collections.closewait.remediation.tests.toolchain.layout import ROOT


@pytest.fixture(autouse=True)
def _repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for stages in a repository with one of each kind."""
    for path in (
        "tests/integration/targets/some/aliases",
        "tests/scenarios/some/run.py",
        "tests/unit/plugins/test_some.py",
    ):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).touch()
    monkeypatch.setattr(catalogue, "ROOT", tmp_path)


def machine_with(monkeypatch: pytest.MonkeyPatch, *versions: Version) -> None:
    def find(version: Version) -> Interpreter | None:
        return Interpreter(version, Path("/nowhere/python"), has_ensurepip=True) if version in versions else None

    monkeypatch.setattr(interpreters, "find", find)


def skipped() -> set[str]:
    return {stage.name for stage in catalogue.everything() if stage.skip}


def test_one_python_shrinks_the_matrix_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    machine_with(monkeypatch, (3, 11))
    stages = {stage.name: stage for stage in catalogue.everything()}
    assert skipped() == {
        *("sanity-2.20", "sanity-2.21"),
        *("units-2.19-py3.8", "units-2.21-py3.9", "units-2.21-py3.10", "units-2.21-py3.13"),
        *("integration-2.19-py3.8", "integration-2.20", "integration-2.21-py3.13"),
    }
    assert stages["units-2.19-py3.11"].skip is None
    assert stages["integration-2.19"].skip is None
    assert "needs Python 3.12-3.14" in (stages["sanity-2.21"].skip or "")


def test_all_pythons_skip_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    machine_with(monkeypatch, *((3, minor) for minor in range(8, 14)))
    assert skipped() == set()
    assert {stage.name for stage in catalogue.everything() if stage.group == "integration"} == {
        "integration-2.19-py3.8",
        "integration-2.20",
        "integration-2.21-py3.13",
    }


def test_only_the_fleet_may_find_out_by_itself_that_it_is_to_be_skipped(tmp_path: Path) -> None:
    for name in ("fleet", "readme"):
        (tmp_path / "tests" / name).mkdir()
        (tmp_path / "tests" / name / "run.py").touch()
    assert [stage.name for stage in catalogue.everything() if stage.may_skip] == ["fleet"]


def test_selection_by_name_group_and_wildcard() -> None:
    stages = catalogue.everything()
    names = {stage.name for stage in catalogue.select(stages, ["sanity-2.19", "build", "format*"])}
    assert names == {
        "setup/packages",
        "setup/environments",
        "sanity-2.19",
        "galaxy-importer",
        "install",
        "formatters",
    }


def test_a_selection_of_nothing_is_an_error() -> None:
    with pytest.raises(catalogue.UnknownStageError, match="sanitty"):
        catalogue.select(catalogue.everything(), ["sanitty"])


def test_every_module_has_an_integration_target() -> None:
    """The integration stages are what runs the modules on the oldest and the newest Python."""
    modules = {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}
    aliases = list((ROOT / "tests/integration/targets").glob("*/aliases"))
    tested = {path.parent.name for path in aliases} | {line for path in aliases for line in path.read_text().split()}
    assert modules - tested == set()


def test_a_core_with_chosen_targets_names_some_that_exist() -> None:
    targets = {path.parent.name for path in (ROOT / "tests/integration/targets").glob("*/aliases")}
    assert all({*core.targets, *core.left_out} <= targets for core in cores.CORES)


def test_every_python_has_its_unit_tests() -> None:
    with_ansible_test = [python for core in cores.CORES for python in core.units]
    assert sorted([*with_ansible_test, interpreters.PREFERRED]) == [(3, minor) for minor in range(8, 14)]


def test_no_target_is_taken_for_a_role_of_the_collection() -> None:
    """ansible-test plays a target as a role, unless it has a runme.sh, and the collection's role of that name wins."""
    roles = {path.name for path in (ROOT / "roles").iterdir()}
    targets = {path.parent for path in (ROOT / "tests/integration/targets").glob("*/aliases")}
    assert {path.name for path in targets if not (path / "runme.sh").exists()} & roles == set()


def test_roles_run_on_the_newest_core_that_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    oldest, newest = cores.CORES[0], cores.CORES[-1]
    machine_with(monkeypatch, (3, 8), (3, 12))
    assert "role_nginx_upstream" in cores.chosen_targets(oldest)[1::2]
    assert cores.chosen_targets(newest) == []
    machine_with(monkeypatch, (3, 8), (3, 11))
    assert cores.chosen_targets(oldest) == []
