/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loop time: one read of the system clocks per loop turn, or a clock that a test moves.
 * Each worker has one; nobody else reads the system clocks on the call path.
 */
#include "core/clock.h"

#include <time.h>

static uint64_t read_ms(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void clock_init(struct clock *c)
{
    *c = (struct clock){0};
    clock_update(c);
}

void clock_init_fake(struct clock *c, uint64_t mono_ms, uint64_t wall_ms)
{
    *c = (struct clock){.mono_ms = mono_ms, .wall_ms = wall_ms, .fake = 1};
}

void clock_update(struct clock *c)
{
    if (c->fake)
        return;
    /* BOOTTIME: a call that stood through a suspended machine has lasted that long */
    c->mono_ms = read_ms(CLOCK_BOOTTIME);
    c->wall_ms = read_ms(CLOCK_REALTIME);
}

void clock_advance(struct clock *c, uint64_t ms)
{
    c->mono_ms += ms;
    c->wall_ms += ms;
}

uint64_t clock_now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}
