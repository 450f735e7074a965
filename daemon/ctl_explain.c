/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tandemctl explain: with --config it asks the files, else the running switch is to be asked.
 * Called by tandemctl.c. Words and layout are those of the command that tandemd has.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "call/explain_text.h"
#include "call/explain_words.h"
#include "daemon/ctl.h"

static int usage(FILE *out)
{
    fprintf(
        out,
        "usage: tandemctl explain [--config FILE] --from TRUNK --called NUMBER [...]\n%s"
        "  --config FILE         ask these files; without: the running switch, with its live state\n",
        explain_words_help);
    return out == stdout ? CTL_OK : CTL_WRONG;
}

static int ask(const struct ctl *c, const struct ctl_conf *files, int n, char **word)
{
    struct explain_ask a;
    struct explain_param p = {.route = files->route, .reg = files->reg, .now_ms = 3600000};
    char why[512] = "";
    json_t *o = NULL;

    explain_ask_init(&a, (int64_t)time(NULL));
    a.now = true;
    p.wall_ms = (uint64_t)a.wall_s * 1000U;
    if (explain_words(files->conf, (unsigned)n, (const char *const *)word, &a, why, sizeof(why)) ==
        0)
        o = explain_run(&p, &a, why, sizeof(why));
    if (o && c->json) {
        (void)json_dumpf(o, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        fputc('\n', stdout);
    } else if (o) {
        explain_print(stdout, o);
    } else {
        fprintf(stderr, "tandemctl: %s\n", why);
    }
    explain_ask_fini(&a);
    json_decref(o);
    return o ? CTL_OK : CTL_NOT;
}

/* The daemon cuts its line at spaces: it would take such a word for none, or for two. */
static bool is_sendable(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (argv[i][0] == '\0' || strpbrk(argv[i], " \t\r\n")) {
            fprintf(stderr, "tandemctl: word %d is empty or has spaces in it\n", i);
            return false;
        }
    return true;
}

int ctl_explain(const struct ctl *c, int argc, char **argv)
{
    const char *config = NULL;
    struct ctl_conf files;
    int rc = CTL_NOT;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return usage(stdout);
        if (strcmp(argv[i], "--config") != 0)
            continue;
        if (i + 1 == argc)
            return usage(stderr);
        config = argv[i + 1];
        memmove(&argv[i], &argv[i + 2], sizeof(argv[0]) * (size_t)(argc - i - 1));
        argc -= 2;
        i--;
    }
    if (argc == 1)
        return usage(stderr);
    if (!config)
        return is_sendable(argc, argv) ? CTL_REMOTE : CTL_WRONG;
    if (ctl_load(config, &files) == 0)
        rc = ask(c, &files, argc - 1, argv + 1);
    else
        conf_print_errors(stderr, &files.errs);
    ctl_unload(&files);
    return rc;
}
