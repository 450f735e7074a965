/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Headers in front of a payload: UDP, IP, and Ethernet with its VLAN. The steered form sends what it makes.
 * Pure: it writes into the headroom of a packet; where the next hop is it is told.
 */
#ifndef RELAY_FRAME_H
#define RELAY_FRAME_H

#include <linux/types.h>
#include <stddef.h>
#include <stdint.h>
#include "core/addr.h"
#include "relay/bpf/relay_maps.h"

#define FRAME_IP4 28U /* IP and UDP */
#define FRAME_IP6 48U
#define FRAME_MAX (18U + FRAME_IP6)
/* Every path carries this much (RFC 791 §3.1 hosts take it whole): so much may forbid fragments and needs no number (RFC 6864 §4.1). */
#define FRAME_ATOMIC 576U

/**
 * IP and UDP headers with their checksums in front of len bytes of payload.
 *
 * @param data  FRAME_IP6 bytes in front of it are free
 * @param dscp  0..63
 * @param id    IPv4: for packets longer than FRAME_ATOMIC, which routers may fragment
 * @return where the IP header begins
 */
uint8_t *frame_ip(uint8_t *data, uint32_t len, const struct addr *src, const struct addr *dst,
                  uint8_t dscp, uint16_t id);
/** Ethernet in front of an IP packet, 802.1Q where the hop has a VLAN. @return where the frame begins */
uint8_t *frame_ethernet(uint8_t *ip, uint8_t family, const struct hop *hop);

/** A hop as it is now, while the control thread may write it. @return false: not usable */
bool frame_hop(const struct hop *h, struct hop *out);

#endif
