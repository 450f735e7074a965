/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Session descriptions: read by the line, rewritten by the line.
 * Called by call/ for each body of type application/sdp.
 * Keeps no offer/answer state; a line it does not understand is copied as it came.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include "sip/lex.h"
#include "sip/sdp.h"

#define SDP_LINES_MAX 2048 /* a hundredfold of an ordinary offer; bounds the work on one body */

/* ---- lines ---- */

struct line {
    char type;
    struct span value; /* behind "x=" */
    struct span raw;   /* with its end of line, if it has one */
};

/* Next line of *rest. 1, 0 at the end, -EINVAL: not "x=…". Empty lines at the end of a body are passed over. */
static int next_line(struct span *rest, struct line *out)
{
    const char *p = rest->p, *end, *nl, *stop;

    if (rest->len == 0) {
        return 0;
    }
    end = p + rest->len;
    nl = memchr(p, '\n', rest->len);
    stop = nl ? nl : end;
    out->raw = lex_span(p, nl ? nl + 1 : end);
    *rest = lex_span(out->raw.p + out->raw.len, end);
    if (stop > p && stop[-1] == '\r') {
        stop--;
    }
    if (stop == p) {
        return lex_lws(p, end) == end ? 0 : -EINVAL;
    }
    if (stop - p < 2 || p[1] != '=' || !lex_is(*p, LEX_ALPHA)) {
        return -EINVAL;
    }
    out->type = *p;
    out->value = lex_span(p + 2, stop);
    return 1;
}

/* Next word of *s; words are parted by one blank, more are forgiven. Empty at the end. */
static struct span word(struct span *s)
{
    const char *p = s->p, *end, *q;

    if (s->len == 0) {
        return SPAN_NONE;
    }
    end = p + s->len;
    while (p < end && *p == ' ') {
        p++;
    }
    q = memchr(p, ' ', (size_t)(end - p));
    q = q ? q : end;
    *s = lex_span(q, end);
    return lex_span(p, q);
}

static bool starts(struct span s, struct span lit)
{
    /* the first letter tells most of them apart; none of the literals is empty */
    return s.len >= lit.len && s.p[0] == lit.p[0] && memcmp(s.p, lit.p, lit.len) == 0;
}

/* Value of "name:value" or of the flag "name"; false if the attribute is another one. */
static bool attr(struct span a, struct span name, struct span *value)
{
    if (!starts(a, name)) {
        return false;
    }
    if (a.len == name.len) {
        *value = (struct span){a.p + a.len, 0};
        return true;
    }
    if (a.p[name.len] != ':') {
        return false;
    }
    *value = (struct span){a.p + name.len + 1, a.len - name.len - 1};
    return true;
}

/* ---- reading ---- */

/* "IN IP4 192.0.2.1[/ttl]" */
static int parse_conn(struct span v, struct sdp_conn *out)
{
    struct span net = word(&v), type = word(&v), host = word(&v), ttl;
    bool six = span_eq(type, SPAN("IP6"));

    if (!span_eq(net, SPAN("IN")) || !(six || span_eq(type, SPAN("IP4"))) || host.len == 0) {
        return -EINVAL;
    }
    span_cut(host, '/', &host, &ttl);
    memset(out, 0, sizeof(*out));
    out->given = true;
    out->host = host;
    if (addr_parse_ip(host, &out->addr) != 0) {
        memset(&out->addr, 0, sizeof(out->addr));
        return lex_all(host, LEX_HOST) ? 0 : -EINVAL;
    }
    /* "IP6 ::ffff:192.0.2.2" is IPv4 by another name (RFC 5118 §4.9); "IP4" with colons is not */
    return out->addr.family == 6 && !six ? -EINVAL : 0;
}

/* "- 12345 2 IN IP4 host": the version is counted by peers that overflow 64 bits too, those are taken as 0 */
static int parse_origin(struct sdp *s, struct span v)
{
    struct span version;

    s->o_user = word(&v);
    s->o_id = word(&v);
    version = word(&v);
    word(&v);
    word(&v);
    s->o_host = word(&v);
    if (!lex_all(s->o_id, LEX_DIGIT) || !lex_all(version, LEX_DIGIT) || s->o_host.len == 0) {
        return -EINVAL;
    }
    if (span_u64(version, UINT64_MAX, &s->o_version) != 0) {
        s->o_version = 0;
    }
    return 0;
}

/* "audio 49170/2 RTP/AVP 0 8" */
static int parse_media(struct sdp_media *m, struct span v)
{
    struct span port, count;
    uint32_t n;

    memset(m, 0, sizeof(*m));
    m->type = word(&v);
    port = word(&v);
    m->proto = word(&v);
    m->fmt = v.len > 0 ? lex_trim(v) : v;
    m->count = 1;
    if (span_cut(port, '/', &port, &count)) {
        if (span_u32(count, 65535, &n) != 0 || n == 0) {
            return -EINVAL;
        }
        m->count = (uint16_t)n;
    }
    if (!lex_all(m->type, LEX_TOKEN) || m->proto.len == 0 || m->fmt.len == 0 ||
        span_u32(port, 65535, &n) != 0) {
        return -EINVAL;
    }
    m->port = (uint16_t)n;
    return 0;
}

static enum sdp_dir direction(struct span a)
{
    if (a.len == 8 && a.p[0] != 'i') {
        if (span_eq(a, SPAN("sendrecv"))) {
            return SDP_SENDRECV;
        }
        if (span_eq(a, SPAN("sendonly"))) {
            return SDP_SENDONLY;
        }
        return span_eq(a, SPAN("recvonly")) ? SDP_RECVONLY : SDP_DIR_NONE;
    }
    return span_eq(a, SPAN("inactive")) ? SDP_INACTIVE : SDP_DIR_NONE;
}

/* a=rtcp:port [IN IP4 addr] (RFC 3605) */
static int parse_rtcp(struct sdp_media *m, struct span v)
{
    struct span port = word(&v);
    uint32_t n;

    if (span_u32(port, 65535, &n) != 0) {
        return -EINVAL;
    }
    m->has_rtcp = true;
    m->rtcp_port = (uint16_t)n;
    return v.len > 1 ? parse_conn(v, &m->rtcp) : 0;
}

/* Fractions exist (RFC 8866 §6.4); the whole milliseconds are enough. 0: it is none */
static uint32_t whole_ms(struct span v)
{
    uint32_t ms = 0;

    (void)span_u32(lex_span(v.p, lex_skip(v.p, v.p + v.len, LEX_DIGIT)), 10000, &ms);
    return ms;
}

static int media_attr(struct sdp_media *m, struct span a)
{
    enum sdp_dir dir = direction(a);
    struct span v;

    if (dir != SDP_DIR_NONE) {
        m->dir = dir;
    } else if (attr(a, SPAN("rtcp"), &v)) {
        return parse_rtcp(m, v);
    } else if (attr(a, SPAN("rtcp-mux"), &v)) {
        m->rtcp_mux = true;
    } else if (attr(a, SPAN("bundle-only"), &v)) {
        m->bundle_only = true;
    } else if (attr(a, SPAN("ptime"), &v)) {
        m->ptime_ms = whole_ms(v);
    } else if (attr(a, SPAN("maxptime"), &v)) {
        m->maxptime_ms = whole_ms(v);
    } else if (attr(a, SPAN("mid"), &v)) {
        m->mid = v;
    }
    return 0;
}

static int session_line(struct sdp *s, const struct line *l)
{
    enum sdp_dir dir;

    switch (l->type) {
    case 'o': return s->o_id.len > 0 ? -EINVAL : parse_origin(s, l->value);
    case 'c': return parse_conn(l->value, &s->conn);
    case 'a':
        dir = direction(l->value);
        if (dir != SDP_DIR_NONE) {
            s->dir = dir;
        }
        return 0;
    default: return 0;
    }
}

static int media_line(struct sdp_media *m, const struct line *l)
{
    switch (l->type) {
    case 'c':
        /* Several c= of one m-line are layered multicast (RFC 8866 §5.7): the first counts */
        return m->conn.given ? 0 : parse_conn(l->value, &m->conn);
    case 'a': return media_attr(m, l->value);
    case 'o':
    case 's':
    case 't':
    case 'v': return -EINVAL;
    default: return 0;
    }
}

static int new_media(struct sdp *s, const struct line *l)
{
    if (s->n_media == SDP_MEDIA_MAX) {
        return -E2BIG;
    }
    return parse_media(&s->media[s->n_media++], l->value);
}

static int parse_lines(struct sdp *s, struct span rest, const char **why)
{
    struct line l;
    int rc, lines = 0;

    while ((rc = next_line(&rest, &l)) == 1) {
        struct sdp_media *m = s->n_media > 0 ? &s->media[s->n_media - 1] : NULL;

        if (++lines > SDP_LINES_MAX) {
            *why = "too many SDP lines";
            return -E2BIG;
        }
        if (lines == 1 && (l.type != 'v' || !span_eq(l.value, SPAN("0")))) {
            *why = "SDP does not begin with v=0";
            return -EINVAL;
        }
        if (l.type == 'm') {
            *why = "bad m= line";
            rc = new_media(s, &l);
            s->media[s->n_media - 1].lines = l.raw;
        } else if (m) {
            *why = "bad line below m=";
            rc = media_line(m, &l);
            m->lines.len += l.raw.len;
        } else {
            *why = "bad session line";
            rc = session_line(s, &l);
            s->session.len += l.raw.len;
        }
        if (rc != 0) {
            return rc == -E2BIG ? rc : -EINVAL;
        }
    }
    *why = "not an SDP line";
    return rc;
}

int sdp_parse(struct sdp *out, struct span body, const char **why)
{
    const char *unused;
    int rc;

    why = why ? why : &unused;
    /* The m-lines are zeroed one by one as they are met. */
    memset(out, 0, offsetof(struct sdp, media));
    out->body = body;
    out->session = (struct span){body.p, 0};
    if (body.len > SDP_BYTES_MAX) {
        *why = "SDP too large";
        return -E2BIG;
    }
    if (body.len == 0 || memchr(body.p, '\0', body.len)) {
        *why = body.len ? "NUL in SDP" : "empty SDP";
        return -EINVAL;
    }
    rc = parse_lines(out, body, why);
    if (rc != 0) {
        return rc;
    }
    if (out->o_id.len == 0) {
        *why = "no o= line";
        return -EINVAL;
    }
    for (unsigned i = 0; i < out->n_media; i++) {
        if (out->media[i].port != 0 && !out->media[i].conn.given && !out->conn.given) {
            *why = "no c= line";
            return -EINVAL;
        }
    }
    *why = NULL;
    return 0;
}

/* ---- questions ---- */

static const struct sdp_conn *conn_of(const struct sdp *s, unsigned i)
{
    return s->media[i].conn.given ? &s->media[i].conn : &s->conn;
}

int sdp_rtp_addr(const struct sdp *s, unsigned i, struct addr *out)
{
    const struct sdp_conn *c;

    if (i >= s->n_media || s->media[i].port == 0) {
        return -ENOENT;
    }
    c = conn_of(s, i);
    if (!addr_is_set(&c->addr)) {
        return -EADDRNOTAVAIL;
    }
    *out = c->addr;
    out->port = s->media[i].port;
    return 0;
}

int sdp_rtcp_addr(const struct sdp *s, unsigned i, struct addr *out)
{
    const struct sdp_media *m = &s->media[i];
    struct addr a;
    int rc = sdp_rtp_addr(s, i, &a);

    if (rc != 0) {
        return rc;
    }
    if (m->has_rtcp) {
        if (m->rtcp.given && !addr_is_set(&m->rtcp.addr)) {
            return -EADDRNOTAVAIL;
        }
        if (m->rtcp.given) {
            a = m->rtcp.addr;
        }
        a.port = m->rtcp_port;
    } else if (!m->rtcp_mux) {
        a.port = (uint16_t)(a.port + 1);
    }
    if (a.port == 0) {
        return -ENOENT;
    }
    *out = a;
    return 0;
}

/* 0.0.0.0 or :: (RFC 3264 §8.4, RFC 6157 §4) */
static bool is_unspecified(const struct sdp_conn *c)
{
    static const uint8_t zero[16];

    return addr_is_set(&c->addr) && memcmp(c->addr.ip, zero, sizeof(zero)) == 0;
}

enum sdp_dir sdp_dir(const struct sdp *s, unsigned i)
{
    enum sdp_dir dir;

    if (i >= s->n_media) {
        return SDP_INACTIVE;
    }
    dir = s->media[i].dir != SDP_DIR_NONE ? s->media[i].dir : s->dir;
    if (dir == SDP_DIR_NONE) {
        dir = SDP_SENDRECV;
    }
    if (is_unspecified(conn_of(s, i))) {
        if (dir == SDP_SENDRECV) {
            dir = SDP_SENDONLY;
        } else if (dir == SDP_RECVONLY) {
            dir = SDP_INACTIVE;
        }
    }
    return dir;
}

bool sdp_is_hold(const struct sdp *s, unsigned i)
{
    enum sdp_dir dir = sdp_dir(s, i);

    return dir == SDP_SENDONLY || dir == SDP_INACTIVE;
}

static bool same_session(const struct sdp *a, const struct sdp *b)
{
    return span_eq(a->o_user, b->o_user) && span_eq(a->o_id, b->o_id) &&
           span_eq(a->o_host, b->o_host);
}

bool sdp_is_next_version(const struct sdp *a, const struct sdp *b)
{
    return same_session(a, b) && b->o_version > a->o_version;
}

bool sdp_is_same(const struct sdp *a, const struct sdp *b)
{
    return same_session(a, b) && b->o_version == a->o_version;
}

/* ---- writing ---- */

static void put_ip(struct build *b, const struct addr *a)
{
    char text[ADDR_STRLEN];

    build_span(b, a->family == 6 ? SPAN("IN IP6 ") : SPAN("IN IP4 "));
    build_str(b, addr_ip_str(a, text));
    build_span(b, SPAN("\r\n"));
}

/* A hold by the unspecified address stays one on the other side. */
static void put_conn(struct build *b, const struct sdp_conn *from, const struct addr *ours)
{
    build_span(b, SPAN("c="));
    if (is_unspecified(from)) {
        build_span(b, ours->family == 6 ? SPAN("IN IP6 ::\r\n") : SPAN("IN IP4 0.0.0.0\r\n"));
    } else {
        put_ip(b, ours);
    }
}

static void put_origin(struct build *b, const struct sdp_edit *e)
{
    build_span(b, SPAN("o=- "));
    build_u64(b, e->id);
    build_char(b, ' ');
    build_u64(b, e->version);
    build_char(b, ' ');
    put_ip(b, &e->origin);
}

/* As received; a last line without an end gets one, since others may follow. */
static void put_raw(struct build *b, struct span raw)
{
    build_span(b, raw);
    if (raw.len > 0 && raw.p[raw.len - 1] != '\n') {
        build_span(b, SPAN("\r\n"));
    }
}

/* A host in the text; a bare word ("localhost") may be there by chance. */
static bool holds(struct span s, struct span host)
{
    return host.len >= 4 && (memchr(host.p, '.', host.len) || memchr(host.p, ':', host.len)) &&
           memmem(s.p, s.len, host.p, host.len) != NULL;
}

/* Four numbers with dots between, as an address is written. */
static bool holds_dotted_quad(struct span s)
{
    unsigned numbers = 0;
    bool digit = false;

    for (size_t i = 0; i < s.len; i++) {
        bool is = lex_is(s.p[i], LEX_DIGIT);

        if (is && !digit && ++numbers == 4) {
            return true;
        }
        if (!is && !(s.p[i] == '.' && digit)) {
            numbers = 0;
        }
        digit = is;
    }
    return false;
}

/*
 * An attribute nobody here understands may name the other side's hosts (a=alt, a=path, vendors' own): the hosts of this body and
 * anything that looks like an IPv4 address. Formats never do.
 */
static bool tells_host(const struct sdp *s, struct span a)
{
    struct span v;

    if (a.len < 9 || attr(a, SPAN("rtpmap"), &v) || attr(a, SPAN("fmtp"), &v)) {
        return false;
    }
    if (holds_dotted_quad(a) || holds(a, s->o_host) || holds(a, s->conn.host)) {
        return true;
    }
    for (unsigned i = 0; i < s->n_media; i++) {
        if (holds(a, s->media[i].conn.host)) {
            return true;
        }
    }
    return false;
}

/* Attributes that carry addresses of the other side or would lead media around the relay. */
static bool is_kept_out(struct span a)
{
    static const struct span exact[] = {
        {"rtcp", 4},
        {"rtcp-mux", 8},
        {"rtcp-mux-only", 13},
        {"candidate", 9},
        {"remote-candidates", 17},
        {"end-of-candidates", 17},
        {"source-filter", 13},
        {"altc", 4},
        {"ccap", 4},
        {"bundle-only", 11},
        {"ssrc", 4}, /* its cname is user@host (RFC 5576 §6.1) */
        {"ssrc-group", 10},
        {"tool", 4}, /* the product that made the session */
    };
    struct span v;

    if (a.len < 4 || !strchr("rceisabgt", a.p[0])) {
        return false;
    }
    if (starts(a, SPAN("ice-")) || starts(a, SPAN("group:BUNDLE"))) {
        return true;
    }
    for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++) {
        if (a.p[0] == exact[i].p[0] && attr(a, exact[i], &v)) {
            return true;
        }
    }
    return false;
}

/* How media is encrypted (RFC 4568, 4567, 8122, 8842), or may be: capabilities offer profiles and keys (RFC 5939). */
static bool is_key(struct span a)
{
    static const struct span names[] = {{"crypto", 6}, {"fingerprint", 11}, {"setup", 5},
                                        {"tls-id", 6}, {"key-mgmt", 8},     {"csup", 4},
                                        {"creq", 4},   {"tcap", 4},         {"acap", 4},
                                        {"pcfg", 4},   {"acfg", 4}};
    struct span v;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (a.len && a.p[0] == names[i].p[0] && attr(a, names[i], &v)) {
            return true;
        }
    }
    return false;
}

/* RFC 8839 §5 */
static bool is_ice(struct span a)
{
    struct span v;

    return starts(a, SPAN("ice-")) || attr(a, SPAN("candidate"), &v) ||
           attr(a, SPAN("remote-candidates"), &v) || attr(a, SPAN("end-of-candidates"), &v);
}

/* One word of the list. */
static bool has_word(struct span list, struct span w)
{
    struct span one;

    while ((one = word(&list)).len > 0) {
        if (span_eq(one, w)) {
            return true;
        }
    }
    return false;
}

/* Says something of a format that is not offered any more. */
static bool is_of_other_format(struct span a, struct span fmt)
{
    struct span v, pt;

    if (fmt.len == 0 || !(attr(a, SPAN("rtpmap"), &v) || attr(a, SPAN("fmtp"), &v) ||
                          attr(a, SPAN("rtcp-fb"), &v))) {
        return false;
    }
    pt = word(&v);
    return !span_eq(pt, SPAN("*")) && !has_word(fmt, pt);
}

/* An attribute that the other side does not get, whatever its direction. */
static bool is_left_out(const struct sdp *s, const struct sdp_media_edit *me, struct span a)
{
    struct span v;

    if (me->direct ? attr(a, SPAN("tool"), &v) : is_kept_out(a) || tells_host(s, a)) {
        return true;
    }
    return (me->no_keys && is_key(a)) || (me->no_ice && is_ice(a)) ||
           (me->ptime_ms && attr(a, SPAN("ptime"), &v)) ||
           (me->maxptime_ms && attr(a, SPAN("maxptime"), &v)) || is_of_other_format(a, me->fmt);
}

static bool session_dir_moves(const struct sdp *s, const struct sdp_edit *e)
{
    for (unsigned i = 0; s->dir != SDP_DIR_NONE && i < s->n_media && i < e->n_media; i++) {
        if (e->media[i].dir != SDP_DIR_NONE) {
            return true;
        }
    }
    return false;
}

/* What stands for all m-lines follows the strictest of them. */
static struct sdp_media_edit session_edit(const struct sdp *s, const struct sdp_edit *e)
{
    struct sdp_media_edit me = {.direct = s->n_media > 0 && s->n_media <= e->n_media};

    for (unsigned i = 0; i < s->n_media && i < e->n_media; i++) {
        me.direct = me.direct && (e->media[i].direct || s->media[i].port == 0);
        me.no_keys = me.no_keys || e->media[i].no_keys;
        me.no_ice = me.no_ice || e->media[i].no_ice;
        me.ptime_ms = me.ptime_ms ? me.ptime_ms : e->media[i].ptime_ms;
        me.maxptime_ms = me.maxptime_ms ? me.maxptime_ms : e->media[i].maxptime_ms;
    }
    return me;
}

static void put_session(struct build *b, const struct sdp *s, const struct sdp_edit *e)
{
    struct sdp_media_edit all = session_edit(s, e);
    struct span rest = s->session;
    bool no_dir = session_dir_moves(s, e);
    struct line l;

    while (next_line(&rest, &l) == 1) {
        switch (l.type) {
        case 'o': put_origin(b, e); break;
        case 's': build_span(b, SPAN("s=-\r\n")); break;
        case 'c': put_conn(b, &s->conn, &e->origin); break;
        case 'i':
        case 'u':
        case 'e':
        case 'p': break;
        case 'a':
            if (!is_left_out(s, &all, l.value) && !(no_dir && direction(l.value) != SDP_DIR_NONE)) {
                put_raw(b, l.raw);
            }
            break;
        default: put_raw(b, l.raw); break;
        }
    }
    build_span(b, e->attrs);
}

static const char *const dir_lines[] = {
    [SDP_DIR_NONE] = "",
    [SDP_SENDRECV] = "a=sendrecv\r\n",
    [SDP_SENDONLY] = "a=sendonly\r\n",
    [SDP_RECVONLY] = "a=recvonly\r\n",
    [SDP_INACTIVE] = "a=inactive\r\n",
};

/* The port; its count goes where we are between, for the relay has one pair for each m-line. */
static void put_m(struct build *b, const struct sdp_media *m, uint16_t port,
                  const struct sdp_media_edit *me)
{
    build_span(b, SPAN("m="));
    build_span(b, m->type);
    build_char(b, ' ');
    build_u64(b, port);
    if (me->direct && port != 0 && m->count > 1) {
        build_char(b, '/');
        build_u64(b, m->count);
    }
    build_char(b, ' ');
    build_span(b, me->proto.len ? me->proto : m->proto);
    build_char(b, ' ');
    build_span(b, me->fmt.len ? me->fmt : m->fmt);
    build_span(b, SPAN("\r\n"));
}

static void put_rtcp(struct build *b, const struct sdp_media_edit *me)
{
    if (me->direct || me->rtcp_port == 0 || me->rtcp_port == me->rtp.port + 1) {
        return;
    }
    build_span(b, SPAN("a=rtcp:"));
    build_u64(b, me->rtcp_port);
    build_char(b, ' ');
    put_ip(b, &me->rtp);
}

static void put_ms(struct build *b, struct span name, uint32_t ms)
{
    if (ms == 0) {
        return;
    }
    build_span(b, name);
    build_u64(b, ms);
    build_span(b, SPAN("\r\n"));
}

static void put_added(struct build *b, const struct sdp_media_edit *me)
{
    put_ms(b, SPAN("a=ptime:"), me->ptime_ms);
    put_ms(b, SPAN("a=maxptime:"), me->maxptime_ms);
    if (me->mux && !me->direct) {
        build_span(b, SPAN("a=rtcp-mux\r\n"));
    }
    build_span(b, me->attrs);
}

/* One m-line with its lines; dir: what must be said of it, SDP_DIR_NONE to leave what was said. */
static void put_media(struct build *b, const struct sdp *s, unsigned i, const struct sdp_edit *e,
                      enum sdp_dir dir)
{
    static const struct sdp_media_edit off = {.off = true};
    const struct sdp_media *m = &s->media[i];
    const struct sdp_media_edit *me = i < e->n_media ? &e->media[i] : &off;
    bool on = !me->off && addr_is_set(&me->rtp) && me->rtp.port != 0 && m->port != 0;
    struct span rest = m->lines;
    struct line l;

    put_m(b, m, on ? me->rtp.port : 0, me);
    /* Its own c= where it had one or where the session's does not fit; never none at all. */
    if (on && (m->conn.given || !s->conn.given || !addr_ip_eq(&me->rtp, &e->origin))) {
        put_conn(b, conn_of(s, i), &me->rtp);
    } else if (!on && m->conn.given) {
        put_conn(b, &m->conn, &e->origin);
    }
    next_line(&rest, &l); /* the m-line itself */
    while (next_line(&rest, &l) == 1) {
        if (l.type == 'c' || l.type == 'i' ||
            (l.type == 'a' && (is_left_out(s, me, l.value) ||
                               (dir != SDP_DIR_NONE && direction(l.value) != SDP_DIR_NONE)))) {
            continue;
        }
        put_raw(b, l.raw);
    }
    if (on) {
        put_rtcp(b, me);
        put_added(b, me);
    }
    build_str(b, dir_lines[dir]);
}

int sdp_rewrite(const struct sdp *s, const struct sdp_edit *e, struct build *b)
{
    bool moved = session_dir_moves(s, e);

    put_session(b, s, e);
    for (unsigned i = 0; i < s->n_media; i++) {
        enum sdp_dir dir = i < e->n_media ? e->media[i].dir : SDP_DIR_NONE;

        /* The session's direction was taken out for one m-line's sake: the others say it themselves */
        if (dir == SDP_DIR_NONE && moved && s->media[i].dir == SDP_DIR_NONE) {
            dir = s->dir;
        }
        put_media(b, s, i, e, dir);
    }
    return b->overflow ? -ENOSPC : 0;
}
