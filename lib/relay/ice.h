/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICE-lite of one endpoint (RFC 8445 §2.5, RFC 7675): checks of its party are answered, and a nominated address is known by its integrity.
 * session.c makes it, the endpoint's packet thread uses it, flow.c calls it for each STUN packet; it knows neither sockets nor latches.
 */
#ifndef RELAY_ICE_H
#define RELAY_ICE_H

#include <stdbool.h>
#include <stdint.h>
#include "media/media_proto.h"
#include "relay/stun.h"

/* Checks judged in a second: one each 5 ms, as dense as RFC 8445 §14.2 lets a party send them. Each costs two hashes. */
#define ICE_PER_SECOND 200U

struct ice;

enum ice_verdict {
    ICE_BAD,    /* broken, or not our party's: dropped, to be counted */
    ICE_SILENT, /* fine, and nothing is to be said (an indication) */
    ICE_REFUSED, /* not under our password, but from where the party is: answer it, and count it too */
    ICE_ANSWER,    /* answer it */
    ICE_NOMINATED, /* answer it, and the party is where it came from */
};

/* A packet that stun_is(). */
struct ice_packet {
    const uint8_t *data;
    uint32_t len;
    const struct addr *from;
    bool
        is_party; /* from where media goes to already: told what is wrong; a stranger hears nothing, not even a refusal */
};

/** Texts that end, of the characters of RFC 8839 §5.3. @return 0 or -EINVAL */
int ice_check(const struct media_ice *i);
/** Control thread. @param want  ice_check has passed it, and it is on. @return 0 and it, owned; or -ENOMEM */
int ice_new(const struct media_ice *want, struct ice **out);
/** Secrets are wiped. NULL is nothing. */
void ice_free(struct ice *i);
/** Other credentials: what was nominated under the old ones is nominated no more (RFC 8445 §9). */
bool ice_is_restart(const struct ice *i, const struct ice *old);
/** @param out  STUN_ANSWER_MAX bytes, out_len its length where there is an answer */
enum ice_verdict ice_input(struct ice *i, const struct ice_packet *p, uint64_t now_ms, uint8_t *out,
                           uint32_t *out_len);

#endif
