/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Identities towards one trunk: what is believed, what is asserted, what Privacy forbids.
 * Called by headers.c and hunt.c for each message that bears them; knows no call.
 */
#include "call/identity.h"

#include "call/party.h"
#include "call/shown.h"

#define TEXT(s)            \
    {                      \
        (s), sizeof(s) - 1 \
    }

static const struct {
    struct span name;
    unsigned bit;
} words[] = {
    {TEXT("header"), PRIVACY_HEADER},     {TEXT("session"), PRIVACY_SESSION},
    {TEXT("user"), PRIVACY_USER},         {TEXT("none"), PRIVACY_NONE},
    {TEXT("critical"), PRIVACY_CRITICAL}, {TEXT("id"), PRIVACY_ID},
    {TEXT("history"), PRIVACY_HISTORY},
};

#define N_WORDS (sizeof words / sizeof words[0])

static unsigned word_of(struct span s)
{
    for (size_t i = 0; i < N_WORDS; i++)
        if (span_case_eq(s, words[i].name))
            return words[i].bit;
    return PRIVACY_OTHER;
}

/* Next word of "id;critical"; commas, which some write, part too. */
static bool word_next(struct span *rest, struct span *word)
{
    while (!span_is_empty(*rest)) {
        size_t n = 0;

        while (n < rest->len && rest->p[n] != ';' && rest->p[n] != ',')
            n++;
        *word = span_trim((struct span){rest->p, n});
        n += n < rest->len;
        rest->p += n;
        rest->len -= n;
        if (!span_is_empty(*word))
            return true;
    }
    return false;
}

unsigned identity_privacy(const struct hdr *h, unsigned n)
{
    unsigned bits = 0;

    for (unsigned i = 0; i < n; i++) {
        struct span rest = h[i].value, word;

        if (h[i].id == HDR_PRIVACY)
            while (word_next(&rest, &word))
                bits |= word_of(word);
    }
    return bits;
}

void identity_write_privacy(struct build *b, unsigned bits)
{
    unsigned n = 0;

    for (size_t i = 0; i < N_WORDS; i++)
        if (bits & words[i].bit) {
            build_span(b, n++ ? SPAN(";") : SPAN("Privacy: "));
            build_span(b, words[i].name);
        }
    if (n)
        build_span(b, SPAN("\r\n"));
}

bool identity_is_impossible(const struct hdr *h, unsigned n)
{
    unsigned p = identity_privacy(h, n);

    return (p & PRIVACY_CRITICAL) && (p & PRIVACY_OTHER);
}

bool identity_needs_relay(const struct hdr *h, unsigned n)
{
    unsigned p = identity_privacy(h, n);

    return (p & PRIVACY_CRITICAL) && (p & PRIVACY_SESSION);
}

/* What is asked for and honoured between these two; `none` forbids any (RFC 3323 §4.2). */
static unsigned asked(const struct crossing *x)
{
    unsigned p;

    if (x->from->identity.ignore_privacy || x->to->identity.ignore_privacy)
        return 0;
    p = identity_privacy(x->hdrs, x->n);
    if (x->screened & SHOWN_NOBODY)
        p |= PRIVACY_ID;
    return p & PRIVACY_NONE ? 0 : p;
}

bool identity_hides_from(const struct crossing *x)
{
    return x->to->untrusted && (asked(x) & PRIVACY_USER);
}

bool identity_hides_history(const struct crossing *x)
{
    return x->to->untrusted && (asked(x) & (PRIVACY_HISTORY | PRIVACY_USER | PRIVACY_HEADER));
}

/* A trunk outside the trust domain may assert what it likes (RFC 3325 §5). */
static bool is_believed(const struct crossing *x)
{
    return !x->from->untrusted;
}

/* ---- P-Asserted-Identity ------------------------------------------------------------------------------------------ */

/* At most one sip and one tel URI (RFC 3325 §9.1). */
struct asserted {
    const struct crossing *x;
    struct build *b;
    bool has_sip, has_tel;
};

static bool is_addressable(const struct name_addr *na)
{
    return na->parsed.scheme == URI_SIP || na->parsed.scheme == URI_SIPS ||
           na->parsed.scheme == URI_TEL;
}

static void assert_party(struct asserted *a, struct span display, const struct party *p)
{
    struct build *b = a->b;
    size_t start = b->len;
    const char *uri;
    bool *has;

    build_span(b, SPAN("P-Asserted-Identity: "));
    if (!span_is_empty(display)) {
        build_span(b, display);
        build_char(b, ' ');
    }
    build_char(b, '<');
    uri = b->p + b->len;
    party_write(b, p, &(struct party_form){.to = a->x->to, .host = a->x->host, .keeps_tel = true});
    build_span(b, SPAN(">\r\n"));
    if (b->overflow)
        return;
    has = *uri == 't' ? &a->has_tel : &a->has_sip;
    if (*has)
        b->len = start;
    *has = true;
}

static void assert_one(struct asserted *a, const struct name_addr *na)
{
    struct party p;

    if (!is_addressable(na))
        return;
    party_read(&p, &na->parsed);
    shown_caller(a->x, &p);
    assert_party(a, na->display, &p);
}

static void assert_instead(struct asserted *a)
{
    struct party p;

    if (shown_instead(a->x, &p))
        assert_party(a, SPAN_NONE, &p);
}

static void assert_all(struct asserted *a, enum hdr_id id)
{
    for (unsigned i = 0; i < a->x->n; i++) {
        struct span rest = a->x->hdrs[i].value, item;
        struct name_addr na;

        if (a->x->hdrs[i].id == id)
            while (hdr_list_next(&rest, &item))
                if (name_addr_parse(item, &na) == 0)
                    assert_one(a, &na);
    }
}

static void assert_from(struct asserted *a)
{
    struct name_addr na;
    struct party p;

    if (span_is_empty(a->x->from_raw) || name_addr_parse(a->x->from_raw, &na) < 0)
        return;
    party_read(&p, &na.parsed);
    if (!p.is_anonymous && !span_is_empty(p.user)) /* nobody is asserted to be nobody */
        assert_one(a, &na);
}

/* What this trunk is believed, or, where its operator says so, what stands for it (RFC 3325 §5, §6). */
static void put_asserted(struct build *b, const struct crossing *x)
{
    struct asserted a = {.x = x, .b = b};
    bool makes = x->from->identity.pai == CONF_PAI_FROM || x->to->identity.pai == CONF_PAI_FROM;

    if (x->from->identity.pai == CONF_PAI_DROP || x->to->identity.pai == CONF_PAI_DROP)
        return;
    if (x->screened & SHOWN_ASSERTED) {
        if (is_believed(x) || makes)
            assert_instead(&a);
        return;
    }
    if (is_believed(x))
        assert_all(&a, HDR_P_ASSERTED_IDENTITY);
    if (!makes || a.has_sip || a.has_tel)
        return;
    assert_all(&a, HDR_P_PREFERRED_IDENTITY);
    if (a.has_sip || a.has_tel)
        return;
    if (x->screened & SHOWN_FROM)
        assert_instead(&a);
    else
        assert_from(&a);
}

/* ---- Remote-Party-ID ---------------------------------------------------------------------------------------------- */

/* A parameter crosses if its value cannot name a host. */
static void put_params(struct build *b, struct span params)
{
    while (!span_is_empty(params)) {
        struct span one;

        span_cut(params, ';', &one, &params);
        one = span_trim(one);
        if (span_is_empty(one) || span_chr(one, '.') >= 0 || span_chr(one, '@') >= 0 ||
            span_chr(one, ':') >= 0 || span_chr(one, '"') >= 0)
            continue;
        build_char(b, ';');
        build_span(b, one);
    }
}

static void put_rpid(struct build *b, const struct crossing *x)
{
    for (unsigned i = 0; i < x->n; i++) {
        struct span rest = x->hdrs[i].value, item;
        struct name_addr na;
        struct party p;

        if (x->hdrs[i].id != HDR_REMOTE_PARTY_ID)
            continue;
        while (hdr_list_next(&rest, &item)) {
            if (name_addr_parse(item, &na) < 0 || !is_addressable(&na))
                continue;
            party_read(&p, &na.parsed);
            shown_caller(x, &p);
            build_span(b, SPAN("Remote-Party-ID: "));
            build_span(b, na.display);
            build_span(b, span_is_empty(na.display) ? SPAN("<") : SPAN(" <"));
            party_write(b, &p,
                        &(struct party_form){.to = x->to, .host = x->host, .keeps_tel = true});
            build_char(b, '>');
            put_params(b, na.params);
            build_span(b, SPAN("\r\n"));
        }
    }
}

/* ---- Privacy ------------------------------------------------------------------------------------------------------ */

/*
 * Inside the trust domain it goes on as it came. At its border we are the privacy service: what we have done is struck out
 * (RFC 3323 §5): header always (nothing of a side's headers crosses), session by the relay, user by From; id stays, it asks those behind.
 */
static void put_privacy(struct build *b, const struct crossing *x)
{
    unsigned done = 0, n = 0, put = 0;

    if (x->to->untrusted && asked(x))
        done = PRIVACY_HEADER | PRIVACY_SESSION | PRIVACY_USER | PRIVACY_CRITICAL;
    for (unsigned i = 0; i < x->n; i++) {
        struct span rest = x->hdrs[i].value, word;

        if (x->hdrs[i].id != HDR_PRIVACY)
            continue;
        while (word_next(&rest, &word)) {
            if (word_of(word) & done)
                continue;
            build_span(b, n++ ? SPAN(";") : SPAN("Privacy: "));
            build_span(b, word);
            put |= word_of(word);
        }
    }
    /* who hid in From alone asked for nothing of a number that we assert of him */
    if ((x->screened & SHOWN_NOBODY) && !(put & (PRIVACY_ID | PRIVACY_NONE)))
        build_span(b, n++ ? SPAN(";id") : SPAN("Privacy: id"));
    if (n)
        build_span(b, SPAN("\r\n"));
}

void identity_write(struct build *b, const struct crossing *x)
{
    bool hidden = x->to->untrusted &&
                  (asked(x) & (PRIVACY_ID | PRIVACY_USER | PRIVACY_HEADER)); /* RFC 3325 §7 */

    if (!hidden) {
        put_asserted(b, x);
        if (is_believed(x) && !(x->screened & SHOWN_OTHERS))
            put_rpid(b, x);
    }
    put_privacy(b, x);
}
