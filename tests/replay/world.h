/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world of a case: clock, timers, network, relay, records, configuration and the stack under test.
 * world.c makes it and lets time pass; run.c acts on it.
 */
#ifndef REPLAY_WORLD_H
#define REPLAY_WORLD_H

#include "replay.h"

struct var {
    char name[64], value[2048];
};

/** Texts of an event about route and price: the i-th, and what cases call it. */
#define EVENT_TEXTS 15U
struct span *event_text(struct cdr_event *ev, unsigned i, const char **name);

struct record {
    struct cdr_event ev;
    char text[40][256]; /* copies behind the spans that scripts ask for */
};

struct world {
    const struct options *opt;
    struct script *script;
    const struct line *line; /* at hand */
    unsigned next;           /* line after it */
    bool failed;

    struct clock clock;
    struct timers *timers;
    struct ident_key *ident;
    struct stats stats;
    struct net net;
    struct media *media;
    struct cdr_port *cdr;
    struct trunk_registry *trunks;
    struct locate *locate;
    struct fake_dns dns;
    struct fake_dip dip;
    struct conf *conf, *old_conf;
    struct route *route, *old_route;
    struct call_view view, old_view;
    struct stack *stack;
    struct journal *journal; /* what calls outlive a restart by */
    char journal_path[64];
    uint32_t epoch;
    uint8_t worker, workers;
    uint64_t started_ms;
    struct conf_socket local[32];
    unsigned n_local;

    struct actors actors;
    struct leak leak;
    struct var var[VARS_MAX];
    unsigned n_vars;
    struct record record[CDRS_MAX];
    unsigned n_records, next_record;
    struct {
        struct cac_gauge *g;
        uint32_t n;
    } sum[64]; /* the auditor's recount */
    unsigned n_sum;
    unsigned load; /* of the worker, for shedding */
    struct {
        char *msg;
        size_t len;
        struct flow flow;
    } waiting[16]; /* new requests that the worker had no time for */
    unsigned n_waiting;
    unsigned handed; /* datagrams that the gate gave to another worker */
    bool no_leak;    /* the case lets the sides know each other's media addresses */
    bool impossible; /* the case is about an event that a state does not allow */
    char pierce[64]; /* header let through on purpose */
    char received[TEXT_MAX];
};

/** The case fails here. */
void world_fail(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Show a message. */
void world_dump(const char *dir, const char *who, const char *msg);
/** Whose address it is: an actor's trunk, a trunk, else the address as text in buf. */
const char *world_side(const struct world *w, const struct addr *remote, char buf[ADDR_STRLEN]);
/** These three: @return 0 or a negative errno. */
int world_init(struct world *w);
int world_conf(struct world *w, const char *name, const char *text);
int world_stack(struct world *w);
void world_fini(struct world *w);
/** The stack takes the world's view, as a worker does at the end of its turn. */
void world_snapshot(struct world *w);
/** All that happens without time passing. */
void world_settle(struct world *w);
void world_advance(struct world *w, uint64_t ms);
/** A message of a peer arrives at the gate. */
void world_deliver(struct world *w, const struct actor *a, const char *msg);
/** The same of a message that may have zeros in it; buf[len] is one. */
void world_deliver_bytes(struct world *w, const struct actor *a, const char *buf, size_t len);

/* ---- expect.c ---- */

/** Keep a value under this name. */
void world_set(struct world *w, const char *name, const char *value);
/** {name} becomes the variable's value. */
void world_expand(const struct world *w, const char *in, char *out, size_t size);
/** The peer of that name; the case fails where there is none. @return NULL */
struct actor *world_actor(struct world *w, const char *name);
void cmd_expect(struct world *w, char **word, unsigned n);
void cmd_skip(struct world *w, char **word, unsigned n);

/* ---- stream.c ---- */

/** Turn the text of a configuration from UDP to TCP: sockets beside those of UDP, peers. */
void stream_config(char *text, size_t size);
/** What could not be delivered comes back to the stack. @return false: there was nothing */
bool stream_return(struct world *w);
/** A message from a file below tests/data. @return false: there is none */
bool stream_file(struct world *w, struct actor *a, const char *name);
void cmd_conn(struct world *w, char **word, unsigned n);
/* ---- relay.c ---- */
void cmd_media(struct world *w, char **word, unsigned n);
/** From now on new requests wait, as on a worker that has more to read; or those that wait are served in order. */
void world_wait(struct world *w, bool on);

/* ---- run.c ---- */

/** Save, destroy, load, as worker 0 of one: if no call would be lost. */
void world_restart_if_settled(struct world *w);

/* ---- monkey.c ---- */

/** Random peers for so many steps in each round; at its end all calls are over. spoils: one message in 16 is broken. */
void monkey_run(struct world *w, uint64_t seed, unsigned steps, bool spoils);

#endif
