/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A question as people type it: words into a struct explain_ask, with what was meant where a word is wrong.
 * tandemctl and the command of the control socket call it, testrun.c shares its parts. It asks nothing.
 */
#ifndef CALL_EXPLAIN_WORDS_H
#define CALL_EXPLAIN_WORDS_H

#include "call/explain.h"

/** What --help says of the words. */
extern const char explain_words_help[];

/**
 * `--from TRUNK --called N ...`.
 * @param word  borrowed as long as ask
 * @param ask   made by explain_ask_init; explain_ask_fini in any case
 * @return 0; -EINVAL: why
 */
int explain_words(const struct conf *conf, unsigned n, const char *const *word,
                  struct explain_ask *ask, char *why, size_t size);

/** `2026-12-01`, `2026-12-01T08:30`, with seconds, Z or +01:00; UTC without. @return 0; -EINVAL */
int explain_time(const char *text, int64_t *wall_s);

/** The trunk's id. @return 0; -ENOENT; *meant: the one with a name like it, or NULL */
int explain_trunk(const struct conf *conf, const char *name, uint32_t *id, const char **meant);

#endif
