/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What routing is asked about an INVITE: called and calling number, portability, the moments, chance.
 * invite.c decides by it, and again when portability has been asked.
 */
#ifndef CALL_QUERY_H
#define CALL_QUERY_H

#include "call/model.h"
#include "sip/tel.h"

/** A query and the texts that it points to. */
struct query {
    struct route_query q;
    char called[NUMBER_MAX], caller[NUMBER_MAX], rn[TEL_NUMBER_MAX];
};

/** The called number as routing gets it. buf: NUMBER_MAX; the span points into it or into u. */
struct span query_called(const struct sip_uri *u, char *buf);

/**
 * Of an INVITE of the call's in leg, at this moment. Who calls is its first P-Asserted-Identity with a number, where the trunk is
 * trusted, else From. Spans point into out and into m.
 * @param called  the URI that has the called number
 */
void query_of(struct query *out, const struct call *c, const struct msg *m,
              const struct sip_uri *called, uint32_t trunk);

#endif
