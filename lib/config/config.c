/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions to a loaded configuration: find by name, place of an object, advance or stop.
 * Any layer calls it on any thread; it changes nothing.
 */
#include "config/config.h"

#include <errno.h>

#include <string.h>

#define FIND(kind)                                                                        \
    const struct conf_##kind *conf_find_##kind(const struct conf *conf, const char *name) \
    {                                                                                     \
        uint32_t i;                                                                       \
                                                                                          \
        for (i = 0; i < conf->kind.n; i++) {                                              \
            if (strcmp(conf->kind.v[i].name, name) == 0)                                  \
                return &conf->kind.v[i];                                                  \
        }                                                                                 \
        return NULL;                                                                      \
    }

FIND(trunk)
FIND(realm)
FIND(listen)
FIND(media)
FIND(route)
FIND(numbers)

const char *conf_loc_file(const struct conf *conf, const struct conf_loc *loc)
{
    return loc->line > 0 && loc->file < conf->file.n ? conf->file.v[loc->file] : "-";
}

static bool has_bit(const uint64_t *bits, unsigned i)
{
    return (bits[i / 64] >> (i % 64)) & 1;
}

static bool has_class(const struct conf_codes *c, int sip)
{
    return (c->klass >> (sip / 100)) & 1;
}

bool conf_advances(const struct conf_trunk *trunk, int sip, int q850)
{
    const struct conf_codes *advance = &trunk->advance, *stop = &trunk->stop;
    unsigned i;

    if (q850 > 0 && q850 < 128) {
        if (has_bit(stop->q850, (unsigned)q850))
            return false;
        if (has_bit(advance->q850, (unsigned)q850))
            return true;
    }
    if (sip < CONF_CODE_MIN || sip > CONF_CODE_MAX)
        return false;
    i = (unsigned)(sip - CONF_CODE_MIN);
    if (has_bit(stop->sip, i))
        return false;
    if (has_bit(advance->sip, i))
        return true;
    return !has_class(stop, sip) && has_class(advance, sip);
}

/* The number of the first socket behind this section's, or the socket. */
static unsigned listen_sockets(const struct conf_listen *l)
{
    return l->udp.n + l->tcp.n + l->tls.n;
}

int conf_listener(const struct conf *conf, unsigned listener, struct conf_socket *out)
{
    for (uint32_t i = 0; i < conf->listen.n; i++) {
        const struct conf_listen *l = &conf->listen.v[i];

        if (listener >= listen_sockets(l)) {
            listener -= listen_sockets(l);
            continue;
        }
        *out = (struct conf_socket){.listen = i};
        if (listener < l->udp.n) {
            out->addr = l->udp.v[listener].addr;
        } else if (listener < l->udp.n + l->tcp.n) {
            out->proto = PROTO_TCP;
            out->addr = l->tcp.v[listener - l->udp.n].addr;
        } else {
            out->proto = PROTO_TLS;
            out->tls = &l->tls.v[listener - l->udp.n - l->tcp.n];
            out->addr = out->tls->addr;
        }
        return 0;
    }
    return -ENOENT;
}

unsigned conf_listeners(const struct conf *conf)
{
    unsigned n = 0;

    for (uint32_t i = 0; i < conf->listen.n; i++)
        n += listen_sockets(&conf->listen.v[i]);
    return n;
}

bool conf_header_is_reserved(struct span name)
{
    static const char *const names[] = {"Via",
                                        "From",
                                        "To",
                                        "CSeq",
                                        "Call-ID",
                                        "Contact",
                                        "Route",
                                        "Record-Route",
                                        "Max-Forwards",
                                        "v",
                                        "f",
                                        "t",
                                        "i",
                                        "m",
                                        "c",
                                        "e",
                                        "l",
                                        "x", /* short forms, RFC 3261 §7.3.3, RFC 4028 §4 */
                                        "Require",
                                        "Proxy-Require",
                                        "RSeq",
                                        "RAck",
                                        "Session-Expires",
                                        "Min-SE",
                                        "Authorization",
                                        "Proxy-Authorization",
                                        "WWW-Authenticate",
                                        "Proxy-Authenticate",
                                        NULL};

    for (uint32_t i = 0; names[i]; i++) {
        if (span_case_eq(name, span_of(names[i])))
            return true;
    }
    return name.len > 8 && span_case_eq((struct span){name.p, 8}, SPAN("Content-"));
}

const char *conf_tls_name(const struct conf_trunk *trunk, unsigned nth)
{
    static _Thread_local char text[ADDR_STRLEN];

    if (trunk->tls_name.n > 0)
        return nth < trunk->tls_name.n ? trunk->tls_name.v[nth] : NULL;
    for (uint32_t i = 0; i < trunk->peer.n; i++) {
        const struct conf_peer *p = &trunk->peer.v[i];

        if (p->lookup == CONF_LOOKUP_REGISTERED || nth-- > 0)
            continue;
        return p->host ? p->host : addr_ip_str(&p->addr, text);
    }
    return NULL;
}
