/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Diverting parties towards one trunk: our host, its form of numbers, its kind of header.
 * Called by headers.c; the reading and the table of RFC 7544 are in lib/sip/diversion.c.
 */
#include "call/diverted.h"

#include "call/identity.h"
#include "call/party.h"
#include "call/shown.h"
#include "sip/diversion.h"

unsigned diverted_count(const struct hdr *h, unsigned n)
{
    struct diversions d;
    unsigned total;

    diversion_read(&d, h, n);
    total = d.total;
    diversion_read_history(&d, h, n);
    return d.total > total ? d.total : total;
}

/* The header that knows more of it; Diversion if they are equal. */
static void read_both(struct diversions *d, const struct crossing *x)
{
    struct diversions history;

    diversion_read(d, x->hdrs, x->n);
    diversion_read_history(&history, x->hdrs, x->n);
    if (history.total > d->total)
        *d = history;
}

static bool is_addressable(const struct sip_uri *u)
{
    return u->scheme == URI_SIP || u->scheme == URI_SIPS || u->scheme == URI_TEL;
}

static bool is_private(const struct crossing *x, enum diversion_privacy p)
{
    return x->to->untrusted && !x->to->identity.ignore_privacy &&
           (p == DIVERSION_PRIVACY_FULL || p == DIVERSION_PRIVACY_URI || identity_hides_history(x));
}

/* "display" <uri…; the caller closes it. cause, privacy: of History-Info, 0 and empty: none */
static void put_party(struct build *b, const struct crossing *x, const struct diversion *d,
                      unsigned cause, struct span privacy)
{
    const struct party_form form = {.to = x->to, .host = x->host, .is_sip = cause || privacy.len};
    bool is_target = d->uri.user.p == x->called.p && d->uri.user.p; /* as this trunk wants it */
    struct party p;

    if (is_private(x, d->privacy)) { /* RFC 7044 §10.1.2 */
        build_span(b, SPAN("<sip:anonymous@anonymous.invalid"));
    } else {
        if (!span_is_empty(d->display)) {
            build_span(b, d->display);
            build_char(b, ' ');
        }
        party_read(&p, &d->uri);
        if (!is_target)
            shown_redirecting(x, &p);
        build_char(b, '<');
        party_write(b, &p, &form);
    }
    if (cause) {
        build_span(b, SPAN(";cause="));
        build_u32(b, cause);
    }
    if (!span_is_empty(privacy)) {
        build_span(b, SPAN("?Privacy="));
        build_span(b, privacy);
    }
    build_char(b, '>');
}

static void put_diversion(struct build *b, const struct crossing *x, const struct diversion *d)
{
    if (!is_addressable(&d->uri))
        return;
    build_span(b, SPAN("Diversion: "));
    put_party(b, x, d, 0, SPAN_NONE);
    build_span(b, SPAN(";reason="));
    build_span(b, diversion_reason_name(d->reason));
    if (d->counter > 1) {
        build_span(b, SPAN(";counter="));
        build_u32(b, d->counter);
    }
    if (d->privacy != DIVERSION_PRIVACY_UNSAID) {
        build_span(b, SPAN(";privacy="));
        build_span(b, diversion_privacy_name(d->privacy));
    }
    build_span(b, SPAN("\r\n"));
}

/* ---- made of the other -------------------------------------------------------------------------------------------- */

/* The last diversion on top (RFC 5806 §4). */
static void put_as_diversion(struct build *b, const struct crossing *x, const struct diversions *d)
{
    for (unsigned i = d->n; i > 0; i--)
        put_diversion(b, x, &d->v[i - 1]);
}

static struct span history_privacy(enum diversion_privacy p)
{
    if (p == DIVERSION_PRIVACY_UNSAID)
        return SPAN_NONE;
    return p == DIVERSION_PRIVACY_OFF ? SPAN("none") : SPAN("history");
}

/*
 * One entry a diverting party and one of the target, each a level deeper, as many levels as the counter says (RFC 7544 §3);
 * cause stands at the target that the diversion chose, mp names the entry it came from (RFC 7044 §5).
 */
static void put_as_history(struct build *b, const struct crossing *x, const struct diversions *d)
{
    char buf[2 * DIVERSION_COUNTER_MAX + 16], mapped[sizeof buf];
    struct build index;
    unsigned cause = 0;

    build_init(&index, buf, sizeof buf);
    build_char(&index, '1');
    mapped[0] = '\0';
    for (unsigned i = 0; i <= d->n; i++) {
        struct diversion target = {.counter = 1};
        const struct diversion *one = i < d->n ? &d->v[i] : &target;

        if (i == d->n) {
            if (span_is_empty(x->called))
                return;
            target.uri = (struct sip_uri){.scheme = URI_SIP, .user = x->called};
        }
        build_span(b, SPAN("History-Info: "));
        put_party(b, x, one, cause, history_privacy(one->privacy));
        build_span(b, SPAN(";index="));
        build_span(b, build_text(&index));
        if (mapped[0]) {
            build_span(b, SPAN(";mp="));
            build_str(b, mapped);
        }
        build_span(b, SPAN("\r\n"));
        cause = diversion_cause(one->reason);
        (void)span_copy(build_text(&index), mapped, sizeof mapped);
        for (unsigned k = 0; k < one->counter; k++)
            build_span(&index, SPAN(".1"));
    }
}

/* ---- as they are -------------------------------------------------------------------------------------------------- */

/* Words and numbers only: a value that may name a host stays. */
static void put_plain_params(struct build *b, struct span params)
{
    while (!span_is_empty(params)) {
        struct span one, key, value;

        span_cut(params, ';', &one, &params);
        one = span_trim(one);
        span_cut(one, '=', &key, &value);
        if (span_is_empty(one) || span_chr(one, '@') >= 0 || span_chr(one, ':') >= 0 ||
            span_chr(one, '"') >= 0 || span_case_eq(key, SPAN("tag")))
            continue;
        if (span_chr(one, '.') >= 0 && !span_case_eq(key, SPAN("index")) &&
            !span_case_eq(key, SPAN("rc")) && !span_case_eq(key, SPAN("mp")) &&
            !span_case_eq(key, SPAN("np")))
            continue;
        build_char(b, ';');
        build_span(b, one);
    }
}

static void keep_diversion(struct build *b, const struct crossing *x, struct span item)
{
    struct name_addr na;
    struct diversion d = {0};
    struct span privacy;

    if (name_addr_parse(item, &na) < 0 || !is_addressable(&na.parsed))
        return;
    d.display = na.display;
    d.uri = na.parsed;
    if (hdr_param(na.params, SPAN("privacy"), &privacy) && !span_case_eq(privacy, SPAN("off")) &&
        !span_case_eq(privacy, SPAN("name")))
        d.privacy = DIVERSION_PRIVACY_FULL;
    build_span(b, SPAN("Diversion: "));
    put_party(b, x, &d, 0, SPAN_NONE);
    put_plain_params(b, na.params);
    build_span(b, SPAN("\r\n"));
}

/* Privacy and Reason of the entry, escaped as they came; others could hold anything. */
static void put_history_headers(struct build *b, struct span headers)
{
    bool any = false;

    while (!span_is_empty(headers)) {
        struct span one, key, value;

        span_cut(headers, '&', &one, &headers);
        span_cut(one, '=', &key, &value);
        if (!span_case_eq(key, SPAN("Privacy")) && !span_case_eq(key, SPAN("Reason")))
            continue;
        if (span_chr(value, '.') >= 0) /* a text that may name a host */
            continue;
        build_char(b, any ? '&' : '?');
        build_span(b, one);
        any = true;
    }
}

static bool says_history(struct span headers)
{
    while (!span_is_empty(headers)) {
        struct span one;

        span_cut(headers, '&', &one, &headers);
        if (span_case_eq(one, SPAN("Privacy=history")))
            return true;
    }
    return false;
}

static void keep_history(struct build *b, const struct crossing *x, struct span item)
{
    struct name_addr na;
    struct party p;
    struct span value;
    uint32_t cause;

    if (name_addr_parse(item, &na) < 0 || !is_addressable(&na.parsed))
        return;
    build_span(b, SPAN("History-Info: "));
    if (is_private(x, says_history(na.parsed.headers) ? DIVERSION_PRIVACY_FULL
                                                      : DIVERSION_PRIVACY_UNSAID)) {
        build_span(b, SPAN("<sip:anonymous@anonymous.invalid"));
    } else {
        if (!span_is_empty(na.display)) {
            build_span(b, na.display);
            build_char(b, ' ');
        }
        build_char(b, '<');
        party_read(&p, &na.parsed);
        shown_redirecting(x, &p);
        party_write(b, &p, &(struct party_form){.to = x->to, .host = x->host, .is_sip = true});
    }
    if (uri_param(&na.parsed, SPAN("cause"), &value) && span_u32(value, 699, &cause) == 0) {
        build_span(b, SPAN(";cause="));
        build_u32(b, cause);
    }
    put_history_headers(b, na.parsed.headers);
    build_char(b, '>');
    put_plain_params(b, na.params);
    build_span(b, SPAN("\r\n"));
}

static void keep(struct build *b, const struct crossing *x)
{
    for (unsigned i = 0; i < x->n; i++) {
        struct span rest = x->hdrs[i].value, item;
        enum hdr_id id = x->hdrs[i].id;

        if (id != HDR_DIVERSION && id != HDR_HISTORY_INFO)
            continue;
        while (hdr_list_next(&rest, &item)) {
            if (id == HDR_DIVERSION)
                keep_diversion(b, x, item);
            else
                keep_history(b, x, item);
        }
    }
}

void diverted_write(struct build *b, const struct crossing *x)
{
    struct diversions d;

    if (x->from->identity.diversion == CONF_DIVERSION_DROP)
        return;
    switch (x->to->identity.diversion) {
    case CONF_DIVERSION_KEEP: keep(b, x); break;
    case CONF_DIVERSION_DROP: break;
    case CONF_DIVERSION_DIV:
        read_both(&d, x);
        put_as_diversion(b, x, &d);
        break;
    case CONF_DIVERSION_HISTORY:
        read_both(&d, x);
        if (d.n)
            put_as_history(b, x, &d);
        break;
    }
}
