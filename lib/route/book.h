/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a configuration names beside itself, read and checked: decks, number lists, calendars, states. Made once for a load, by the check or by
 * route_new, whichever comes first, so that ten million rows are not parsed twice.
 * route.c takes lists and calendars out of it and merges the decks. Knows nothing of calls.
 */
#ifndef ROUTE_BOOK_H
#define ROUTE_BOOK_H

#include "config/config.h"

/*
 * A load goes: conf_load_more(path, env, route_check_files, &p, errs) with a struct route_param p leaves the book in p.book; route_new(&p) takes
 * it, or reads for itself when it is NULL. book_free(p.book) ends what nobody took (NULL is fine), also after conf has been freed.
 */
struct book;

/**
 * Read and check all that conf names; every message goes to errs. Seconds for millions of rows: off the workers.
 * @param now_s    wall clock [s]: which rows are expired
 * @param threads  at most; 0: 1
 * @return owned, book_free; also when there were errors; NULL: out of memory
 */
struct book *book_load(const struct conf *conf, int64_t now_s, unsigned threads,
                       struct conf_errors *errs);
void book_free(struct book *b);

#endif
