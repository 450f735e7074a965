/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay [--tcp] [--restart] [--cells] [--monkey N] [--seed N] [-v] [--no-leak] CASE…: runs scripted cases and prints TAP.
 * With --tcp each case runs over TCP, too, unless it says udponly. With --restart each case is run a second time, put down and taken up after the ACK of each confirmed call;
 * with --cells it fails if a cell of the bridge table that can be reached was not; --monkey N: N seeds for each monkey.
 */
#include "replay.h"

#include "core/log.h"

#include <stdlib.h>
#include <string.h>

static char logged[1 << 16]; /* lines since the last question, each with its end */
static size_t logged_len;

static void on_log(enum log_level level, const char *line, void *arg)
{
    const struct options *o = arg;
    size_t len = strlen(line);

    (void)level;
    cells_line(line);
    if (logged_len + len + 2 > sizeof logged)
        logged_len = 0; /* a case that asks for a line asks soon */
    memcpy(logged + logged_len, line, len + 1);
    logged_len += len + 1;
    if (o->verbose)
        printf("    log: %s\n", line);
}

bool replay_logged(char **part, unsigned n)
{
    bool found = false;
    size_t i;

    for (size_t at = 0; at < logged_len && !found; at += strlen(logged + at) + 1) {
        for (i = 0; i < n && strstr(logged + at, part[i]); i++)
            ;
        found = i == n;
    }
    logged_len = 0;
    return found;
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
    logged_len = 0;
    rc = run_case(s, o);
    printf("%s %u - %s%s", rc ? "not ok" : "ok", number, base_name(path),
           o->tcp       ? o->restart ? " (tcp, restart)" : " (tcp)"
           : o->restart ? " (restart)"
                        : "");
    if (has_command(s, "monkey"))
        printf(" (seed %llu)", (unsigned long long)o->seed);
    putchar('\n');
    fflush(stdout);
    script_free(s);
    return rc;
}

struct plan {
    bool restart, cells, tcp;
    uint64_t seed, seeds;
};

/* A case, a second time with restarts where it allows that; one with a monkey for each of its seeds. */
static unsigned run_all(const char *path, struct options *o, const struct plan *plan,
                        unsigned *number)
{
    struct script *s = script_load(path);
    bool monkey = s && has_command(s, "monkey"), again = s && !has_command(s, "norestart");
    bool tcp = plan->tcp && s && !has_command(s, "udponly");
    uint64_t last = monkey ? plan->seed + plan->seeds - 1 : plan->seed;
    unsigned failed = 0;

    script_free(s);
    for (o->seed = plan->seed; o->seed <= last; o->seed++)
        for (int run = 0; run < 4; run++) {
            o->restart = run & 1;
            o->tcp = run & 2;
            if (o->restart <= (plan->restart && again) && o->tcp <= tcp)
                failed += (unsigned)run_file(path, o, ++*number);
        }
    return failed;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    struct plan plan = {.seed = 1, .seeds = 1};
    unsigned number = 0, failed = 0, files = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--tcp") == 0)
            plan.tcp = true;
        else if (strcmp(argv[i], "--restart") == 0)
            plan.restart = true;
        else if (strcmp(argv[i], "-v") == 0)
            o.verbose = true;
        else if (strcmp(argv[i], "--cells") == 0)
            plan.cells = true;
        else if (strcmp(argv[i], "--no-leak") == 0)
            o.no_leak = true;
        else if (strcmp(argv[i], "--monkey") == 0 && i + 1 < argc)
            plan.seeds = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            plan.seed = strtoull(argv[++i], NULL, 10);
        else
            argv[files++] = argv[i];
    }
    log_set_level(LOG_DEBUG);
    log_set_sink(on_log, &o);
    log_set_unlimited();
    for (unsigned i = 0; i < files; i++)
        failed += run_all(argv[i], &o, &plan, &number);
    if (plan.cells && cells_report(stdout)) {
        failed++;
        printf("not ok %u - every cell of the bridge table that can be reached\n", ++number);
    }
    printf("1..%u\n# %u passed, %u failed\n", number, number - failed, failed);
    return failed ? 1 : 0;
}
