#!/usr/bin/env bash
# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A target that is a role would not do: its name would be that of the collection's role mysql_timeout, which would run.
set -eux

ANSIBLE_ROLES_PATH=.. ansible-playbook test.yml -i "${INVENTORY_PATH:-../../inventory}" "$@"
