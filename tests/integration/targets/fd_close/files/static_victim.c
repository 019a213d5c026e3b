/* Copyright (c) 2026, the closewait.remediation maintainers
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A static program in the victim's place: it inherits epoll fd, control socket and connections, and answers "probe".
 * Arguments: epoll fd, control socket, number of healthy connections, and these.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static int echoes(int fd)
{
    char heard[12];
    /* Python's timeouts have left it non-blocking. */
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    if (write(fd, "static-token", 12) != 12)
        return 0;
    for (int had = 0; had < 12;) {
        int got = (int)read(fd, heard + had, (size_t)(12 - had));
        if (got <= 0)
            return 0;
        had += got;
    }
    return memcmp(heard, "static-token", 12) == 0;
}

int main(int count, char **words)
{
    static long ready[1024];
    int epoll = atoi(words[1]), control = atoi(words[2]), healthy = atoi(words[3]);
    (void)count;
    for (long rounds = 1;; rounds++) {
        struct epoll_event events[64];
        int number = epoll_wait(epoll, events, 64, 50);
        for (int i = 0; i < number; i++) {
            int fd = events[i].data.fd;
            if (fd != control) {
                ready[fd]++;
                continue;
            }
            char line[256], answer[4096];
            int asking = accept(control, NULL, NULL), echoed = 0, length;
            if (read(asking, line, sizeof line) <= 0) {
                close(asking);
                continue;
            }
            for (int j = 0; j < healthy; j++)
                echoed += echoes(atoi(words[4 + j]));
            length = sprintf(answer, "{\"rounds\": %ld, \"ready\": {", rounds);
            for (int fd2 = 0, some = 0; fd2 < 1024; fd2++)
                if (ready[fd2]) {
                    length += sprintf(answer + length, "%s\"%d\": %ld", some++ ? ", " : "", fd2, ready[fd2]);
                    ready[fd2] = 0;
                }
            length += sprintf(answer + length, "}, \"healthy\": %d, \"echoed\": %d, \"faults\": []}\n", healthy, echoed);
            if (write(asking, answer, (size_t)length) != length)
                abort();
            close(asking);
        }
        usleep(2000);
    }
}
