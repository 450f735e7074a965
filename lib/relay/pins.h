/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names in the pin directory: what is attached where can be read off them, without a privilege.
 * kernel_setup.c makes them; the relay's report and tandemctl doctor list them. It knows no BPF.
 */
#ifndef RELAY_PINS_H
#define RELAY_PINS_H

#include <stddef.h>
#include <stdint.h>
#include "media/media_proto.h"

/*
 * DIR/NAME           a map, of the service's user; NAME as in relay.bpf.c
 * DIR/steer          link: sk_lookup on the network namespace
 * DIR/watch_N        links: count what interfaces did not take of a redirect
 * DIR/xdp_native_N   link: XDP on the interface with index N
 * DIR/xdp_generic_N  likewise, SKB mode
 * DIR/tc_N           program of the filter at the ingress of N: a filter has no link on kernel 6.1
 * DIR/clsact_N       the same program: the qdisc of N is ours, too
 *
 * (The file system of pins takes no dot in a name, and interfaces have dots: so their numbers.)
 */
#define PINS_NAME_MAX 64U

enum pin_kind { PIN_MAP, PIN_STEER, PIN_WATCH, PIN_XDP, PIN_TC, PIN_CLSACT };

struct pin {
    char name[PINS_NAME_MAX];
    enum pin_kind kind;
    enum media_path path; /* PIN_XDP, PIN_TC */
    uint32_t ifindex;     /* likewise, and PIN_CLSACT */
};

/** What a name says; any other is a map's. */
void pins_read(const char *name, struct pin *out);
/** The name of an interface's pin, as pins_read knows it. @return name */
const char *pins_name(enum pin_kind kind, enum media_path path, uint32_t ifindex,
                      char name[PINS_NAME_MAX]);
/**
 * Whatever is pinned in dir, in the order of names, so that links come together.
 *
 * @return how many; -ENOENT and the like: no such directory, or it may not be read; -E2BIG more than max
 */
int pins_list(const char *dir, struct pin *out, unsigned max);
/** Interfaces of the kernel path, by the pins in dir; redirect_errors 0. @return how many, at most max; negative as pins_list */
int pins_interfaces(const char *dir, struct media_if *out, unsigned max);

/* 16 interfaces with two pins each, and the maps: with room for as many again */
#define PINS_MAX 128U

#endif
