/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a configuration: nothing breaks, and every message lies inside its line.
 * Run by .ci/run with the seeds of tests/fuzz/corpus/config.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct conf_error *e)
{
    size_t len = strlen(e->source);

    if (e->line == 0 || e->col == 0 || e->col > len + 1 || e->width == 0)
        abort();
    if (e->col <= len && e->col - 1 + e->width > len)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct conf_env env = {.relay_nofile = CONF_NOFILE_DEFAULT,
                                        .ephemeral_lo = 32768,
                                        .ephemeral_hi = 60999,
                                        .secrets_are_names = true};
    static FILE *null;
    struct conf_errors errs;
    struct conf *conf;
    uint32_t i;

    if (!null)
        null = fopen("/dev/null", "w");
    conf = conf_load_text("fuzz", (const char *)data, size, &env, &errs);
    if ((conf == NULL) != (errs.errors > 0))
        abort();
    for (i = 0; i < errs.n; i++)
        check(&errs.v[i]);
    if (null)
        conf_print_errors(null, &errs);
    conf_free(conf);
    conf_errors_fini(&errs);
    return 0;
}
