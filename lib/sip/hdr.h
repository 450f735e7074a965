/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Header lines: which header a name is, where a line with its folds ends, how a comma list splits.
 * peek, msg, build and gate use it; it knows no header's grammar beyond that.
 */
#ifndef SIP_HDR_H
#define SIP_HDR_H

#include <stdbool.h>
#include <stdint.h>
#include "core/span.h"

/* Number, name, compact form (RFC 3261 §7.3.3; 0: none). Sorted by length of the name: hdr_id_of() relies on it. */
#define HDR_LIST(X)                                      \
    X(TO, "To", 't')                                     \
    X(VIA, "Via", 'v')                                   \
    X(CSEQ, "CSeq", 0)                                   \
    X(DATE, "Date", 0)                                   \
    X(FROM, "From", 'f')                                 \
    X(PATH, "Path", 0)                                   \
    X(RACK, "RAck", 0)                                   \
    X(RSEQ, "RSeq", 0)                                   \
    X(ALLOW, "Allow", 0)                                 \
    X(EVENT, "Event", 'o')                               \
    X(ROUTE, "Route", 0)                                 \
    X(ACCEPT, "Accept", 0)                               \
    X(MIN_SE, "Min-SE", 0)                               \
    X(REASON, "Reason", 0)                               \
    X(SERVER, "Server", 0)                               \
    X(CALL_ID, "Call-ID", 'i')                           \
    X(CONTACT, "Contact", 'm')                           \
    X(EXPIRES, "Expires", 0)                             \
    X(PRIVACY, "Privacy", 0)                             \
    X(REQUIRE, "Require", 0)                             \
    X(SUBJECT, "Subject", 's')                           \
    X(WARNING, "Warning", 0)                             \
    X(IDENTITY, "Identity", 'y')                         \
    X(PRIORITY, "Priority", 0)                           \
    X(REFER_TO, "Refer-To", 'r')                         \
    X(REPLACES, "Replaces", 0)                           \
    X(REPLY_TO, "Reply-To", 0)                           \
    X(CALL_INFO, "Call-Info", 0)                         \
    X(DIVERSION, "Diversion", 0)                         \
    X(SUPPORTED, "Supported", 'k')                       \
    X(TIMESTAMP, "Timestamp", 0)                         \
    X(ALERT_INFO, "Alert-Info", 0)                       \
    X(ERROR_INFO, "Error-Info", 0)                       \
    X(SESSION_ID, "Session-ID", 0)                       \
    X(USER_AGENT, "User-Agent", 0)                       \
    X(GEOLOCATION, "Geolocation", 0)                     \
    X(IN_REPLY_TO, "In-Reply-To", 0)                     \
    X(MIN_EXPIRES, "Min-Expires", 0)                     \
    X(REFERRED_BY, "Referred-By", 'b')                   \
    X(RETRY_AFTER, "Retry-After", 0)                     \
    X(UNSUPPORTED, "Unsupported", 0)                     \
    X(ALLOW_EVENTS, "Allow-Events", 'u')                 \
    X(CONTENT_TYPE, "Content-Type", 'c')                 \
    X(HISTORY_INFO, "History-Info", 0)                   \
    X(MAX_FORWARDS, "Max-Forwards", 0)                   \
    X(MIME_VERSION, "MIME-Version", 0)                   \
    X(ORGANIZATION, "Organization", 0)                   \
    X(RECORD_ROUTE, "Record-Route", 0)                   \
    X(USER_TO_USER, "User-to-User", 0)                   \
    X(AUTHORIZATION, "Authorization", 0)                 \
    X(IDENTITY_INFO, "Identity-Info", 'n')               \
    X(P_EARLY_MEDIA, "P-Early-Media", 0)                 \
    X(PROXY_REQUIRE, "Proxy-Require", 0)                 \
    X(TARGET_DIALOG, "Target-Dialog", 0)                 \
    X(REJECT_CONTACT, "Reject-Contact", 'j')             \
    X(ACCEPT_CONTACT, "Accept-Contact", 'a')             \
    X(CONTENT_LENGTH, "Content-Length", 'l')             \
    X(ACCEPT_ENCODING, "Accept-Encoding", 0)             \
    X(ACCEPT_LANGUAGE, "Accept-Language", 0)             \
    X(REMOTE_PARTY_ID, "Remote-Party-ID", 0)             \
    X(SESSION_EXPIRES, "Session-Expires", 'x')           \
    X(CONTENT_ENCODING, "Content-Encoding", 'e')         \
    X(CONTENT_LANGUAGE, "Content-Language", 0)           \
    X(WWW_AUTHENTICATE, "WWW-Authenticate", 0)           \
    X(P_CHARGING_VECTOR, "P-Charging-Vector", 0)         \
    X(RESOURCE_PRIORITY, "Resource-Priority", 0)         \
    X(PROXY_AUTHENTICATE, "Proxy-Authenticate", 0)       \
    X(SUBSCRIPTION_STATE, "Subscription-State", 0)       \
    X(AUTHENTICATION_INFO, "Authentication-Info", 0)     \
    X(CONTENT_DISPOSITION, "Content-Disposition", 0)     \
    X(PROXY_AUTHORIZATION, "Proxy-Authorization", 0)     \
    X(P_ASSERTED_IDENTITY, "P-Asserted-Identity", 0)     \
    X(REQUEST_DISPOSITION, "Request-Disposition", 'd')   \
    X(P_PREFERRED_IDENTITY, "P-Preferred-Identity", 0)   \
    X(P_ACCESS_NETWORK_INFO, "P-Access-Network-Info", 0) \
    X(P_CHARGING_FUNCTION_ADDRESSES, "P-Charging-Function-Addresses", 0)

enum hdr_id {
    HDR_OTHER, /* any other name */
#define HDR_X(id, name, compact) HDR_##id,
    HDR_LIST(HDR_X)
#undef HDR_X
        HDR_N
};

/* One header line as received. */
struct hdr {
    enum hdr_id id;
    struct span name;  /* as written, without the blanks before the colon */
    struct span value; /* trimmed; msg_parse unfolds it, hdr_next leaves folds in */
    struct span raw;   /* whole line with folds, without its end of line: for byte-exact copies */
};

/** Which header a name is: any case, compact forms. HDR_OTHER if none of ours. */
enum hdr_id hdr_id_of(struct span name);

/** The long name; empty for HDR_OTHER. Static storage. */
struct span hdr_name(enum hdr_id id);

/**
 * Next header line of *rest (which begins behind a line end), folds included (RFC 3261 §7.3.1). CRLF and bare LF end a line.
 *
 * @param rest  advanced behind the line, at the end behind the empty line: what is left is the body
 * @return 1 a header in *out; 0 the empty line was met; -EBADMSG no colon, empty name or the text ended
 */
int hdr_next(struct span *rest, struct hdr *out);

/**
 * Next member of a comma list; commas in quotes, in <> and in comments do not count. Empty members are skipped.
 *
 * @param rest  advanced behind the member
 * @return true with the trimmed member in *item; false at the end
 */
bool hdr_list_next(struct span *rest, struct span *item);

/** True if one member of the list is this token, any case. */
bool hdr_list_has(struct span list, struct span token);

/**
 * Find a parameter in ";a=b;c" (first one wins, any case).
 * @param value  may be NULL; empty for a flag; quotes are kept
 */
bool hdr_param(struct span params, struct span name, struct span *value);
/** Preference of a Contact, in thousandths (RFC 3261 §20.10): "0.7" is 700, digits behind the third do not count; none or a wrong one is 1000. */
uint16_t hdr_q(struct span params);

#endif
