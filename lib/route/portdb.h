/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ported numbers in an LMDB environment: key the number, value its routing number, both text with '+'. Read only.
 * A look-up may wait for the disk: the dip thread does it, never a worker. One thread at a time.
 */
#ifndef ROUTE_PORTDB_H
#define ROUTE_PORTDB_H

#include "route/portability.h"

struct portdb;

/**
 * Open the environment in a folder. Of a file system that is mounted read-only for us no lock is taken: nobody may write there then.
 * @param why  out on failure: static text
 * @return 0; negative errno
 */
int portdb_open(const char *path, struct portdb **out, const char **why);
void portdb_free(struct portdb *db);
/** Is it the environment that stands at this path now? LMDB does not bear the same one opened twice by a process. */
bool portdb_is_at(const struct portdb *db, const char *path);

/** Numbers that are not there are not ported; a value that is no number, an empty one aside, is PORT_FAILED. */
void portdb_find(struct portdb *db, struct span number, struct port_answer *out);
/** Entries, for the operator. */
uint64_t portdb_rows(struct portdb *db);

/** Does it look like an environment: data.mdb there, readable, of LMDB's format? It is not opened. @return 0; negative errno with *why */
int portdb_check(const char *path, const char **why);

/** True once its file was cut or its pages were no tree: each look-up fails, until it is opened anew. */
bool portdb_is_broken(const struct portdb *db);

#endif
