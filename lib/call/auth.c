/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The challenges that this worker got from its trunks, two a trunk (401 and 407), and the credentials made of them.
 * Transactions call it by struct tu_ops for each request that goes out and each 401 and 407 that comes back.
 * It writes no secret and no credentials into a log.
 */
#include "call/auth.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "sip/digest.h"

/* 26 base32 digits of 128 random bits. */
#define CNONCE_LEN IDENT_LEN
/* Two header lines with the longest realm, nonce and opaque of each, and what we put around them. */
#define LINES_MAX (8 * DIGEST_TEXT_MAX)

/** A challenge that is being answered. Its texts are in one block. */
struct auth_nonce {
    char *text; /**< owned; NULL: none */
    struct span realm, nonce, opaque;
    uint8_t algo;
    bool algo_given, qop;
    uint32_t count; /**< nc of the last request */
    char cnonce[CNONCE_LEN];
};

enum { AUTH_SERVER, AUTH_PROXY, AUTH_KINDS }; /**< 401, 407 */

/** One trunk that has challenged us. Never more of them than trunks with `auth` since start. */
struct auth_trunk {
    struct htab_node node; /**< by slot */
    char *user, *secret;   /**< owned; of the newest configuration that had the trunk */
    struct auth_nonce nonce[AUTH_KINDS];
};

struct auths {
    struct htab by_slot;
};

static const struct {
    enum hdr_id id;
    struct span name;
} kind_header[AUTH_KINDS] = {
    [AUTH_SERVER] = {HDR_AUTHORIZATION, SPAN("Authorization")},
    [AUTH_PROXY] = {HDR_PROXY_AUTHORIZATION, SPAN("Proxy-Authorization")},
};

/* ---- the table ---------------------------------------------------------------------------------------------------- */

struct auths *auth_new(void)
{
    struct auths *as = calloc(1, sizeof *as);

    if (as && htab_init(&as->by_slot, 16) < 0) {
        free(as);
        return NULL;
    }
    return as;
}

static void wipe(char *s)
{
    if (s)
        OPENSSL_cleanse(s, strlen(s));
    free(s);
}

static bool trunk_free(struct htab_node *n, void *arg)
{
    struct auth_trunk *t = container_of(n, struct auth_trunk, node);

    (void)arg;
    for (unsigned i = 0; i < AUTH_KINDS; i++)
        free(t->nonce[i].text);
    wipe(t->user);
    wipe(t->secret);
    free(t);
    return true;
}

void auth_free(struct auths *as)
{
    if (!as)
        return;
    htab_each(&as->by_slot, trunk_free, NULL);
    htab_fini(&as->by_slot);
    free(as);
}

static struct auth_trunk *trunk_find(struct auths *as, uint32_t slot)
{
    struct htab_node *n = htab_first(&as->by_slot, hash_u64(slot));

    return n ? container_of(n, struct auth_trunk, node) : NULL;
}

static int replace(char **text, const char *by)
{
    char *s;

    if (*text && strcmp(*text, by) == 0)
        return 0;
    s = strdup(by);
    if (!s)
        return -ENOMEM;
    wipe(*text);
    *text = s;
    return 0;
}

static struct auth_trunk *trunk_get(struct auths *as, uint32_t slot, const struct conf_auth *conf)
{
    struct auth_trunk *t = trunk_find(as, slot);

    if (!t) {
        t = calloc(1, sizeof *t);
        if (!t)
            return NULL;
        htab_add(&as->by_slot, &t->node, hash_u64(slot));
    }
    if (replace(&t->user, conf->user) < 0 || replace(&t->secret, conf->secret) < 0)
        return NULL;
    return t;
}

/* The trunk's `auth` line. NULL: it has none; *gone: because the trunk itself has gone from the configuration */
static const struct conf_auth *conf_of(const struct calls *cs, uint32_t slot, bool *gone)
{
    uint32_t id;

    *gone = route_trunk_of_slot(cs->view->route, slot, &id) < 0;
    if (*gone || !cs->view->conf->trunk.v[id].auth.user)
        return NULL;
    return &cs->view->conf->trunk.v[id].auth;
}

/* ---- a challenge -------------------------------------------------------------------------------------------------- */

static struct span text_put(char **at, struct span s)
{
    struct span out = {*at, s.len};

    if (s.len)
        memcpy(*at, s.p, s.len);
    *at += s.len;
    return s.p ? out : SPAN_NONE;
}

static int nonce_take(struct auth_nonce *n, const struct digest_challenge *ch)
{
    char *text = malloc(ch->realm.len + ch->nonce.len + ch->opaque.len + 1), *at = text;
    uint8_t raw[CNONCE_LEN];

    if (!text)
        return -ENOMEM;
    free(n->text);
    n->text = text;
    n->realm = text_put(&at, ch->realm);
    n->nonce = text_put(&at, ch->nonce);
    n->opaque = text_put(&at, ch->opaque);
    n->algo = ch->algo;
    n->algo_given = ch->algo_given;
    n->qop = ch->qop;
    n->count = 0;
    ident_random(raw, sizeof raw);
    for (unsigned i = 0; i < CNONCE_LEN; i++)
        n->cnonce[i] = "abcdefghijklmnopqrstuvwxyz234567"[raw[i] & 31];
    return 0;
}

static void nonce_drop(struct auth_nonce *n)
{
    free(n->text);
    *n = (struct auth_nonce){0};
}

/* Credentials that the request already had. */
static bool credentials_of(const struct wire *w, unsigned kind, struct digest_credentials *out)
{
    struct span line, rest = {w->bytes, w->len};
    struct hdr h;

    span_cut(rest, '\n', &line, &rest);
    while (hdr_next(&rest, &h) == 1)
        if (h.id == kind_header[kind].id)
            return digest_credentials_parse(h.value, out) == 0;
    return false;
}

/* Is there any hope that the same secret with this nonce is taken? */
static bool is_worth(const struct wire *request, unsigned kind, const struct digest_challenge *ch,
                     unsigned tries)
{
    struct digest_credentials had;

    if (!credentials_of(request, kind, &had) || ch->stale)
        return true;
    /* The first time they may have been made of a nonce kept for long, which the peer has forgotten without saying stale. */
    return tries == 1 && !span_eq(had.nonce, ch->nonce);
}

/* ---- the request once more ---------------------------------------------------------------------------------------- */

/* Byte for byte, but with the new branch and CSeq and without credentials. @return its CSeq; 0: not a request of ours */
static uint32_t compose_again(struct txn_client *again, const struct wire *w, struct dialog *d)
{
    struct span line, number, rest = {w->bytes, w->len};
    struct build *b = txn_client_begin(again);
    uint32_t cseq = 0;
    struct hdr h;

    span_cut(rest, '\n', &line, &rest);
    build_span(b, line);
    build_char(b, '\n');
    while (hdr_next(&rest, &h) == 1) {
        switch (h.id) {
        case HDR_VIA: txn_client_via(again, b); break;
        case HDR_AUTHORIZATION:
        case HDR_PROXY_AUTHORIZATION: break;
        case HDR_CSEQ:
            span_cut(h.value, ' ', &number, &line);
            if (span_u32(number, MSG_CSEQ_MAX - 1, &cseq) < 0)
                return 0;
            if (d && d->local_cseq > cseq)
                cseq = d->local_cseq; /* a request of another kind was sent meanwhile */
            build_str(b, "CSeq: ");
            build_u32(b, ++cseq);
            build_char(b, ' ');
            build_span(b, line);
            build_str(b, "\r\n");
            break;
        default: build_span(b, h.raw); build_str(b, "\r\n");
        }
    }
    build_str(b, "\r\n");
    build_span(b, rest);
    if (d)
        d->local_cseq = cseq;
    return cseq;
}

static void refused(struct calls *cs, uint32_t slot, const struct msg *m, const char *why)
{
    const struct trunk_state *ts = trunk_by_slot(cs->trunks, slot);

    stat_inc(cs->stats, STAT_auth_refused);
    log_limited(LOG_WARN, "auth_refused", "trunk=%s method=%.*s status=%u msg=\"%s\"",
                ts ? ts->name : "-", SPAN_ARG(sip_method_name(m->cseq_method)), m->status, why);
}

uint32_t auth_on_challenge(void *calls, struct txn_client *again, const struct wire *request,
                           const struct msg *m)
{
    struct calls *cs = calls;
    unsigned kind = m->status == 407 ? AUTH_PROXY : AUTH_SERVER;
    uint32_t slot = request->flow.owner - 1;
    const struct conf_auth *conf;
    struct digest_challenge ch;
    struct auth_trunk *t;
    struct dialog *d;
    bool gone;

    if (request->flow.owner == 0)
        return 0;
    conf = conf_of(cs, slot, &gone);
    t = conf ? trunk_get(cs->auths, slot, conf) : gone ? trunk_find(cs->auths, slot) : NULL;
    if (!t || !t->secret) {
        refused(cs, slot, m, "no credentials");
        return 0;
    }
    if (digest_choose(m, conf && conf->realm ? span_of(conf->realm) : SPAN_NONE, &ch) < 0) {
        refused(cs, slot, m, "no challenge that can be answered");
        return 0;
    }
    if (!is_worth(request, kind, &ch, txn_client_tries(again))) {
        nonce_drop(&t->nonce[kind]);
        refused(cs, slot, m, "credentials refused");
        return 0;
    }
    if (nonce_take(&t->nonce[kind], &ch) < 0)
        return 0;
    stat_inc(cs->stats, STAT_auth_answered);
    return compose_again(again, request, dialog_find_response(cs->dialogs, m, &d) == 0 ? d : NULL);
}

/* ---- credentials -------------------------------------------------------------------------------------------------- */

static void put_credentials(struct build *b, struct auth_trunk *t, unsigned kind,
                            struct span method, struct span uri)
{
    struct auth_nonce *n = &t->nonce[kind];
    struct digest_answer a = {.in = {.user = span_of(t->user),
                                     .realm = n->realm,
                                     .secret = span_of(t->secret),
                                     .method = method,
                                     .uri = uri,
                                     .nonce = n->nonce,
                                     .algo = (enum digest_algo)n->algo},
                              .opaque = n->opaque,
                              .algo_given = n->algo_given};
    char nc[9];

    n->count++;
    if (n->qop) {
        snprintf(nc, sizeof nc, "%08x", n->count);
        a.in.nc = (struct span){nc, 8};
        a.in.cnonce = (struct span){n->cnonce, CNONCE_LEN};
    }
    (void)digest_write(b, kind_header[kind].name, &a); /* without them the peer asks again */
}

/* The dialog of an INVITE that goes out: its ACK has the same credentials (§22.1). */
static void tell_dialog(struct calls *cs, struct span headers, struct span lines)
{
    struct name_addr from = {0}, to = {0};
    struct span call_id = SPAN_NONE;
    struct dialog *d;
    struct hdr h;

    while (hdr_next(&headers, &h) == 1) {
        if (h.id == HDR_FROM)
            (void)name_addr_parse(h.value, &from);
        else if (h.id == HDR_TO)
            (void)name_addr_parse(h.value, &to);
        else if (h.id == HDR_CALL_ID)
            call_id = h.value;
    }
    if (dialog_find_tags(cs->dialogs, from.tag, to.tag, call_id, &d) == 0)
        (void)dialog_set_auth(d, lines);
}

/* In front of the empty line. */
static void insert(struct build *b, struct span lines)
{
    char *end = memmem(b->p, b->len, "\r\n\r\n", 4);

    if (!end || lines.len > b->cap - b->len) {
        b->overflow = true;
        return;
    }
    end += 2;
    memmove(end + lines.len, end, b->len - (size_t)(end - b->p));
    memcpy(end, lines.p, lines.len);
    b->len += lines.len;
}

void auth_on_send(void *calls, struct build *b, const struct flow *f)
{
    struct calls *cs = calls;
    struct span line, rest, method, uri;
    const struct conf_auth *conf;
    struct auth_trunk *t;
    char text[LINES_MAX];
    struct build lines;
    bool gone;

    if (f->owner == 0 || cs->auths->by_slot.count == 0 || b->overflow)
        return;
    t = trunk_find(cs->auths, f->owner - 1);
    if (!t)
        return;
    conf = conf_of(cs, f->owner - 1, &gone);
    if (!conf && !gone)
        return; /* a reload took its `auth` away */
    if (conf && (replace(&t->user, conf->user) < 0 || replace(&t->secret, conf->secret) < 0))
        return;
    span_cut(build_text(b), '\n', &line, &rest);
    span_cut(line, ' ', &method, &uri);
    span_cut(uri, ' ', &uri, &line);
    build_init(&lines, text, sizeof text);
    for (unsigned kind = 0; kind < AUTH_KINDS; kind++)
        if (t->nonce[kind].text)
            put_credentials(&lines, t, kind, method, uri);
    if (lines.overflow || lines.len == 0)
        return;
    if (span_eq(method, SPAN("INVITE")))
        tell_dialog(cs, rest, build_text(&lines));
    insert(b, build_text(&lines));
}
