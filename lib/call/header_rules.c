/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Header rules: drop, rename, set and add on lists of received lines and on the text of a message being written.
 * Called where messages come in and go out; knows neither what a header means nor why it stands there.
 */
#include "call/header_rules.h"

#include "call/shown.h"

#define TEXT(s)            \
    {                      \
        (s), sizeof(s) - 1 \
    }

/* 1024: of one value with its variables filled in; longer ones are cut, and nobody reads them. */
#define VALUE_MAX 1024
/* 64: lines that the rules of one direction may add to a message. */
#define ADDED_MAX 64

static bool has_rules(const struct conf_trunk *t, bool out)
{
    for (uint32_t i = 0; i < t->header.n; i++)
        if (t->header.v[i].out == out)
            return true;
    return false;
}

/* Lines that we write ourselves in each message, or that speak of one hop: no rule lets the other side's through. */
static bool is_ours(enum hdr_id id)
{
    switch (id) {
    case HDR_TO:
    case HDR_VIA:
    case HDR_CSEQ:
    case HDR_FROM:
    case HDR_RACK:
    case HDR_RSEQ:
    case HDR_ALLOW:
    case HDR_ROUTE:
    case HDR_EVENT:
    case HDR_ACCEPT:
    case HDR_MIN_SE:
    case HDR_REASON:
    case HDR_EXPIRES:
    case HDR_REFER_TO:
    case HDR_REPLACES:
    case HDR_MIN_EXPIRES:
    case HDR_REFERRED_BY:
    case HDR_RETRY_AFTER:
    case HDR_UNSUPPORTED:
    case HDR_ALLOW_EVENTS:
    case HDR_ACCEPT_ENCODING:
    case HDR_SUBSCRIPTION_STATE:
    case HDR_CALL_ID:
    case HDR_CONTACT:
    case HDR_REQUIRE:
    case HDR_SUPPORTED:
    case HDR_TIMESTAMP:
    case HDR_SESSION_ID:
    case HDR_CONTENT_TYPE:
    case HDR_MAX_FORWARDS:
    case HDR_MIME_VERSION:
    case HDR_RECORD_ROUTE:
    case HDR_PROXY_REQUIRE:
    case HDR_AUTHORIZATION:
    case HDR_CONTENT_LENGTH:
    case HDR_SESSION_EXPIRES:
    case HDR_CONTENT_ENCODING:
    case HDR_CONTENT_LANGUAGE:
    case HDR_WWW_AUTHENTICATE:
    case HDR_PROXY_AUTHENTICATE:
    case HDR_AUTHENTICATION_INFO:
    case HDR_CONTENT_DISPOSITION:
    case HDR_PROXY_AUTHORIZATION: return true;
    default: return false;
    }
}

/* A pattern never takes what we write ourselves; a name that the operator wrote out does. */
static bool name_matches(const char *pattern, enum hdr_id id, struct span name)
{
    struct span p = span_of(pattern);

    if (p.len > 0 && p.p[p.len - 1] == '*') {
        p.len--;
        if (name.len < p.len || is_ours(id))
            return false;
        name.len = p.len;
        return p.len == 0 || span_case_eq(p, name);
    }
    if (span_case_eq(p, name))
        return true;
    /* "b" of the wire is Referred-By of the rule (RFC 3261 §7.3.3) */
    return name.len == 1 && id != HDR_OTHER && hdr_id_of(p) == id;
}

static bool passes(const struct conf_trunk *t, bool out, const struct hdr *h)
{
    for (uint32_t i = 0; i < t->header.n; i++) {
        const struct conf_header *r = &t->header.v[i];

        if (r->what == CONF_HEADER_PASS && r->out == out && name_matches(r->name, h->id, h->name))
            return true;
    }
    return false;
}

bool header_rules_pass(const struct conf_trunk *from, const struct conf_trunk *to,
                       const struct hdr *h)
{
    if (from->header.n == 0 && to->header.n == 0)
        return false;
    return !is_ours(h->id) && (passes(from, false, h) || passes(to, true, h));
}

/* ---- variables ---------------------------------------------------------------------------------------------------- */

static const struct {
    struct span name;
    size_t at;
} variables[] = {
    {TEXT("{called}"), offsetof(struct header_vars, called)},
    {TEXT("{caller}"), offsetof(struct header_vars, caller)},
    {TEXT("{billing}"), offsetof(struct header_vars, billing)},
    {TEXT("{node}"), offsetof(struct header_vars, node)},
    {TEXT("{trunk}"), offsetof(struct header_vars, trunk)},
    {TEXT("{call}"), offsetof(struct header_vars, call)},
    {TEXT("{ruri}"), offsetof(struct header_vars, ruri)},
};

/* The text with its variables; build_safe: what a peer said cannot end the line. */
static void put_value(struct build *b, const char *text, const struct header_vars *v)
{
    struct span rest = span_of(text);

    while (!span_is_empty(rest)) {
        size_t i, n = sizeof variables / sizeof variables[0];

        for (i = 0; i < n && !span_has_prefix(rest, variables[i].name); i++)
            ;
        if (i < n) {
            const struct span *value =
                (const struct span *)(const void *)((const char *)v + variables[i].at);

            build_safe(b, *value);
            rest.p += variables[i].name.len;
            rest.len -= variables[i].name.len;
        } else {
            build_safe(b, (struct span){rest.p, 1});
            rest.p++;
            rest.len--;
        }
    }
}

/* ---- in ----------------------------------------------------------------------------------------------------------- */

struct lines {
    struct arena *a;
    struct hdr *v;
    unsigned n, cap;
};

static void lines_drop(struct lines *l, const char *name)
{
    unsigned n = 0;

    for (unsigned i = 0; i < l->n; i++)
        if (!name_matches(name, l->v[i].id, l->v[i].name))
            l->v[n++] = l->v[i];
    l->n = n;
}

static void lines_rename(struct lines *l, const char *name, const char *to)
{
    for (unsigned i = 0; i < l->n; i++)
        if (name_matches(name, l->v[i].id, l->v[i].name)) {
            l->v[i].name = span_of(to);
            l->v[i].id = hdr_id_of(l->v[i].name);
            l->v[i].raw = SPAN_NONE; /* as written it had the other name */
        }
}

static void lines_add(struct lines *l, const struct conf_header *r, const struct header_vars *v)
{
    char buf[VALUE_MAX], *copy;
    struct build b;
    struct span name = span_of(r->name);

    if (l->n == l->cap)
        return;
    build_init(&b, buf, sizeof buf);
    put_value(&b, r->value, v);
    copy = arena_strdup(l->a, build_text(&b));
    if (copy)
        l->v[l->n++] = (struct hdr){.id = hdr_id_of(name), .name = name, .value = {copy, b.len}};
}

static void lines_rule(struct lines *l, const struct conf_header *r, const struct header_vars *v)
{
    switch (r->what) {
    case CONF_HEADER_SET:
        lines_drop(l, r->name);
        lines_add(l, r, v);
        break;
    case CONF_HEADER_ADD: lines_add(l, r, v); break;
    case CONF_HEADER_DROP: lines_drop(l, r->name); break;
    case CONF_HEADER_RENAME: lines_rename(l, r->name, r->value); break;
    case CONF_HEADER_PASS: break; /* asked when it crosses */
    }
}

const struct msg *header_rules_in(struct arena *a, const struct conf_trunk *t, const struct msg *m,
                                  const struct header_vars *v)
{
    struct lines l = {.a = a, .n = m->n_hdrs, .cap = m->n_hdrs + ADDED_MAX};
    struct msg *copy;

    if (!has_rules(t, false))
        return m;
    copy = arena_alloc(a, sizeof *copy);
    l.v = arena_alloc(a, l.cap * sizeof *l.v);
    if (!copy || !l.v)
        return m;
    memcpy(l.v, m->hdrs, m->n_hdrs * sizeof *l.v);
    for (uint32_t i = 0; i < t->header.n; i++)
        if (!t->header.v[i].out)
            lines_rule(&l, &t->header.v[i], v);
    *copy = *m;
    copy->hdrs = l.v;
    copy->n_hdrs = l.n;
    memset(copy->first, 0, sizeof copy->first);
    for (unsigned i = l.n; i > 0; i--)
        copy->first[l.v[i - 1].id] = (uint16_t)i;
    copy->first[HDR_OTHER] = 0;
    return copy;
}

/* ---- out ---------------------------------------------------------------------------------------------------------- */

struct text_line {
    char *p;
    size_t len; /* with its line end */
    struct span name;
};

/* The header line at offset `at`; false at the end. */
static bool text_line_at(const struct build *b, size_t at, struct text_line *out)
{
    char *nl = at < b->len ? memchr(b->p + at, '\n', b->len - at) : NULL;
    struct span line, rest;

    if (!nl)
        return false;
    out->p = b->p + at;
    out->len = (size_t)(nl + 1 - out->p);
    line = (struct span){out->p, out->len};
    span_cut(line, ':', &out->name, &rest);
    return true;
}

/* Replace n bytes at p by s, moving what is behind. */
static void text_replace(struct build *b, char *p, size_t n, struct span s)
{
    size_t behind = (size_t)(b->p + b->len - (p + n));

    if (b->overflow || b->len - n + s.len > b->cap) {
        b->overflow = true;
        return;
    }
    memmove(p + s.len, p + n, behind);
    if (s.len)
        memcpy(p, s.p, s.len);
    b->len = b->len - n + s.len;
}

/* to NULL: the lines are dropped. */
static void text_edit(struct build *b, const char *name, const char *to)
{
    struct text_line l;
    size_t at = 0;

    if (!text_line_at(b, 0, &l))
        return;
    for (at = l.len; text_line_at(b, at, &l);) { /* behind the start line */
        if (!name_matches(name, hdr_id_of(l.name), l.name)) {
            at += l.len;
        } else if (to) {
            size_t before = b->len;

            text_replace(b, l.p, l.name.len, span_of(to));
            if (b->overflow)
                return;
            at += l.len + b->len - before;
        } else {
            text_replace(b, l.p, l.len, SPAN_NONE);
        }
    }
}

static void text_add(struct build *b, const struct conf_header *r, const struct header_vars *v)
{
    build_str(b, r->name);
    build_span(b, SPAN(": "));
    put_value(b, r->value, v);
    build_span(b, SPAN("\r\n"));
}

static void text_rule(struct build *b, const struct conf_header *r, const struct header_vars *v)
{
    switch (r->what) {
    case CONF_HEADER_SET:
        text_edit(b, r->name, NULL);
        text_add(b, r, v);
        break;
    case CONF_HEADER_ADD: text_add(b, r, v); break;
    case CONF_HEADER_DROP: text_edit(b, r->name, NULL); break;
    case CONF_HEADER_RENAME: text_edit(b, r->name, r->value); break;
    case CONF_HEADER_PASS: break; /* was asked when it crossed */
    }
}

void header_rules_out(struct build *b, const struct conf_trunk *t, const struct header_vars *v)
{
    for (uint32_t i = 0; i < t->header.n; i++)
        if (t->header.v[i].out)
            text_rule(b, &t->header.v[i], v);
}

/* ---- of a leg ----------------------------------------------------------------------------------------------------- */

static void leg_vars(const struct leg *leg, struct header_vars *v)
{
    const struct call *c = leg->call;
    const struct conf *conf = c->calls->view ? c->calls->view->conf : NULL;

    *v = (struct header_vars){
        .called = span_of(!leg->is_in && leg->sent[0] ? leg->sent : c->normalised),
        .node = conf ? span_of(conf->global.node) : SPAN_NONE,
        .trunk = span_of(leg->trunk.conf->name),
        .call = span_of(c->uuid),
        .ruri = leg->main ? dialog_str(leg->main->d, DIALOG_TARGET) : SPAN_NONE,
    };
    v->caller = leg->is_in ? span_of(c->caller) : shown_number(c, leg, v->shown);
    v->billing = c->in && c->in->trunk.account[0] ? span_of(c->in->trunk.account) : v->caller;
}

const struct msg *header_rules_leg_in(const struct leg *leg, const struct msg *m)
{
    struct header_vars v;

    if (!leg || !leg->trunk.conf || leg->trunk.conf->header.n == 0)
        return m;
    leg_vars(leg, &v);
    return header_rules_in(leg->call->calls->arena, leg->trunk.conf, m, &v);
}

void header_rules_leg_out(struct build *b, const struct leg *leg)
{
    struct header_vars v;

    if (!leg || !leg->trunk.conf || leg->trunk.conf->header.n == 0 || b->overflow)
        return;
    leg_vars(leg, &v);
    header_rules_out(b, leg->trunk.conf, &v);
}
