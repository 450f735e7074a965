/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was written differently: the sections of two configurations by kind and name, and the lines in which they differ.
 * `diff` shows it. Where something stands, blanks, comments and quotes that need not be do not count; it knows no keyword.
 */
#ifndef CONFIG_COMPARE_H
#define CONFIG_COMPARE_H

#include "config/config.h"

enum compare_what { COMPARE_ADDED, COMPARE_REMOVED, COMPARE_CHANGED };

struct compare_line {
    bool added;
    struct conf_loc loc;
    struct span keyword, text; /* text: the whole statement as it was written */
};

struct compare_section {
    enum compare_what what;
    struct span kind, name;          /* "trunk", "alpha"; the name may be empty (global) */
    struct conf_loc loc;             /* in the new one; of what was removed in the old one */
    const struct compare_line *line; /* of CHANGED: by keyword, what was removed first */
    uint32_t n;
    bool reordered; /* the same lines in another order: they are read top-down in some sections */
};

/**
 * Compare. Sections are told by kind and name.
 * @param fn  what it is given is valid during the call
 * @return 0; -ENOMEM
 */
int conf_compare(const struct conf *old, const struct conf *now,
                 void (*fn)(void *arg, const struct compare_section *s), void *arg);

#endif
