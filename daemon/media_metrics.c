/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Families of metrics out of what `show relay` has: each with help and type, its samples behind them without a gap.
 * media_show.c calls it; where the numbers come from it does not know.
 */
#include "daemon/media_metrics.h"

#include <stdbool.h>
#include <string.h>

/* Where its numbers are. */
enum source {
    OF_RELAY,  /* the answer itself */
    OF_MEDIA,  /* "media" */
    BY_POOL,   /* each row of "pools" */
    BY_IF,     /* each row of "interfaces" of "media" */
    BY_REASON, /* all that is in an object of "media", by its name */
    IS_PATH,   /* always 1, the paths are labels */
    IS_IF_PATH,
};

static const struct family {
    const char *name, *key; /* key NULL: the name */
    enum source source;
    bool is_counter;
    const char *help;
} family[] = {
    {"uptime_ms", NULL, OF_RELAY, false, "since the relay's start"},
    {"sessions", NULL, OF_RELAY, false, "calls with media now"},
    {"sessions_opened", NULL, OF_RELAY, true, "calls that got media"},
    {"sessions_orphaned", NULL, OF_RELAY, false, "calls with media now whose controller is gone"},
    {"endpoints", NULL, OF_RELAY, false, "sides of streams now"},
    {"pairs_used", NULL, OF_RELAY, false, "pairs of ports in use now"},
    {"pairs_drift", NULL, OF_RELAY, false, "difference that the last audit of the ports found"},
    {"packets_in", NULL, OF_RELAY, true, "RTP and RTCP received"},
    {"packets_out", NULL, OF_RELAY, true, "RTP and RTCP sent"},
    {"bytes_in", NULL, OF_RELAY, true, "of the packets received"},
    {"strangers", NULL, OF_RELAY, true, "dropped: from a source that may not send there"},
    {"invalid", NULL, OF_RELAY, true, "dropped: not RTP"},
    {"unsent", NULL, OF_RELAY, true, "dropped: no peer, no address, held, or no room"},
    {"send_errors", NULL, OF_RELAY, true, "packets that the kernel refused to send"},
    {"overflows", NULL, OF_RELAY, true, "lost for want of room in the sockets of the threads"},
    {"ice_answered", NULL, OF_RELAY, true, "connectivity checks answered"},
    {"ice_refused", NULL, OF_RELAY, true,
     "connectivity checks refused: broken, strangers', too many"},
    {"descriptors", NULL, OF_RELAY, false, "open now"},
    {"descriptors_limit", NULL, OF_RELAY, false, "that may be open"},
    {"threads", NULL, OF_RELAY, false, "that forward packets"},
    {"draining", NULL, OF_RELAY, false, "1: takes no new sessions"},

    {"path", NULL, IS_PATH, false, "of streams that are not in the kernel; always 1"},
    {"streams", NULL, OF_MEDIA, false, "sides of streams now"},
    {"promoted", NULL, OF_MEDIA, false, "sides of streams that the kernel forwards now"},
    {"share_pct", NULL, OF_MEDIA, false, "promoted of all streams, in percent"},
    {"promotions", NULL, OF_MEDIA, true, "streams that the kernel took over"},
    {"promotions_put_off", NULL, OF_MEDIA, true, "promotions that had to wait: too many at once"},
    {"demotions", NULL, OF_MEDIA, true, "streams that left the kernel"},
    {"demoted", "demoted_for", BY_REASON, true, "streams that left the kernel, by reason"},
    {"lines", NULL, OF_MEDIA, false, "ports that the kernel has room for"},
    {"lines_used", NULL, OF_MEDIA, false, "ports that the kernel knows now"},
    {"hops", NULL, OF_MEDIA, false, "next hops in use now"},
    {"hops_dead", NULL, OF_MEDIA, false, "next hops that do not answer"},
    {"kernel_packets", "packets", BY_REASON, true,
     "on media ports, by what the kernel did with them"},
    {"interface", NULL, IS_IF_PATH, false, "path of an interface; always 1"},
    {"redirect_errors", NULL, BY_IF, true, "packets that the interface did not take"},

    {"pool_pairs", "pairs", BY_POOL, false, "ordinary pairs of ports"},
    {"pool_used", "used", BY_POOL, false, "ordinary pairs of ports in use"},
    {"pool_quarantine", "quarantine", BY_POOL, false, "ordinary pairs not to be used again yet"},
    {"pool_priority_pairs", "priority_pairs", BY_POOL, false, "pairs of ports for calls for help"},
    {"pool_priority_used", "priority_used", BY_POOL, false, "pairs for calls for help in use"},
    {"pool_priority_quarantine", "priority_quarantine", BY_POOL, false,
     "pairs for calls for help not to be used again yet"},
    {"pool_refused", "refused", BY_POOL, true, "sides of calls refused for want of a port"},
};

struct sheet {
    struct evbuffer *out;
    const struct family *f;
    bool has_head;
};

static void name(struct sheet *s)
{
    evbuffer_add_printf(s->out, "tandem_media_%s%s", s->f->name, s->f->is_counter ? "_total" : "");
}

static void head(struct sheet *s)
{
    if (s->has_head)
        return;
    s->has_head = true;
    evbuffer_add_printf(s->out, "# HELP ");
    name(s);
    evbuffer_add_printf(s->out, " %s\n# TYPE ", s->f->help);
    name(s);
    evbuffer_add_printf(s->out, " %s\n", s->f->is_counter ? "counter" : "gauge");
}

/* A name of an interface may have anything but a slash and spaces in it. */
static void label(struct sheet *s, char before, const char *key, const char *value)
{
    evbuffer_add_printf(s->out, "%c%s=\"", before, key);
    for (const char *p = value ? value : ""; *p; p++) {
        if (*p == '\n')
            evbuffer_add(s->out, "\\n", 2);
        else
            evbuffer_add_printf(s->out, "%s%c", *p == '"' || *p == '\\' ? "\\" : "", *p);
    }
    evbuffer_add(s->out, "\"", 1);
}

/* key NULL: the only one of its family. */
static void sample(struct sheet *s, const char *key, const char *value, const json_t *n)
{
    if (!json_is_integer(n) && !json_is_boolean(n))
        return;
    head(s);
    name(s);
    if (key) {
        label(s, '{', key, value);
        evbuffer_add(s->out, "}", 1);
    }
    evbuffer_add_printf(s->out, " %lld\n",
                        (long long)(json_is_boolean(n) ? json_is_true(n) : json_integer_value(n)));
}

static void rows(struct sheet *s, const json_t *list, const char *key, const char *number)
{
    size_t i;
    json_t *row;

    json_array_foreach((json_t *)(uintptr_t)list, i, row)
        sample(s, key, json_string_value(json_object_get(row, key)), json_object_get(row, number));
}

static void reasons(struct sheet *s, const json_t *all)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)all, key, v) sample(s, "why", key, v);
}

static const char *path_of(const json_t *j)
{
    return json_string_value(json_object_get(j, "path"));
}

static void path(struct sheet *s, const json_t *media)
{
    if (!path_of(media))
        return;
    head(s);
    name(s);
    label(s, '{', "path", path_of(media));
    evbuffer_add_printf(s->out, "} 1\n");
}

static void if_paths(struct sheet *s, const json_t *list)
{
    size_t i;
    json_t *row;

    json_array_foreach((json_t *)(uintptr_t)list, i, row)
    {
        head(s);
        name(s);
        label(s, '{', "interface", json_string_value(json_object_get(row, "interface")));
        label(s, ',', "path", path_of(row));
        evbuffer_add_printf(s->out, "} 1\n");
    }
}

void media_metrics_render(struct evbuffer *out, const json_t *body)
{
    const json_t *media = json_object_get(body, "media");
    const json_t *ifs = json_object_get(media, "interfaces");

    for (size_t i = 0; i < sizeof(family) / sizeof(family[0]); i++) {
        const struct family *f = &family[i];
        const char *key = f->key ? f->key : f->name;
        struct sheet s = {out, f, false};

        switch (f->source) {
        case OF_RELAY: sample(&s, NULL, NULL, json_object_get(body, key)); break;
        case OF_MEDIA: sample(&s, NULL, NULL, json_object_get(media, key)); break;
        case BY_POOL: rows(&s, json_object_get(body, "pools"), "pool", key); break;
        case BY_IF: rows(&s, ifs, "interface", key); break;
        case BY_REASON: reasons(&s, json_object_get(media, key)); break;
        case IS_PATH: path(&s, media); break;
        case IS_IF_PATH: if_paths(&s, ifs); break;
        }
    }
}
