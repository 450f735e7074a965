/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps descriptors in step with the messages that name them. media.c calls it.
 * It opens no connection and makes no message.
 */
#include "media/media_sounds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void conf_free_all(struct media_sounds *ms)
{
    for (unsigned i = 0; i < ms->n_conf; i++)
        free((void *)(uintptr_t)ms->conf[i].name);
    free(ms->conf);
    ms->conf = NULL;
    ms->n_conf = 0;
}

void media_sounds_fini(struct media_sounds *ms)
{
    media_sounds_drop(ms);
    free(ms->fd);
    conf_free_all(ms);
    *ms = (struct media_sounds){0};
}

int media_sounds_set(struct media_sounds *ms, const struct media_sound_conf *sound, unsigned n,
                     uint64_t generation)
{
    struct media_sound_conf *conf;

    if (n > MEDIA_SOUNDS_MAX)
        return -EINVAL;
    conf = calloc(n ? n : 1, sizeof(*conf));
    if (!conf)
        return -ENOMEM;
    conf_free_all(ms);
    ms->conf = conf;
    ms->generation = generation;
    for (unsigned i = 0; i < n; i++) {
        conf[i] = sound[i];
        conf[i].name = strdup(sound[i].name);
        if (!conf[i].name)
            return -ENOMEM;
        ms->n_conf++;
    }
    return 0;
}

int media_sounds_push(struct media_sounds *ms, int fd)
{
    if (ms->n_fds == ms->cap_fds) {
        unsigned cap = ms->cap_fds ? ms->cap_fds * 2 : 64;
        int *p = realloc(ms->fd, cap * sizeof(*p));

        if (!p)
            return -ENOMEM;
        ms->fd = p;
        ms->cap_fds = cap;
    }
    fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    ms->fd[ms->n_fds++] = fd;
    return 0;
}

static void sent(struct media_sounds *ms, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        close(ms->fd[i]);
    ms->n_fds -= n;
    if (n > 0)
        memmove(ms->fd, ms->fd + n, ms->n_fds * sizeof(*ms->fd));
}

void media_sounds_drop(struct media_sounds *ms)
{
    sent(ms, ms->n_fds);
}

static const struct media_hdr *hdr_at(const uint8_t *p)
{
    return (const struct media_hdr *)(const void *)p;
}

size_t media_sounds_packet(const uint8_t *p, size_t len)
{
    unsigned n_sounds = 0;
    size_t n = 0;

    while (n < len) {
        const struct media_hdr *h = hdr_at(p + n);

        if (n + h->length > MEDIA_PACKET_MAX)
            break;
        if (h->type == MEDIA_SOUND && ++n_sounds > MEDIA_SOUNDS_PACKET)
            break;
        n += h->length;
    }
    return n;
}

ssize_t media_sounds_send(struct media_sounds *ms, int sock, const uint8_t *p, size_t len)
{
    union {
        struct cmsghdr align;
        char b[CMSG_SPACE(MEDIA_SOUNDS_PACKET * sizeof(int))];
    } control;
    struct iovec vec = {.iov_base = (void *)(uintptr_t)p, .iov_len = len};
    struct msghdr m = {.msg_iov = &vec, .msg_iovlen = 1};
    unsigned n = 0;
    ssize_t done;

    for (size_t at = 0; ms->n_fds > 0 && at < len; at += hdr_at(p + at)->length)
        n += hdr_at(p + at)->type == MEDIA_SOUND;
    if (n > 0) {
        struct cmsghdr *h;

        memset(&control, 0, sizeof(control));
        m.msg_control = control.b;
        m.msg_controllen = CMSG_SPACE(n * sizeof(int));
        h = CMSG_FIRSTHDR(&m);
        h->cmsg_level = SOL_SOCKET;
        h->cmsg_type = SCM_RIGHTS;
        h->cmsg_len = CMSG_LEN(n * sizeof(int));
        memcpy(CMSG_DATA(h), ms->fd, n * sizeof(int));
    }
    done = sendmsg(sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (done >= 0)
        sent(ms, n);
    else if (errno == ETOOMANYREFS)
        errno =
            EAGAIN; /* more descriptors on their way than we may have: when the relay has read, they go */
    return done;
}
