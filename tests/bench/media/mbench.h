/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of mbench: traffic of two parties, forwarders in the kernel and by sockets to measure the relay against.
 * Inner header of tests/bench/media; the bench's driver (scripts/mediabench) runs the program.
 */
#ifndef BENCH_MEDIA_MBENCH_H
#define BENCH_MEDIA_MBENCH_H

#include <stdbool.h>
#include <stdint.h>

/* One direction of a call, as a line of the flows file says: side, what the party sends, what the relay must make of it. */
struct bench_flow {
    char side;             /* 'a' or 'b': who sends */
    uint32_t saddr, daddr; /* network byte order: the party's address, ours */
    uint16_t sport, dport;
    uint32_t out_saddr, out_daddr; /* ours on the other side, the other party's */
    uint16_t out_sport, out_dport;
};

struct bench_flows {
    struct bench_flow *flow;
    unsigned n;
};

/** Read "SIDE SADDR SPORT DADDR DPORT OUT_SADDR OUT_SPORT OUT_DADDR OUT_DPORT" lines. @return 0, or -errno: said on stderr */
int flows_read(const char *path, struct bench_flows *out);
/** Enter a network namespace by its name below /run/netns with the calling thread. @return 0 or -errno: said */
int netns_enter(const char *name);
/** "02-00-…" @return 0 or -EINVAL */
int mac_read(const char *text, uint8_t mac[6]);
/** Until the driver closes standard input. */
void wait_for_end(void);

/** Subcommands: @return exit code */
int traffic_main(int argc, char **argv);
int bare_main(int argc, char **argv);
int sockets_main(int argc, char **argv);

#endif
