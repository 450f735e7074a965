/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a configuration: nothing breaks, every message lies inside its line, and its canonical layout has no other.
 * Run by .ci/run with the seeds of tests/fuzz/corpus/config.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/errors.h"
#include "config/fmt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct conf_error *e)
{
    size_t len = strlen(e->source);

    if (e->line == 0 || e->col == 0 || e->col > len + 1 || e->width == 0)
        abort();
    if (e->col <= len && e->col - 1 + e->width > len)
        abort();
}

/* @return owned text, or NULL: it has none */
static char *layout(struct span text)
{
    struct conf_errors errs;
    char *buf = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&buf, &len);

    if (!out)
        return NULL;
    errors_init(&errs);
    int err = fmt_text("fuzz", text, out, &errs);
    fclose(out);
    conf_errors_fini(&errs);
    if (err == 0)
        return buf;
    free(buf);
    return NULL;
}

static void check_layout(struct span text)
{
    char *once = layout(text), *twice = once ? layout(span_of(once)) : NULL;

    if (once && (!twice || strcmp(once, twice) != 0))
        abort();
    free(once);
    free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct conf_env env = {.relay_nofile = CONF_NOFILE_DEFAULT,
                                        .ephemeral = {.lo = EPHEMERAL_LO, .hi = EPHEMERAL_HI},
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
    check_layout((struct span){(const char *)data, size});
    return 0;
}
