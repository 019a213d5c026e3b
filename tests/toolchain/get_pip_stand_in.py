# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install the pip wheel that lies beside this file.

A copy of this stands in for ``get-pip-VERSION.py`` where ansible-test cannot download that (see pip_bootstrap.py).
ansible-test runs it through its ``quiet_pip.py``, which gives the path in ``GET_PIP``, on every Python that it tests.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

script = Path(os.environ["GET_PIP"])
version = script.stem.replace("get_pip_", "").replace("_", ".")
wheel = str(script.parent / f"pip-{version}-py3-none-any.whl")
sys.path.insert(0, wheel)
sys.argv = ["pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", wheel]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
