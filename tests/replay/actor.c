/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A simulated peer: one dialog's identity on its side, and the composing of what it sends.
 * run.c owns the actors; they follow the rules of RFC 3261 unless a script tells them not to.
 */
#include "replay.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static unsigned serial; /* makes tags, branches and Call-IDs differ */

static void actor_identity(struct actor *a)
{
    unsigned id = ++serial;
    char *dot;

    addr_ip_str(&a->addr, a->host);
    addr_str(&a->addr, a->hostport);
    if (a->addr.family == 6)
        snprintf(a->media, sizeof a->media, "2001:db8:ffff::%x", 0x100 + a->addr.ip[15]);
    else
        snprintf(a->media, sizeof a->media, "%u.%u.%u.%u", a->addr.ip[0], a->addr.ip[1],
                 a->addr.ip[2], (a->addr.ip[3] + 100U) & 255U);
    snprintf(a->local_tag, sizeof a->local_tag, "tag%s%u", a->name, id);
    for (dot = a->local_tag; *dot; dot++)
        if (strchr(".@:[]", *dot))
            *dot = '-';
}

struct actor *actor_get(struct actors *as, const struct conf *conf, const char *name)
{
    const struct conf_trunk *t;
    const char *at; /* "trunk@ADDRESS": a host of it that is no peer */
    struct actor *a;

    for (unsigned i = 0; i < as->n; i++)
        if (strcmp(as->v[i]->name, name) == 0)
            return as->v[i];
    if (as->n == ACTORS_MAX)
        return NULL;
    a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    snprintf(a->name, sizeof a->name, "%s", name);
    at = strchr(name, '@');
    snprintf(a->trunk, sizeof a->trunk, "%.*s", (int)strcspn(name, ".@"), name);
    t = conf_find_trunk(conf, a->trunk);
    if (at) {
        if (addr_parse(span_of(at + 1), 5060, &a->addr) < 0) {
            free(a);
            return NULL;
        }
    } else if (t && t->peer.n && addr_is_set(&t->peer.v[0].addr)) {
        a->addr = t->peer.v[0].addr;
        a->proto = t->peer.v[0].transport;
    } else if (addr_parse(span_of(a->trunk), 5060, &a->addr) < 0 &&
               addr_parse(SPAN("192.0.2.250"), 5060, &a->addr) < 0) {
        free(a);
        return NULL;
    }
    actor_identity(a);
    as->v[as->n++] = a;
    return a;
}

void actors_free(struct actors *as)
{
    for (unsigned i = 0; i < as->n; i++) {
        struct actor *a = as->v[i];

        for (unsigned k = 0; k < 8; k++)
            free(a->request[k]);
        free(a->last);
        free(a->last_invite);
        free(a->challenge);
        free(a);
    }
    as->n = 0;
    serial = 0;
}

bool actor_owns(const struct actor *a, const char *msg)
{
    char call_id[160], to[512], tag[80], method[32];

    if (!text_header(msg, "Call-ID", 0, call_id, sizeof call_id))
        return false;
    if (a->call_id[0])
        return strcmp(a->call_id, call_id) == 0;
    text_method(msg, method);
    return text_is_request(msg) && text_header(msg, "To", 0, to, sizeof to) &&
           !text_param(to, "tag", tag, sizeof tag);
}

/* ---- what it sees ------------------------------------------------------------------------------------------------ */

static void keep_request(struct actor *a, const char *method, const char *msg)
{
    unsigned k;

    for (k = 0; k < 7; k++)
        if (!a->request[k] || strcmp(a->request_method[k], method) == 0)
            break;
    free(a->request[k]);
    a->request[k] = strdup(msg);
    snprintf(a->request_method[k], sizeof a->request_method[k], "%.15s", method);
}

static void strip_tag(char *value)
{
    char *p = strcasestr(value, ";tag=");

    if (p)
        *p = '\0';
}

static void learn_target(struct actor *a, const char *msg)
{
    char contact[400];

    if (text_header(msg, "Contact", 0, contact, sizeof contact))
        text_uri(contact, a->target, sizeof a->target);
}

static void saw_request(struct actor *a, const char *msg)
{
    char method[32], value[512];

    text_method(msg, method);
    keep_request(a, method, msg);
    if (!a->call_id[0]) {
        (void)text_header(msg, "Call-ID", 0, a->call_id, sizeof a->call_id);
        if (text_header(msg, "From", 0, value, sizeof value)) {
            (void)text_param(value, "tag", a->remote_tag, sizeof a->remote_tag);
            strip_tag(value);
            snprintf(a->remote, sizeof a->remote, "%.255s", value);
        }
        if (text_header(msg, "To", 0, value, sizeof value))
            snprintf(a->local, sizeof a->local, "%.255s", value);
    }
    if (strcmp(method, "INVITE") == 0 || strcmp(method, "UPDATE") == 0)
        learn_target(a, msg);
}

static void saw_response(struct actor *a, const char *msg)
{
    char method[32], value[512];
    int status = text_status(msg);

    text_method(msg, method);
    if (status == 401 || status == 407) {
        free(a->challenge);
        a->challenge = strdup(msg);
    }
    if (strcmp(method, "INVITE") != 0)
        return;
    /* A challenge outside a dialog makes none: the next INVITE is the same attempt (RFC 3261 §22.2). */
    if (status > 100 && !(a->challenge && (status == 401 || status == 407)) &&
        text_header(msg, "To", 0, value, sizeof value))
        (void)text_param(value, "tag", a->remote_tag, sizeof a->remote_tag);
    if (status > 100 && status < 300)
        learn_target(a, msg);
    if (status >= 200)
        a->invite_final = status;
}

void actor_sent_raw(struct actor *a, const char *msg)
{
    char value[512], method[32];

    text_method(msg, method);
    if (a->call_id[0])
        return;
    (void)text_header(msg, "Call-ID", 0, a->call_id, sizeof a->call_id);
    if (!text_is_request(msg) || strcmp(method, "INVITE") != 0)
        return;
    if (text_header(msg, "From", 0, value, sizeof value)) {
        (void)text_param(value, "tag", a->local_tag, sizeof a->local_tag);
        strip_tag(value);
        snprintf(a->local, sizeof a->local, "%.255s", value);
    }
    if (text_header(msg, "To", 0, value, sizeof value))
        snprintf(a->remote, sizeof a->remote, "%.255s", value);
    if (text_header(msg, "Via", 0, value, sizeof value))
        (void)text_param(value, "branch", a->invite_branch, sizeof a->invite_branch);
    if (text_header(msg, "CSeq", 0, value, sizeof value))
        a->cseq = a->invite_cseq = (unsigned)strtoul(value, NULL, 10);
    text_ruri(msg, a->invite_ruri, sizeof a->invite_ruri);
    snprintf(a->target, sizeof a->target, "%s", a->invite_ruri);
}

void actor_saw(struct actor *a, const char *msg)
{
    if (text_is_request(msg))
        saw_request(a, msg);
    else
        saw_response(a, msg);
}

/* ---- what it sends ----------------------------------------------------------------------------------------------- */

struct out {
    char *p;
    size_t len;
};

static void put(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct out *o, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(o->p + o->len, TEXT_MAX - o->len, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= TEXT_MAX - o->len)
        abort(); /* a script that is too long is a mistake of its writer */
    o->len += (size_t)n;
}

/* Kinds of audio by their formats; any other kind has the first. */
static const struct {
    const char *kind, *fmt, *lines;
} formats[] = {
    {"", "0 8 101", "a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"},
    {"pcmu", "0 101", "a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"},
    {"pcma", "8 101", "a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"},
    {"g729", "18", "a=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\n"},
    {"dtmf96", "8 0 96", "a=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-15\r\n"},
    {"clearmode", "97", "a=rtpmap:97 CLEARMODE/8000\r\n"},
    {"qos", "8",
     "a=curr:qos local none\r\na=curr:qos remote none\r\na=des:qos mandatory local sendrecv\r\n"
     "a=des:qos mandatory remote sendrecv\r\na=conf:qos remote sendrecv\r\n"},
    {"qos-met", "8",
     "a=curr:qos local sendrecv\r\na=curr:qos remote sendrecv\r\n"
     "a=des:qos mandatory local sendrecv\r\na=des:qos mandatory remote sendrecv\r\n"},
};

static void sdp_media(struct out *o, const char *type, unsigned port, const char *dir,
                      const char *kind)
{
    unsigned k = sizeof formats / sizeof formats[0];

    while (--k > 0 && strcmp(formats[k].kind, kind) != 0)
        ;
    if (strcmp(type, "image") == 0)
        put(o, "m=image %u udptl t38\r\na=T38FaxVersion:0\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n",
            port);
    else
        put(o, "m=%s %u RTP/AVP %s\r\n%s", type, port, formats[k].fmt, formats[k].lines);
    if (dir)
        put(o, "a=%s\r\n", dir);
}

static char *compose_sdp(struct actor *a, const char *what, const char *lines)
{
    struct out o = {calloc(1, TEXT_MAX), 0};
    const char *dir = NULL, *host = a->media;
    unsigned port = 20000;

    if (!o.p)
        abort();
    if (strcmp(what, "broken") == 0) {
        put(&o, "v=0\r\nthis is no SDP\r\n");
        return o.p;
    }
    if (strcmp(what, "hold") == 0)
        dir = "sendonly";
    else if (strcmp(what, "recvonly") == 0 || strcmp(what, "inactive") == 0 ||
             strcmp(what, "sendonly") == 0)
        dir = what;
    else if (strcmp(what, "moved") == 0)
        port = 22000;
    if (strcmp(what, "hold0") == 0)
        host = "0.0.0.0";
    a->sdp_version++;
    put(&o,
        "v=0\r\no=user%s 77%u%04u %u IN IP%u %s\r\ns=session-of-%s\r\nc=IN IP%u %s\r\nt=0 0\r\n",
        a->trunk, a->addr.ip[3], serial, a->sdp_version, a->addr.family, a->media, a->trunk,
        a->addr.family, host);
    if (lines) {
        put(&o, "%s", lines);
        return o.p;
    }
    if (strcmp(what, "t38") == 0) { /* in the place of the audio */
        sdp_media(&o, "image", port + 4, NULL, what);
        return o.p;
    }
    sdp_media(&o, "audio", strcmp(what, "off") == 0 || strcmp(what, "fax") == 0 ? 0 : port, dir,
              what);
    if (strcmp(what, "audio+video") == 0)
        sdp_media(&o, "video", port + 2, NULL, what);
    if (strcmp(what, "image") == 0 || strcmp(what, "fax") == 0)
        sdp_media(&o, "image", port + 4, NULL, what);
    return o.p;
}

static void put_end(struct actor *a, const struct wanted *w, struct out *o)
{
    char *sdp = NULL;

    put(o, "%s", w->headers);
    if (w->sdp && strcmp(w->sdp, "none") != 0)
        sdp = compose_sdp(a, w->sdp, w->lines);
    if (sdp)
        put(o, "Content-Type: application/sdp\r\n");
    put(o, "Content-Length: %zu\r\n\r\n%s",
        strlen(sdp       ? sdp
               : w->body ? w->body
                         : ""),
        sdp       ? sdp
        : w->body ? w->body
                  : "");
    free(sdp);
}

static const char *kept_request(const struct actor *a, const char *method)
{
    for (unsigned k = 0; k < 8; k++)
        if (a->request[k] && strcmp(a->request_method[k], method) == 0)
            return a->request[k];
    return NULL;
}

static void put_contact(const struct actor *a, struct out *o)
{
    static const char *const param[PROTO_N] = {"", ";transport=tcp", ";transport=tls"};

    put(o, "Contact: <sip:%s@%s%s>\r\n", a->trunk, a->hostport, param[a->proto]);
}

static char *compose_response(struct actor *a, const struct wanted *w, const char **why)
{
    const char *method = w->for_method ? w->for_method : "INVITE";
    const char *req = kept_request(a, method);
    struct out o;
    char value[1024], tag[80];

    if (!req) {
        *why = "the peer has received no such request";
        return NULL;
    }
    o = (struct out){calloc(1, TEXT_MAX), 0};
    if (!o.p)
        abort();
    put(&o, "SIP/2.0 %s %s\r\n", w->what, w->reason ? w->reason : "Said So");
    for (unsigned i = 0; text_header(req, "Via", i, value, sizeof value); i++)
        put(&o, "Via: %s\r\n", value);
    (void)text_header(req, "From", 0, value, sizeof value);
    put(&o, "From: %s\r\n", value);
    (void)text_header(req, "To", 0, value, sizeof value);
    if (!text_param(value, "tag", tag, sizeof tag) && strcmp(w->what, "100") != 0 && !w->no_to_tag)
        put(&o, "To: %s;tag=%s\r\n", value, w->tag ? w->tag : a->local_tag);
    else
        put(&o, "To: %s\r\n", value);
    (void)text_header(req, "Call-ID", 0, value, sizeof value);
    put(&o, "Call-ID: %s\r\n", value);
    (void)text_header(req, "CSeq", 0, value, sizeof value);
    put(&o, "CSeq: %s\r\n", value);
    if (w->what[0] < '3' && strcmp(w->what, "100") != 0)
        put_contact(a, &o);
    put_end(a, w, &o);
    return o.p;
}

/* The first request of a dialog of its own. */
static void begin_dialog(struct actor *a, const struct wanted *w)
{
    const char *user = w->user ? w->user : "+12025550187";

    snprintf(a->call_id, sizeof a->call_id, "callid-%u-%s@%s", ++serial, a->trunk, a->host);
    snprintf(a->local, sizeof a->local, "\"Caller\" <sip:+12125550123@%s%s%s>",
             a->addr.family == 6 ? "[" : "", a->host, a->addr.family == 6 ? "]" : "");
    snprintf(a->remote, sizeof a->remote, "<sip:%s@198.51.100.10>", user);
    snprintf(a->target, sizeof a->target, "sip:%s@198.51.100.10:5060", user);
}

static void next_branch(struct actor *a, char out[80])
{
    snprintf(out, 80, "z9hG4bK-%s-%u-%u", a->trunk, ++serial, ++a->branch_no);
}

static void put_headers(struct actor *a, struct out *o, const struct wanted *w, const char *ruri,
                        const char *branch)
{
    put(o, "%s %s SIP/2.0\r\n", w->what, ruri);
    put(o, "Via: SIP/2.0/%s %s;branch=%s;rport\r\n", proto_name(a->proto), a->hostport, branch);
    put(o, "Max-Forwards: 70\r\nFrom: %s;tag=%s\r\n", a->local, w->tag ? w->tag : a->local_tag);
}

static char *compose_request(struct actor *a, const struct wanted *w)
{
    struct out o = {calloc(1, TEXT_MAX), 0};
    char branch[80], ruri[300], credentials[1024];
    bool ack = strcmp(w->what, "ACK") == 0, cancel = strcmp(w->what, "CANCEL") == 0;
    bool same = cancel || (ack && a->invite_final >= 300);
    bool invite = strcmp(w->what, "INVITE") == 0;
    unsigned cseq;

    if (!o.p)
        abort();
    if (!a->call_id[0])
        begin_dialog(a, w);
    if (w->from)
        snprintf(a->local, sizeof a->local, "%s", w->from);
    next_branch(a, branch);
    snprintf(ruri, sizeof ruri, "%s", a->target);
    if (same) {
        snprintf(branch, sizeof branch, "%s", a->invite_branch);
        snprintf(ruri, sizeof ruri, "%s", a->invite_ruri);
    }
    cseq = ack || cancel ? a->invite_cseq : ++a->cseq;
    if (invite) {
        a->invite_cseq = cseq;
        a->invite_final = 0;
        snprintf(a->invite_branch, sizeof a->invite_branch, "%s", branch);
        snprintf(a->invite_ruri, sizeof a->invite_ruri, "%s", ruri);
    }
    put_headers(a, &o, w, ruri, branch);
    if (invite)
        a->invite_in_dialog = a->remote_tag[0] != '\0';
    /* A CANCEL has the To of its INVITE (RFC 3261 §9.1): a tag only if that had one. */
    if (a->remote_tag[0] && !w->no_to_tag && !(cancel && !a->invite_in_dialog))
        put(&o, "To: %s;tag=%s\r\n", a->remote, a->remote_tag);
    else
        put(&o, "To: %s\r\n", a->remote);
    put(&o, "Call-ID: %s\r\nCSeq: %u %s\r\n", a->call_id, cseq, w->what);
    if (w->contact && strcmp(w->contact, "none") != 0)
        put(&o, "Contact: %s\r\n", w->contact);
    else if (!w->contact && !ack && !cancel && strcmp(w->what, "BYE") != 0)
        put_contact(a, &o);
    if (w->auth && a->challenge &&
        replay_credentials(a->challenge, w->auth, w->what, ruri, credentials))
        put(&o, "%s", credentials);
    put_end(a, w, &o);
    return o.p;
}

char *actor_compose(struct actor *a, const struct wanted *w, const char **why)
{
    char *msg;

    if (w->what[0] >= '1' && w->what[0] <= '6')
        msg = compose_response(a, w, why);
    else
        msg = compose_request(a, w);
    if (!msg)
        return NULL;
    free(a->last);
    a->last = strdup(msg);
    if (strcmp(w->what, "INVITE") == 0) {
        free(a->last_invite);
        a->last_invite = strdup(msg);
    }
    return msg;
}
