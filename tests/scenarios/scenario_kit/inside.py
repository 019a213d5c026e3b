# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For a network namespace of its own: a peer and a program on it, driven over standard input.

Arguments: service port, and the program's argv without its ports. Lines in: ``half-close``, ``echo WORD`` and
``use WORD``; each is answered by one line.
"""

from __future__ import annotations

import subprocess
import sys

from .spinner import ask_by_line
from .upstream import upstream


def main(port: int, command: list[str]) -> None:
    with upstream() as peer, subprocess.Popen([*command, str(port), str(peer.port)]) as program:
        for line in sys.stdin:
            verb, _blank, word = line.strip().partition(" ")
            if verb == "half-close":
                peer.half_close()
                print("done", flush=True)
                continue
            try:
                print(ask_by_line(port, verb, word), flush=True)
            except OSError as exc:
                print(f"error {exc}", flush=True)
        program.kill()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
