/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IP addresses with ports: text, sockaddr and prefix forms of struct addr.
 * Sockets, trunks, SDP and the relay use it; it opens nothing and resolves nothing.
 */
#include "core/addr.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include "core/htab.h"

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void set_ip6(struct addr *a, const uint8_t ip[16])
{
    *a = (struct addr){.family = 6};
    if (memcmp(ip, mapped_prefix, sizeof(mapped_prefix)) == 0) {
        a->family = 4;
        memcpy(a->ip, ip + 12, 4);
    } else {
        memcpy(a->ip, ip, 16);
    }
}

/* Four decimal numbers without leading zeros, as inet_pton, which would want a copy with a terminator: each message has a few of them. */
static bool parse_ip4(struct span s, uint8_t ip[4])
{
    size_t at = 0;

    for (unsigned i = 0; i < 4; i++) {
        unsigned v = 0;
        size_t begin = at;

        while (at < s.len && at - begin < 3 && s.p[at] >= '0' && s.p[at] <= '9')
            v = v * 10 + (unsigned)(s.p[at++] - '0');
        if (at == begin || v > UINT8_MAX || (s.p[begin] == '0' && at - begin > 1))
            return false;
        if (i < 3 && (at == s.len || s.p[at++] != '.'))
            return false;
        ip[i] = (uint8_t)v;
    }
    return at == s.len;
}

int addr_parse_ip(struct span s, struct addr *out)
{
    char text[INET6_ADDRSTRLEN];
    uint8_t ip[16];
    bool bracketed = s.len >= 2 && s.p[0] == '[' && s.p[s.len - 1] == ']';

    if (!bracketed && parse_ip4(s, ip)) {
        *out = (struct addr){.family = 4};
        memcpy(out->ip, ip, 4);
        return 0;
    }
    if (bracketed)
        s = (struct span){s.p + 1, s.len - 2};
    /* inet_pton would stop at an embedded NUL and call the rest good */
    if (span_chr(s, '\0') >= 0 || span_copy(s, text, sizeof(text)) < 0)
        return -EINVAL;
    if (inet_pton(AF_INET6, text, ip) != 1)
        return -EINVAL;
    set_ip6(out, ip);
    return 0;
}

/* Split "ip:port" at the colon that belongs to the port; a bare IPv6 address has none. */
static bool cut_port(struct span s, struct span *ip, struct span *port)
{
    ptrdiff_t close = s.len > 0 && s.p[0] == '[' ? span_chr(s, ']') : -1;

    if (close >= 0) {
        *ip = (struct span){s.p, (size_t)close + 1};
        *port = (struct span){s.p + close + 1, s.len - (size_t)close - 1};
        if (port->len == 0)
            return false;
        /* without the colon it is no port: an empty one, which is refused */
        *port = (struct span){port->p + 1, port->p[0] == ':' ? port->len - 1 : 0};
        return true;
    }
    if (!span_cut(s, ':', ip, port))
        return false;
    if (span_chr(*port, ':') >= 0) {
        *ip = s;
        *port = SPAN_NONE;
        return false;
    }
    return true;
}

int addr_parse(struct span s, uint16_t default_port, struct addr *out)
{
    struct span ip;
    struct span port;
    struct addr a;
    uint32_t number = default_port;

    if (cut_port(s, &ip, &port) && span_u32(port, UINT16_MAX, &number) < 0)
        return -EINVAL;
    if (addr_parse_ip(ip, &a) < 0)
        return -EINVAL;
    a.port = (uint16_t)number;
    *out = a;
    return 0;
}

/* At most 5 digits, without a terminator. @return behind the last */
static char *put_decimal(char *p, unsigned v)
{
    char digits[5];
    unsigned n = 0;

    do {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    while (n > 0)
        *p++ = digits[--n];
    return p;
}

/* Every message has several addresses: printf, which inet_ntop uses as well, would cost more than the rest of its line. */
static char *put_ip(char *p, const struct addr *a)
{
    if (a->family == 4) {
        for (unsigned i = 0; i < 4; i++) {
            if (i > 0)
                *p++ = '.';
            p = put_decimal(p, a->ip[i]);
        }
        return p;
    }
    if (a->family == 6 && inet_ntop(AF_INET6, a->ip, p, INET6_ADDRSTRLEN))
        return p + strlen(p);
    *p++ = '-';
    return p;
}

const char *addr_ip_str(const struct addr *a, char buf[ADDR_STRLEN])
{
    *put_ip(buf, a) = '\0';
    return buf;
}

const char *addr_str(const struct addr *a, char buf[ADDR_STRLEN])
{
    char *p = buf;

    static_assert(ADDR_STRLEN >= INET6_ADDRSTRLEN - 1 + sizeof("[]:65535"), "the longest");
    if (a->family == 6)
        *p++ = '[';
    p = put_ip(p, a);
    if (a->family == 6)
        *p++ = ']';
    *p++ = ':';
    *put_decimal(p, a->port) = '\0';
    return buf;
}

bool addr_ip_eq(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
    return a->port == b->port && addr_ip_eq(a, b);
}

uint64_t addr_hash(const struct addr *a)
{
    return hash_bytes(a, sizeof(*a), 0);
}

socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *ss)
{
    if (a->family == 4) {
        struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(a->port)};

        memcpy(&sin.sin_addr, a->ip, 4);
        memcpy(ss, &sin, sizeof(sin));
        return sizeof(sin);
    }
    if (a->family == 6) {
        struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(a->port)};

        memcpy(&sin6.sin6_addr, a->ip, 16);
        memcpy(ss, &sin6, sizeof(sin6));
        return sizeof(sin6);
    }
    return 0;
}

int addr_from_sockaddr(const struct sockaddr *sa, struct addr *out)
{
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in sin;

        memcpy(&sin, sa, sizeof(sin));
        *out = (struct addr){.family = 4, .port = ntohs(sin.sin_port)};
        memcpy(out->ip, &sin.sin_addr, 4);
        return 0;
    }
    if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 sin6;

        memcpy(&sin6, sa, sizeof(sin6));
        set_ip6(out, sin6.sin6_addr.s6_addr);
        out->port = ntohs(sin6.sin6_port);
        return 0;
    }
    return -EAFNOSUPPORT;
}

/* True if the first bits of x and y agree. */
static bool bits_eq(const uint8_t *x, const uint8_t *y, unsigned bits)
{
    unsigned whole = bits / 8;
    unsigned rest = bits % 8;

    if (memcmp(x, y, whole) != 0)
        return false;
    return rest == 0 || ((x[whole] ^ y[whole]) >> (8 - rest)) == 0;
}

static bool host_bits_are_zero(const struct addr *a, unsigned bits)
{
    unsigned size = a->family == 4 ? 4 : 16;

    for (unsigned i = bits / 8; i < size; i++) {
        unsigned keep = i == bits / 8 ? bits % 8 : 0;
        if ((uint8_t)(a->ip[i] << keep) != 0)
            return false;
    }
    return true;
}

int addr_parse_prefix(struct span s, struct addr_prefix *out)
{
    struct span head;
    struct span tail;
    struct span bits_text;
    struct span port_text;
    struct addr net;
    uint32_t port = 0;
    uint32_t bits;

    if (!span_cut(s, '/', &head, &tail)) {
        if (addr_parse(s, 0, &net) < 0)
            return -EINVAL;
        *out = (struct addr_prefix){net, net.family == 4 ? 32 : 128};
        return 0;
    }
    if (addr_parse_ip(head, &net) < 0)
        return -EINVAL;
    if (span_cut(tail, ':', &bits_text, &port_text) && span_u32(port_text, UINT16_MAX, &port) < 0)
        return -EINVAL;
    if (span_u32(bits_text, net.family == 4 ? 32 : 128, &bits) < 0 ||
        !host_bits_are_zero(&net, bits))
        return -EINVAL;
    net.port = (uint16_t)port;
    *out = (struct addr_prefix){net, (uint8_t)bits};
    return 0;
}

bool addr_in_prefix(const struct addr *a, const struct addr_prefix *p)
{
    return a->family == p->net.family && (p->net.port == 0 || p->net.port == a->port) &&
           bits_eq(a->ip, p->net.ip, p->bits);
}
