/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The numbers of the switch and of its relay in the text format of Prometheus.
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
#include "daemon/media_metrics.h"
#include "daemon/media_show.h"
#include "daemon/metrics.h"

/* body NULL: the relay does not answer. */
static char *rendered_with(json_t *sw, json_t *body)
{
    struct evbuffer *out = evbuffer_new();
    char *text;

    metrics_render(out, sw);
    if (body)
        media_metrics_render(out, body);
    evbuffer_add(out, "", 1);
    text = strdup((const char *)evbuffer_pullup(out, -1));
    evbuffer_free(out);
    json_decref(sw);
    json_decref(body);
    return text;
}

static char *rendered(json_t *sw)
{
    return rendered_with(sw, NULL);
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

/* ---- the relay's ----------------------------------------------------------------------------------------------- */

#define FAMILIES_MAX 512U
#define NAME_BYTES   96U

struct scrape {
    char family[FAMILIES_MAX][NAME_BYTES]; /* so far; the last one is under way */
    unsigned n;
    bool is_counter, has_type, has_sample;
};

static size_t name_len(const char *p)
{
    size_t n = 0;

    assert_true(isalpha((unsigned char)p[0]) || p[0] == '_');
    while (isalnum((unsigned char)p[n]) || p[n] == '_')
        n++;
    return n;
}

static const char *label_ends(const char *p)
{
    p += name_len(p);
    assert_memory_equal(p, "=\"", 2);
    for (p += 2; *p != '"'; p++) {
        assert_true(*p && *p != '\n');
        if (*p == '\\')
            assert_non_null(strchr("\\\"n", *++p));
    }
    return p + 1;
}

/* HELP opens a family that there was not yet; what was open has had its samples. */
static void help_line(struct scrape *s, const char *p)
{
    size_t len = name_len(p);

    assert_true(p[len] == ' ' && p[len + 1] && len < NAME_BYTES && s->n < FAMILIES_MAX);
    assert_true(s->n == 0 || s->has_sample);
    snprintf(s->family[s->n], NAME_BYTES, "%.*s", (int)len, p);
    for (unsigned i = 0; i < s->n; i++)
        assert_string_not_equal(s->family[i], s->family[s->n]);
    s->n++;
    s->has_type = s->has_sample = false;
}

static void type_line(struct scrape *s, const char *p)
{
    const char *name = s->family[s->n - 1];
    size_t len = name_len(p);

    assert_true(!s->has_type && !s->has_sample && s->n);
    assert_int_equal(len, strlen(name));
    assert_memory_equal(p, name, len);
    s->has_type = true;
    s->is_counter = strcmp(p + len, " counter") == 0;
    assert_true(s->is_counter || strcmp(p + len, " gauge") == 0);
    assert_int_equal(s->is_counter, len > 6 && strcmp(name + len - 6, "_total") == 0);
}

static void sample_line(struct scrape *s, const char *p)
{
    size_t len = name_len(p);
    char *end;
    long long v;

    assert_true(s->has_type);
    assert_int_equal(len, strlen(s->family[s->n - 1]));
    assert_memory_equal(p, s->family[s->n - 1], len);
    p += len;
    if (*p == '{') {
        do
            p = label_ends(p + 1);
        while (*p == ',');
        assert_int_equal(*p++, '}');
    }
    assert_int_equal(*p, ' ');
    v = strtoll(p + 1, &end, 10);
    assert_true(end > p + 1 && *end == 0);
    assert_true(v >= 0 || !s->is_counter);
    s->has_sample = true;
}

/* Exposition format 0.0.4, and stricter: help and type of everything, counters and they alone with _total. */
static void assert_exposition(char *text, unsigned families_min)
{
    static struct scrape s;
    size_t len = strlen(text);

    s = (struct scrape){.n = 0};
    assert_true(len && text[len - 1] == '\n');
    for (char *line = text, *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        *end = 0;
        if (strncmp(line, "# HELP ", 7) == 0)
            help_line(&s, line + 7);
        else if (strncmp(line, "# TYPE ", 7) == 0)
            type_line(&s, line + 7);
        else
            sample_line(&s, line);
        *end = '\n';
    }
    assert_true(s.has_sample);
    assert_true(s.n >= families_min);
}

/* Two of all that there may be several of. */
static json_t *relay_body(void)
{
    struct media_relay_reply *r = calloc(1, sizeof(*r) + 2 * sizeof(r->pool[0]));
    json_t *j;

    r->packets_in = 4711;
    r->n_pools = 2;
    snprintf(r->pool[0].name, MEDIA_NAME_MAX, "lan");
    snprintf(r->pool[1].name, MEDIA_NAME_MAX, "wan");
    r->pool[1].used = 7;
    r->fast.path = MEDIA_PATH_STEERED;
    r->fast.n_ifs = 2;
    r->fast.why[0] = 12;
    snprintf(r->fast.interface[0].name, MEDIA_DEVICE_MAX, "eth0");
    snprintf(r->fast.interface[1].name, MEDIA_DEVICE_MAX, "a\"b\\c");
    r->fast.interface[1].path = MEDIA_PATH_TC;
    r->fast.interface[1].redirect_errors = 3;
    j = media_show_relay(r);
    free(r);
    return j;
}

static json_t *switch_body(void)
{
    return json_pack("{s:{s:i,s:i},s:o}", "gauges", "calls", 42, "relay_up", 1, "counters",
                     all_counters());
}

static void the_relay_s_families_have_help_type_and_their_samples_together(void **state)
{
    char *text = rendered_with(switch_body(), relay_body());

    (void)state;
    assert_exposition(text, STAT_COUNT + 30);
    assert_non_null(strstr(text, "# TYPE tandem_media_packets_in_total counter\n"
                                 "tandem_media_packets_in_total 4711\n"));
    assert_non_null(strstr(text, "tandem_media_pool_used{pool=\"lan\"} 0\n"
                                 "tandem_media_pool_used{pool=\"wan\"} 7\n"));
    assert_non_null(strstr(text, "tandem_media_kernel_packets_total{why=\"fast\"} 12\n"));
    assert_non_null(strstr(text, "tandem_media_path{path=\"steered\"} 1\n"));
    assert_non_null(
        strstr(text, "tandem_media_interface{interface=\"a\\\"b\\\\c\",path=\"tc\"} 1\n"));
    assert_non_null(
        strstr(text, "tandem_media_redirect_errors_total{interface=\"a\\\"b\\\\c\"} 3\n"));
    free(text);
}

/* Without pools and interfaces a head with nothing behind it would be there. */
static void a_family_without_samples_is_not_there(void **state)
{
    struct media_relay_reply r = {.sessions = 1};
    char *text = rendered_with(switch_body(), media_show_relay(&r));

    (void)state;
    assert_exposition(text, STAT_COUNT + 20);
    assert_null(strstr(text, "tandem_media_pool_"));
    assert_null(strstr(text, "tandem_media_interface"));
    free(text);
}

static void has_metric(const char *text, const char *key, const json_t *v)
{
    char gauge[128], counter[128];

    if (!json_is_integer(v) && !json_is_boolean(v))
        return;
    snprintf(gauge, sizeof(gauge), "\ntandem_media_%s ", key);
    snprintf(counter, sizeof(counter), "\ntandem_media_%s_total ", key);
    if (!strstr(text, gauge) && !strstr(text, counter))
        fail_msg("%s is in show relay and has no metric", key);
}

static void every_number_of_show_relay_is_a_metric(void **state)
{
    json_t *body = relay_body(), *v;
    char *text = rendered_with(switch_body(), json_incref(body));
    const char *key;

    (void)state;
    json_object_foreach(body, key, v) has_metric(text, key, v);
    json_object_foreach(json_object_get(body, "media"), key, v) has_metric(text, key, v);
    json_decref(body);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_counter_has_help_type_and_value),
        cmocka_unit_test(names_and_help_need_no_escapes),
        cmocka_unit_test(what_stands_now_is_a_gauge),
        cmocka_unit_test(the_relay_s_families_have_help_type_and_their_samples_together),
        cmocka_unit_test(a_family_without_samples_is_not_there),
        cmocka_unit_test(every_number_of_show_relay_is_a_metric),
    };

    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
