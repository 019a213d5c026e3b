# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the main level of a configuration says of files: the pid file and the error log."""

from __future__ import annotations

import os
from typing import Optional, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils._nginx import files as nginx_files
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import syntax as nginx_syntax
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.files import Files


def pid_file(files: Files, folder: str, prefix: str, default: str) -> str:
    """``folder``: that of the main file, ``prefix``: what other paths are relative to."""
    found = _values(files, folder, "pid")
    return os.path.join(prefix, found[-1] if found else default)


def error_log(files: Files, folder: str, prefix: str, default: str) -> Optional[str]:
    """The first error log that is a file; None when there is none, as with stderr and syslog."""
    found = _values(files, folder, "error_log") or [default]
    paths = [value for value in found if value != "stderr" and not value.startswith(("syslog:", "memory:"))]
    return os.path.join(prefix, paths[0]) if paths else None


def _values(files: Files, folder: str, name: str) -> list[str]:
    return _of(files, folder, name, nginx_syntax.parse(files.contents[files.main].decode("latin-1")))


def _of(files: Files, folder: str, name: str, statements: Tuple[nginx_syntax.Statement, ...]) -> list[str]:
    found = []
    for statement in statements:
        if statement.name == name and statement.values:
            found.append(statement.values[0])
        elif statement.name == "include" and len(statement.values) == 1:
            for path in files.includes[nginx_files.resolve(statement.values[0], folder)]:
                found += _of(files, folder, name, nginx_syntax.parse(files.contents[path].decode("latin-1")))
    return found
