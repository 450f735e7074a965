/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One test on its way: shared by testrun.c (assume, call) and testrun_expect.c (expect), of no interest elsewhere.
 * With errs the words are only checked; with p the calls are made.
 */
#ifndef CALL_TESTRUN_PRIV_H
#define CALL_TESTRUN_PRIV_H

#include "call/explain_priv.h"

struct testrun {
    const struct conf *conf;
    struct conf_errors *errs;      /* check: gets the messages; else NULL */
    const struct explain_param *p; /* run: how; else NULL */
    struct explain_ask ask;
    const struct conf_test_line *line; /* at hand */
    uint32_t at;                       /* its next word */
    json_t *answer;                    /* of the last call */
    json_t *failures;
    bool has_call, is_bad;
};

/** A word and what it does with those behind it. Tables end with word NULL. */
struct testrun_word {
    const char *word;
    void (*run)(struct testrun *t);
};
extern const struct testrun_word testrun_assume[], testrun_call[], testrun_expected[];

/** The next word of the line. what: the message if there is none; NULL: none is fine. */
const struct conf_word *testrun_next(struct testrun *t, const char *what);
bool testrun_trunk(struct testrun *t, const struct conf_word *w, uint32_t *id);
/** "WHAT 'word'"; the test is not run. */
void testrun_wrong(struct testrun *t, const struct conf_word *w, const char *meant,
                   const char *what);
/** What came instead of what the line expects. */
void testrun_fail(struct testrun *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** The line at hand, against the answer. */
void testrun_expect(struct testrun *t);

#endif
