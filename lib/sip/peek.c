/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A first look at a datagram.
 * Called by the gate for every datagram, hostile ones included.
 * Allocates nothing, knows no trunk and no transaction.
 */
#include <errno.h>
#include "sip/hdr.h"
#include "sip/lex.h"
#include "sip/peek.h"

/* What was seen so far, so that of a header that comes twice the first counts. */
enum { SEEN_VIA = 1, SEEN_FROM = 2, SEEN_TO = 4, SEEN_CALL_ID = 8, SEEN_CSEQ = 16, SEEN_ALL = 31 };

#define PEEK_USER_MAX  32  /* bytes of a number compared with the table: E.164 has 15 */
#define PEEK_LINES_MAX 320 /* more than msg_parse's 256 headers: beyond, no look is worth it */

static int bad(struct peek *out, const char *why)
{
    out->why = why;
    return -EBADMSG;
}

static bool version_ok(struct span v)
{
    return v.len == 7 && LEX_IS(((struct span){v.p, 4}), "sip/") && memcmp(v.p + 4, "2.0", 3) == 0;
}

static int status_line(struct span line, struct peek *out)
{
    const char *p, *end = line.p + line.len;
    uint32_t status;

    if (line.len < 11 || !version_ok((struct span){line.p, 7}) || line.p[7] != ' ') {
        return bad(out, "status line");
    }
    p = line.p + 7;
    if (span_u32((struct span){p + 1, 3}, 699, &status) != 0 || status < 100 ||
        (p + 4 < end && p[4] != ' ')) {
        return bad(out, "status code");
    }
    out->status = (uint16_t)status;
    out->complete = true;
    return 0;
}

static struct span before(struct span s, char c)
{
    const char *p = lex_find(s.p, s.p + s.len, c);

    return p ? lex_span(s.p, p) : s;
}

/* User part of the Request-URI; tel: the number. */
static struct span ruri_user(struct span uri)
{
    struct span scheme = before(uri, ':'), user;

    if (scheme.len == uri.len) {
        return SPAN_NONE;
    }
    user = lex_span(scheme.p + scheme.len + 1, uri.p + uri.len);
    if (LEX_IS(scheme, "sip") || LEX_IS(scheme, "sips")) {
        const char *at = lex_find(user.p, user.p + user.len, '@');

        return at ? before(lex_span(user.p, at), ':') : SPAN_NONE;
    }
    return LEX_IS(scheme, "tel") ? before(user, ';') : SPAN_NONE;
}

/* Where the version begins: behind the last blank. */
static const char *version_of(const char *p, const char *end)
{
    const char *v = end;

    if (end - p > 8 && memcmp(end - 8, " SIP/2.0", 8) == 0) {
        return end - 7;
    }
    while (v > p && v[-1] != ' ') {
        v--;
    }
    return v;
}

static int request_line(struct span line, struct peek *out)
{
    const char *end, *q;
    struct span version;

    line = lex_trim(line);
    end = line.p + line.len;
    q = lex_skip(line.p, end, LEX_TOKEN);
    if (q == line.p || q == end || *q != ' ') {
        return bad(out, "no method");
    }
    out->method_name = lex_span(line.p, q);
    version.p = version_of(q, end);
    version.len = (size_t)(end - version.p);
    if (version.len < 5 || !LEX_IS(((struct span){version.p, 4}), "sip/")) {
        return bad(out, "no SIP version");
    }
    out->ruri = lex_trim(lex_span(q, version.p));
    if (out->ruri.len == 0) {
        return bad(out, "no Request-URI");
    }
    out->is_request = true;
    out->method = sip_method_of(out->method_name);
    out->ruri_user = ruri_user(out->ruri);
    out->complete = version_ok(version);
    return 0;
}

/*
 * Names are compared as numbers: up to eight bytes in lower case, the last one lowest. "via" is 0x766961.
 */
#define KEY1(a)          ((uint64_t)(a))
#define KEY2(a, b)       (KEY1(a) << 8 | KEY1(b))
#define KEY3(a, b, c)    (KEY2(a, b) << 8 | KEY1(c))
#define KEY4(a, b, c, d) (KEY2(a, b) << 16 | KEY2(c, d))
#define KEY_CALL_ID      (KEY4('c', 'a', 'l', 'l') << 24 | KEY3('-', 'i', 'd'))
#define KEY_PRIORITY     (KEY4('p', 'r', 'i', 'o') << 32 | KEY4('r', 'i', 't', 'y'))
#define KEY_BRANCH       (KEY3('b', 'r', 'a') << 24 | KEY3('n', 'c', 'h'))
#define KEY_RPORT        (KEY3('r', 'p', 'o') << 16 | KEY2('r', 't'))
#define KEY_TAG          KEY3('t', 'a', 'g')

/* A token at p; *key as above, of its last eight bytes. */
static const char *token_key(const char *p, const char *end, uint64_t *key)
{
    uint64_t k = 0;

    while (p < end && lex_is(*p, LEX_TOKEN)) {
        k = k << 8 | (unsigned char)(*p++ | 0x20);
    }
    *key = k;
    return p;
}

struct param {
    uint64_t key;
    struct span value;
};

/* One ";name[=value]". NULL: none, or broken. */
static const char *next_param(const char *p, const char *end, struct param *out)
{
    struct lex_param one;
    const char *start = p, *name, *q;

    if (p == end || *p != ';') {
        p = lex_lws(p, end);
        if (p == end || *p != ';') {
            return NULL;
        }
    }
    name = p + 1;
    q = token_key(name, end, &out->key);
    if (q - name > 8) {
        out->key = 0; /* none of ours is so long */
    }
    out->value = (struct span){q, 0};
    if (q > name && q < end && *q == '=') {
        p = lex_delim(q + 1, end);
        out->value = lex_span(q + 1, p);
        if (out->value.len > 0 && q[1] != '"' && (p == end || *p == ';')) {
            return p;
        }
    } else if (q > name && (q == end || *q == ';')) {
        return q;
    }
    /* Blanks, quotes, addresses: the slow way */
    p = lex_param(start, end, &one);
    if (p) {
        token_key(one.name.p, one.name.p + one.name.len, &out->key);
        out->key = one.name.len > 8 ? 0 : out->key;
        out->value = one.value;
    }
    return p;
}

/* Take ";branch=…;rport" of the top Via; what is broken behind the host leaves `complete` false. */
static void via_params(const char *p, const char *end, struct peek *out)
{
    struct param one;

    for (;;) {
        p = lex_lws(p, end);
        if (p == end || *p == ',') {
            return;
        }
        p = next_param(p, end, &one);
        if (p == NULL) {
            out->complete = false;
            return;
        }
        if (one.key == KEY_BRANCH) {
            out->via_branch = one.value;
        } else if (one.key == KEY_RPORT) {
            out->has_rport = true;
        }
    }
}

/* "SIP / 2.0 / UDP" and the blank behind it. NULL: not so. */
static const char *via_protocol(const char *p, const char *end)
{
    int i = 0;

    if (end - p > 8 && memcmp(p, "SIP/2.0/", 8) == 0) {
        p = lex_lws(p + 8, end); /* SLASH is SWS "/" SWS (RFC 3261 25.1) */
        i = 2;
    }
    for (; i < 3; i++) {
        const char *q = lex_skip(p, end, LEX_TOKEN);

        if (q == p) {
            return NULL;
        }
        p = lex_lws(q, end);
        if (i < 2) {
            if (p == end || *p != '/') {
                return NULL;
            }
            p = lex_lws(p + 1, end);
        } else if (p == q) {
            return NULL;
        }
    }
    return p;
}

static void on_via(struct span v, struct peek *out)
{
    const char *end = v.p + v.len, *p = via_protocol(v.p, end), *q;
    uint32_t port;

    if (p == NULL || p == end) {
        return;
    }
    if (*p == '[') {
        q = lex_find(p, end, ']');
        q = q ? q + 1 : p;
    } else {
        q = lex_skip(p, end, LEX_HOST);
    }
    out->via_host = lex_span(p, q);
    p = lex_lws(q, end);
    if (p < end && *p == ':') {
        p = lex_lws(p + 1, end);
        q = lex_skip(p, end, LEX_DIGIT);
        if (span_u32(lex_span(p, q), 65535, &port) != 0) {
            out->complete = false;
        } else {
            out->via_port = (uint16_t)port;
        }
        p = q;
    }
    via_params(p, end, out);
}

/* tag of From or To: behind '>' or, without <>, behind the first ';'. */
static struct span addr_tag(struct span v)
{
    const char *p = v.p, *end = p + v.len, *q;
    struct param one;

    if (v.len > 0 && *p == '"') {
        p = lex_quoted(p, end);
        if (p == NULL) {
            return SPAN_NONE;
        }
    }
    q = lex_find(p, end, '<');
    p = q ? lex_find(q, end, '>') : lex_find(p, end, ';');
    if (p == NULL) {
        return SPAN_NONE;
    }
    p += q ? 1 : 0;
    while ((p = next_param(p, end, &one)) != NULL) {
        if (one.key == KEY_TAG) {
            return lex_all(one.value, LEX_TOKEN) ? one.value : SPAN_NONE;
        }
    }
    return SPAN_NONE;
}

static void on_cseq(struct span v, struct peek *out)
{
    const char *end = v.p + v.len, *p = lex_skip(v.p, end, LEX_DIGIT), *q;

    q = lex_lws(p, end);
    out->cseq_method_name = lex_span(q, end);
    if (span_u32(lex_span(v.p, p), 0x7fffffffu, &out->cseq) != 0 || q == p ||
        !lex_all(out->cseq_method_name, LEX_TOKEN)) {
        out->cseq_method_name = SPAN_NONE;
        out->complete = false;
        return;
    }
    out->cseq_method = sip_method_of(out->cseq_method_name);
}

/* Of the few headers looked at: which one is it? */
static unsigned wanted(uint64_t key)
{
    switch (key) {
    case KEY1('v'):
    case KEY3('v', 'i', 'a'): return SEEN_VIA;
    case KEY1('f'):
    case KEY4('f', 'r', 'o', 'm'): return SEEN_FROM;
    case KEY1('t'):
    case KEY2('t', 'o'): return SEEN_TO;
    case KEY1('i'):
    case KEY_CALL_ID: return SEEN_CALL_ID;
    case KEY4('c', 's', 'e', 'q'): return SEEN_CSEQ;
    default: return 0;
    }
}

static void on_header(unsigned what, struct span v, struct peek *out)
{
    switch (what) {
    case SEEN_VIA: on_via(v, out); break;
    case SEEN_FROM: out->from_tag = addr_tag(v); break;
    case SEEN_TO: out->to_tag = addr_tag(v); break;
    case SEEN_CALL_ID:
        if (v.len > 0 && !lex_find(v.p, v.p + v.len, ' ')) {
            out->call_id = v;
        }
        break;
    default: on_cseq(v, out); break;
    }
}

/*
 * By its first letters: Via, From, CSeq and Call-ID, To, Resource-Priority, Replaces, or a compact form? Contact, Content-Type
 * and Record-Route are sorted out here too, for every INVITE has them.
 */
static bool may_matter(const char *p, const char *end)
{
    static const uint32_t letters = 1u << ('v' - 'a') | 1u << ('f' - 'a') | 1u << ('c' - 'a') |
                                    1u << ('t' - 'a') | 1u << ('i' - 'a') | 1u << ('r' - 'a');
    unsigned n = (unsigned)((*p | 0x20) - 'a');

    if (n >= 26 || (letters >> n & 1) == 0 || end - p < 3) {
        return false;
    }
    if (n == 'c' - 'a') {
        return (p[1] | 0x20) != 'o';
    }
    return n != 'r' - 'a' || (p[2] | 0x20) == 's' || (p[2] | 0x20) == 'p';
}

static void on_replaces(const char *q, const char *end, struct peek *out)
{
    while (q < end && (*q == ' ' || *q == '\t')) {
        q++;
    }
    if (q < end && *q == ':' && out->replaces.len == 0) {
        out->replaces = lex_trim(lex_span(q + 1, end));
    }
}

/* Not inlined: the loop over the lines, of which few are looked at, keeps its registers. */
static __attribute__((noinline)) unsigned look_at_line(const char *p, const char *end,
                                                       unsigned seen, struct peek *out)
{
    uint64_t key;
    const char *q = token_key(p, end, &key);
    unsigned what;

    if (q - p > 7) {
        if (q - p == 17 && key == KEY_PRIORITY && LEX_IS(lex_span(p, q), "resource-priority")) {
            out->has_rph = true;
        } else if (q - p == 8 && out->method == SIP_INVITE && out->is_request &&
                   LEX_IS(lex_span(p, q), "replaces")) {
            on_replaces(q, end, out);
        }
        return seen;
    }
    what = wanted(key);
    if (what == 0 || (seen & what) != 0) {
        return seen;
    }
    while (q < end && (*q == ' ' || *q == '\t')) {
        q++;
    }
    if (q == end || *q != ':') {
        return seen;
    }
    on_header(what, lex_trim(lex_span(q + 1, end)), out);
    return seen | what;
}

/* Line feeds of [at, end), 64 bytes at a look: lines are short, and to begin anew for each costs more than the looking. */
struct feeds {
    const char *at, *end; /* what is still to be looked at */
    const char *block;    /* where the bits of `found` count from */
    uint64_t found;
};

#if defined(__SSE2__)
static uint64_t feeds_64(const char *p)
{
    const __m128i want = _mm_set1_epi8('\n');
    uint64_t found = 0;

    for (int i = 0; i < 4; i++) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));

        found |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, want)) << 16 * i;
    }
    return found;
}
#endif

/* Behind the next line feed, or the end. */
static inline const char *feeds_next(struct feeds *f)
{
    const char *p;

#if defined(__SSE2__)
    while (f->found == 0 && f->end - f->at >= 64) {
        f->found = feeds_64(f->at);
        f->block = f->at;
        f->at += 64;
    }
    if (f->found != 0) {
        p = f->block + __builtin_ctzll(f->found) + 1;
        f->found &= f->found - 1;
        return p;
    }
#endif
    p = lex_find(f->at, f->end, '\n');
    f->at = p ? p + 1 : f->end;
    return f->at;
}

static void headers(const char *p, const char *end, struct peek *out)
{
    struct feeds f = {.at = p, .end = end};
    unsigned seen = 0;

    for (int lines = 0; p < end && *p != '\r' && *p != '\n' && lines < PEEK_LINES_MAX; lines++) {
        const char *nl = feeds_next(&f);

        while (nl < end && (*nl == ' ' || *nl == '\t')) {
            nl = feeds_next(&f);
        }
        if (may_matter(p, nl)) {
            seen = look_at_line(p, nl, seen, out);
        }
        /* A response carries no class: nothing behind these is of interest. */
        if (seen == SEEN_ALL && !out->is_request) {
            break;
        }
        p = nl;
    }
}

/* '%' and two hex digits, if they stand for what a number may have: 0x30..0x39, and ( ) - . of 0x28..0x2e. */
static bool phone_escape(const char *p, char *c)
{
    char low = (char)(p[2] | 0x20);

    if (p[1] == '3' && lex_is(p[2], LEX_DIGIT)) {
        *c = p[2];
        return true;
    }
    *c = '-';
    return p[1] == '2' && (low == '8' || low == '9' || low == 'd' || low == 'e');
}

/* "%39%31%31" is 911 too (RFC 3261 §19.1.4), and "9-1-1" (RFC 3966 §5.1.1). Only digits are looked for. */
static struct span plain_digits(struct span user, char buf[PEEK_USER_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < user.len && n < PEEK_USER_MAX; i++) {
        char c = user.p[i];

        if (c == '%' && user.len - i > 2 && phone_escape(user.p + i, &c)) {
            i += 2;
        }
        if (c != '-' && c != '.' && c != '(' && c != ')') {
            buf[n++] = c;
        }
    }
    return (struct span){buf, n};
}

static bool is_emergency(const struct peek *p, const struct peek_table *t)
{
    struct span user = p->ruri_user;
    char buf[PEEK_USER_MAX];

    if (p->ruri.len >= 15 && LEX_IS(((struct span){p->ruri.p, 15}), "urn:service:sos")) {
        return p->ruri.len == 15 || p->ruri.p[15] == '.';
    }
    if (t == NULL || user.len == 0) {
        return false;
    }
    user = plain_digits(before(user, ';'), buf);
    for (size_t i = 0; i < t->n; i++) {
        if (span_eq(t->user[i], user)) {
            return true;
        }
    }
    return false;
}

static void finish(struct peek *out, const struct peek_table *emergency)
{
    if (!out->is_request) {
        out->method = out->cseq_method;
        out->method_name = out->cseq_method_name;
    } else if (is_emergency(out, emergency)) {
        out->cls = SIP_CLASS_EMERGENCY;
    } else if (out->has_rph) {
        out->cls = SIP_CLASS_PRIORITY;
    }
    if (out->call_id.len == 0 || out->from_tag.len == 0 || out->cseq_method_name.len == 0 ||
        (out->is_request && !span_eq(out->method_name, out->cseq_method_name))) {
        out->complete = false;
    }
}

int peek_parse(const char *buf, size_t len, const struct peek_table *emergency, struct peek *out)
{
    const char *p = buf, *end = buf + len, *nl;
    struct span line;
    int rc;

    memset(out, 0, sizeof(*out));
    /* RFC 3261 §7.5: line ends before the start line are ignored */
    while (p < end && (*p == '\r' || *p == '\n')) {
        p++;
    }
    nl = lex_find(p, end, '\n');
    if (nl == NULL) {
        return bad(out, p == end ? "keep-alive" : "no line");
    }
    line = lex_span(p, nl > p && nl[-1] == '\r' ? nl - 1 : nl);
    out->head_len = (size_t)(nl + 1 - buf);
    if (line.len > 4 && LEX_IS(((struct span){p, 4}), "sip/")) {
        rc = status_line(line, out);
    } else {
        rc = request_line(line, out);
    }
    if (rc != 0) {
        return rc;
    }
    headers(nl + 1, end, out);
    if (out->via_host.len == 0) {
        return bad(out, "no top Via");
    }
    finish(out, emergency);
    return 0;
}
