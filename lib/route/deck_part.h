/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A part of a deck's file, read by one thread: its rows, its distinct terms, its first errors.
 * deck.c cuts the file into parts and joins what they found; nothing here is shared between parts.
 */
#ifndef ROUTE_DECK_PART_H
#define ROUTE_DECK_PART_H

#include "route/deck_cell.h"

/** How to read the rows of one deck; the same for all parts. */
struct deck_form {
    const struct conf_deck *conf;
    char separator;
    unsigned columns, prefix_at; /* declared; the place of the prefix */
    uint64_t *only;              /* keys; owned by deck.c */
    unsigned n_only;
};

/** A bad row. Nothing is formatted before it is known to be among the first. */
struct deck_bad {
    uint32_t line;  /* of the part, from 0; deck.c makes it one of the file */
    uint32_t other; /* a row that stands in this line already; 0 */
    uint32_t found; /* columns, where their number is wrong; 0 */
    int column;     /* place in conf->column; -1: the row */
    struct span source, word;
    const char *why; /* static */
};

#define DECK_BAD_MAX CONF_ERRORS_MAX

struct deck_part {
    const struct deck_form *form;
    struct span text;
    uint32_t lines;       /* in text; deck_part_count */
    uint32_t first_line;  /* of the file; set by deck.c */
    struct deck_row *row; /* room for lines; set by deck.c. terms: place in this part's */
    uint32_t n;
    struct deck_terms *terms; /* owned */
    uint32_t n_terms;
    uint32_t left_out_only;
    struct deck_bad *bad;        /* owned; the first DECK_BAD_MAX */
    uint32_t n_bad, bad_all;     /* kept; cells and rows that are bad */
    uint32_t bad_rows, bad_last; /* lines with one; the last of them + 1 */
    bool no_memory;

    /* of the reading */
    bool has_quote, has_nul;
    uint64_t *slot; /* hash table of terms */
    uint32_t slots, cap_terms;
    struct deck_seen *seen; /* rows that were read before, by their text */
    uint32_t tries, hits;
};

/** Count lines; look for what makes reading slow. */
void deck_part_count(struct deck_part *p);
/** Read the rows. */
void deck_part_read(struct deck_part *p);
void deck_part_fini(struct deck_part *p);

/** The key is under one of the form's `only`, or there are none. */
bool deck_form_takes(const struct deck_form *f, uint64_t key);
/** Place of the same terms among all; copied if new. The table is p's own: deck.c joins parts with it. @return UINT32_MAX: no memory */
uint32_t deck_part_terms(struct deck_part *p, const struct deck_terms *t);
/** Note a bad row. */
void deck_part_bad(struct deck_part *p, const struct deck_bad *bad);

#endif
