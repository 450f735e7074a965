/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unix sockets: stale files, permissions, peers, message boundaries.
 * Run by make check; it sees lib/core only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/ipc.h"

static char dir[40];
static char path[64];

static int setup(void **state)
{
    (void)state;
    memcpy(dir, "/tmp/tandem-ipc-XXXXXX", sizeof("/tmp/tandem-ipc-XXXXXX"));
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof(path), "%s/s", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

static void peers_exchange_whole_messages_and_know_each_other(void **state)
{
    int listener = ipc_listen(path, SOCK_SEQPACKET, 0660, (gid_t)-1);
    int client = ipc_connect(path, SOCK_SEQPACKET);
    int server = ipc_accept(listener);
    struct stat st;
    char buf[16];
    uid_t uid;
    gid_t gid;
    pid_t pid;

    (void)state;
    assert_true(listener >= 0 && client >= 0 && server >= 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    assert_int_equal(send(client, "one", 3, 0), 3);
    assert_int_equal(send(client, "three", 5, 0), 5);
    assert_int_equal(recv(server, buf, sizeof(buf), 0), 3);
    assert_int_equal(recv(server, buf, sizeof(buf), 0), 5);
    assert_int_equal(recv(server, buf, sizeof(buf), 0), -1);
    assert_int_equal(errno, EAGAIN); /* non-blocking */
    assert_true(fcntl(server, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(ipc_peer(server, &uid, &gid, &pid), 0);
    assert_int_equal(uid, getuid());
    assert_int_equal(gid, getgid());
    assert_int_equal(pid, getpid());
    assert_int_equal(ipc_peer(server, NULL, NULL, NULL), 0);
    assert_int_equal(ipc_accept(listener), -EAGAIN);
    close(client);
    close(server);
    close(listener);
}

static void stale_file_is_replaced_a_living_one_is_not(void **state)
{
    int first = ipc_listen(path, SOCK_STREAM, 0600, getgid());
    int second;

    (void)state;
    assert_true(first >= 0);
    assert_int_equal(ipc_listen(path, SOCK_STREAM, 0600, (gid_t)-1), -EADDRINUSE);
    assert_int_equal(ipc_listen(path, SOCK_SEQPACKET, 0600, (gid_t)-1), -EADDRINUSE);
    close(first); /* as after a kill: the file stays */
    assert_int_equal(ipc_connect(path, SOCK_STREAM), -ECONNREFUSED);
    second = ipc_listen(path, SOCK_STREAM, 0600, (gid_t)-1);
    assert_true(second >= 0);
    close(second);
}

static void ordinary_file_is_never_removed(void **state)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(ipc_listen(path, SOCK_STREAM, 0600, (gid_t)-1), -EEXIST);
    assert_int_equal(access(path, F_OK), 0);
}

static void impossible_paths_are_named_by_their_error(void **state)
{
    char longer[200];

    (void)state;
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(ipc_listen(longer, SOCK_STREAM, 0600, (gid_t)-1), -ENAMETOOLONG);
    assert_int_equal(ipc_connect(longer, SOCK_STREAM), -ENAMETOOLONG);
    assert_int_equal(ipc_connect("", SOCK_STREAM), -EINVAL);
    assert_int_equal(ipc_connect(path, SOCK_STREAM), -ENOENT);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(peers_exchange_whole_messages_and_know_each_other),
        TEST(stale_file_is_replaced_a_living_one_is_not),
        TEST(ordinary_file_is_never_removed),
        TEST(impossible_paths_are_named_by_their_error),
    };

    return cmocka_run_group_tests_name("ipc", tests, NULL, NULL);
}
