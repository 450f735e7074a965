/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SRTP of one endpoint (RFC 3711, RFC 7714) with keys that the controller gave (SDES, RFC 4568): opens what its party sends, seals what is sent to it.
 * session.c makes it, the endpoint's packet thread uses it, flow.c calls it per packet; it knows neither sockets nor endpoints.
 */
#ifndef RELAY_SECURE_H
#define RELAY_SECURE_H

#include <stdbool.h>
#include <stdint.h>
#include "media/media_proto.h"

/* What sealing may add behind a packet: a tag of 16 bytes, of RTCP the index of 4 too (RFC 7714 §8, §9). We write no MKI. */
#define SECURE_GROWTH 20U
/*
 * Packets this far behind the newest may still come (RFC 3711 §3.3.2 asks for 64): 10 s of audio, half a second of a video stream,
 * for 64 bytes per source.
 */
#define SECURE_WINDOW 512U
/* The old key opens packets that were under way when a new one came; longer than any path or jitter buffer holds them. */
#define SECURE_GRACE_MS 3000U
/*
 * Sources (SSRC) of one direction and key: each takes a context of its own for as long as the key lives, for only that
 * remembers what was replayed or sent. A call that is transferred and put on hold has a few; more than this is a party out of its mind.
 */
#define SECURE_SOURCES_MAX 256U

/*
 * What may have been sealed since a place was written, a second ago at most. RFC 3550 §6.2 has one in five seconds; feedback of
 * video may come with every frame of both parties.
 */
#define SECURE_RTCP_AHEAD 256U

struct secure;

/** Before anything else here, from one thread; again does nothing. @return 0; -ENOSYS: this libsrtp2 cannot be used */
int secure_init(void);
/** Bytes of key and salt of a suite; 0: none, or no such suite. */
unsigned secure_key_len(uint8_t suite);
/** Suites and zeros where they must be. @return 0 or -EINVAL */
int secure_check(const struct media_crypto *c);
/**
 * Contexts of both directions. Control thread.
 * @param c    borrowed; secure_check has passed it and a suite is not NONE. rx NONE: nothing that comes can be read yet and all of it is dropped
 * @param out  owned
 * @return 0; -ENOMEM; -ENOTSUP this libsrtp2 has no such suite
 */
int secure_new(const struct media_crypto *c, struct secure **out);
/** What it was made of; borrowed. */
const struct media_crypto *secure_keys(const struct secure *s);
/** Keys are wiped. NULL is nothing. */
void secure_free(struct secure *s);
/**
 * Packet thread: s follows old. A direction whose key stays goes on where it was (roll-over and replay); of a new one the old key
 * opens what is under way for SECURE_GRACE_MS. old is empty behind it, to be freed by the control thread.
 */
void secure_follow(struct secure *s, struct secure *old, uint64_t now_ms);
/**
 * Open a packet in place.
 * @return 0, *len is shorter; -EBADMSG wrong tag, wrong key, too short; -EALREADY replayed or too old. The packet is to be dropped.
 */
int secure_open(struct secure *s, bool is_rtcp, uint8_t *data, uint32_t *len, uint64_t now_ms);
/**
 * Seal a packet in place.
 * @param data  SECURE_GROWTH bytes are writable behind it
 * @return 0, *len is longer; -EBADMSG no RTP or RTCP; -EALREADY this packet was sealed before (twice under one key stream would give it
 *         away), -EACCES no key. The packet is to be dropped.
 */
int secure_seal(struct secure *s, bool is_rtcp, uint8_t *data, uint32_t *len);

/* Where the streams are, for a relay that takes them up again (RFC 3711 §3.3.1). */
struct secure_place {
    uint32_t rx_ssrc, rx_roc; /* of the source heard last */
    uint32_t tx_ssrc, tx_roc; /* of the source sent last */
    uint16_t rx_seq, tx_seq;  /* the newest of that source */
    uint8_t has_rx, has_tx;
    uint8_t pad[2];
    uint32_t tx_rtcp; /* RTCP packets sealed: no source's index is higher (RFC 3711 §3.4) */
};

/** Packet thread, or when nobody sends. */
void secure_place_get(const struct secure *s, struct secure_place *out);
/**
 * Right after secure_new. The place may be a moment old: the first packet says how far its stream has come since, also over a roll-over.
 * What is not newer than the place is not sealed: it was before. RTCP goes on SECURE_RTCP_AHEAD indexes further.
 * @return 0 or -ENOMEM
 */
int secure_place_set(struct secure *s, const struct secure_place *p);

#endif
