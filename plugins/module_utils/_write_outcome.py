# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module that writes files says why it did not."""

from __future__ import annotations

import contextlib
from typing import Iterator, Tuple, Type

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils import _file_set


@contextlib.contextmanager
def failing(module: AnsibleModule, *refusals: Type[Exception]) -> Iterator[None]:
    """Have the module fail with what was refused or what the system says, and with whether anything was written."""
    refused: Tuple[Type[Exception], ...] = (*refusals, _file_set.ChangedError)
    try:
        yield
    except refused as exc:
        module.fail_json(msg="%s. Nothing was written." % exc)
    except _file_set.HalfWrittenError as exc:
        module.fail_json(msg=str(exc))
    except OSError as exc:
        advice = " Run this as root." if isinstance(exc, PermissionError) else ""
        module.fail_json(msg="%s: %s.%s Nothing was written." % (exc.filename, exc.strerror, advice))
