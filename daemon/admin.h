/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket: one request line, one answer, then it closes. Requests are looked up in the table of command.c.
 * The control thread serves it; what a command does is not its business.
 */
#ifndef DAEMON_ADMIN_H
#define DAEMON_ADMIN_H

#include <event2/buffer.h>
#include "daemon/node.h"

/* 4,096 bytes, 48 words: the longest command is explain with five diversions and some assumptions. */
#define ADMIN_LINE_MAX  4096
#define ADMIN_WORDS_MAX 48
/* Operators and their scripts at one time; a 33rd waits in the socket's backlog. */
#define ADMIN_CONNS_MAX 32
/* A client that says nothing or reads nothing for so long is dropped [s]. */
#define ADMIN_IDLE_S 10

struct admin;
struct admin_req;

/** One line of the command table. */
struct command {
    const char *words; /* "show calls" */
    const char *args;  /* "[N]", "UUID"; "" none */
    const char *help;
    unsigned args_min, args_max;
    void (*run)(struct admin_req *r);
};

/** The table, ended by words == NULL. */
extern const struct command command_table[];

/** Listen at RUN-DIR/tandemd.sock, mode 0660. @return 0 or -errno */
int admin_init(struct admin **out, struct node *n, const char *run_dir);
/** Closes all connections and removes the socket. */
void admin_fini(struct admin *a);

/* For commands. A request is answered exactly once, now or later. */
struct node *admin_node(struct admin_req *r);
unsigned admin_n_args(const struct admin_req *r);
const char *admin_arg(const struct admin_req *r, unsigned i);
/** Answer: as JSON if asked so, else by render; body is taken. */
void admin_answer(struct admin_req *r, json_t *body,
                  void (*render)(struct evbuffer *out, const json_t *body));
/** Answer with an error; text may have several lines. */
void admin_error(struct admin_req *r, const char *text);

#endif
