# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Every target installs what it lacks by itself (Debian packages as root, virtual environments in .cache) and is quick the second time.
# STAGES selects some of the stages of `make test`: make test STAGES="lint units-2.21-py3.13 scenarios/*"; `make list` names them.

.DEFAULT_GOAL := help
.PHONY: help setup lint unit sanity integration scenarios test demo bench build list clean

# The first Python that is new enough and really starts (a pyenv shim may be on PATH and not start).
PYTHON := $(shell for p in python3.12 python3.13 python3.14 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
TOOLCHAIN := cd tests && $(or $(PYTHON),$(error Python 3.11 or newer is needed, on Debian: apt-get install python3)) -m toolchain

help:  ## show this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## install what the other targets need: Debian packages, virtual environments
	@$(TOOLCHAIN) test setup

lint:  ## ruff, mypy, ansible-lint, shellcheck, documentation, changelog, licences
	@$(TOOLCHAIN) test lint

unit:  ## unit tests, quickly: one Python, no ansible-test
	@$(TOOLCHAIN) test unit

sanity:  ## ansible-test sanity on every ansible-core this machine can run
	@$(TOOLCHAIN) test sanity

integration:  ## ansible-test integration on every ansible-core this machine can run
	@$(TOOLCHAIN) test integration

scenarios:  ## real services made to fail and healed
	@$(TOOLCHAIN) test scenarios

test:  ## everything, or STAGES="..." of it
	@set -f; $(TOOLCHAIN) test $(STAGES)

list:  ## the names of all stages
	@$(TOOLCHAIN) list

demo:  ## one incident from cause to cure, on this machine
	@$(TOOLCHAIN) demo

bench:  ## what gathering and healing cost
	@$(TOOLCHAIN) bench

build:  ## the collection's tarball (in .cache/dist), checked by galaxy-importer and installed once
	@$(TOOLCHAIN) test build

clean:  ## remove what the targets above left in this directory
	rm -rf .cache tests/output .ansible
