/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the dialog files share.
 * Included by dialog*.c only.
 */
#ifndef SIP_DIALOG_PRIV_H
#define SIP_DIALOG_PRIV_H

#include "sip/dialog.h"

struct dialogs {
    struct dialogs_param p;
    struct ident self; /* node, epoch and worker of the tags we make */
    struct htab table;
    struct pool pool;
    struct pool pool_2xx;
    char scratch[65535]; /* an ACK or a route set being written */
};

/* Our 2xx to an INVITE until its ACK comes; apart from the dialog because it lives for a round trip only. */
struct dialog_2xx {
    struct timer timer;
    struct dialog *dialog;
    struct wire *wire;
    uint32_t cseq;
    uint16_t interval_ms;
    uint16_t elapsed_ms;
};

/* Contact of a re-INVITE or UPDATE that may yet be refused (RFC 6141 §4.2). */
struct dialog_next {
    uint32_t cseq;
    char target[]; /* terminated */
};

struct dialog_head {
    uint32_t cseq;
    unsigned hops; /* Max-Forwards + 1; 0: 70 */
};

/** First member of the route set. @return false: none, or none that can be read */
bool dialog_first_route(const struct dialog *d, struct span *rest, struct name_addr *route);
/** The flow goes to the first route or the target, by the transport that it names, where that is an IP address. */
void dialog_follow_target(struct dialog *d);
/** A new remote target, now. @return 0; -EINVAL too long; -ENOMEM */
int dialog_set_target(struct dialog *d, struct span uri);
/** The Contact of a request that may yet be refused. @return 0; -ENOMEM */
int dialog_keep_target(struct dialog *d, const struct msg *m);
void dialog_drop_target(struct dialog *d);
struct dialog *dialog_alloc(struct dialogs *ds);
/** Free one that is not in the table. */
void dialog_discard(struct dialog *d);
/** Into the table under the key of its local tag. */
void dialog_insert(struct dialog *d, const struct ident *id);
/** Copy all strings into a new block. @return 0; -EINVAL one is over 65,535 bytes; -ENOMEM; the old ones stay on error */
int dialog_set_strs(struct dialog *d, const struct span s[DIALOG_N_STRS]);
/** "METHOD uri SIP/2.0" */
void dialog_build_request_line(struct build *b, const struct dialog *d, enum sip_method method);
/** All headers of a request in the dialog but Via. */
void dialog_build_headers(struct build *b, const struct dialog *d, enum sip_method method,
                          const struct dialog_head *h);

#endif
