# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report files on the controller. A reader never sees half a file, and nobody but their owner reads them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import SCHEMA_VERSION
from ansible_collections.closewait.remediation.plugins.plugin_utils._shapes import ShapeError, conform

DIAGNOSIS = "diagnosis.json"
PLAN = "plan.json"
RESULT = "result.json"


def write(folder: Path, name: str, document: Mapping[str, Any]) -> str:
    """Write a document as JSON (0600, replaced in one step) and return its path. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            json.dump(document, stream, indent=2, allow_nan=False)
            stream.write("\n")
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(folder / name)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return str(folder / name)


def read(folder: Path, name: str, shape: Any) -> Any:
    """Read a document back. Raises OSError, and ValueError when it is not such a document."""
    try:
        document = conform(json.loads((folder / name).read_text(encoding="utf-8")), shape)
    except (json.JSONDecodeError, UnicodeDecodeError, ShapeError) as fault:
        raise ValueError(f"{folder / name}: {fault}") from fault
    if document["schema_version"] != SCHEMA_VERSION:
        raise ValueError(f"{folder / name}: schema version {document['schema_version']}, not {SCHEMA_VERSION}")
    return document
