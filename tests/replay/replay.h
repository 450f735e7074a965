/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The replay harness: one scripted case runs the real stack against a fake network, clock, relay and record writer.
 * Shared by the files of tests/replay only.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "call/dip.h"
#include "call/locate.h"
#include "call/stack.h"
#include "cdr/cdr.h"
#include "config/config.h"
#include "core/clock.h"
#include "core/ident.h"
#include "core/span.h"
#include "core/stats.h"
#include "core/timer.h"
#include "media/media_fake.h"
#include "route/route.h"

#define TEXT_MAX   16384 /* a message of a script */
#define ACTORS_MAX 16
#define VARS_MAX   32
#define WORDS_MAX  32
#define CDRS_MAX   64
#define CONNS_MAX  4096 /* a monkey's walk */

/* ---- script.c ---- */

struct line {
    unsigned number;
    char *text; /* without indentation; "" never */
    bool indented;
};

struct script {
    char *path;
    char *buf;
    struct line *line;
    unsigned n;
};

/** Read a case. @return NULL with a message on stderr */
struct script *script_load(const char *path);
void script_free(struct script *s);
/** Split at blanks; "quoted parts" keep theirs. Writes into text. @return number of words */
unsigned script_words(char *text, char *word[WORDS_MAX]);
/** "32s", "500ms", "4h", "2m". @return ms, or -1 */
int64_t script_duration(const char *text);

/* ---- net.c: what the switch sends ---- */

struct sent {
    struct sent *next;
    struct flow flow;
    uint64_t conn; /* streams: by which it went */
    size_t len;
    char text[]; /* terminated */
};

struct net {
    struct transport transport;
    struct sent *first, *last;
    void (*watch)(void *arg, const struct sent *m); /* sees each message when it is sent */
    void *arg;
    char via[128];
    const struct conf_socket *local; /* the listeners */
    unsigned n_local;
    struct net_conn {
        uint64_t id; /* its place + 1 */
        uint8_t proto;
        bool open, accepted; /* the peer opened it */
        struct addr remote;
    } conn[CONNS_MAX];
    unsigned n_conns;
    struct addr refused[ACTORS_MAX]; /* hosts that take no connection */
    unsigned n_refused;
    bool refuse_late;              /* by_tcp does not know of that yet */
    struct sent *lost, *lost_last; /* could not be delivered */
};

void net_init(struct net *n);
void net_clear(struct net *n);
/** Take out a message of the queue. */
void net_remove(struct net *n, struct sent *m);
/** The connection that this host has opened to us, or a new one; remote: its other end. */
uint64_t net_accept(struct net *n, uint8_t proto, const struct addr *from, struct addr *remote);
/** All connections with this host end; NULL: all there are. */
void net_close(struct net *n, const struct addr *host);
/** From now on it refuses connections, or takes them again. */
void net_refuse(struct net *n, const struct addr *host, bool refuse);
bool net_conn_is_theirs(const struct net *n, uint64_t id);
/** A message that could not be delivered, for stack_unsent. @return owned by the caller; NULL none */
struct sent *net_take_lost(struct net *n);

/* ---- dns.c: name servers ---- */

struct fake_dns {
    struct dns_ops ops;
    struct zone_record *first;
    enum dns_status broken; /* DNS_FAILED: no server answers */
    unsigned asked;
};

void fake_dns_init(struct fake_dns *d);
void fake_dns_fini(struct fake_dns *d);
/**
 * A word a field, as in a zone: "TTL TYPE NAME DATA...": 60 SRV _sip._udp.x 10 70 5060 h.x; 60 NAPTR x 10 50 s SIP+D2U _sip._udp.x;
 * 60 A h.x 192.0.2.1. @return false: not understood
 */
bool fake_dns_add(struct fake_dns *d, char **word, unsigned n);
/** All records of that name are gone; NULL: of all names. */
void fake_dns_del(struct fake_dns *d, const char *name);

/* ---- dip.c: who answers dips ---- */

#define DIP_PORTS_MAX    16
#define DIPS_WAITING_MAX 64

struct fake_dip {
    struct dip_ops ops;
    struct fake_port {
        char number[NUMBER_MAX], rn[KEY_DIGITS + 1];
    } port[DIP_PORTS_MAX];
    unsigned n_ports;
    struct dip_answer waiting[DIPS_WAITING_MAX]; /* in the order asked */
    unsigned n_waiting;
    unsigned asked;
    char section[CONF_NAME_MAX + 1]; /* asked last */
    bool silent, full, broken;
};

void fake_dip_init(struct fake_dip *d);
/**
 * "+12125551234 +13105550000": ported; others are not. "silence": no answer until "answer"; "full": takes no questions; "fail": cannot say;
 * "ok": none of these. @return false: not understood
 */
bool fake_dip_say(struct fake_dip *d, char **word, unsigned n);
/** The next answer that is due. */
bool fake_dip_take(struct fake_dip *d, struct dip_answer *a);

/* ---- text.c: messages as text, independent of lib/sip ---- */

/** Value of the nth header of that name into out. @return false if there is none */
bool text_header(const char *msg, const char *name, unsigned nth, char *out, size_t size);
/** Value of ";name=" in a header value. */
bool text_param(const char *value, const char *name, char *out, size_t size);
const char *text_body(const char *msg);
bool text_is_request(const char *msg);
/** Method of a request, or of the CSeq of a response. */
void text_method(const char *msg, char out[32]);
int text_status(const char *msg);
/** Request-URI. */
void text_ruri(const char *msg, char *out, size_t size);
/** URI inside <> of a value. */
void text_uri(const char *value, char *out, size_t size);

/* ---- digest.c ---- */

/** The header line that answers a 401 or 407; what: "USER:SECRET[:OPTION]…", see digest.c. @return false: it has no challenge */
bool replay_credentials(const char *challenge, const char *what, const char *method,
                        const char *ruri, char out[1024]);
/** NULL if the message has credentials made of that; else what is wrong. */
const char *replay_digest_check(const char *msg, const char *what);

/* ---- actor.c: simulated peers ---- */

struct actor {
    char name[64]; /* "bravo" or "bravo.2" */
    char trunk[64];
    struct addr addr;
    uint8_t proto; /* enum proto: what it speaks from now on */
    char host[ADDR_STRLEN], hostport[ADDR_STRLEN], media[ADDR_STRLEN];
    char call_id[160], local_tag[80], remote_tag[80];
    char local[256], remote[256]; /* From and To values without tags, from the actor's side */
    char target[300];
    char invite_branch[80], invite_ruri[300];
    unsigned cseq, invite_cseq, branch_no, sdp_version;
    bool invite_in_dialog;
    bool sent_file;   /* bytes of a file: every answer to its address is its own */
    int invite_final; /* final status that its own INVITE got; 0: none */
    char *request[8]; /* last request received of each method, and their names */
    char request_method[8][16];
    char *last; /* what it sent last */
    char *last_invite;
    char *challenge; /* the last 401 or 407 that it got */
};

struct actors {
    struct actor *v[ACTORS_MAX];
    unsigned n;
};

struct actor *actor_get(struct actors *as, const struct conf *conf, const char *name);
void actors_free(struct actors *as);
/** Take what the switch sent to it into account. */
void actor_saw(struct actor *a, const char *msg);
/** The script wrote an INVITE itself: what it says is who the actor is from now on. */
void actor_sent_raw(struct actor *a, const char *msg);
/** True if the message belongs to this actor, or may begin its dialog. */
bool actor_owns(const struct actor *a, const char *msg);

struct wanted {
    const char *what;       /* method or status */
    const char *user;       /* called number of an INVITE that begins a dialog */
    const char *tag;        /* own tag of a response, else the actor's */
    const char *for_method; /* which request a response answers */
    const char *sdp; /* NULL, or "offer", "answer", "hold", "inactive", "none", "audio+video", … */
    char headers[4096]; /* further lines */
    const char *lines;  /* of sdp=lines: what follows its session lines, each with its end */
    const char *body;   /* other body with its type in headers */
    const char *reason;
    const char *auth;    /* credentials for the last challenge */
    const char *contact; /* value of Contact instead of its own; "none" */
    const char *from;    /* who it is, of a request that begins a dialog: From without a tag */
    bool no_to_tag;
};

/** Compose what the actor sends. @return text owned by the caller, or NULL with *why */
char *actor_compose(struct actor *a, const struct wanted *w, const char **why);

/* ---- leak.c: topology ---- */

struct leak {
    struct token *first;
    unsigned found;
    char own[8][ADDR_STRLEN];
    unsigned n_own;
};

void leak_init(struct leak *l);
void leak_fini(struct leak *l);
/** An address of the switch: no secret. */
void leak_own(struct leak *l, const char *host);
/** Note all that names this side in a message that it sent or got. */
void leak_learn(struct leak *l, const char *side, const char *msg);
/** Search a message to this side for anything of the others. @return true: something leaked, told on out */
bool leak_check(struct leak *l, const char *side, const char *msg, FILE *out);

/* ---- cells.c: coverage of the bridge table ---- */

/** A case begins. */
void cells_begin(void);
/** A line of the log. */
void cells_line(const char *line);
/** Has this case visited the cell? known: there is such a cell. */
bool cells_seen(const char *other, const char *event, bool *known);
/** Over all cases. @return how many cells that can be reached were not */
unsigned cells_report(FILE *out);

/* ---- run.c ---- */

struct options {
    bool tcp;      /* the case over TCP: every udp of its configuration */
    bool restart;  /* after each ACK of a confirmed call */
    bool verbose;  /* every message */
    uint64_t seed; /* of the monkey */
    bool no_leak;  /* do not search for leaks: shows what a case would say without the check */
};

/** Has one line of the log since the last question, or since the case began, all these parts? */
bool replay_logged(char **part, unsigned n);
/** @return 0 passed, 1 failed */
int run_case(struct script *s, const struct options *o);

#endif
