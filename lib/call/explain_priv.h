/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One question on its way through the code: shared by explain*.c, of no interest elsewhere.
 * explain.c asks, explain_invite.c writes the INVITE, explain_state.c mirrors the live state, explain_json.c writes the answer down.
 */
#ifndef CALL_EXPLAIN_PRIV_H
#define CALL_EXPLAIN_PRIV_H

#include "call/explain.h"
#include "call/explain_dry.h"

/* 5 KiB: five diversions and three identities of 500 bytes each, and an SDP; a longer question is refused. */
#define EXPLAIN_TEXT_MAX 5120

struct explain {
    const struct explain_param *p;
    const struct explain_ask *ask;
    const struct conf *conf;
    struct explain_dry *dry;
    uint32_t trunk; /* whose call it is */
    struct flow flow;
    char text[EXPLAIN_TEXT_MAX]; /* the INVITE */
    size_t text_len;
    struct route_assume assume;
    struct route_trace trace;
    struct route_decision before; /* the dip, where there is one: ROUTE_DIP, else d */
    struct route_decision d;
    bool is_asked, is_decided; /* before, d are known */
    int only;                  /* the candidate that this run is about; -1: all */
    bool is_barred; /* its trunk is drained or down: the live code takes no call from it */
    bool is_free;   /* of limits: what a carrier would get if it were not full */
    json_t *steps, *dropped;
};

/** The INVITE of the question, and by what it comes. @return 0; -E2BIG; -EINVAL: *why */
int explain_invite(struct explain *e, const char **why);
/** Another one of the same call, for the next run. */
int explain_invite_again(struct explain *e, unsigned nth);

/** The live state of trunk, as source or as candidate, into the private one. */
void explain_mirror(struct explain *e, uint32_t trunk, bool is_in);
/** The operator's word on the trunk whose call it is, into the private one. @return true: it is drained or down */
bool explain_mirror_word(struct explain *e);
/** All that ask the call in (is_in) or out at this trunk: [{what, calls, limit, cps, full…}]. @return owned */
json_t *explain_limits(const struct explain *e, uint32_t trunk, bool is_in);
/** Targets of a trunk with their health. @return owned */
json_t *explain_targets(const struct explain *e, uint32_t trunk);

/** A place in the configuration, into an object. */
void explain_put_loc(json_t *o, const struct conf *conf, const struct conf_loc *loc);
/** Text of anybody: never fails for its bytes. @return owned */
json_t *explain_text(struct span s);
/** What each carrier gets, of a run. @return owned array, the trunk's alone */
json_t *explain_requests(const struct explain *e, const struct dry_result *r, uint32_t trunk);
/** A candidate's offer: deck, prefix, rate. Into o. */
void explain_put_offer(json_t *o, const struct explain *e, const struct route_candidate *c);
/** The decision and what was asked. @return owned; candidates are added by the caller */
json_t *explain_answer(const struct explain *e);

#endif
