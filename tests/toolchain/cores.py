# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ansible-core runs on which control Python, and what of that this machine can do.

Versions: https://docs.ansible.com/ansible/latest/reference_appendices/release_and_maintenance.html (support matrix).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import interpreters

if TYPE_CHECKING:
    from .interpreters import Interpreter, Version


@dataclass(frozen=True)
class Core:
    """A maintained ansible-core: the Pythons it runs on, and the one on which its integration tests run the modules.

    ``target`` None: the modules run on the Python that runs ansible-core.
    ``units``: the Pythons of its unit tests. ``targets``: its integration targets, () for all but those ``left_out``.
    ``same_elsewhere``: its sanity tests that another core makes just as well: pylint, and imports on the same Pythons.
    """

    name: str
    control: tuple[Version, ...]
    target: Version | None
    units: tuple[Version, ...]
    targets: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    same_elsewhere: tuple[str, ...] = ()


def _minors(first: int, last: int) -> tuple[Version, ...]:
    return tuple((3, minor) for minor in range(first, last + 1))


# Each Python once: modules on one Python are the same under every core, and pytest alone has what runs 2.20. What
# depends on the core most runs on all three, each role on the newest, one on the oldest; everything three times would
# take an hour and a half.
ENGINE = ("diagnosis", "verdict", "incident_facts")
NEWEST_ONLY = (
    *("role_mysql_timeout", "role_nginx_upstream", "role_prerequisites", "role_secrets"),
    *("role_supervisor_stopwait", "redis_conf", "redis_peers", "redis_client_kill", "mysql_conf", "supervisor_conf"),
    *("change_info", "change_restore", "mysql_timeout", "nginx_files", "nginx_load", "redis_timeout"),
    *("event_hosts", "findings_textfile", "textfile_write"),
)
CORES = (
    Core(
        "2.19",
        control=_minors(11, 13),
        target=(3, 8),
        units=((3, 8), (3, 11)),
        left_out=NEWEST_ONLY,
        same_elsewhere=("pylint",),
    ),
    Core(
        "2.20",
        control=_minors(12, 14),
        target=None,
        units=(),
        targets=ENGINE,
        same_elsewhere=("pylint", "import", "compile"),
    ),
    Core("2.21", control=_minors(12, 14), target=(3, 13), units=((3, 9), (3, 10), (3, 13))),
)

NO_CORE = "no Python 3.11 or newer here, and every supported ansible-core needs one to run"


def control_for(core: Core) -> Interpreter | None:
    """Return what runs this core here: Python 3.12, else the lowest other that it supports; None when there is none."""
    order = sorted(core.control, key=lambda version: (version != interpreters.PREFERRED, version))
    return next((found for version in order if (found := interpreters.find(version))), None)


def chosen_targets(core: Core) -> list[str]:
    """Return the words with which ansible-test integration runs the core's targets and no others.

    What is left to the newest core is not left out where this is the only one.
    """
    newest = newest_here()
    left_out = core.left_out if newest and newest[0] is not core else ()
    return [*(word for name in left_out for word in ("--exclude", name)), *core.targets]


def sanity_parameters(core: Core) -> list[str]:
    """Return the options with which ansible-test sanity leaves out what a newer core tests too, where there is one."""
    newest = newest_here()
    left_out = core.same_elsewhere if newest and newest[0] is not core else ()
    return [word for name in left_out for word in ("--skip-test", name)]


def newest_here() -> tuple[Core, Interpreter] | None:
    """Return the newest core this machine can run, and what runs it."""
    for core in reversed(CORES):
        if found := control_for(core):
            return core, found
    return None


def missing_reason(core: Core) -> str:
    """Return one line that says which control Python this machine lacks for the core."""
    wanted = f"{interpreters.text(core.control[0])}-{interpreters.text(core.control[-1])}"
    return f"ansible-core {core.name} needs Python {wanted} to run, this machine has none of them"


def venvs_of_integration(core: Core) -> list[Interpreter]:
    """Return what runs the core here, and what runs its modules where that is another one here."""
    pythons = (control_for(core), interpreters.find(core.target) if core.target else None)
    return [interpreter for interpreter in pythons if interpreter]


def parameters_with_target(core: Core) -> list[str]:
    """Return the options with which ansible-test runs the modules on the core's target Python."""
    control = control_for(core)
    if control is None or core.target is None:
        return ["--venv"]
    target = interpreters.text(core.target)
    return [
        f"--controller=origin:python=venv/{interpreters.text(control.version)}",
        f"--target=controller:python=venv/{target}",
    ]
