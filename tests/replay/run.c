/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Running one case: what each command of a script does to the world.
 * replay.c calls it once or twice per case.
 */
#include "world.h"

#include "call/journal.h"
#include "call/snapshot.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- recv -------------------------------------------------------------------------------------------------------- */

static void add_header(struct wanted *want, const char *line)
{
    size_t n = strlen(want->headers);

    snprintf(want->headers + n, sizeof want->headers - n, "%s\r\n", line);
}

/* key=value words of a recv line; what is no key is a header line "Name: value" or a called number. */
static bool recv_words(struct world *w, struct wanted *want, char **word, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char *v = strchr(word[i], '=');

        if (word[i][0] == '+') {
            want->user = word[i];
            continue;
        }
        if (strchr(word[i], ':') && (!v || strchr(word[i], ':') < v)) {
            add_header(want, word[i]);
        } else if (v) {
            *v++ = '\0';
            if (strcmp(word[i], "sdp") == 0)
                want->sdp = v;
            else if (strcmp(word[i], "tag") == 0)
                want->tag = v;
            else if (strcmp(word[i], "for") == 0)
                want->for_method = v;
            else if (strcmp(word[i], "body") == 0)
                want->body = v;
            else if (strcmp(word[i], "reason") == 0)
                want->reason = v;
            else if (strcmp(word[i], "auth") == 0)
                want->auth = v;
            else if (strcmp(word[i], "contact") == 0)
                want->contact = v;
            else if (strcmp(word[i], "from") == 0)
                want->from = v;
            else {
                world_fail(w, "recv: unknown word '%s'", word[i]);
                return false;
            }
        } else if (strcmp(word[i], "notag") == 0) {
            want->no_to_tag = true;
        } else {
            want->user = word[i];
        }
    }
    return true;
}

/* The indented lines below the command are the message itself. */
static char *raw_message(struct world *w)
{
    char *msg = calloc(1, TEXT_MAX), *body;
    char line[2048];
    size_t n = 0;

    if (!msg)
        abort();
    while (w->next < w->script->n && w->script->line[w->next].indented) {
        const char *text = w->script->line[w->next++].text;

        world_expand(w, strcmp(text, ".") == 0 ? "" : text, line, sizeof line);
        n += (size_t)snprintf(msg + n, TEXT_MAX - n, "%s\r\n", line);
        if (n >= TEXT_MAX - 64)
            abort();
    }
    if (!strstr(msg, "\r\n\r\n"))
        n += (size_t)snprintf(msg + n, TEXT_MAX - n, "\r\n");
    body = strstr(msg, "Content-Length: auto");
    if (body) {
        char length[32];

        snprintf(length, sizeof length, "%zu", strlen(text_body(msg)));
        memset(body + 16, ' ', 4);
        memcpy(body + 16, length, strlen(length));
    }
    return msg;
}

/* sdp=lines: the indented lines below stand behind the session's. */
static char *sdp_lines(struct world *w)
{
    char *text = calloc(1, TEXT_MAX);
    size_t n = 0;

    if (!text)
        abort();
    while (w->next < w->script->n && w->script->line[w->next].indented) {
        n += (size_t)snprintf(text + n, TEXT_MAX - n, "%s\r\n", w->script->line[w->next++].text);
        if (n >= TEXT_MAX - 64)
            abort();
    }
    return text;
}

static bool do_restart(struct world *w, unsigned worker);

static bool is_settled(const struct call_info *info, void *arg)
{
    bool *all = arg;

    *all = *all && info->settled;
    return *all;
}

/* Calls that are not confirmed are lost in a restart: a case with such a call is not disturbed. */
static bool all_settled(struct world *w)
{
    bool all = calls_count(stack_calls(w->stack)) > 0;

    calls_each(stack_calls(w->stack), is_settled, &all);
    return all;
}

/* recv PEER tcp …: from now on it speaks that. @return how many words are left */
static unsigned take_proto(struct actor *a, char **word, unsigned n)
{
    for (unsigned p = 0; p < PROTO_N; p++)
        if (strcasecmp(word[1], proto_name(p)) == 0) {
            a->proto = (uint8_t)p;
            memmove(word + 1, word + 2, (n - 2) * sizeof word[0]);
            return n - 1;
        }
    return n;
}

static void cmd_recv(struct world *w, char **word, unsigned n)
{
    struct wanted want = {0};
    const char *why = "";
    struct actor *a;
    char *msg, *lines = NULL;

    if (n < 2 || !(a = world_actor(w, word[0])) || (n = take_proto(a, word, n)) < 2) {
        world_fail(w, "recv PEER METHOD|STATUS …");
        return;
    }
    if (strcmp(word[1], "file") == 0) {
        if (n < 3 || !stream_file(w, a, word[2]))
            world_fail(w, "recv: no file '%s'", n > 2 ? word[2] : "");
        return;
    }
    if (strcmp(word[1], "raw") == 0) {
        msg = raw_message(w);
        actor_sent_raw(a, msg);
        free(a->last);
        a->last = strdup(msg);
    } else if (strcmp(word[1], "again") == 0) {
        const char *old = n > 2 && strcmp(word[2], "INVITE") == 0 ? a->last_invite : a->last;

        msg = strdup(old ? old : "");
    } else {
        want.what = word[1];
        if (!recv_words(w, &want, word + 2, n - 2))
            return;
        if (want.sdp && strcmp(want.sdp, "lines") == 0)
            want.lines = lines = sdp_lines(w);
        msg = actor_compose(a, &want, &why);
        free(lines);
    }
    if (!msg) {
        world_fail(w, "recv: %s", why);
        return;
    }
    world_deliver(w, a, msg);
    free(msg);
    if (w->opt->restart && strcmp(word[1], "ACK") == 0 && all_settled(w))
        (void)do_restart(w, w->worker);
}

/* ---- the rest ---------------------------------------------------------------------------------------------------- */

static void cmd_advance(struct world *w, char **word, unsigned n)
{
    int64_t ms = n ? script_duration(word[0]) : -1;

    if (ms < 0)
        world_fail(w, "advance DURATION");
    else
        world_advance(w, (uint64_t)ms);
}

static const char *release_name(enum cdr_release r)
{
    static const char *const name[] = {"none", "in", "out", "switch"};

    return name[r & 3];
}

static unsigned long long since(const struct cdr_time *from, const struct cdr_time *to)
{
    return to->mono_ms ? to->mono_ms - from->mono_ms : 0;
}

static bool record_field(const struct cdr_event *ev, const char *name, char *out, size_t size)
{
    for (unsigned i = 0; i < EVENT_TEXTS; i++) {
        const char *known;
        struct cdr_event copy = *ev;
        struct span *text = event_text(&copy, i, &known);

        if (strcmp(name, known) == 0) { /* of a path its end: cases may lie anywhere */
            const char *slash = text->len ? strrchr(text->p, '/') : NULL;

            snprintf(out, size, "%s", slash ? slash + 1 : text->len ? text->p : "");
            return true;
        }
    }
    if (strcmp(name, "code") == 0)
        snprintf(out, size, "%u", ev->code);
    else if (strcmp(name, "q850") == 0)
        snprintf(out, size, "%u", ev->q850);
    else if (strcmp(name, "release") == 0)
        snprintf(out, size, "%s", release_name(ev->release));
    else if (strcmp(name, "in") == 0)
        snprintf(out, size, "%.*s", SPAN_ARG(ev->trunk_in));
    else if (strcmp(name, "out") == 0)
        snprintf(out, size, "%.*s", SPAN_ARG(ev->trunk_out));
    else if (strcmp(name, "reason") == 0)
        snprintf(out, size, "%.*s", SPAN_ARG(ev->reason));
    else if (strcmp(name, "attempts") == 0)
        snprintf(out, size, "%u", ev->attempts);
    else if (strcmp(name, "attempt") == 0)
        snprintf(out, size, "%u", ev->attempt);
    else if (strcmp(name, "called") == 0)
        snprintf(out, size, "%.*s", SPAN_ARG(ev->called_normalised));
    else if (strcmp(name, "sent") == 0)
        snprintf(out, size, "%.*s", SPAN_ARG(ev->called_sent));
    else if (strcmp(name, "priority") == 0)
        snprintf(out, size, "%.*s", SPAN_ARG(ev->priority));
    else if (strcmp(name, "class") == 0)
        snprintf(out, size, "%.*s", SPAN_ARG(ev->class_name));
    else if (strcmp(name, "answered") == 0)
        snprintf(out, size, "%s", ev->answer.wall_ms ? "yes" : "no");
    else if (strcmp(name, "customer") == 0)
        snprintf(out, size, "%.*s", SPAN_ARG(ev->customer_in));
    else if (strcmp(name, "transport_in") == 0)
        snprintf(out, size, "%.*s", SPAN_ARG(ev->transport_in));
    else if (strcmp(name, "transport_out") == 0)
        snprintf(out, size, "%.*s", SPAN_ARG(ev->transport_out));
    else if (strcmp(name, "session_id") == 0)
        snprintf(out, size, "%.*s", SPAN_ARG(ev->session_id));
    else if (strcmp(name, "generation") == 0)
        snprintf(out, size, "%llu", (unsigned long long)ev->generation);
    else if (strcmp(name, "lrn") == 0)
        snprintf(out, size, "%.*s", SPAN_ARG(ev->lrn));
    else if (strcmp(name, "announcement") == 0)
        snprintf(out, size, "%.*s", SPAN_ARG(ev->announcement));
    else if (strcmp(name, "dip") == 0)
        snprintf(out, size, "%.*s", SPAN_ARG(ev->dip));
    else if (strcmp(name, "dip_ms") == 0)
        snprintf(out, size, "%u", ev->dip_ms);
    else if (strcmp(name, "caller_sent") == 0)
        snprintf(out, size, "%.*s", SPAN_ARG(ev->caller_sent));
    else if (strcmp(name, "caller") == 0)
        snprintf(out, size, "%.*s", SPAN_ARG(ev->caller_normalised));
    else if (strcmp(name, "pdd") == 0)
        snprintf(out, size, "%llu", since(&ev->start, &ev->progress));
    else if (strcmp(name, "setup") == 0)
        snprintf(out, size, "%llu", since(&ev->start, &ev->answer));
    else if (strcmp(name, "total") == 0)
        snprintf(out, size, "%llu", since(&ev->start, &ev->end));
    else if (strcmp(name, "duration") == 0)
        snprintf(
            out, size, "%llu",
            (unsigned long long)(ev->answer.mono_ms ? ev->end.mono_ms - ev->answer.mono_ms : 0));
    else
        return false;
    return true;
}

/* cdr call|attempt|interim name=value …: the next record. cdr none: there is no further one. */
static void cmd_cdr(struct world *w, char **word, unsigned n)
{
    static const char *const type[] = {"start", "answer", "interim", "attempt", "call"};
    const struct record *r;
    char value[300];

    if (n && strcmp(word[0], "none") == 0) {
        if (w->next_record != w->n_records)
            world_fail(w, "a record of type %s is there", type[w->record[w->next_record].ev.type]);
        return;
    }
    if (w->next_record == w->n_records) {
        world_fail(w, "no record");
        return;
    }
    r = &w->record[w->next_record++];
    if (!n || strcmp(word[0], type[r->ev.type]) != 0) {
        world_fail(w, "the record is of type %s", type[r->ev.type]);
        return;
    }
    for (unsigned i = 1; i < n; i++) {
        char *v = strchr(word[i], '=');

        if (!v)
            continue;
        *v++ = '\0';
        if (!record_field(&r->ev, word[i], value, sizeof value))
            world_fail(w, "cdr: no field '%s'", word[i]);
        else if (strcmp(value, v) != 0)
            world_fail(w, "cdr: %s is '%s', not '%s'", word[i], value, v);
    }
}

static void cmd_stat(struct world *w, char **word, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char *v = strchr(word[i], '=');
        bool found = false;

        if (!v)
            continue;
        *v++ = '\0';
        for (unsigned s = 0; s < STAT_COUNT && !found; s++) {
            uint64_t have = stat_get(&w->stats, s);

            if (strcmp(stat_name(s), word[i]) != 0)
                continue;
            found = true;
            if (have != strtoull(v, NULL, 10))
                world_fail(w, "stat: %s is %llu, not %s", word[i], (unsigned long long)have, v);
        }
        if (!found)
            world_fail(w, "stat: no counter '%s'", word[i]);
    }
}

static void take_up(void *arg, const struct journal_entry *e)
{
    struct world *w = arg;
    enum journal_fate fate = journal_take(stack_calls(w->stack), e);

    const struct call_brief *b = call_brief_read(e->rec, e->len);
    bool answered_only = fate == JOURNAL_ESTIMATED && b && b->version == CALL_RECORD_BRIEF;

    if (fate != JOURNAL_RESUMED && fate != JOURNAL_HERE && !answered_only)
        world_fail(w, "restart: a call was not taken up: %d", (int)fate);
}

/* As after kill -9: everything is destroyed but the journal, and from that the next stack goes on. */
static bool do_restart(struct world *w, unsigned worker)
{
    char left[sizeof w->journal_path];
    int rc;

    world_settle(w);
    stack_free(w->stack);
    w->stack = NULL;
    journal_free(w->journal);
    w->journal = NULL;
    memcpy(left, w->journal_path, sizeof left);
    net_close(&w->net, NULL);
    ident_key_free(w->ident);
    w->worker = (uint8_t)worker;
    if (worker >= w->workers)
        w->workers = (uint8_t)(worker + 1);
    if (world_stack(w) < 0) {
        world_fail(w, "restart: no stack");
        return false;
    }
    rc = journal_read(left, take_up, w);
    if (rc < 0)
        world_fail(w, "restart: journal: %d", rc);
    (void)journal_remove(left);
    world_settle(w);
    return rc >= 0;
}

void world_restart_if_settled(struct world *w)
{
    if (all_settled(w))
        (void)do_restart(w, w->worker);
}

static void cmd_restart(struct world *w, char **word, unsigned n)
{
    unsigned worker = w->worker;

    for (unsigned i = 0; i < n; i++) {
        if (strncmp(word[i], "worker=", 7) == 0)
            worker = (unsigned)strtoul(word[i] + 7, NULL, 10);
        else if (strncmp(word[i], "workers=", 8) == 0)
            w->workers = (uint8_t)strtoul(word[i] + 8, NULL, 10);
        else
            world_fail(w, "restart [worker=N] [workers=N]");
    }
    (void)do_restart(w, worker);
}

/* cell OTHER EVENT: this case has visited that cell of the bridge table. */
static void cmd_cell(struct world *w, char **word, unsigned n)
{
    bool known = false;

    if (n != 2 || (!cells_seen(word[0], word[1], &known) && !known))
        world_fail(w, "cell STATE-OF-THE-OTHER-LEG EVENT");
    else if (!cells_seen(word[0], word[1], &known))
        world_fail(w, "cell %s/%s was not visited", word[0], word[1]);
}

/* monkey STEPS [spoil]: random peers; the seed is the harness's option. */
static void cmd_monkey(struct world *w, char **word, unsigned n)
{
    w->impossible = true; /* hostile on purpose */
    monkey_run(w, w->opt->seed, n ? (unsigned)strtoul(word[0], NULL, 10) : 100,
               n > 1 && strcmp(word[1], "spoil") == 0);
}

/* load PERCENT: how loaded the worker says it is from now on. */
static void cmd_wait(struct world *w, char **word, unsigned n)
{
    if (n != 1 || (strcmp(word[0], "on") && strcmp(word[0], "serve")))
        world_fail(w, "wait on|serve");
    else
        world_wait(w, word[0][0] == 'o');
}

static void cmd_load(struct world *w, char **word, unsigned n)
{
    w->load = n ? (unsigned)strtoul(word[0], NULL, 10) : 0;
}

/* workers N [worker=N]: before config, how many there are and which one this is. */
static void cmd_workers(struct world *w, char **word, unsigned n)
{
    w->workers = (uint8_t)(n ? strtoul(word[0], NULL, 10) : 1);
    if (n > 1 && strncmp(word[1], "worker=", 7) == 0)
        w->worker = (uint8_t)strtoul(word[1] + 7, NULL, 10);
}

/* handed N|any: datagrams for another worker since the last such line. */
static void cmd_handed(struct world *w, char **word, unsigned n)
{
    if (!n || (strcmp(word[0], "any") != 0 && w->handed != strtoul(word[0], NULL, 10)))
        world_fail(w, "%u datagrams were handed over", w->handed);
    w->handed = 0;
}

static void cmd_impossible(struct world *w, char **word, unsigned n)
{
    (void)word;
    (void)n;
    w->impossible = true;
}

/* noleak: media by-passes the switch, addresses of parties are meant to be told. */
static void cmd_noleak(struct world *w, char **word, unsigned n)
{
    (void)word;
    (void)n;
    w->no_leak = true;
}

/* pierce HEADER|body: proof that the leak check bites. */
static void cmd_pierce(struct world *w, char **word, unsigned n)
{
    snprintf(w->pierce, sizeof w->pierce, "%s", n ? word[0] : "");
}

static void cmd_drain(struct world *w, char **word, unsigned n)
{
    calls_drain(stack_calls(w->stack), !n || strcmp(word[0], "off") != 0);
}

static void cmd_hangup(struct world *w, char **word, unsigned n)
{
    (void)word;
    (void)n;
    calls_hangup_all(stack_calls(w->stack));
    world_settle(w);
}

/* trunk NAME up|drain|down [end-calls]: as the operator says it. */
static void cmd_trunk(struct world *w, char **word, unsigned n)
{
    struct trunk_state *ts = n ? trunk_registry_find(w->trunks, word[0]) : NULL;
    uint8_t admin = TRUNK_UP;

    while (ts && n > 1 && admin <= TRUNK_DOWN && strcmp(word[1], trunk_admin_name(admin)) != 0)
        admin++;
    if (!ts || n < 2 || admin > TRUNK_DOWN) {
        world_fail(w, "trunk NAME up|drain|down [end-calls]");
        return;
    }
    atomic_store(&ts->admin, admin);
    if (n > 2)
        (void)calls_end_trunk(stack_calls(w->stack), ts->slot);
    world_settle(w);
}

/* seized TRUNK N: attempts that count for its quality. */
static void cmd_seized(struct world *w, char **word, unsigned n)
{
    const struct trunk_state *ts = n == 2 ? trunk_registry_find(w->trunks, word[0]) : NULL;
    struct quality_figures f;

    if (!ts) {
        world_fail(w, "seized TRUNK N");
        return;
    }
    quality_get(trunk_registry_quality(w->trunks), ts->slot, 0, w->clock.mono_ms, &f);
    if (f.seizures != strtoul(word[1], NULL, 10))
        world_fail(w, "seized: %s has %u seizures, not %s", word[0], f.seizures, word[1]);
}

static void cmd_calls(struct world *w, char **word, unsigned n)
{
    if (!n || calls_count(stack_calls(w->stack)) != strtoul(word[0], NULL, 10))
        world_fail(w, "%zu calls", calls_count(stack_calls(w->stack)));
}

/* config [FILE]: a file beside the case, then the indented lines. A second one is a reload. */
static void cmd_config(struct world *w, char **word, unsigned n)
{
    char *text = calloc(1, 65536), path[1024];
    const char *slash = strrchr(w->script->path, '/');
    size_t len = 0;

    if (!text)
        abort();
    if (n) {
        FILE *f;

        snprintf(path, sizeof path, "%.*s%s", slash ? (int)(slash - w->script->path + 1) : 0,
                 w->script->path, word[0]);
        f = fopen(path, "r");
        if (!f) {
            world_fail(w, "config: %s cannot be read", path);
            free(text);
            return;
        }
        len = fread(text, 1, 32768, f);
        fclose(f);
    }
    /* Lines keep one level: "  trunk x" opens a section, "    peer …" belongs to it. */
    while (w->next < w->script->n && w->script->line[w->next].indented) {
        const struct line *l = &w->script->line[w->next++];
        bool section = l->text - (l->text - 2) == 2 && l->text[-1] == ' ' && l->text[-2] == ' ' &&
                       (l->text[-3] != ' ');

        len += (size_t)snprintf(text + len, 65536 - len, "%s%s\n", section ? "" : "  ", l->text);
    }
    if (w->old_conf) {
        route_free(w->old_route);
        conf_free(w->old_conf);
        w->old_conf = NULL;
        w->old_route = NULL;
    }
    if (w->opt->tcp)
        stream_config(text, 65536);
    if (world_conf(w, w->script->path, text) < 0)
        world_fail(w, "config: refused");
    else if (!w->stack && world_stack(w) < 0)
        world_fail(w, "no stack");
    else
        world_snapshot(w);
    free(text);
}

/* dns TTL TYPE NAME DATA: a record; dns del NAME; dns broken|ok: no server answers; dns refresh: the operator asks for all again. */
static void cmd_dip(struct world *w, char **word, unsigned n)
{
    if (n == 2 && strcmp(word[0], "asked") == 0) {
        if (w->dip.asked != strtoul(word[1], NULL, 10))
            world_fail(w, "dip: %u asked, the last of %s", w->dip.asked, w->dip.section);
    } else if (!fake_dip_say(&w->dip, word, n)) {
        world_fail(w, "dip NUMBER RN | silence | answer | full | fail | ok | asked N");
    }
    if (w->stack)
        world_settle(w);
}

static void cmd_dns(struct world *w, char **word, unsigned n)
{
    if (n == 1 && strcmp(word[0], "broken") == 0)
        w->dns.broken = DNS_FAILED;
    else if (n == 1 && strcmp(word[0], "ok") == 0)
        w->dns.broken = DNS_OK;
    else if (n == 1 && strcmp(word[0], "refresh") == 0)
        (void)locate_refresh(w->locate);
    else if (n == 2 && strcmp(word[0], "del") == 0)
        fake_dns_del(&w->dns, word[1]);
    else if (!fake_dns_add(&w->dns, word, n))
        world_fail(w, "dns TTL TYPE NAME DATA | del NAME | broken | ok | refresh");
    world_settle(w);
}

static void cmd_log(struct world *w, char **word, unsigned n)
{
    if (!replay_logged(word, n))
        world_fail(w, "log: no line with '%s'%s", n ? word[0] : "", n > 1 ? " and the others" : "");
}

static const struct command {
    const char *name;
    void (*run)(struct world *w, char **word, unsigned n);
} commands[] = {
    {"recv", cmd_recv},       {"expect", cmd_expect},   {"skip", cmd_skip},
    {"advance", cmd_advance}, {"media", cmd_media},     {"cdr", cmd_cdr},
    {"stat", cmd_stat},       {"restart", cmd_restart}, {"drain", cmd_drain},
    {"hangup", cmd_hangup},   {"calls", cmd_calls},     {"config", cmd_config},
    {"cell", cmd_cell},       {"load", cmd_load},       {"monkey", cmd_monkey},
    {"workers", cmd_workers}, {"handed", cmd_handed},   {"impossible", cmd_impossible},
    {"pierce", cmd_pierce},   {"noleak", cmd_noleak},   {"conn", cmd_conn},
    {"wait", cmd_wait},       {"dns", cmd_dns},         {"dip", cmd_dip},
    {"log", cmd_log},         {"trunk", cmd_trunk},     {"seized", cmd_seized},
};

static void run_line(struct world *w)
{
    char text[8192], copy[8192], *word[WORDS_MAX];
    unsigned n;

    snprintf(copy, sizeof copy, "%s", w->line->text);
    world_expand(w, copy, text, sizeof text);
    n = script_words(text, word);
    if (n == 0)
        return;
    if (w->opt->verbose)
        fprintf(stdout, "  %u: %s\n", w->line->number, w->line->text);
    if (strcmp(word[0], "title") == 0 || strcmp(word[0], "norestart") == 0 ||
        strcmp(word[0], "udponly") == 0)
        return;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, word[0]) == 0) {
            if (!w->stack && strcmp(word[0], "config") != 0 && strcmp(word[0], "workers") != 0 &&
                strcmp(word[0], "dns") != 0 && strcmp(word[0], "dip") != 0)
                world_fail(w, "config comes first");
            else
                commands[i].run(w, word + 1, n - 1);
            return;
        }
    world_fail(w, "no command '%s'", word[0]);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void audit_add(void *arg, struct cac_gauge *g)
{
    struct world *w = arg;

    for (unsigned i = 0; i < w->n_sum; i++)
        if (w->sum[i].g == g) {
            w->sum[i].n++;
            return;
        }
    if (w->n_sum < 64) {
        w->sum[w->n_sum].g = g;
        w->sum[w->n_sum++].n = 1;
    }
}

static void audit(struct world *w)
{
    w->n_sum = 0;
    calls_audit(stack_calls(w->stack), audit_add, w);
    for (unsigned i = 0; i < w->n_sum; i++)
        if (atomic_load(&w->sum[i].g->held[w->worker]) != w->sum[i].n)
            world_fail(w, "auditor: a gauge says %u, the calls hold %u",
                       atomic_load(&w->sum[i].g->held[w->worker]), w->sum[i].n);
}

static void check_gauge(void *arg, struct cac_gauge *g, const char *kind, const char *name,
                        const char *dir)
{
    uint32_t held = 0;

    for (unsigned i = 0; i < CAC_WORKERS_MAX; i++)
        held += atomic_load(&g->held[i]);
    if (atomic_load(&g->calls) || held)
        world_fail(arg, "end: %s %s still counts %u calls %s, %u of them held", kind, name,
                   atomic_load(&g->calls), dir, held);
}

static void check_gauges(struct world *w)
{
    trunk_registry_each_gauge(w->trunks, check_gauge, w);
}

/* Nothing may be left: RFC 3261's longest timers are 64*T1; CANCEL may wait for as long again. */
static void check_end(struct world *w)
{
    uint64_t pending;
    char none[] = "none";

    cmd_expect(w, (char *[]){none}, 1);
    audit(w);
    locate_free(w->locate); /* no more lookups */
    w->locate = NULL;
    for (uint32_t i = 0; i < w->conf->trunk.n; i++)
        w->conf->trunk.v[i].options.every_ms = 0;
    world_snapshot(w); /* no more health probes */
    world_advance(w, 200000);
    if (calls_count(stack_calls(w->stack)))
        world_fail(w, "end: %zu calls are left", calls_count(stack_calls(w->stack)));
    if (stack_transactions(w->stack))
        world_fail(w, "end: %llu transactions are left",
                   (unsigned long long)stack_transactions(w->stack));
    if (stack_dialogs(w->stack))
        world_fail(w, "end: %llu dialogs are left", (unsigned long long)stack_dialogs(w->stack));
    pending = timers_pending(w->timers);
    if (pending)
        world_fail(w, "end: %llu timers are pending", (unsigned long long)pending);
    if (media_fake_sessions(w->media))
        world_fail(w, "end: %u media sessions are left", media_fake_sessions(w->media));
    if (w->next_record != w->n_records)
        world_fail(w, "end: %u records were not asked for", w->n_records - w->next_record);
    if (w->pierce[0])
        world_fail(w, "end: %s was not let through", w->pierce);
    if (!w->impossible &&
        (stat_get(&w->stats, STAT_legs_impossible) || stat_get(&w->stats, STAT_bridge_impossible)))
        world_fail(w, "end: %llu impossible events at legs, %llu at the bridge",
                   (unsigned long long)stat_get(&w->stats, STAT_legs_impossible),
                   (unsigned long long)stat_get(&w->stats, STAT_bridge_impossible));
    check_gauges(w);
}

int run_case(struct script *s, const struct options *o)
{
    struct world *w = calloc(1, sizeof *w);
    int rc;

    if (!w)
        return 1;
    w->opt = o;
    w->script = s;
    cells_begin();
    if (world_init(w) < 0)
        world_fail(w, "no world");
    while (!w->failed && w->next < s->n) {
        w->line = &s->line[w->next++];
        if (w->line->indented)
            world_fail(w, "an indented line belongs to nothing");
        else
            run_line(w);
    }
    if (!w->failed && w->stack)
        check_end(w);
    rc = w->failed ? 1 : 0;
    world_fini(w);
    free(w);
    return rc;
}
