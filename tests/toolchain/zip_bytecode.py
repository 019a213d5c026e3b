# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep what Python compiles out of zip files, for the environments in which tests run modules.

Ansible sends each module as a zip file of sources (AnsiballZ), and zipimport compiles them anew in every task, each
file twice: a third of the CPU that a run of targets takes. ``install`` puts this file into an environment, where it is
imported at start-up (a .pth file of site-packages, see the module site) and remembers code objects by their source.
What runs is the same: the source still comes out of the zip file, and only the very same text is not compiled again.

This file runs on every Python on which modules run, and so imports nothing there that is not built in.
"""

from __future__ import annotations

import _imp
import marshal
import os
import sys
import zipimport

TYPE_CHECKING = False  # typing itself takes time to import
if TYPE_CHECKING:
    from types import CodeType

NAME = "closewait_zip_bytecode"
FOLDER = "zip_bytecode"
HASH_KEY = 0xC105E


def _place(source: bytes) -> str:
    """Return where the code of that source is kept: in this environment, so by one Python only."""
    name = "%s-%d" % (_imp.source_hash(HASH_KEY, source).hex(), len(source))  # as hash-based .pyc files do (PEP 552)
    return os.path.join(sys.prefix, FOLDER, name)


def _read(place: str) -> CodeType | None:
    try:
        with open(place, "rb") as file:
            code: CodeType = marshal.loads(file.read())  # noqa: S302 (only who owns the environment can write there)
            return code
    except (OSError, EOFError, ValueError, TypeError):
        return None


def _write(place: str, code: CodeType) -> None:
    """Keep it, unless the one who runs the module may not write here."""
    scratch = "%s.%d" % (place, os.getpid())
    try:
        with open(scratch, "wb") as file:
            file.write(marshal.dumps(code))
        os.replace(scratch, place)
    except OSError:
        pass


def activate() -> None:
    """Have zipimport look for kept code first. Its parts have the same names in all Pythons from 3.8 to 3.13."""
    compile_source = zipimport._compile_source  # type: ignore[attr-defined]  # noqa: SLF001

    def compiled(path: str, source: bytes, *rest: object) -> CodeType:
        place = _place(source)
        code = _read(place)
        if code is None:
            code = compile_source(path, source, *rest)
            _write(place, code)
        else:
            _imp._fix_co_filename(code, path)  # type: ignore[attr-defined]  # noqa: SLF001
        return code

    zipimport._compile_source = compiled  # type: ignore[attr-defined]  # noqa: SLF001


def install(python: str | os.PathLike[str]) -> None:
    """Put this file into the environment of that interpreter, to be imported whenever it starts."""
    import subprocess  # noqa: PLC0415 (not where modules run)

    code = "import sys, sysconfig; print(sys.prefix); print(sysconfig.get_path('purelib'))"
    prefix, packages = subprocess.check_output([os.fspath(python), "-I", "-c", code], text=True).splitlines()
    os.makedirs(os.path.join(prefix, FOLDER), exist_ok=True)
    with open(__file__, encoding="utf-8") as file, open(os.path.join(packages, NAME + ".py"), "w") as own:
        own.write(file.read())
    with open(os.path.join(packages, NAME + ".pth"), "w") as start:
        start.write(f"import {NAME}\n")


if __name__ == NAME:
    activate()
elif __name__ == "__main__":
    install(sys.executable)
