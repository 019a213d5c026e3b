# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python3 -m benchmark.isolated NAME``: one measurement, in fresh namespaces. Prints the section as JSON."""

from __future__ import annotations

import importlib
import json
import resource
import subprocess
import sys

from . import figures

#: Sockets of one process, with room.
OPEN_FILES = 4096


def main() -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, max(OPEN_FILES, hard)))
    section = importlib.import_module(f".measured.{sys.argv[1]}", __package__).measure()
    json.dump(figures.to_json(section), sys.stdout)


if __name__ == "__main__":
    main()
