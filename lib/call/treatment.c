/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cause tables of RFC 3398 and ITU-T Q.1912.5, and the choice among the causes of several attempts.
 * Called by leg_in.c, hunt.c and the records; knows no call.
 */
#include "call/treatment.h"

#include "sip/build.h"

struct cause_pair {
    uint16_t status;
    uint8_t q850;
};

/* RFC 3398 §8.2.6.1, with Q.1912.5 table 9 for the codes that came later. */
static const struct cause_pair by_status[] = {
    {400, 41},  {401, 21},  {402, 21},  {403, 21},  {404, 1},   {405, 63},  {406, 79},  {407, 21},
    {408, 102}, {410, 22},  {413, 127}, {414, 127}, {415, 79},  {416, 127}, {420, 127}, {421, 127},
    {422, 127}, {423, 127}, {433, 24},  {480, 18},  {481, 41},  {482, 25},  {483, 25},  {484, 28},
    {485, 1},   {486, 17},  {487, 16},  {488, 65},  {491, 127}, {500, 41},  {501, 79},  {502, 38},
    {503, 41},  {504, 102}, {505, 127}, {513, 127}, {580, 47},  {600, 17},  {603, 21},  {604, 1},
    {606, 65},  {607, 21},  {608, 21},
};

/* RFC 3398 §7.2.4.1, with 5, 24, 43, 44, 63, 91, 95 to 99 and 110 of Q.1912.5 table 21. */
static const struct cause_pair by_q850[] = {
    {404, 1},   {404, 2},   {404, 3},  {480, 16}, {486, 17},  {408, 18}, {480, 19}, {480, 20},
    {403, 21},  {410, 22},  {410, 23}, {483, 25}, {404, 26},  {502, 27}, {484, 28}, {501, 29},
    {480, 31},  {503, 34},  {503, 38}, {503, 41}, {503, 42},  {503, 44}, {503, 47}, {403, 55},
    {403, 57},  {503, 58},  {488, 65}, {488, 70}, {501, 79},  {403, 87}, {503, 88}, {504, 102},
    {500, 111}, {500, 127}, {404, 5},  {433, 24}, {502, 43},  {500, 63}, {404, 91}, {500, 95},
    {500, 96},  {500, 97},  {500, 98}, {500, 99}, {500, 110},
};

uint8_t cause_q850_of(unsigned status)
{
    if (status >= 200 && status < 300)
        return 16;
    for (size_t i = 0; i < sizeof by_status / sizeof by_status[0]; i++)
        if (by_status[i].status == status)
            return by_status[i].q850;
    return status >= 500 && status < 600 ? 41 : 127;
}

uint16_t cause_status_of(unsigned q850)
{
    for (size_t i = 0; i < sizeof by_q850 / sizeof by_q850[0]; i++)
        if (by_q850[i].q850 == q850)
            return by_q850[i].status;
    /* The default of the cause's class (Q.850 §2.2.5, Q.1912.5): normal, no resource, all that is an error. */
    return q850 < 32 ? 480 : q850 < 48 ? 503 : 500;
}

uint16_t cause_told(const struct cause *c)
{
    if (c->sip_code < 400)
        return 480;
    switch (c->sip_code) {
    case 401:
    case 407:
    case 421:
    case 494: return 480; /* speaks of the hop between us and that carrier */
    case 400:
    case 405:
    case 406:
    case 413:
    case 414:
    case 416:
    case 420:
    case 481:
    case 505:
    case 513:
        return c->where == CAUSE_OUT
                   ? 500
                   : c->sip_code; /* about a request that we made, not about the caller's */
    default: return c->sip_code;
    }
}

/* How much a status says about the called user: the larger is told. */
static unsigned cause_rank(const struct cause *c)
{
    if (c->where == CAUSE_NOWHERE)
        return 0;
    switch (c->sip_code) {
    case 404:
    case 410:
    case 480:
    case 484:
    case 486:
    case 487:
    case 488: return 5;
    case 500:
    case 502:
    case 504: return c->where == CAUSE_OUT ? 3 : 1;
    case 408:
    case 503:
        return c->where == CAUSE_OUT
                   ? 2
                   : 1; /* 503 makes the asking switch think that we are full: last choice */
    default: return c->sip_code >= 600 ? 6 : c->sip_code >= 500 ? 2 : c->sip_code >= 400 ? 4 : 3;
    }
}

bool cause_is_better(const struct cause *a, const struct cause *b)
{
    return cause_rank(a) > cause_rank(b);
}

/* The cause of that protocol; several reasons may share a line: "SIP;cause=200, Q.850;cause=16;text=..." */
static uint32_t reason_cause(struct span value, struct span wanted, uint32_t max)
{
    struct span rest = value, one;
    uint32_t n = 0;

    while (!span_is_empty(rest)) {
        struct span proto, params, param, key, val;

        span_cut(rest, ',', &one, &rest);
        span_cut(span_trim(one), ';', &proto, &params);
        if (!span_case_eq(span_trim(proto), wanted))
            continue;
        while (!span_is_empty(params)) {
            span_cut(params, ';', &param, &params);
            if (span_cut(param, '=', &key, &val) && span_case_eq(span_trim(key), SPAN("cause")) &&
                span_u32(span_trim(val), max, &n) == 0)
                return n;
        }
    }
    return 0;
}

uint8_t cause_from_reason(struct span value)
{
    return (uint8_t)reason_cause(value, SPAN("Q.850"), 127);
}

unsigned cause_sip_from_reason(struct span value)
{
    return reason_cause(value, SPAN("SIP"), 699);
}

struct span cause_reason(const struct cause *c, char buf[32])
{
    struct build b;

    build_init(&b, buf, 32);
    build_span(&b, SPAN("Q.850;cause="));
    build_u32(&b, c->q850 ? c->q850 : cause_q850_of(c->sip_code));
    return build_text(&b);
}

struct span cause_reason_sip(const struct cause *c, unsigned sip, char buf[96])
{
    char q850[32];
    struct build b;

    build_init(&b, buf, 96);
    if (sip >= 200) { /* 0: none; or none of a final response */
        build_span(&b, SPAN("SIP;cause="));
        build_u32(&b, sip);
        if (sip == 200)
            build_span(&b, SPAN(";text=\"Call completed elsewhere\""));
        build_span(&b, SPAN(", "));
    }
    build_span(&b, cause_reason(c, q850));
    return build_text(&b);
}

const char *cause_where_name(const struct cause *c)
{
    static const char *const name[] = {"-", "in", "out", "here"};

    return name[c->where & 3];
}
