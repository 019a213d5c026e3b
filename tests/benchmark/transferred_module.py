# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module as it runs on a managed host: the file that Ansible transfers, kept, to be started again and again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def transferred(module: str, folder: Path, arguments: str = "", collections: Path | None = None) -> Path:
    """The self-contained program that Ansible makes of ``module``, written below ``folder``; it is run once for that.

    ``collections``: where others than ours are.
    """
    settings = {
        "ANSIBLE_KEEP_REMOTE_FILES": "1",
        "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_LOCALHOST_WARNING": "0",
    }
    if collections is not None:
        settings["ANSIBLE_COLLECTIONS_PATH"] = str(collections)
    ansible = Path(os.environ["CLOSEWAIT_ANSIBLE_BIN"]) / "ansible"
    argv = [str(ansible), "localhost", "--inventory", "localhost,", "--connection", "local", "--module-name", module]
    argv += ["--args", arguments]
    subprocess.run(argv, env={**os.environ, **settings}, capture_output=True, check=True, timeout=60)
    return next((folder / "remote").glob(f"*/AnsiballZ_{module.rpartition('.')[2]}.py"))
