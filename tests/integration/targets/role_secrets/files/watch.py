# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look for secrets in the arguments and environments of all processes until told to stop: ``SECRETS STOP SEEN``.

SECRETS is a JSON object, name -> text, readable for root only. SEEN becomes a JSON list of [name, "argv" or "environ",
name of the process], and "sweeps" how often all were looked at.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

PAUSE_S = 0.005
#: So that it ends when the test is killed. No test takes that long, on a loaded machine either.
LONGEST_S = 1500.0


def _read(pid: str, name: str) -> bytes:
    try:
        with open("/proc/%s/%s" % (pid, name), "rb") as stream:
            return stream.read()
    except OSError:
        return b""


def _sweep(secrets: dict[str, bytes], seen: set[tuple[str, str, str]]) -> None:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for place, file in (("argv", "cmdline"), ("environ", "environ")):
            text = _read(pid, file)
            for name, secret in secrets.items():
                if secret in text:
                    seen.add((name, place, _read(pid, "comm").decode("utf-8", "replace").strip()))


def main() -> None:
    """Sweep until the stop file is there."""
    secrets = {name: text.encode() for name, text in json.loads(Path(sys.argv[1]).read_text()).items()}
    stop, result = Path(sys.argv[2]), Path(sys.argv[3])
    seen: set[tuple[str, str, str]] = set()
    sweeps = 0
    deadline = time.monotonic() + LONGEST_S
    while not stop.exists() and time.monotonic() < deadline:
        _sweep(secrets, seen)
        sweeps += 1
        time.sleep(PAUSE_S)
    draft = result.with_suffix(".draft")
    draft.write_text(json.dumps({"seen": sorted(seen), "sweeps": sweeps}))
    draft.rename(result)


if __name__ == "__main__":
    main()
