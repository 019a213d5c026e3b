# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sessions of the test run: antsibull-nox.toml gives those of antsibull-nox, this file the rest.

`make test` runs them all and more (tests/toolchain); `nox --list` shows them, `nox -s units-2.21` runs one.
"""

# /// script
# dependencies = ["antsibull-nox==1.10.0", "nox==2026.10.20"]
# ///

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import antsibull_nox
import nox

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "tests"))

from toolchain import cores, interpreters, pip_bootstrap, zip_bytecode  # noqa: E402
from toolchain.layout import COLLECTION, REQUIREMENTS, cache_dir  # noqa: E402

nox.options.envdir = str(cache_dir() / "nox")
os.environ["PATH"] = interpreters.path_with_all()

# What the tarball may hold at its top: anything else is a tool's file that belongs into galaxy.yml's build_ignore.
SHIPPED = {
    *(".ansible-lint", "CHANGELOG.rst", "FILES.json", "LICENSE", "MANIFEST.json", "README.md"),
    *("awx", "changelogs", "docs", "extensions", "meta", "playbooks", "plugins", "roles", "tests"),
}

DIST = cache_dir() / "dist"

antsibull_nox.load_antsibull_nox_toml()


def _before(session: str) -> None:
    """Prepare the copied tree, which is the current directory, for ansible-test."""
    # The symlink that lets playbooks run by path points back at the tree's root: ansible-test would walk in circles.
    shutil.rmtree("playbooks/collections", ignore_errors=True)
    for python in Path(nox.options.envdir or "").glob(f"{session.replace('.', '-')}*/bin/python"):
        pip_bootstrap.ensure(python)


def _before_integration(session: str, core: cores.Core) -> None:
    """Prepare the tree, and make the environments that ansible-test would make, for modules to start quickly in them.

    ansible-test takes an environment that has a marker (``get_virtual_python`` in ansible_test/_internal/venv.py).
    """
    _before(session)
    for interpreter in cores.venvs_of_integration(core):
        venv = Path("tests/output/.tmp/delegation") / f"python{interpreters.text(interpreter.version)}"
        subprocess.run([interpreter.path, "-m", "venv", venv], check=True)
        zip_bytecode.install(venv / "bin" / "python")
        (venv / "marker.txt").touch()


def _after() -> None:
    """Leave results only: antsibull-nox copies ``tests/output`` back, and stumbles over ansible-test's environments."""
    shutil.rmtree("tests/output/.tmp", ignore_errors=True)


def _ansible_test(kind: str, core: cores.Core, parameters: list[str], suffix: str = "") -> None:
    name = f"{kind}-{core.name}{suffix}"
    antsibull_nox.add_ansible_test_session(
        name=name,
        description=f"ansible-test {' '.join([kind, *parameters])}, ansible-core {core.name}",
        ansible_test_params=[kind, *parameters],
        ansible_core_version=core.name,
        ansible_core_source="pypi",
        default=False,
        callback_before=lambda: _before_integration(name, core) if kind == "integration" else _before(name),
        callback_after=_after,
    )


def _shell_scripts() -> list[str]:
    """Return the shell scripts of the repository, whatever they are called."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    paths = [path for path in map(Path, listed.stdout.split("\0")) if path.is_file() and not path.is_symlink()]
    return [str(path) for path in paths if path.suffix == ".sh" or _has_shell_shebang(path)]


def _has_shell_shebang(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.readline(80)
    return first.startswith(b"#!") and first.rstrip().split(b" -")[0].endswith((b"/sh", b"/bash", b"env bash"))


@nox.session(python=False)
def shellcheck(session: nox.Session) -> None:
    """Run shellcheck on every shell script."""
    scripts = _shell_scripts()
    if shutil.which("shellcheck") is None:
        session.error("shellcheck is not installed (Debian package shellcheck)")
    session.run("shellcheck", "--external-sources", *scripts, external=True)


@nox.session
def changelog(session: nox.Session) -> None:
    """Check the changelog fragments, and that a release can be made of them (in a copy)."""
    session.install("-r", str(REQUIREMENTS / "changelog.txt"), "-r", str(REQUIREMENTS / "ansible.txt"))
    session.run("antsibull-changelog", "lint")
    copy = Path(session.create_tmp()) / "collection"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    shutil.copy("galaxy.yml", copy)
    for directory in ("changelogs", "meta", "plugins", "roles"):
        shutil.copytree(directory, copy / directory)
    with session.chdir(copy):
        session.run("antsibull-changelog", "release", "--date", "2000-01-01")
        session.log((copy / "CHANGELOG.rst").read_text())


def _tarball(session: nox.Session) -> Path:
    """Build the collection from the checkout into an empty directory, as a user would; keep a copy in the cache."""
    place = Path(session.create_tmp())
    shutil.rmtree(place)
    place.mkdir()
    session.run("ansible-galaxy", "collection", "build", "--output-path", str(place))
    tarball = next(place.glob("*.tar.gz"))
    with tarfile.open(tarball) as archive:
        unwanted = [name for name in archive.getnames() if name.split("/")[0] not in SHIPPED or "/collections/" in name]
    if unwanted:
        session.error(f"the tarball holds files that do not belong into it: {unwanted[:20]}")
    DIST.mkdir(exist_ok=True)
    session.log(f"tarball: {shutil.copy(tarball, DIST)}")
    return tarball


@nox.session
def install(session: nox.Session) -> None:
    """Build the collection, install it in an empty place, verify it, and diagnose this machine with it."""
    session.install("-r", str(REQUIREMENTS / "control.txt"))
    tarball = _tarball(session)
    place = tarball.parent
    env = {"ANSIBLE_COLLECTIONS_PATH": str(place), "ANSIBLE_NOCOLOR": "1"}
    with session.chdir(place):
        session.run("ansible-galaxy", "collection", "install", "--offline", "-p", str(place), str(tarball), env=env)
        session.run("ansible-galaxy", "collection", "verify", "--offline", "-p", str(place), COLLECTION, env=env)
        if (ROOT / "playbooks" / "diagnose.yml").exists():
            session.run("ansible-playbook", "-i", "localhost,", "-c", "local", f"{COLLECTION}.diagnose", env=env)
            session.log((place / "closewait-report" / "diagnosis.json").read_text()[:2000])


@nox.session(name="galaxy-importer")
def galaxy_importer(session: nox.Session) -> None:
    """Build the collection and let galaxy-importer judge it; its warnings are failures too."""
    session.install("-r", str(REQUIREMENTS / "ansible.txt"), "-r", str(REQUIREMENTS / "importer.txt"))
    tarball = _tarball(session)
    # The importer runs ansible-lint, which keeps modules that it makes up there: not those of a stage beside this one.
    env = {"ANSIBLE_HOME": str(tarball.parent / "ansible")}
    importer = ("python", "-m", "galaxy_importer.main", tarball.name)
    with session.chdir(tarball.parent):
        log = session.run(*importer, env=env, silent=True, success_codes=[0, 1])
    session.log(str(log))
    complaints = [line for line in str(log).splitlines() if line.startswith(("ERROR", "WARNING"))]
    if complaints:
        session.error("galaxy-importer is not content:\n" + "\n".join(complaints))


INTEGRATION = ["-v", "--allow-destructive", "--allow-root", "--continue-on-error"]

for _core in cores.CORES:
    _ansible_test("sanity", _core, ["--venv", *cores.sanity_parameters(_core)])
    for _python in map(interpreters.text, _core.units):
        _ansible_test("units", _core, ["--venv", "--python", _python], suffix=f"-py{_python}")
    _targets = [*INTEGRATION, *cores.chosen_targets(_core)]
    _ansible_test("integration", _core, ["--venv", *_targets])
    if _core.target:
        _with_target = [*cores.parameters_with_target(_core), *_targets]
        _ansible_test("integration", _core, _with_target, suffix=f"-py{interpreters.text(_core.target)}")
