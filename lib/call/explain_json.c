/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The answer to a question as JSON: one object for people, scripts and tests.
 * explain.c fills it with what this makes; explain_text.c prints it. The members are described in tandemctl(1).
 */
#include "call/explain_priv.h"
#include "sip/sdp_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

json_t *explain_text(struct span s)
{
    json_t *j = json_stringn(s.p ? s.p : "", s.len);

    return j ? j : json_string("?"); /* not UTF-8 */
}

/* A path for people: "conf.d/../rates/a.csv" is "rates/a.csv". */
static json_t *path_text(const char *path)
{
    char buf[512], *up;

    snprintf(buf, sizeof buf, "%s", path);
    while ((up = strstr(buf, "/../"))) {
        char *begin = up;

        while (begin > buf && begin[-1] != '/')
            begin--;
        if (begin == up || strncmp(begin, "../", 3) == 0)
            break;
        memmove(begin, up + 4, strlen(up + 4) + 1);
    }
    return explain_text(span_of(buf));
}

void explain_put_loc(json_t *o, const struct conf *conf, const struct conf_loc *loc)
{
    if (!loc->line)
        return;
    json_object_set_new(o, "file", path_text(conf_loc_file(conf, loc)));
    json_object_set_new(o, "line", json_integer(loc->line));
}

/* "0.0061": as many digits as it needs, four at least. */
static json_t *money(int64_t nano)
{
    char text[40];
    int n = snprintf(text, sizeof text, "%lld.%09lld", (long long)(nano / CONF_NANO),
                     (long long)(nano % CONF_NANO));

    while (n > 6 && text[n - 1] == '0' && text[n - 5] != '.')
        n--;
    return json_stringn(text, (size_t)n);
}

void explain_put_offer(json_t *o, const struct explain *e, const struct route_candidate *c)
{
    const struct conf_deck *k;
    char prefix[KEY_DIGITS + 1];
    struct span name = SPAN_NONE;

    json_object_set_new(o, "trunk", explain_text(span_of(e->conf->trunk.v[c->trunk].name)));
    if (c->deck == CONF_NONE || c->deck >= e->conf->deck.n)
        return;
    k = &e->conf->deck.v[c->deck];
    name = span_of(k->name);
    json_object_set_new(o, "deck", explain_text(name));
    json_object_set_new(o, "prefix", json_string(key_text(c->key, prefix)));
    if (c->rate >= 0)
        json_object_set_new(o, "rate", money(c->rate));
    if (c->cost >= 0)
        json_object_set_new(o, "cost", money(c->cost));
    json_object_set_new(o, "currency", json_string(k->currency));
    json_object_set_new(o, "minimum", json_integer(c->minimum));
    json_object_set_new(o, "increment", json_integer(c->increment));
    if (c->deck_line) {
        json_object_set_new(o, "file", path_text(k->file));
        json_object_set_new(o, "line", json_integer(c->deck_line));
    }
}

/* ---- what a carrier gets ----------------------------------------------------------------------------------------- */

/* What is another one in each message, or says nothing of who calls whom. */
static bool is_left_out(struct span name)
{
    static const char *const out[] = {"Via",          "Call-ID",   "CSeq", "Content-Length",
                                      "Max-Forwards", "Session-ID"};

    for (size_t i = 0; i < sizeof out / sizeof out[0]; i++)
        if (span_case_eq(name, span_of(out[i])))
            return true;
    return false;
}

/* Our own tag is drawn anew for each message. */
static struct span without_tag(struct span name, struct span value)
{
    struct span tag = SPAN(";tag=");

    if (!span_case_eq(name, SPAN("From")))
        return value;
    for (size_t i = 0; i + tag.len <= value.len; i++)
        if (memcmp(value.p + i, tag.p, tag.len) == 0) {
            value.len = i;
            break;
        }
    return value;
}

static json_t *headers_of(struct span rest)
{
    json_t *list = json_array();
    struct span line, name, value;

    while (rest.len) {
        span_cut(rest, '\n', &line, &rest);
        line = span_trim(line);
        if (span_is_empty(line))
            break;
        span_cut(line, ':', &name, &value);
        value = span_trim(value);
        if (!is_left_out(name))
            json_array_append_new(list, json_pack("{s:o,s:o}", "name", explain_text(name), "value",
                                                  explain_text(without_tag(name, value))));
    }
    return list;
}

/* What the INVITE offers, by name, and the packet times that it asks for. */
static void put_media(json_t *o, const struct dry_sent *s)
{
    const char *body = strstr(s->text, "\r\n\r\n");
    struct sdp_formats f;
    struct sdp sdp;
    json_t *list;

    json_object_set_new(o, "media", json_string(s->path));
    if (!body || sdp_parse(&sdp, span_of(body + 4), NULL) < 0 || sdp.n_media == 0)
        return;
    sdp_formats(&sdp.media[0], &f);
    list = json_array();
    for (unsigned i = 0; i < f.n; i++) {
        struct span name, rest;

        span_cut(f.v[i].name, '/', &name, &rest);
        json_array_append_new(list, explain_text(name));
    }
    json_object_set_new(o, "codecs", list);
    if (sdp.media[0].ptime_ms)
        json_object_set_new(o, "ptime", json_integer(sdp.media[0].ptime_ms));
    if (sdp.media[0].maxptime_ms)
        json_object_set_new(o, "maxptime", json_integer(sdp.media[0].maxptime_ms));
}

static json_t *request_of(const struct dry_sent *s)
{
    json_t *o;

    struct span line, rest, ruri;
    char remote[ADDR_STRLEN];

    span_cut(span_of(s->text), '\n', &line, &rest);
    line = span_trim(line);
    span_cut(line, ' ', &ruri, &ruri);
    span_cut(ruri, ' ', &ruri, &(struct span){0});
    o = json_pack("{s:s,s:s,s:o,s:o,s:o}", "target", addr_str(&s->remote, remote), "transport",
                  proto_name(s->proto), "request", explain_text(line), "ruri", explain_text(ruri),
                  "headers", headers_of(rest));
    put_media(o, s);
    return o;
}

static uint64_t priority_of_target(const struct explain *e, uint32_t trunk,
                                   const struct dry_sent *s, uint32_t *weight)
{
    const struct target *t =
        target_find(targets_of(route_trunk_state(e->p->route, trunk)), &s->remote, s->proto);

    *weight = t ? t->weight : 0;
    return t ? t->priority : UINT64_MAX;
}

/* The better target first, of equal ones the larger share: not the order that chance gave them. */
static bool comes_first(const struct explain *e, uint32_t trunk, const struct dry_sent *a,
                        const struct dry_sent *b)
{
    uint32_t wa, wb;
    uint64_t pa = priority_of_target(e, trunk, a, &wa), pb = priority_of_target(e, trunk, b, &wb);
    int order;

    if (pa != pb)
        return pa < pb;
    if (wa != wb)
        return wa > wb;
    order = memcmp(a->remote.ip, b->remote.ip, sizeof a->remote.ip);
    return order ? order < 0 : a->remote.port < b->remote.port;
}

json_t *explain_requests(const struct explain *e, const struct dry_result *r, uint32_t trunk)
{
    uint32_t slot = route_trunk_state(explain_dry_route(e->dry), trunk)->slot;
    const struct dry_sent *v[ROUTE_HOPS_MAX];
    json_t *list = json_array();
    unsigned n = 0, k;

    for (const struct dry_sent *s = r->sent; s && n < ROUTE_HOPS_MAX; s = s->next) {
        if (s->slot != slot)
            continue;
        for (k = n++; k > 0 && comes_first(e, trunk, s, v[k - 1]); k--)
            v[k] = v[k - 1];
        v[k] = s;
    }
    for (k = 0; k < n; k++)
        json_array_append_new(list, request_of(v[k]));
    return list;
}

/* ---- the decision ------------------------------------------------------------------------------------------------ */

static const char *verdict_name(enum route_verdict v)
{
    static const char *const name[] = {[ROUTE_OK] = "routed",
                                       [ROUTE_REFUSED] = "refused",
                                       [ROUTE_NO_ROUTE] = "no-route",
                                       [ROUTE_BAD_NUMBER] = "bad-number",
                                       [ROUTE_ALL_DOWN] = "all-down",
                                       [ROUTE_NO_OFFER] = "no-offer",
                                       [ROUTE_BAD_CALLER] = "bad-caller",
                                       [ROUTE_DIP] = "dip"};

    return (size_t)v < sizeof name / sizeof name[0] && name[v] ? name[v] : "?";
}

static const char *class_name(enum conf_class k)
{
    return k == CONF_CLASS_EMERGENCY ? "emergency"
           : k == CONF_CLASS_SERVICE ? "service"
                                     : "ordinary";
}

static json_t *time_text(int64_t wall_s)
{
    char text[32] = "";
    time_t t = (time_t)wall_s;
    struct tm tm;

    if (gmtime_r(&t, &tm))
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return json_string(text);
}

static void put_assumed(json_t *o, const struct explain *e)
{
    const struct {
        const char *what;
        const bool *list;
    } row[] = {{"down", e->ask->down}, {"full", e->ask->full}, {"drain", e->ask->drained}};
    json_t *all = json_array();

    for (size_t i = 0; i < 3; i++)
        for (uint32_t t = 0; row[i].list && t < e->conf->trunk.n; t++)
            if (row[i].list[t])
                json_array_append_new(all,
                                      json_sprintf("%s %s", row[i].what, e->conf->trunk.v[t].name));
    json_object_set_new(o, "assumed", all);
}

static json_t *source_of(const struct explain *e)
{
    const struct conf_trunk *t = &e->conf->trunk.v[e->trunk];
    char text[ADDR_STRLEN];
    json_t *in =
        json_pack("{s:s,s:s,s:s,s:s}", "trunk", t->name, "source",
                  addr_ip_str(&e->flow.remote, text), "transport", proto_name(e->flow.proto),
                  "listen", e->conf->listen.v[route_listen_of(e->p->route, e->flow.listener)].name);
    const struct conf_accept *best = NULL;

    for (uint32_t i = 0; i < t->accept.n; i++)
        if (addr_in_prefix(&e->flow.remote, &t->accept.v[i].net) &&
            (!best || t->accept.v[i].net.bits > best->net.bits))
            best = &t->accept.v[i];
    if (best) {
        json_object_set_new(in, "by",
                            json_sprintf(best->from_peer ? "peer %s" : "accept %s/%u",
                                         addr_ip_str(&best->net.net, text),
                                         (unsigned)best->net.bits));
        explain_put_loc(in, e->conf, &best->loc);
    } else {
        explain_put_loc(in, e->conf, &t->loc);
    }
    return in;
}

json_t *explain_answer(const struct explain *e)
{
    const struct route_decision *d = &e->d;
    const char *slash = strrchr(e->conf->file.n ? e->conf->file.v[0] : "", '/');
    json_t *o = json_object();

    json_object_set_new(o, "generation", json_integer((json_int_t)e->conf->generation));
    json_object_set_new(
        o, "folder",
        slash ? json_stringn(e->conf->file.v[0], (size_t)(slash + 1 - e->conf->file.v[0]))
              : json_string(""));
    json_object_set_new(o, "time", time_text(e->ask->wall_s));
    json_object_set_new(o, "now", json_boolean(e->ask->now));
    json_object_set_new(o, "seed", json_integer(e->ask->seed));
    json_object_set_new(o, "draining", json_boolean(e->p->draining));
    put_assumed(o, e);
    json_object_set_new(o, "in", source_of(e));
    if (!e->is_decided)
        return o;
    json_object_set_new(o, "class", json_string(class_name(d->klass)));
    json_object_set_new(o, "called", explain_text(span_of(e->ask->called)));
    json_object_set_new(o, "normalised", explain_text(span_of(d->called)));
    json_object_set_new(o, "caller", explain_text(span_of(d->caller)));
    json_object_set_new(o, "routed", explain_text(span_of(d->routed)));
    json_object_set_new(o, "verdict", json_string(verdict_name(d->verdict)));
    if (d->sell_rate >= 0 && d->sell_deck < e->conf->deck.n) {
        json_object_set_new(o, "sell_rate", money(d->sell_rate));
        json_object_set_new(o, "sell_deck", json_string(e->conf->deck.v[d->sell_deck].name));
        json_object_set_new(o, "sell_currency",
                            json_string(e->conf->deck.v[d->sell_deck].currency));
    }
    if (d->line_loc.line) {
        json_t *line = json_object();

        explain_put_loc(line, e->conf, &d->line_loc);
        json_object_set_new(o, "route_line", line);
    }
    if (d->verdict == ROUTE_REFUSED && d->sound < e->conf->sound.n)
        json_object_set_new(o, "announcement", json_string(e->conf->sound.v[d->sound].name));
    json_object_set_new(o, "max_attempts", json_integer(d->max_attempts));
    json_object_set_new(o, "within_ms", json_integer(d->deadline_ms));
    return o;
}
