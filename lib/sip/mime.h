/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multipart bodies (RFC 2046 §5.1, RFC 5621): where each part begins and ends, and what its head says.
 * call/ finds the SDP with it and exchanges that part alone; nothing is decoded or copied here.
 */
#ifndef SIP_MIME_H
#define SIP_MIME_H

#include <stdbool.h>
#include <stdint.h>
#include "core/span.h"

#define MIME_PARTS_MAX    16   /* SDP, ISUP, location, a list and their wrappers are under ten */
#define MIME_DEPTH_MAX    4    /* mixed around related around alternative is three */
#define MIME_BOUNDARY_MAX 70   /* RFC 2046 §5.1.1 */
#define MIME_HEAD_MAX     2048 /* of one part: five lines are usual */

/** One part that is no multipart itself; all spans within the body. */
struct mime_part {
    struct span head;        /* its header lines, each with its line end; empty: none */
    struct span body;        /* without the line end before the boundary */
    struct span type;        /* "application/sdp", parameters cut off; empty: text/plain is meant */
    struct span disposition; /* "session"; empty: none */
    struct span id;          /* of Content-ID, without <> */
    struct span encoding;    /* of Content-Transfer-Encoding; empty: none */
    bool required;           /* Content-Disposition says handling=required (RFC 3261 §20.11) */
    bool optional;           /* … handling=optional */
    uint8_t depth;           /* 1: directly in the outer multipart */
};

struct mime {
    struct mime_part part[MIME_PARTS_MAX];
    unsigned n;
};

/** True if this value of Content-Type is multipart/…, any case. */
bool mime_is_multipart(struct span content_type);

/**
 * Split a body. Preamble and epilogue are skipped; parts of inner multiparts come in their place.
 *
 * @param content_type  the header's whole value, with the boundary parameter
 * @return 0; -EBADMSG no boundary, no part, a part without end or with a broken head; -E2BIG more than the bounds above
 */
int mime_parse(struct mime *m, struct span content_type, struct span body);

/** The first part of this type, any case; NULL: none. */
const struct mime_part *mime_find(const struct mime *m, struct span type);

#endif
