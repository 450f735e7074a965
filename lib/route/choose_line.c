/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line of a route that serves a number: that of calls for help, else the longest prefix whose conditions hold.
 * Called by choose.c on every worker.
 */
#include <stdio.h>
#include "route/choose.h"
#include "route/table.h"

static bool is_open(const struct choose *ch, const struct conf_conditions *c)
{
    return calendar_is_open(ch->rt->book->calendar[c->when.id], ch->q->wall_s, NULL) !=
           c->when_closed;
}

static bool comes_from(const struct choose *ch, const struct conf_conditions *c)
{
    for (uint32_t i = 0; i < c->from.n; i++) {
        const struct conf_from *f = &c->from.v[i];
        if (f->ref.id == (f->is_customer ? ch->in->customer.id : ch->q->trunk))
            return true;
    }
    return false;
}

/* Of whom it is asked why a line is passed over: what its calendar's clock says. @return out */
static const char *clock_of(const struct choose *ch, uint32_t line, char out[40])
{
    const struct conf_conditions *c = &ch->plan->conf->line.v[line].cond;
    char local[32];
    out[0] = '\0';
    if (c->when.id != CONF_NONE && c->when.name)
        snprintf(out, 40, " (%s)",
                 calendar_local(ch->rt->book->calendar[c->when.id], ch->q->wall_s, local));
    return out;
}

static void tell_not(const struct choose *ch, uint32_t line, struct span prefix, const char *why)
{
    const struct conf_route_line *l = &ch->plan->conf->line.v[line];
    char clock[40];
    const char *kind = l->kind == CONF_ROUTE_EMERGENCY ? "emergency"
                       : prefix.len == 0               ? "default"
                                                       : "";
    choose_note(ch, ROUTE_STEP_LINE_NOT, &l->loc, "%s%.*s: %s%s", kind, (int)prefix.len,
                prefix.len ? prefix.p : "", why, clock_of(ch, line, clock));
}

/* @return NULL: all hold; else the one that does not, for the trace */
static const char *condition_not(const struct choose *ch, uint32_t line)
{
    const struct conf_conditions *c = &ch->plan->conf->line.v[line].cond;
    const struct list *caller = ch->plan->line[line].caller;
    if (c->when.id != CONF_NONE && c->when.name && !is_open(ch, c))
        return c->when_closed ? "its calendar is open now" : "its calendar is closed now";
    if (c->from.n > 0 && !comes_from(ch, c))
        return "the call is from another trunk";
    if (caller && !list_find(caller, span_of(ch->d->caller), NULL, NULL))
        return "the calling number is another one";
    return NULL;
}

static void take(struct choose *ch, uint32_t line, struct span prefix)
{
    ch->line_id = line;
    ch->line = &ch->plan->conf->line.v[line];
    ch->d->line_loc = ch->line->loc;
    /* a call for help is tried to the last */
    ch->d->max_attempts = ch->is_emergency ? 0 : ch->line->max_attempts;
    ch->d->deadline_ms = ch->is_emergency ? 0 : ch->line->deadline_ms;
    const char *kind = ch->line->kind == CONF_ROUTE_EMERGENCY ? "emergency"
                       : prefix.len == 0                      ? "default"
                                                              : "prefix ";
    CHOOSE_NOTE(ch, ROUTE_STEP_LINE, &ch->line->loc, "route %s, %s%.*s", ch->plan->conf->name, kind,
                (int)prefix.len, prefix.len ? prefix.p : "");
}

/* A condition that does not hold: they go by prefix, as any call. */
static bool take_emergency(struct choose *ch)
{
    uint32_t line = ch->plan->emergency;
    const char *why = condition_not(ch, line);
    if (!why)
        take(ch, line, SPAN_NONE);
    else if (ch->q->trace)
        tell_not(ch, line, SPAN_NONE, why);
    return !why;
}

static bool take_of_slot(struct choose *ch, const struct plan_slot *s, struct span prefix)
{
    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t line = ch->plan->order[s->first + i];
        const char *why = condition_not(ch, line);
        if (!why) {
            take(ch, line, prefix);
            return true;
        }
        if (ch->q->trace)
            tell_not(ch, line, prefix, why);
    }
    return false;
}

/* A number as a subscriber dials it is the usual reason. */
static void tell_no_line(const struct choose *ch)
{
    const struct conf_route *r = &ch->conf->route.v[ch->in->routes.id];
    const char *country = ch->conf->global.country;
    if (country && ch->d->routed[0] != '+')
        CHOOSE_NOTE(ch, ROUTE_STEP_LINE, &r->loc,
                    "no line of route '%s' serves %s: if it is national, a rule of `numbers` must "
                    "put %s before it",
                    r->name, ch->d->routed, country);
    else
        CHOOSE_NOTE(ch, ROUTE_STEP_LINE, &r->loc, "no line of route '%s' serves %s", r->name,
                    ch->d->routed);
}

bool choose_line(struct choose *ch)
{
    struct span number = span_of(ch->d->routed);
    uint32_t slot;
    size_t len;
    if (ch->is_emergency && ch->plan->emergency != CONF_NONE && take_emergency(ch))
        return true;
    while (table_find(ch->plan->table, number, &slot, &len) == 0) {
        if (take_of_slot(ch, &ch->plan->slot[slot], (struct span){number.p, len}))
            return true;
        if (len == 0)
            break;
        number.len = len - 1; /* the next shorter prefix */
    }
    tell_no_line(ch);
    choose_refuse(ch, ROUTE_NO_ROUTE, 404, NULL);
    return false;
}
