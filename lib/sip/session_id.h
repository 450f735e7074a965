/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Session-ID (RFC 7989): two UUIDs, that of the sender's endpoint and that of the receiver's.
 * txn answers with it, call/ keeps the two of each call.
 */
#ifndef SIP_SESSION_ID_H
#define SIP_SESSION_ID_H

#include <stdbool.h>
#include <stdint.h>
#include "sip/build.h"

#define SESSION_UUID_LEN 32 /* hexadecimal digits */

/** As text, because it is written far more often than read. All '\0' or all '0': the null UUID (§5), an endpoint not known yet. */
struct session_uuid {
    char text[SESSION_UUID_LEN];
};

/**
 * Read a value. The form of RFC 7329, without remote, has a null one.
 * @param remote  may be NULL
 * @return 0; -EBADMSG not 32 hexadecimal digits (another dialect: as if it were not there)
 */
int session_id_parse(struct span value, struct session_uuid *local, struct session_uuid *remote);

bool session_uuid_is_null(const struct session_uuid *u);
/** 32 lower-case digits, not terminated. */
struct span session_uuid_text(const struct session_uuid *u);
/** Of 16 bytes. */
void session_uuid_of(const uint8_t bytes[16], struct session_uuid *out);

/** The header line. local: the endpoint the message speaks for; remote: the one it goes to (§5). */
void session_id_write(struct build *b, const struct session_uuid *local,
                      const struct session_uuid *remote);

#endif
