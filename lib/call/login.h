/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Digest as server (RFC 3261 §22.1, RFC 8760): requests from trunks with `login` must have credentials.
 * invite.c asks for each INVITE that begins something, registrar.c for each REGISTER. Others are not challenged: OPTIONS tells nothing,
 * and what is inside a dialog has shown two sealed tags and a Call-ID.
 */
#ifndef CALL_LOGIN_H
#define CALL_LOGIN_H

#include "call/model.h"

struct logins;

/** The nonces that this worker has seen used. @return NULL out of memory */
struct logins *login_new(void);
void login_free(struct logins *ls);

/** The user whom the request's credentials name, as written; empty: it has none that can be read. For telling trunks of one source apart. */
struct span login_user(const struct msg *m);

/**
 * Has the trunk a `login`, and the request no good credentials for it? Then it is answered 401 here: with stale=true if only the nonce
 * is too old, too often used or another worker's. No source is banned: whoever gets here has a trunk's address.
 *
 * A nonce is a sealed token of ours with its time, good for five minutes on the worker that made it; each nc is taken once.
 * Of nonces used, 16,384 a worker are remembered; beyond that the oldest of four is forgotten, and with it the nc that were used.
 *
 * @param f      where it came from, for the log
 * @param trunk  of this generation
 * @return true: refused and answered
 */
bool login_refused(struct calls *cs, struct txn_server *st, const struct msg *m,
                   const struct flow *f, uint32_t trunk);

#endif
