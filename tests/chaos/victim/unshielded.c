/* Copyright (c) 2026, the closewait.remediation maintainers
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A victim without a runtime: unshielded timers|exec PORT SCRATCH SEED [STATE ...]. The work is that of work.py, see
 * there; the diary is that of diary.py. "timers": a timer fires every 3 ms and every call may end with EINTR, so that
 * a restart code that leaks out of the kernel shows. "exec": it replaces itself in place, sometimes twice in a row, sometimes after hundreds of rounds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { HEALTHY = 8, BAITS = 30, LINES = 40, LINE = 64, ROUNDS = 500, TIMER_US = 3000, PATIENCE_MS = 40000 };

struct healthy { int fd; unsigned long inode; char secret[9]; };
struct bait { int fd; unsigned long inode; char order; };

static struct healthy healthy[HEALTHY];
static struct bait baits[BAITS];
static int diary, loop, port, text = -1, lines;
static char text_path[512], written[LINES][LINE], who[64];
static volatile sig_atomic_t alarms;

static unsigned long inode_of(int fd) {
    struct stat about;
    return fstat(fd, &about) == 0 ? about.st_ino : 0;
}

static void note(const char *event, int fd, unsigned long inode, const char *text_of_it) {
    struct timespec now;
    char line[256];
    clock_gettime(CLOCK_MONOTONIC, &now);
    int length = snprintf(line, sizeof line, "%lld %s %s %d %lu %s\n",
                          now.tv_sec * 1000000000LL + now.tv_nsec, who, event, fd, inode, text_of_it);
    while (write(diary, line, length) < 0 && errno == EINTR) { }
}

static void fault(int fd, unsigned long inode, const char *what) {
    char text_of_it[96];
    snprintf(text_of_it, sizeof text_of_it, "%s_(errno_%d)", what, errno);
    note("fault", fd, inode, text_of_it);
}

static void introduce_myself(void) {
    char stat[1024] = "";
    unsigned long long start = 0;
    int fd = open("/proc/self/stat", O_RDONLY);
    if (read(fd, stat, sizeof stat - 1) < 0)
        abort();
    close(fd);
    char *at = strrchr(stat, ')') + 1;
    for (int field = 3; field < 22; field++)
        at = strchr(at + 1, ' ');
    start = strtoull(at, NULL, 10);
    snprintf(who, sizeof who, "%d %llu", getpid(), start);
}

static int mine(int fd) {
    if (fd <= 2 || fd == diary || fd == loop || fd == text)
        return 1;
    for (int i = 0; i < HEALTHY; i++)
        if (healthy[i].fd == fd && healthy[i].inode == inode_of(fd))
            return 1;
    return 0;
}

static void vanished(struct bait *bait) {
    unsigned long now = inode_of(bait->fd);
    note("vanished", bait->fd, bait->inode, "-");
    if (now && now != bait->inode && !mine(bait->fd)) {
        int reused = 0;
        for (int i = 0; i < BAITS; i++)
            reused |= &baits[i] != bait && baits[i].fd == bait->fd && baits[i].inode == now;
        if (!reused)
            close(bait->fd);
    }
    bait->fd = -1;
}

static int wait_for(int fd, short events) {
    struct pollfd wait = {fd, events, 0};
    for (int turn = 0; turn < PATIENCE_MS; turn++) {
        int ready = poll(&wait, 1, 5);
        if (ready > 0)
            return 1;
        if (ready < 0 && errno != EINTR)
            return 0;
    }
    return 0;
}

static int connected(int fd) {
    char address[32];
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(port)};
    snprintf(address, sizeof address, "127.0.0.%d", 1 + rand() % 40);
    inet_pton(AF_INET, address, &place.sin_addr);
    if (connect(fd, (struct sockaddr *)&place, sizeof place) == 0)
        return 1;
    return errno == EINTR && wait_for(fd, POLLOUT);
}

static int said(int fd, const char *data, int length) {
    for (int sent = 0, step; sent < length; sent += step)
        if ((step = send(fd, data + sent, length - sent, MSG_NOSIGNAL)) < 0) {
            if (errno != EINTR)
                return 0;
            step = 0;
        }
    return 1;
}

static int heard(int fd, char *data, int length) {
    for (int got = 0, step; got < length; got += step) {
        if (!wait_for(fd, POLLIN))
            return 0;
        if ((step = recv(fd, data + got, length - got, 0)) <= 0) {
            if (step == 0 || errno != EINTR)
                return 0;
            step = 0;
        }
    }
    return 1;
}

static void watch(int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event);
}

static void change_connection(void) {
    struct healthy *one = &healthy[rand() % HEALTHY];
    if (one->fd >= 0) {
        if (inode_of(one->fd) != one->inode || close(one->fd) != 0)
            fault(one->fd, one->inode, "gone_before_it_was_closed");
        one->fd = -1;
        return;
    }
    char hello[16];
    one->fd = socket(AF_INET, SOCK_STREAM, 0);
    one->inode = inode_of(one->fd);
    snprintf(one->secret, sizeof one->secret, "%08x", (unsigned)rand());
    snprintf(hello, sizeof hello, "H%s", one->secret);
    if (!connected(one->fd) || !said(one->fd, hello, 9))
        fault(one->fd, one->inode, "connect");
}

static void verify(struct healthy *one) {
    char nonce[9], answer[17] = "", wanted[17];
    snprintf(nonce, sizeof nonce, "%08x", (unsigned)rand());
    snprintf(wanted, sizeof wanted, "%s%s", one->secret, nonce);
    errno = 0;
    if (said(one->fd, nonce, 8) && heard(one->fd, answer, 16) && memcmp(answer, wanted, 16) == 0)
        return;
    fault(one->fd, one->inode, "wrong_or_no_answer");
    one->fd = -1;
}

static void lay_bait(void) {
    struct bait *bait = &baits[rand() % BAITS];
    int chance = rand() % 100;
    char order[2] = {chance < 88 ? 'B' : chance < 94 ? 'U' : 'R', 0};
    if (bait->fd >= 0)
        return;
    bait->fd = socket(AF_INET, SOCK_STREAM, 0);
    bait->inode = inode_of(bait->fd);
    bait->order = order[0];
    note("bait", bait->fd, bait->inode, order);
    if (connected(bait->fd) && said(bait->fd, order, 1)) {
        struct pollfd wait = {bait->fd, POLLIN | POLLRDHUP, 0};
        poll(&wait, 1, 1000);
        watch(bait->fd);
    }
}

static void reap(void) {
    for (int i = 0; i < BAITS; i++)
        if (baits[i].fd >= 0 && inode_of(baits[i].fd) != baits[i].inode)
            vanished(&baits[i]);
    struct bait *bait = &baits[rand() % BAITS];
    if (bait->fd < 0 || (bait->inode % 5 < 4 && rand() % 100))
        return;
    note("reap", bait->fd, bait->inode, "-");
    if (inode_of(bait->fd) != bait->inode || close(bait->fd) != 0)
        vanished(bait);
    bait->fd = -1;
}

static void end_text(void) {
    char found[LINE];
    int whole = 1;
    if (close(text) != 0)
        fault(text, 0, "a_file_was_closed_before_its_time");
    FILE *file = fopen(text_path, "r");
    for (int i = 0; i < lines; i++)
        whole &= file && fgets(found, sizeof found, file) && strcmp(found, written[i]) == 0;
    if (!file || !whole || fgets(found, sizeof found, file))
        fault(text, 0, "a_file_does_not_hold_what_was_written");
    if (file)
        fclose(file);
    unlink(text_path);
    text = -1;
}

static void write_text(void) {
    if (text < 0) {
        text = open(text_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        lines = 0;
    }
    snprintf(written[lines], LINE, "%d %d\n", lines, rand());
    if (write(text, written[lines], strlen(written[lines])) < 0)
        fault(text, 0, "write_to_a_file");
    if (++lines == LINES || rand() % 4 == 0)
        end_text();
}

static void spin(void) {
    struct epoll_event events[32];
    if (epoll_wait(loop, events, 32, 1) < 0 && errno != EINTR)
        fault(loop, 0, "epoll_wait");
}

static void work(void) {
    change_connection();
    lay_bait();
    reap();
    lay_bait();
    write_text();
    spin();
    for (int i = 0; i < HEALTHY; i++)
        if (healthy[i].fd >= 0)
            verify(&healthy[i]);
}

static int told_to_stop(void) {
    struct pollfd control = {0, POLLIN | POLLHUP, 0};
    return poll(&control, 1, rand() % 3) > 0;
}

static void last_words(void) {
    for (int i = 0; i < BAITS; i++)
        if (baits[i].fd >= 0) {
            if (inode_of(baits[i].fd) == baits[i].inode)
                note("still", baits[i].fd, baits[i].inode, "-");
            else
                vanished(&baits[i]);
        }
    if (text >= 0)
        end_text();
    for (int fd = 3; fd < 512; fd++) {
        unsigned long inode = inode_of(fd);
        struct stat about;
        int known = !inode || mine(fd);
        for (int i = 0; i < BAITS; i++)
            known |= baits[i].fd == fd && baits[i].inode == inode;
        if (!known && fstat(fd, &about) == 0 && S_ISSOCK(about.st_mode))
            note("stranger", fd, inode, "-");
    }
    note("bye", -1, 0, "-");
}

static void replace_myself(char **argv) {
    static char words[HEALTHY + BAITS + 2][64];
    char *next[HEALTHY + BAITS + 8] = {argv[0], argv[1], argv[2], argv[3]};
    int count = 4, word = 0;
    if (text >= 0)
        end_text();
    snprintf(words[word], 64, "%d", rand());
    next[count++] = words[word++];
    snprintf(words[word], 64, "e:%d", loop);
    next[count++] = words[word++];
    for (int i = 0; i < HEALTHY; i++)
        if (healthy[i].fd >= 0) {
            snprintf(words[word], 64, "h:%d:%lu:%s", healthy[i].fd, healthy[i].inode, healthy[i].secret);
            next[count++] = words[word++];
        }
    for (int i = 0; i < BAITS; i++)
        if (baits[i].fd >= 0) {
            snprintf(words[word], 64, "b:%d:%lu:%c", baits[i].fd, baits[i].inode, baits[i].order);
            next[count++] = words[word++];
        }
    note("exec", -1, 0, "-");
    execv("/proc/self/exe", next);
    fault(-1, 0, "exec");
}

static void take_over(int argc, char **argv) {
    int h = 0, b = 0;
    for (int i = 5; i < argc; i++) {
        if (sscanf(argv[i], "e:%d", &loop) == 1)
            continue;
        if (sscanf(argv[i], "h:%d:%lu:%8s", &healthy[h].fd, &healthy[h].inode, healthy[h].secret) == 3)
            h++;
        else if (sscanf(argv[i], "b:%d:%lu:%c", &baits[b].fd, &baits[b].inode, &baits[b].order) == 3)
            b++;
    }
    for (; h < HEALTHY; h++)
        healthy[h].fd = -1;
    for (; b < BAITS; b++)
        baits[b].fd = -1;
}

static void on_alarm(int number) {
    alarms += number == SIGALRM;
}

static void start_timer(void) {
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval often = {{0, TIMER_US}, {0, TIMER_US}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
}

int main(int argc, char **argv) {
    int timers = strcmp(argv[1], "timers") == 0;
    port = atoi(argv[2]);
    srand(atoi(argv[4]));
    loop = -1;
    take_over(argc, argv);
    if (loop < 0)
        loop = epoll_create1(0);
    diary = open(argv[3], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    introduce_myself();
    snprintf(text_path, sizeof text_path, "%s.%d.c", argv[3], getpid());
    if (timers)
        start_timer();
    while (!told_to_stop()) {
        work();
        if (!timers && rand() % ROUNDS == 0)
            replace_myself(argv);
    }
    last_words();
    if (timers && !alarms)
        fault(-1, 0, "the_timer_never_fired");
    return 0;
}
