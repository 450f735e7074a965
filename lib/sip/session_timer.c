/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arithmetic of session timers (RFC 4028): asking, answering, 422, refresher, moments.
 * Called by call/refresh.c; pure.
 */
#include "sip/session_timer.h"

/* "1800;refresher=uac", "1800 ; x=y" */
static uint32_t delta_of(struct span value, struct span *params)
{
    struct span number;
    uint32_t s = 0;

    span_cut(value, ';', &number, params);
    number = span_trim(number);
    if (span_is_empty(number))
        return 0;
    if (span_u32(number, UINT32_MAX, &s) == 0)
        return s < SESSION_MAX_S ? s : SESSION_MAX_S;
    for (size_t i = 0; i < number.len; i++)
        if (number.p[i] < '0' || number.p[i] > '9')
            return 0;
    return SESSION_MAX_S; /* digits beyond 32 bits */
}

void session_words(const struct msg *m, struct session_words *w)
{
    struct span value = msg_value(m, HDR_SESSION_EXPIRES), params = SPAN_NONE, who;

    *w = (struct session_words){0};
    w->expires_s = delta_of(value, &params);
    if (w->expires_s && !span_is_empty(params)) {
        params.p--; /* with its ';' */
        params.len++;
        if (hdr_param(params, SPAN("refresher"), &who)) {
            w->is_uac = span_case_eq(who, SPAN("uac"));
            w->is_uas = span_case_eq(who, SPAN("uas"));
        }
    }
    w->min_s = delta_of(msg_value(m, HDR_MIN_SE), &params);
    w->supported = msg_has_option(m, HDR_SUPPORTED, SPAN("timer")) ||
                   msg_has_option(m, HDR_REQUIRE, SPAN("timer"));
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* Table 2 of RFC 4028 §9: who refreshes by our 2xx. */
static bool we_refresh(const struct session_policy *p, const struct session_words *w)
{
    if (!w->supported || w->is_uas)
        return true; /* it cannot, or it has asked us to */
    if (w->is_uac)
        return false;
    return p->who == SESSION_US;
}

unsigned session_asked(const struct session_policy *p, const struct session_words *w,
                       struct session_timer *t)
{
    uint32_t floor_s = max_u32(w->min_s, SESSION_MIN_S);
    uint32_t s;

    if (p->expires_s == 0) {
        t->interval_s = 0;
        return 0;
    }
    /* A 422 helps only who knows what it means (RFC 4028 §9). */
    if (w->expires_s && w->expires_s < max_u32(p->min_s, SESSION_MIN_S) && w->supported)
        return 422;
    t->min_s = max_u32(t->min_s, w->min_s);
    t->peer = w->supported;
    if (!w->supported && !w->expires_s && p->who != SESSION_US) {
        t->interval_s = 0;
        return 0;
    }
    s = p->expires_s;
    if (s < floor_s)
        s = floor_s;
    if (w->expires_s && w->expires_s < s)
        s = max_u32(w->expires_s,
                    SESSION_MIN_S); /* only ever lowered, but for the least that there is */
    t->interval_s = s;
    t->us = we_refresh(p, w);
    return 0;
}

uint32_t session_ask(const struct session_policy *p, const struct session_timer *t)
{
    return p->expires_s ? max_u32(p->expires_s, t->min_s) : 0;
}

void session_answered(const struct session_policy *p, const struct session_words *w,
                      uint32_t asked_s, struct session_timer *t)
{
    t->interval_s = 0;
    if (asked_s == 0)
        return;
    if (w->expires_s) {
        t->interval_s = max_u32(w->expires_s, SESSION_MIN_S);
        t->us =
            !w->is_uas; /* the parameter must be there; without it only we know of the timer for sure */
        t->peer = true;
        return;
    }
    t->peer = false;
    if (p->who == SESSION_US) {
        t->interval_s = asked_s;
        t->us = true;
    }
}

bool session_too_small(const struct session_words *w, uint32_t asked_s, struct session_timer *t)
{
    if (w->min_s <= asked_s || asked_s == 0)
        return false;
    t->min_s = max_u32(t->min_s, w->min_s);
    return true;
}

uint32_t session_refresh_s(const struct session_timer *t)
{
    return t->interval_s / 2;
}

uint32_t session_expire_s(const struct session_timer *t)
{
    uint32_t third = t->interval_s / 3;

    return t->interval_s - (third < 32 ? third : 32);
}
