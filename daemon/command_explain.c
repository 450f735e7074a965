/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command explain: a call put through the running configuration with its live state.
 * Called by admin.c on the control thread. It holds the snapshot no longer than it runs, so none is freed under it.
 */
#include "daemon/command_explain.h"

#include <stdlib.h>
#include "call/explain_text.h"
#include "call/explain_words.h"

static void render(struct evbuffer *out, const json_t *body)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return;
    explain_print(f, body);
    fclose(f);
    evbuffer_add(out, text, len);
    free(text);
}

void cmd_explain(struct admin_req *r)
{
    struct node *n = admin_node(r);
    const struct snapshot *s = snapshots_current(&n->snapshots);
    const char *word[ADMIN_WORDS_MAX];
    char why[512] = "";
    struct explain_ask ask;
    json_t *o = NULL;
    timers_tick(n->timers);
    for (unsigned i = 0; i < admin_n_args(r); i++)
        word[i] = admin_arg(r, i);
    explain_ask_init(&ask, (int64_t)(n->clock.wall_ms / 1000));
    ask.now = true;
    struct explain_param p = {.route = s->route,
                              .reg = n->trunks,
                              .now_ms = n->clock.mono_ms,
                              .wall_ms = n->clock.wall_ms,
                              .draining = n->state != NODE_RUNNING};
    if (explain_words(s->conf, admin_n_args(r), word, &ask, why, sizeof(why)) == 0)
        o = explain_run(&p, &ask, why, sizeof(why));
    explain_ask_fini(&ask);
    if (o)
        admin_answer(r, o, render);
    else
        admin_error(r, why);
}
