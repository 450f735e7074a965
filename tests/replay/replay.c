/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay [--restart] [--cells] [-v] [--no-leak] CASE…: runs scripted cases and prints TAP.
 * With --restart each case is run a second time, put down and taken up after the ACK of each confirmed call;
 * with --cells it fails if a cell of the bridge table that can be reached was not.
 */
#include "replay.h"

#include "core/log.h"

#include <stdlib.h>
#include <string.h>

static void on_log(enum log_level level, const char *line, void *arg)
{
    const struct options *o = arg;

    (void)level;
    cells_line(line);
    if (o->verbose)
        printf("    log: %s\n", line);
}

static const char *base_name(const char *path)
{
    const char *p = strrchr(path, '/');

    return p ? p + 1 : path;
}

static bool has_command(const struct script *s, const char *name)
{
    for (unsigned i = 0; i < s->n; i++)
        if (strncmp(s->line[i].text, name, strlen(name)) == 0)
            return true;
    return false;
}

static int run_file(const char *path, const struct options *o, unsigned number)
{
    struct script *s = script_load(path);
    int rc;

    if (!s)
        return 1;
    rc = run_case(s, o);
    printf("%s %u - %s%s\n", rc ? "not ok" : "ok", number, base_name(path),
           o->restart ? " (restart)" : "");
    fflush(stdout);
    script_free(s);
    return rc;
}

static bool wants_restart(const char *path)
{
    struct script *s = script_load(path);
    bool yes = s && !has_command(s, "norestart");

    script_free(s);
    return yes;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    bool restart = false, cells = false;
    unsigned number = 0, failed = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--restart") == 0)
            restart = true;
        else if (strcmp(argv[i], "-v") == 0)
            o.verbose = true;
        else if (strcmp(argv[i], "--cells") == 0)
            cells = true;
        else if (strcmp(argv[i], "--no-leak") == 0)
            o.no_leak = true;
    }
    log_set_level(LOG_DEBUG);
    log_set_sink(on_log, &o);
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-')
            continue;
        o.restart = false;
        failed += (unsigned)run_file(argv[i], &o, ++number);
        if (!restart || !wants_restart(argv[i]))
            continue;
        o.restart = true;
        failed += (unsigned)run_file(argv[i], &o, ++number);
    }
    if (cells && cells_report(stdout)) {
        failed++;
        printf("not ok %u - every cell of the bridge table that can be reached\n", ++number);
    }
    printf("1..%u\n# %u passed, %u failed\n", number, number - failed, failed);
    return failed ? 1 : 0;
}
