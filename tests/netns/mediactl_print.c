/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The relay's counters as JSON, for tests. mediactl.c calls it.
 * It knows no session.
 */
#include "mediactl.h"

#include <string.h>

/* It would lay these out anew each time. */
/* clang-format off */
/* What can be added up. */
#define COUNTS(X) \
    X(packets) X(bytes) X(sent_packets) X(sent_bytes) X(lost) X(reordered) X(duplicates) \
    X(strangers) X(invalid) X(unsent) X(rtcp_packets) X(rtcp_sent) X(ssrc_changes) X(gaps) \
    X(fast_packets) X(promotions) X(demotions) X(ssrc_refused) X(auth_failed) X(events) \
    X(rtcp_invalid) X(quiet_ms) X(one_way_ms) X(remote_lost) X(breaker)
#define HIGHEST(X) \
    X(jitter_us) X(jitter_max_us) X(ssrc) X(silent_ms) X(rtt_us) X(rtt_max_us) \
    X(remote_jitter_us) X(mos_100) X(mos_min_100) X(path) X(codec)
/* clang-format on */

void ctl_sum(struct media_counters *sum, const struct media_counters *n)
{
#define ADD(f) sum->f = (__typeof__(sum->f))(sum->f + n->f);
#define MAX(f)         \
    if (n->f > sum->f) \
        sum->f = n->f;
    COUNTS(ADD)
    HIGHEST(MAX)
#undef ADD
#undef MAX
}

void ctl_counters(const struct media_counters *n)
{
    const char *comma = "";

    putchar('{');
#define PRINT(f)                                                  \
    printf("%s\"%s\":%llu", comma, #f, (unsigned long long)n->f); \
    comma = ",";
    COUNTS(PRINT)
    HIGHEST(PRINT)
#undef PRINT
    putchar('}');
}

void ctl_addr(FILE *f, const struct addr *a)
{
    char text[ADDR_STRLEN];

    fputs(addr_is_set(a) ? addr_str(a, text) : "none", f);
}

void ctl_endpoint(const struct media_ep_state *ep)
{
    printf("{\"endpoint\":%u,\"peer\":%u,\"state\":%u,\"pt\":%u,\"local\":\"", ep->endpoint,
           ep->peer, ep->state, ep->payload_type);
    ctl_addr(stdout, &ep->local);
    printf("\",\"remote\":\"");
    ctl_addr(stdout, &ep->remote);
    printf("\",\"rtcp\":\"");
    ctl_addr(stdout, &ep->rtcp);
    printf("\",\"n\":");
    ctl_counters(&ep->n);
    putchar('}');
}

static void pools(const struct media_relay_reply *r)
{
    printf(",\"pools\":[");
    for (uint32_t i = 0; i < r->n_pools; i++)
        printf("%s{\"name\":\"%.*s\",\"pairs\":%u,\"used\":%u,\"quarantine\":%u,\"refused\":%u}",
               i ? "," : "", (int)sizeof(r->pool[i].name), r->pool[i].name, r->pool[i].pairs,
               r->pool[i].used, r->pool[i].quarantine, r->pool[i].refused);
    printf("]");
}

static void fast(const struct media_fast *f)
{
    static const char *const demote[] = {
#define NAME(id, name) name,
        MEDIA_DEMOTE(NAME)
#undef NAME
    };

    printf(",\"fast\":{\"promoted\":%llu,\"promotions\":%llu,\"put_off\":%llu,\"path\":%u,"
           "\"lines\":%u,\"lines_used\":%u,\"hops\":%u,\"hops_dead\":%u,\"reason\":\"%s\","
           "\"demotions\":{",
           (unsigned long long)f->promoted, (unsigned long long)f->promotions,
           (unsigned long long)f->promotions_put_off, f->path, f->lines, f->lines_used, f->hops,
           f->hops_dead, f->reason);
    for (unsigned i = 0; i < MEDIA_DEMOTE_N; i++)
        printf("%s\"%s\":%llu", i ? "," : "", demote[i], (unsigned long long)f->demotions[i]);
    printf("},\"why\":[");
    for (unsigned i = 0; i < MEDIA_WHY_MAX; i++)
        printf("%s%llu", i ? "," : "", (unsigned long long)f->why[i]);
    printf("],\"ifs\":[");
    for (uint32_t i = 0; i < f->n_ifs && i < MEDIA_IFS_MAX; i++)
        printf("%s{\"name\":\"%s\",\"ifindex\":%u,\"path\":%u,\"redirect_errors\":%llu}",
               i ? "," : "", f->interface[i].name, f->interface[i].ifindex, f->interface[i].path,
               (unsigned long long)f->interface[i].redirect_errors);
    printf("]}");
}

void ctl_relay(int status, const struct media_relay_reply *r)
{
    printf("{\"status\":%d", status);
    if (r) {
#define PRINT(f) printf(",\"%s\":%llu", #f, (unsigned long long)r->f);
        PRINT(boot)
        PRINT(uptime_ms)
        PRINT(sessions)
        PRINT(sessions_opened)
        PRINT(sessions_lost)
        PRINT(endpoints)
        PRINT(pairs_used)
        PRINT(pairs_drift)
        PRINT(packets_in)
        PRINT(bytes_in)
        PRINT(packets_out)
        PRINT(bytes_out)
        PRINT(strangers)
        PRINT(invalid)
        PRINT(unsent)
        PRINT(send_errors)
        PRINT(overflows)
        PRINT(ice_answered)
        PRINT(ice_refused)
        PRINT(refused_ports)
        PRINT(refused_descriptors)
        PRINT(refused_memory)
        PRINT(bad_messages)
        PRINT(descriptors)
        PRINT(threads)
#undef PRINT
        pools(r);
        fast(&r->fast);
    }
    printf("}\n");
}

const char *ctl_event_name(unsigned type)
{
    static const char *const names[] = {"latched", "inactive", "active", "lost",
                                        "stats",   "dtmf",     "played", "quality"};

    type -= MEDIA_EV_LATCHED;
    return type < sizeof(names) / sizeof(names[0]) ? names[type] : "unknown";
}
