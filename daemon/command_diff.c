/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command diff: the running configuration against the files on disk, loaded and compared by the builder.
 * Called through command.c's table on the control thread. The answer comes when the builder has it.
 */
#include "daemon/command_diff.h"

#include <stdio.h>
#include <stdlib.h>
#include "core/htab.h"
#include "daemon/builder.h"
#include "daemon/diff_report.h"
#include "daemon/render.h"

struct diff_job {
    struct build_job job;
    struct admin_req *req;
    const struct reload *reload;
    const char *path;
    /* Running when it was asked. Should it be replaced meanwhile: it is freed by the builder, behind this job. */
    const struct snapshot *old;
    struct diff_ask ask;
    json_t *report; /* NULL: error says why */
    char *error;
};

static char *errors_text(const struct conf_errors *errs, const char *why)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return NULL;
    conf_print_errors(f, errs);
    fprintf(f, "%s", why);
    fclose(f);
    return text;
}

/* A registry of its own: no live state comes of what is only looked at. */
static void diff_run(struct build_job *job)
{
    struct diff_job *d = container_of(job, struct diff_job, job);
    struct trunk_registry *reg = trunk_registry_new();
    struct conf_errors errs;
    struct snapshot_param p = {.reg = reg, .errs = &errs};
    const char *why = "the configuration on disk has errors: a reload would change nothing";
    if (snapshot_load(d->path, &p, &errs) == 0) {
        struct route_param rp = {.conf = p.conf,
                                 .reg = reg,
                                 .errs = &errs,
                                 .wall_s = p.wall_s,
                                 .threads = p.threads,
                                 .book = p.book};
        struct route *now = reg ? route_new(&rp, &why) : NULL;
        if (now)
            d->report = diff_report(d->old->route, now, &d->ask);
        if (now && !d->report)
            why = "out of memory";
        route_free(now);
        book_free(rp.book);
        conf_free(p.conf);
    }
    if (!d->report)
        d->error = errors_text(&errs, why);
    conf_errors_fini(&errs);
    trunk_registry_free(reg);
}

static void render_diff(struct evbuffer *out, const json_t *body)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return;
    diff_print(f, body);
    fclose(f);
    evbuffer_add(out, text, len);
    free(text);
}

static void diff_done(struct build_job *job)
{
    struct diff_job *d = container_of(job, struct diff_job, job);
    if (reload_is_closing(d->reload))
        ; /* who asked has gone with the control socket */
    else if (d->report)
        admin_answer(d->req, json_incref(d->report), render_diff);
    else
        admin_error(d->req, d->error ? d->error : "out of memory");
    json_decref(d->report);
    free(d->error);
    free(d);
}

void cmd_diff(struct admin_req *r)
{
    struct node *n = admin_node(r);
    struct diff_job *d = calloc(1, sizeof(*d));
    char *word[ADMIN_WORDS_MAX], why[160] = "out of memory";
    for (unsigned i = 0; i < admin_n_args(r); i++)
        word[i] = (char *)(uintptr_t)admin_arg(r, i);
    if (d && diff_ask_parse(&d->ask, (int)admin_n_args(r), word, why, sizeof(why)) == 0) {
        d->job = (struct build_job){diff_run, diff_done};
        d->req = r;
        d->reload = n->reload;
        d->path = n->conf_path;
        d->old = snapshots_current(&n->snapshots);
        if (reload_post(n->reload, &d->job) == 0)
            return;
        snprintf(why, sizeof(why), "too much is under way: ask again later");
    }
    free(d);
    admin_error(r, why);
}
