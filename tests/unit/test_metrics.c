/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch's numbers in the text format of Prometheus.
 * Run by make check; no node runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/stats.h"
#include "daemon/metrics.h"

static char *rendered(json_t *sw)
{
    struct evbuffer *out = evbuffer_new();
    char *text;

    metrics_render(out, sw);
    evbuffer_add(out, "", 1);
    text = strdup((const char *)evbuffer_pullup(out, -1));
    evbuffer_free(out);
    json_decref(sw);
    return text;
}

static json_t *all_counters(void)
{
    json_t *c = json_object();

    for (unsigned i = 0; i < STAT_COUNT; i++)
        json_object_set_new(c, stat_name((enum stat_id)i), json_integer(1000 + (json_int_t)i));
    return c;
}

static void every_counter_has_help_type_and_value(void **state)
{
    char *text = rendered(json_pack("{s:{},s:o}", "gauges", "counters", all_counters()));
    char want[512];

    (void)state;
    for (unsigned i = 0; i < STAT_COUNT; i++) {
        const char *name = stat_name((enum stat_id)i);

        snprintf(want, sizeof(want),
                 "# HELP tandem_%s_total %s\n# TYPE tandem_%s_total counter\ntandem_%s_total %u\n",
                 name, stat_help((enum stat_id)i), name, name, 1000 + i);
        assert_non_null(strstr(text, want));
    }
    free(text);
}

/* A \\ in a help text begins an escape there, a name has no other characters. */
static void names_and_help_need_no_escapes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < STAT_COUNT; i++) {
        assert_null(strpbrk(stat_help((enum stat_id)i), "\\\n"));
        for (const char *p = stat_name((enum stat_id)i); *p; p++)
            assert_true(isalnum((unsigned char)*p) || *p == '_');
    }
}

static void what_stands_now_is_a_gauge(void **state)
{
    char *text = rendered(json_pack("{s:{s:i,s:i}}", "gauges", "calls", 42, "relay_up", 0));

    (void)state;
    assert_non_null(strstr(text, "# TYPE tandem_calls gauge\ntandem_calls 42\n"));
    assert_non_null(strstr(text, "# TYPE tandem_relay_up gauge\ntandem_relay_up 0\n"));
    assert_null(strstr(text, "_total"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_counter_has_help_type_and_value),
        cmocka_unit_test(names_and_help_need_no_escapes),
        cmocka_unit_test(what_stands_now_is_a_gauge),
    };

    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
