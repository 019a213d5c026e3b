# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m chaos.victim KIND PORT SCRATCH SEED [STATE]``."""

from __future__ import annotations

import importlib
import sys

from .place import Place

if __name__ == "__main__":
    kind, port, scratch, seed, *state = sys.argv[1:]
    importlib.import_module(f"chaos.victim.kinds.{kind}").run(Place(kind, int(port), scratch, int(seed), *state))
