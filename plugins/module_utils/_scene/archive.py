# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One archive with a bound: texts in order of their weight, cut where there is no more room, and a list of it all."""

from __future__ import annotations

import io
import json
import os
import tarfile
import time
from typing import Any, Dict, List, Mapping, NamedTuple

from ansible_collections.closewait.remediation.plugins.module_utils._scene.texts import Text

MANIFEST = "manifest.json"
#: A text shorter than this is kept whole or not at all.
_WORTH_CUTTING = 4096


class Packed(NamedTuple):
    """``size``: of all texts in bytes, before they are compressed; ``cut``: names of those not kept whole."""

    texts: Dict[str, bytes]
    size: int
    cut: List[str]
    masked_lines: int


def pack(texts: Mapping[str, Text], most: int) -> Packed:
    """As much as ``most`` bytes have room for, the first texts first. The manifest comes on top."""
    kept: Dict[str, bytes] = {}
    cut: List[str] = []
    left = most
    for name, one in texts.items():
        raw = one.text.encode("utf-8", "replace")
        if len(raw) > left:
            cut.append(name)
            raw = raw[:left] if left >= _WORTH_CUTTING else b""
        if raw or not one.text:
            kept[name] = raw
            left -= len(raw)
    masked = sum(one.masked for one in texts.values())
    manifest = _manifest(kept, cut, {name: one.masked for name, one in texts.items() if one.masked})
    kept = {MANIFEST: manifest, **kept}
    return Packed(kept, sum(map(len, kept.values())), cut, masked)


def write(path: str, packed: Packed) -> int:
    """The archive as a new file for its owner only; its size in bytes. Raises OSError; then nothing is left."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as stream:
            with tarfile.open(fileobj=stream, mode="w:gz") as archive:
                for name, raw in packed.texts.items():
                    archive.addfile(_entry(name, raw), io.BytesIO(raw))
            stream.flush()
            os.fsync(stream.fileno())
            return stream.tell()
    except BaseException:
        os.unlink(path)
        raise


def _entry(name: str, raw: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = len(raw), 0o600, int(time.time())
    return entry


def _manifest(kept: Mapping[str, bytes], cut: List[str], masked: Mapping[str, int]) -> bytes:
    content: Dict[str, Any] = {
        "files": {name: len(raw) for name, raw in kept.items()},
        "cut": cut,
        "masked_lines": dict(masked),
        "not_kept": [
            "values of environment variables (environ_names has the names)",
            "memory of processes",
            "in logs, configuration and command lines: logins in URLs, and values whose name is like that of a secret",
        ],
    }
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode("utf-8")
