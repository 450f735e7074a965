/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * At the start: journals opened, those of former processes read newest first, their calls given to the workers, their files removed. What had
 * ended and was not in a CDR file yet is put again before.
 * Control thread, before the workers run: nothing else touches their calls.
 */
#include "daemon/resume.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "call/journal.h"
#include "cdr/cdr.h"
#include "core/err.h"
#include "core/log.h"
#include "daemon/node.h"

/* 4,096: sixteen starts of 256 workers that were all killed before they could clear up. */
#define FILES_MAX 4096U

struct left {
    uint32_t epoch, worker;
};

struct reading {
    struct node *node;
    struct resumed *sum;
    struct cdr_port *port;
    uint64_t *over; /* calls whose record is made */
    size_t n_over, cap_over;
    bool refused; /* a record could not be put */
};

static const char calls_name[] = "calls", cdr_name[] = "cdr";

static int path_of(char out[PATH_MAX], const char *dir, const char *name, uint32_t epoch,
                   uint32_t worker)
{
    return snprintf(out, PATH_MAX, "%s/%s.%u.%u", dir, name, epoch, worker) < PATH_MAX
               ? 0
               : -ENAMETOOLONG;
}

/* ---- ours -------------------------------------------------------------------------------------------------------- */

static void open_journals(struct node *n, const char *dir)
{
    char path[PATH_MAX];

    if (mkdir(dir, 0755) < 0 && errno != EEXIST)
        log_ev(LOG_ERROR, "journal", "dir=%s error=\"%s\"", dir, err_str(-errno));
    for (unsigned i = 0; i < n->n_workers; i++) {
        struct journal *j = NULL;
        int err = path_of(path, dir, calls_name, n->epoch, i);

        if (err == 0)
            err = journal_new(path, n->epoch, &j);
        if (err < 0)
            log_ev(LOG_ERROR, "journal",
                   "path=%s error=\"%s\" msg=\"calls of this worker end with the process\"", path,
                   err_str(err));
        worker_set_journal(n->worker[i], j);
        err = path_of(path, dir, cdr_name, n->epoch, i);
        if (err == 0)
            err = cdr_port_keep(cdr_writer_port(n->cdr, i), path);
        if (err < 0)
            log_ev(
                LOG_ERROR, "cdr_keep",
                "path=%s error=\"%s\" msg=\"records on their way to a file end with the process\"",
                path, err_str(err));
    }
}

/* ---- theirs ------------------------------------------------------------------------------------------------------ */

static bool is_left(const char *name, const char *kind, struct left *out)
{
    unsigned epoch, worker;
    int end = 0;

    if (strncmp(name, kind, strlen(kind)) != 0)
        return false;
    name += strlen(kind);
    if (sscanf(name, ".%10u.%3u%n", &epoch, &worker, &end) != 2 || name[end] != '\0')
        return false;
    *out = (struct left){epoch, worker};
    return true;
}

static int newest_first(const void *a, const void *b)
{
    const struct left *x = a, *y = b;

    return x->epoch < y->epoch ? 1 : x->epoch > y->epoch ? -1 : 0;
}

static size_t find_files(const char *dir, const char *kind, uint32_t epoch, struct left *out)
{
    DIR *d = opendir(dir);
    const struct dirent *e;
    size_t n = 0;

    while (d && n < FILES_MAX && (e = readdir(d)) != NULL)
        if (is_left(e->d_name, kind, &out[n]) && out[n].epoch != epoch)
            n++;
    if (n == FILES_MAX)
        log_ev(LOG_ERROR, kind == cdr_name ? "cdr_keep" : "journal",
               "dir=%s files=%zu msg=\"there may be more: start once again\"", dir, n);
    if (d)
        closedir(d);
    qsort(out, n, sizeof(*out), newest_first);
    return n;
}

static int by_number(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y ? 1 : 0;
}

static void note_over(struct reading *r, uint64_t call)
{
    if (r->n_over == r->cap_over) {
        size_t cap = r->cap_over ? r->cap_over * 2 : 256;
        uint64_t *v = realloc(r->over, cap * sizeof(*v));

        if (!v)
            return; /* a second record, with another end: better than none */
        r->over = v;
        r->cap_over = cap;
    }
    r->over[r->n_over++] = call;
}

static void on_record(void *arg, const struct cdr_event *ev)
{
    struct reading *r = arg;

    if (ev->type == CDR_CALL)
        note_over(r, ev->call);
    if (cdr_put(r->port, &r->node->stats, ev) < 0)
        r->refused = true;
    else
        r->sum->records++;
}

/* One of another version keeps its name: who goes back to that version has its records. */
static const char *not_written(int err)
{
    switch (err) {
    case -EWOULDBLOCK: return "its process lives";
    case -EPROTO:
        return "left by another version, or none of ours: that version writes its records when it "
               "is started once; else move it away";
    default: return "records in it are not written";
    }
}

/* One that could not be put stays for the next start; lines that are in a file by then are not written again. */
static void take_records(struct reading *r, const char *dir, const struct left *l)
{
    char path[PATH_MAX];
    int n = path_of(path, dir, cdr_name, l->epoch, l->worker);

    r->refused = false;
    r->port = cdr_writer_port(r->node->cdr, l->worker % r->node->n_workers);
    if (n == 0)
        n = cdr_keep_read(path, l->worker, on_record, r);
    if (n < 0)
        log_ev(LOG_ERROR, "cdr_keep", "path=%s error=\"%s\" msg=\"%s\"", path, err_str(n),
               not_written(n));
    else if (!r->refused)
        (void)cdr_keep_remove(path);
}

static void on_entry(void *arg, const struct journal_entry *e)
{
    struct reading *r = arg;

    /* killed between the record and its way out of the journal */
    if (r->n_over && bsearch(&e->call, r->over, r->n_over, sizeof(*r->over), by_number))
        return;
    struct worker *w = r->node->worker[journal_worker(e) % r->node->n_workers];

    switch (journal_take(stack_calls(worker_stack(w)), e)) {
    case JOURNAL_RESUMED:
        r->sum->calls++;
        r->sum->ended += e->ended_wall_ms != 0;
        break;
    case JOURNAL_ESTIMATED: r->sum->estimated++; break;
    case JOURNAL_LOST: r->sum->lost++; break;
    case JOURNAL_HERE:
    default: break;
    }
}

static void read_file(struct reading *r, const char *dir, const struct left *l)
{
    char path[PATH_MAX];
    int n = path_of(path, dir, calls_name, l->epoch, l->worker);

    if (n == 0)
        n = journal_read(path, on_entry, r);
    if (n < 0)
        log_ev(LOG_ERROR, "journal", "path=%s error=\"%s\" msg=\"%s\"", path, err_str(n),
               n == -EWOULDBLOCK ? "its process lives" : "calls in it are not taken up");
}

/* What they held is in our own files now. One that is in use stays, and so does one that we cannot read: somebody may want to look. */
static void remove_file(const char *dir, const struct left *l)
{
    char path[PATH_MAX];

    if (path_of(path, dir, calls_name, l->epoch, l->worker) == 0)
        (void)journal_remove(path);
}

void resume_calls(struct node *n, const char *dir, struct resumed *out)
{
    struct left *left = calloc(FILES_MAX, sizeof(*left));
    struct reading r = {.node = n, .sum = out};
    size_t files;

    *out = (struct resumed){0};
    open_journals(n, dir);
    files = left ? find_files(dir, cdr_name, n->epoch, left) : 0;
    for (size_t i = files; i-- > 0;)
        take_records(&r, dir, &left[i]);
    if (r.n_over)
        qsort(r.over, r.n_over, sizeof(*r.over), by_number);
    files = left ? find_files(dir, calls_name, n->epoch, left) : 0;
    for (size_t i = 0; i < files; i++)
        read_file(&r, dir, &left[i]);
    for (unsigned i = 0; i < n->n_workers; i++)
        journal_turn(stack_calls(worker_stack(n->worker[i])));
    for (size_t i = 0; i < files; i++)
        remove_file(dir, &left[i]);
    free(left);
    free(r.over);
    if (files || out->records)
        log_ev(out->estimated + out->lost ? LOG_WARN : LOG_INFO, "resumed",
               "calls=%llu ended=%llu estimated=%llu lost=%llu records=%llu",
               (unsigned long long)out->calls, (unsigned long long)out->ended,
               (unsigned long long)out->estimated, (unsigned long long)out->lost,
               (unsigned long long)out->records);
}
