/* Copyright (c) 2026, the closewait.remediation maintainers
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Waits in state D: a parent is in an uninterruptible wait for as long as its vfork(2) child has not gone on.
 */
#define _DEFAULT_SOURCE
#include <unistd.h>

int main(void)
{
    if (vfork() == 0)
        for (;;)
            pause();
    return 0;
}
