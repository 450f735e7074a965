/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which lines a few files have: a set of their hashes.
 * A sink asks it for records that come again after a restart; it knows no names of files.
 */
#ifndef CDR_SEEN_H
#define CDR_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seen {
    uint64_t *slot; /* 0: empty */
    size_t n, cap;  /* cap: a power of two */
};

/** One line with its newline. @return false: it was there */
bool seen_add(struct seen *s, const char *line, size_t len);
/** All whole lines in the last max bytes of a plain file; one that cannot be read has none. @return bytes read */
uint64_t seen_file(struct seen *s, const char *path, uint64_t max);
void seen_fini(struct seen *s);

#endif
