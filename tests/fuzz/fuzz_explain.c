/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any words as a question to explain, one a line: it is answered or refused in words, and the live state is as it was.
 * Run by .ci/run with the seeds of tests/fuzz/corpus/explain.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call/explain_text.h"
#include "call/explain_words.h"

/* As the control socket takes them (daemon/admin.h). */
#define WORDS_MAX 48
#define INPUT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char conf_text[] =
    "realm r\n  address 192.0.2.1\nlisten main\n  realm r\n  udp 192.0.2.1:5060\n"
    "trunk in\n  listen main\n  media none\n  accept 198.51.100.0/28\n  numbers plan\n  routes retail\n"
    "  limit in 5calls\n"
    "trunk alpha\n  listen main\n  media none\n  peer 198.51.100.21 udp\n  uri tel\n"
    "trunk bravo\n  listen main\n  media none\n  peer 198.51.100.31 udp\n  send tech99\n  trust no\n"
    "  identity pai keep privacy honour diversion history-info\n"
    "  header out set X-Called \"{called} {caller} {ruri}\"\n"
    "numbers plan\n  911 -> keep class emergency\n  NXXNXXXXXX -> +1{*}\n  * -> keep\n"
    "numbers tech99 direction out\n  +. -> 99{1-}\n  * -> keep\n"
    "route retail\n  emergency via bravo\n  prefix +1 via bravo 60% alpha 40%\n  default via alpha then bravo\n";

static struct conf *conf;
static struct trunk_registry *reg;
static struct route *rt;

static void begin(void)
{
    struct conf_errors errs;
    struct route_param p = {0};
    const char *why;

    conf = conf_load_text("fuzz", conf_text, sizeof(conf_text) - 1, NULL, &errs);
    conf_errors_fini(&errs);
    reg = trunk_registry_new();
    p.conf = conf;
    p.reg = reg;
    rt = conf && reg ? route_new(&p, &why) : NULL;
    if (!rt || explain_locate(rt, reg) < 0)
        abort();
}

static void ask(unsigned n, const char *const *word)
{
    struct explain_param p = {.route = rt, .reg = reg, .now_ms = 1000, .wall_ms = 1700000000000};
    struct explain_ask a;
    char why[512] = "", *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    json_t *o = NULL;

    explain_ask_init(&a, 1700000000);
    if (explain_words(conf, n, word, &a, why, sizeof(why)) == 0)
        o = explain_run(&p, &a, why, sizeof(why));
    if (!o && !why[0])
        abort(); /* refused without a word */
    if (o && out)
        explain_print(out, o);
    if (out)
        fclose(out);
    free(text);
    json_decref(o);
    explain_ask_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char line[INPUT_MAX];
    const char *word[WORDS_MAX];
    unsigned n = 0;

    if (!conf)
        begin();
    if (size >= sizeof(line))
        return 0;
    memcpy(line, data, size);
    line[size] = '\0';
    for (char *rest = line, *w; n < WORDS_MAX && (w = strsep(&rest, "\n"));)
        word[n++] = w;
    ask(n, word);
    if (atomic_load(&trunk_registry_find(reg, "in")->in.calls) ||
        atomic_load(&trunk_registry_find(reg, "in")->in.admitted) ||
        atomic_load(&trunk_registry_find(reg, "bravo")->attempts_out) ||
        atomic_load(&conf->refs) != 1)
        abort();
    return 0;
}
