/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a DNS response (RFC 1035, 2782, 3403, 3596), as strictly as hostile bytes deserve. Pure: no sockets, no time.
 * dns_ares.c calls it with what c-ares received.
 */
#include "sip/dns.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define TYPE_CNAME 5
#define TYPE_SOA   6
#define CLASS_IN   1
/* Without an SOA a negative answer says nothing of its time: a minute (RFC 2308 §5 leaves it to us). */
#define NEGATIVE_TTL_S 60

struct reader {
    const uint8_t *msg;
    size_t len, at;
};

struct record {
    char owner[DNS_NAME_MAX];
    bool owner_ok;
    uint16_t type, class;
    uint32_t ttl;
    size_t data, data_len; /* offset in the message */
};

const char *dns_type_name(enum dns_type type)
{
    switch (type) {
    case DNS_A: return "A";
    case DNS_AAAA: return "AAAA";
    case DNS_SRV: return "SRV";
    case DNS_NAPTR: return "NAPTR";
    }
    return "?";
}

static bool is_name_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

bool dns_name_is_sane(const char *name)
{
    size_t len = strlen(name), label = 0;

    if (len == 0 || len > 253)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (name[i] == '.') {
            if (label == 0)
                return false;
            label = 0;
        } else if (!is_name_byte((uint8_t)name[i]) || ++label > 63) {
            return false;
        }
    }
    return true;
}

static bool get16(struct reader *r, uint16_t *v)
{
    if (r->len - r->at < 2)
        return false;
    *v = (uint16_t)(r->msg[r->at] << 8 | r->msg[r->at + 1]);
    r->at += 2;
    return true;
}

static bool get32(struct reader *r, uint32_t *v)
{
    uint16_t hi, lo;

    if (!get16(r, &hi) || !get16(r, &lo))
        return false;
    *v = (uint32_t)hi << 16 | lo;
    return true;
}

/*
 * A name, pointers followed. Each pointer must go backwards from where the last one led: no loop is possible.
 * @param ok  false: it is a name, but not one of ours to use (odd bytes)
 * @return false: malformed
 */
static bool get_name(struct reader *r, char out[DNS_NAME_MAX], bool *ok)
{
    size_t at = r->at, floor = r->at, n = 0;
    bool jumped = false;

    *ok = true;
    for (;;) {
        if (at >= r->len)
            return false;
        uint8_t c = r->msg[at];

        if (c >= 0xc0) {
            if (at + 1 >= r->len)
                return false;
            size_t to = (size_t)(c & 0x3f) << 8 | r->msg[at + 1];

            if (to >= floor)
                return false;
            if (!jumped)
                r->at = at + 2;
            jumped = true;
            at = floor = to;
            continue;
        }
        if (c > 63 || at + 1 + c > r->len)
            return false;
        at++;
        if (c == 0)
            break;
        if (n + c + 1 >= DNS_NAME_MAX)
            return false;
        if (n)
            out[n++] = '.';
        for (unsigned i = 0; i < c; i++) {
            *ok = *ok && is_name_byte(r->msg[at + i]);
            out[n++] = (char)r->msg[at + i];
        }
        at += c;
    }
    out[n] = '\0';
    if (!jumped)
        r->at = at;
    return true;
}

static bool get_record(struct reader *r, struct record *rec)
{
    uint16_t data_len;

    if (!get_name(r, rec->owner, &rec->owner_ok) || !get16(r, &rec->type) ||
        !get16(r, &rec->class) || !get32(r, &rec->ttl) || !get16(r, &data_len) ||
        r->len - r->at < data_len)
        return false;
    if (rec->ttl > INT32_MAX)
        rec->ttl = 0; /* RFC 2181 §8 */
    rec->data = r->at;
    rec->data_len = data_len;
    r->at += data_len;
    return true;
}

/* A reader that ends where the record does; names in it may still point to anywhere before. */
static struct reader inside(const struct reader *r, const struct record *rec)
{
    return (struct reader){r->msg, rec->data + rec->data_len, rec->data};
}

/* <character-string>; one that does not fit is read as empty: it is none that we know. */
static bool get_text(struct reader *r, char *out, size_t size)
{
    size_t n;

    if (r->at >= r->len || r->len - r->at - 1 < r->msg[r->at])
        return false;
    n = r->msg[r->at++];
    out[0] = '\0';
    if (n < size && !memchr(&r->msg[r->at], 0, n)) {
        memcpy(out, &r->msg[r->at], n);
        out[n] = '\0';
    }
    r->at += n;
    return true;
}

static bool get_naptr(struct reader *d, struct dns_rr *rr, bool *ok)
{
    char regexp[DNS_NAME_MAX]; /* a <character-string> has 255 at most */

    if (!get16(d, &rr->order) || !get16(d, &rr->preference) ||
        !get_text(d, rr->flags, sizeof rr->flags) ||
        !get_text(d, rr->services, sizeof rr->services))
        return false;
    if (!get_text(d, regexp, sizeof regexp) || !get_name(d, rr->name, ok))
        return false;
    rr->has_regexp = regexp[0] != '\0';
    if (rr->has_regexp && rr->name[0]) /* RFC 3403 §4.1: an error in the record */
        return false;
    if (rr->has_regexp)
        memcpy(rr->name, regexp, sizeof regexp);
    return true;
}

static bool get_data(const struct reader *r, const struct record *rec, enum dns_type type,
                     struct dns_rr *rr)
{
    struct reader d = inside(r, rec);
    bool ok = true;

    memset(rr, 0, sizeof *rr);
    switch (type) {
    case DNS_A:
    case DNS_AAAA:
        if (rec->data_len != (type == DNS_A ? 4U : 16U))
            return false;
        rr->addr.family = type == DNS_A ? 4 : 6;
        memcpy(rr->addr.ip, &r->msg[rec->data], rec->data_len);
        return true;
    case DNS_SRV:
        if (!get16(&d, &rr->priority) || !get16(&d, &rr->weight) || !get16(&d, &rr->port) ||
            !get_name(&d, rr->name, &ok))
            return false;
        break;
    case DNS_NAPTR:
        if (!get_naptr(&d, rr, &ok))
            return false;
        break;
    }
    return ok && d.at == d.len;
}

/* The end of the chain of aliases, with the smallest time to live on the way. */
static void follow_aliases(const struct reader *start, unsigned count, char want[DNS_NAME_MAX],
                           uint32_t *ttl)
{
    bool moved = true;

    for (unsigned hops = 0; moved && hops < DNS_CNAMES_MAX; hops++) {
        struct reader r = *start;
        struct record rec;

        moved = false;
        for (unsigned i = 0; i < count && !moved && get_record(&r, &rec); i++) {
            struct reader d = inside(&r, &rec);
            char to[DNS_NAME_MAX];
            bool ok;

            if (rec.type != TYPE_CNAME || rec.class != CLASS_IN || !rec.owner_ok ||
                strcasecmp(rec.owner, want) != 0 || !get_name(&d, to, &ok) || !ok)
                continue;
            memcpy(want, to, DNS_NAME_MAX);
            *ttl = rec.ttl < *ttl ? rec.ttl : *ttl;
            moved = true;
        }
    }
}

/* r: at the answers; left behind them. @return false: malformed */
static bool take_answers(struct reader *r, unsigned count, enum dns_type type, const char *want,
                         struct dns_answer *out)
{
    struct record rec;

    for (unsigned i = 0; i < count; i++) {
        if (!get_record(r, &rec))
            return false;
        if (rec.type != type || rec.class != CLASS_IN || !rec.owner_ok ||
            strcasecmp(rec.owner, want) != 0)
            continue;
        if (i >= DNS_LOOKED_AT_MAX || out->n == DNS_RRS_MAX ||
            !get_data(r, &rec, type, &out->rr[out->n])) {
            out->skipped++;
            continue;
        }
        out->n++;
        out->ttl_s = rec.ttl < out->ttl_s ? rec.ttl : out->ttl_s;
    }
    return true;
}

/* RFC 2308 §5: the smaller of the SOA's own time to live and its MINIMUM. */
static uint32_t negative_ttl(struct reader *r, unsigned count)
{
    struct record rec;
    char name[DNS_NAME_MAX];
    uint32_t v = 0;
    bool ok;

    for (unsigned i = 0; i < count && i < DNS_LOOKED_AT_MAX && get_record(r, &rec); i++) {
        struct reader d = inside(r, &rec);
        bool good = rec.type == TYPE_SOA && get_name(&d, name, &ok) && get_name(&d, name, &ok);

        for (unsigned k = 0; good && k < 5; k++)
            good = get32(&d, &v);
        if (good)
            return v < rec.ttl ? v : rec.ttl;
    }
    return NEGATIVE_TTL_S;
}

int dns_parse(const uint8_t *msg, size_t len, const char *name, enum dns_type type,
              struct dns_answer *out)
{
    struct reader r = {msg, len, 0};
    uint16_t id, flags, questions, answers, authority, additional, qtype, qclass;
    char want[DNS_NAME_MAX];
    bool ok;

    memset(out, 0, offsetof(struct dns_answer, rr));
    out->status = DNS_FAILED;
    if (!get16(&r, &id) || !get16(&r, &flags) || !get16(&r, &questions) || !get16(&r, &answers) ||
        !get16(&r, &authority) || !get16(&r, &additional) || questions != 1 ||
        !get_name(&r, want, &ok) || !get16(&r, &qtype) || !get16(&r, &qclass))
        return -EBADMSG;
    if (!(flags & 0x8000) || (flags & 0x0200) || !ok || strcasecmp(want, name) != 0 ||
        qtype != type || qclass != CLASS_IN)
        return -EBADMSG;
    if ((flags & 15) != 0 && (flags & 15) != 3)
        return 0; /* SERVFAIL, REFUSED, … */
    out->ttl_s = INT32_MAX;
    follow_aliases(&r, answers < DNS_LOOKED_AT_MAX ? answers : DNS_LOOKED_AT_MAX, want,
                   &out->ttl_s);
    if (!take_answers(&r, answers, type, want, out)) {
        out->n = 0;
        out->ttl_s = 0;
        return -EBADMSG;
    }
    out->status = out->n ? DNS_OK : DNS_NONE;
    if (!out->n) {
        uint32_t ttl = negative_ttl(&r, authority);

        out->ttl_s = ttl < out->ttl_s ? ttl : out->ttl_s;
    }
    return 0;
}
