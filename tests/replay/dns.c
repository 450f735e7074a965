/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Name servers of a case: a zone that the script writes, and servers that stop answering.
 * Stands behind struct dns_ops where the daemon has c-ares; answers at once.
 */
#include "replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct zone_record {
    struct zone_record *next;
    char name[DNS_NAME_MAX];
    enum dns_type type;
    uint32_t ttl_s;
    struct dns_rr rr;
};

static int query(struct dns_ops *ops, const char *name, enum dns_type type, dns_fn fn, void *arg)
{
    struct fake_dns *d = (struct fake_dns *)ops;
    struct dns_answer *a = calloc(1, sizeof *a);

    if (!a)
        return -ENOMEM;
    d->asked++;
    a->ttl_s = 60;
    a->status = DNS_NONE;
    for (const struct zone_record *z = d->first; z; z = z->next) {
        if (z->type != type || strcasecmp(z->name, name) != 0 || a->n == DNS_RRS_MAX)
            continue;
        a->ttl_s = a->n == 0 || z->ttl_s < a->ttl_s ? z->ttl_s : a->ttl_s;
        a->rr[a->n++] = z->rr;
        a->status = DNS_OK;
    }
    if (d->broken == DNS_FAILED) {
        a->status = DNS_FAILED;
        a->n = 0;
    }
    fn(arg, a);
    free(a);
    return 0;
}

static void cancel(struct dns_ops *ops, void *arg)
{
    (void)ops;
    (void)arg;
}

void fake_dns_init(struct fake_dns *d)
{
    memset(d, 0, sizeof *d);
    d->ops = (struct dns_ops){query, cancel};
    d->broken = DNS_OK;
}

void fake_dns_del(struct fake_dns *d, const char *name)
{
    for (struct zone_record **at = &d->first; *at;) {
        struct zone_record *z = *at;

        if (name && strcasecmp(z->name, name) != 0) {
            at = &z->next;
            continue;
        }
        *at = z->next;
        free(z);
    }
}

void fake_dns_fini(struct fake_dns *d)
{
    fake_dns_del(d, NULL);
}

static uint16_t number(const char *text)
{
    return (uint16_t)strtoul(text, NULL, 10);
}

static bool read_data(struct zone_record *z, char **w, unsigned n)
{
    switch (z->type) {
    case DNS_A:
    case DNS_AAAA: return n == 1 && addr_parse_ip(span_of(w[0]), &z->rr.addr) == 0;
    case DNS_SRV:
        if (n != 4)
            return false;
        z->rr.priority = number(w[0]);
        z->rr.weight = number(w[1]);
        z->rr.port = number(w[2]);
        snprintf(z->rr.name, sizeof z->rr.name, "%s", strcmp(w[3], ".") == 0 ? "" : w[3]);
        return true;
    case DNS_NAPTR:
        if (n != 5)
            return false;
        z->rr.order = number(w[0]);
        z->rr.preference = number(w[1]);
        snprintf(z->rr.flags, sizeof z->rr.flags, "%s", w[2]);
        snprintf(z->rr.services, sizeof z->rr.services, "%s", w[3]);
        snprintf(z->rr.name, sizeof z->rr.name, "%s", w[4]);
        return true;
    }
    return false;
}

bool fake_dns_add(struct fake_dns *d, char **word, unsigned n)
{
    static const enum dns_type types[] = {DNS_A, DNS_AAAA, DNS_SRV, DNS_NAPTR};
    struct zone_record *z = calloc(1, sizeof *z);
    bool known = false;

    if (!z || n < 4) {
        free(z);
        return false;
    }
    z->ttl_s = (uint32_t)strtoul(word[0], NULL, 10);
    for (unsigned i = 0; i < 4; i++)
        if (strcmp(dns_type_name(types[i]), word[1]) == 0) {
            z->type = types[i];
            known = true;
        }
    snprintf(z->name, sizeof z->name, "%s", word[2]);
    if (!known || !read_data(z, word + 3, n - 3)) {
        free(z);
        return false;
    }
    z->next = d->first;
    d->first = z;
    return true;
}
