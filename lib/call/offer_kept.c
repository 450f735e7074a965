/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bodies that outlive their message: what a party said before the answer, what it was sent and holds.
 * offer.c, legs and transfers ask for them; it reads none of them.
 */
#include "call/offer.h"

#include "call/offer_priv.h"

void offer_unkeep(struct ldlg *ld)
{
    if (ld->sdp)
        blocks_put(ld->leg->call->calls->blocks, ld->sdp, ld->sdp_cap);
    ld->sdp = NULL;
    ld->uncarried = false;
}

/* A body that was sent: a refresh says the same again (RFC 4028 §7.4), a transfer tells it to another. */
struct kept {
    size_t cap, len;
    char p[];
};

struct span offer_kept_text(const struct kept *k)
{
    return k ? (struct span){k->p, k->len} : SPAN_NONE;
}

void offer_kept_put(struct ldlg *ld, struct kept **k)
{
    if (*k) {
        explicit_bzero((*k)->p, (*k)->len); /* there may be keys in it */
        blocks_put(ld->leg->call->calls->blocks, *k, (*k)->cap);
    }
    *k = NULL;
}

void offer_kept_set(struct ldlg *ld, struct kept **k, struct span body)
{
    size_t cap;

    offer_kept_put(ld, k);
    if (span_is_empty(body))
        return;
    *k = blocks_get(ld->leg->call->calls->blocks, sizeof **k + body.len, &cap);
    if (!*k)
        return; /* then it is refreshed by UPDATE, or not at all */
    (*k)->cap = cap;
    (*k)->len = body.len;
    memcpy((*k)->p, body.p, body.len);
}

void offer_kept_settle(struct ldlg *ld)
{
    if (!ld->asked)
        return;
    offer_kept_put(ld, &ld->said);
    ld->said = ld->asked;
    ld->asked = NULL;
}

struct span offer_said(const struct ldlg *ld)
{
    return offer_kept_text(ld->said);
}

void offer_set_said(struct ldlg *ld, struct span body)
{
    offer_kept_set(ld, &ld->said, body);
}

void offer_forget(struct ldlg *ld)
{
    offer_unkeep(ld);
    offer_kept_put(ld, &ld->said);
    offer_kept_put(ld, &ld->asked);
}

void offer_keep(struct ldlg *ld, struct span body)
{
    struct blocks *blocks = ld->leg->call->calls->blocks;

    if (ld->sdp && ld->sdp == body.p)
        return;
    offer_unkeep(ld);
    ld->sdp = blocks_get(blocks, body.len, &ld->sdp_cap);
    if (!ld->sdp)
        return; /* its 200 says it again, as it should (RFC 3261 §13.3.1.4) */
    memcpy(ld->sdp, body.p, body.len);
    ld->sdp_len = body.len;
}

struct span offer_heard(const struct ldlg *ld)
{
    const struct call *c = ld->leg->call;

    if (ld->sdp)
        return (struct span){ld->sdp, ld->sdp_len};
    return ld->leg->is_in && c->setup ? c->setup->body : SPAN_NONE;
}
