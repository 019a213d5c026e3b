/* Copyright (c) 2026, the closewait.remediation maintainers
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An epoll loop that ignores the end of its upstream connection. Arguments: service port, upstream port.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int epoll, listener, upstream;
static struct sockaddr_in service, peer;

static void check(int answer)
{
    if (answer < 0) {
        perror("c_loop");
        exit(1);
    }
}

static struct sockaddr_in local(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static void watch(int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
    check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

static void dial(void)
{
    struct timeval patience = {10, 0};
    check(upstream = socket(AF_INET, SOCK_STREAM, 0));
    check(connect(upstream, (struct sockaddr *)&peer, sizeof peer));
    check(setsockopt(upstream, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience));
    watch(upstream);
}

static void use(const char *word, char *answer, size_t size)
{
    char line[256], heard[256];
    int length = snprintf(line, sizeof line, "ask %s\n", word);
    long got = send(upstream, line, (size_t)length, MSG_NOSIGNAL);
    if (got > 0)
        got = recv(upstream, heard, sizeof heard - 1, 0);
    if (got > 0) {
        heard[got] = 0;
        snprintf(answer, size, "used %s", heard);
        return;
    }
    snprintf(answer, size, "failed %s\n", got == 0 ? "EOF" : errno == EPIPE ? "EPIPE" : strerror(errno));
    close(upstream);
    dial();
}

static void serve(void)
{
    char line[256], verb[16], word[200], answer[512];
    int client = accept(listener, NULL, NULL);
    long got = read(client, line, sizeof line - 1);
    if (got > 0) {
        line[got] = 0;
        if (sscanf(line, "%15s %199s", verb, word) == 2) {
            if (strcmp(verb, "echo") == 0)
                snprintf(answer, sizeof answer, "echoed %s\n", word);
            else
                use(word, answer, sizeof answer);
            send(client, answer, strlen(answer), MSG_NOSIGNAL);
        }
    }
    close(client);
}

int main(int count, char **words)
{
    char sink[4096];
    int yes = 1;
    if (count != 3)
        return 2;
    service = local(words[1]);
    peer = local(words[2]);
    check(epoll = epoll_create1(0));
    check(listener = socket(AF_INET, SOCK_STREAM, 0));
    check(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes));
    check(bind(listener, (struct sockaddr *)&service, sizeof service));
    check(listen(listener, 16));
    watch(listener);
    dial();
    for (;;) {
        struct epoll_event events[8];
        int number = epoll_wait(epoll, events, 8, -1);
        for (int i = 0; i < number; i++) {
            if (events[i].data.fd == listener)
                serve();
            else
                recv(upstream, sink, sizeof sink, MSG_DONTWAIT);
        }
    }
}
