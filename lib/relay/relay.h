/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The media relay: control thread on a libevent base, packet threads behind it.
 * tandem-media makes one; tests make it with threads of their own choice. It knows no SIP, no SDP and no configuration file.
 */
#ifndef RELAY_RELAY_H
#define RELAY_RELAY_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "media/media_proto.h"
#include "relay/io.h"

struct relay;

struct relay_param {
    struct event_base *base;   /* borrowed */
    const char *socket_path;   /* borrowed; NULL: no socket (fuzzing) */
    const struct relay_io *io; /* NULL: io_steer if there is a kernel, else io_udp */
    struct kernel *kernel;  /* borrowed; NULL: no path through the kernel, a socket for each port */
    const char *no_kernel;  /* why there is none, for operators; borrowed */
    unsigned threads;       /* 0: one per processor, at most 4 */
    const char *journal;    /* borrowed; what a killed process leaves; NULL: nothing */
    uint32_t sockets_limit; /* media sockets; 0: from RLIMIT_NOFILE */
    bool
        is_takeover; /* the relay at socket_path gives its sockets, its journal and its sessions, and ends */
    const char *supervisor; /* given to a successor, as it is; borrowed; or NULL */
    void (*on_given)(
        void *arg,
        pid_t heir); /* a successor has all: end at once, undo nothing; NULL: none is served */
    void (*on_empty)(void *arg); /* draining and no session is left; once */
    void *arg;
};

/** Listen and start the threads. @return NULL: logged why */
struct relay *relay_new(const struct relay_param *p);
/** Tell the controllers that sessions are lost, stop the threads, close everything. */
void relay_free(struct relay *r);
/** Take no new session; on_empty is called when the last has ended. */
void relay_drain(struct relay *r);
uint64_t relay_sessions(const struct relay *r);
/** What the relay before this one was given as its supervisor; "": this one took nothing over. */
const char *relay_supervisor(const struct relay *r);
/** The best path that a stream can have here. */
enum media_path relay_path(const struct relay *r);
/** Why there is no path through the kernel, for operators. */
const char *relay_no_kernel(const struct relay *r);
/** Compare the ledger with the sessions. @return difference in pairs: 0, or a bug (logged) */
uint64_t relay_audit(struct relay *r);

#endif
