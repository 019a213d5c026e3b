# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files hold a secret, and which of them nobody in particular may read: ``SECRETS SINCE FOLDER...``.

SECRETS is a file with a JSON object, name -> text. Only files changed since the Unix time SINCE are read. Prints a JSON
object: name of the secret -> {"there": [...], "readable": [...]}, the latter by the user nobody. A secret counts in
plain text, in base64 and in percent encoding.
"""

from __future__ import annotations

import base64
import json
import os
import pwd
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

LARGEST = 50 * 1024 * 1024


def _forms(text: str) -> list[bytes]:
    raw = text.encode()
    # Within a longer text base64 depends on what stands before; the middle of the three forms is what they share.
    shifted = [base64.b64encode(b"x" * pad + raw)[4 if pad else 0 : -4] for pad in range(3)]
    return [raw, quote(text, safe="").encode(), *shifted]


def _files(folders: list[str], since: float) -> Iterator[str]:
    for folder in folders:
        for place, _folders, names in os.walk(folder):
            for path in (os.path.join(place, name) for name in names):
                try:
                    state = os.lstat(path)
                except OSError:
                    continue
                if os.path.isfile(path) and not os.path.islink(path) and state.st_ctime >= since:
                    yield path


def _found(folders: list[str], since: float, secrets: dict[str, list[bytes]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {name: [] for name in secrets}
    for path in _files(folders, since):
        try:
            text = Path(path).read_bytes() if os.path.getsize(path) <= LARGEST else b""
        except OSError:
            continue
        for name, forms in secrets.items():
            if any(form in text for form in forms):
                found[name].append(path)
    return found


def _as_nobody() -> None:
    user = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def main() -> None:
    """Look as root, then as nobody."""
    secrets = {name: _forms(text) for name, text in json.loads(Path(sys.argv[1]).read_text()).items()}
    since, folders = float(sys.argv[2]), sys.argv[3:]
    there = _found(folders, since, secrets)
    _as_nobody()
    readable = _found(folders, since, secrets)
    print(json.dumps({name: {"there": there[name], "readable": readable[name]} for name in secrets}))


if __name__ == "__main__":
    main()
