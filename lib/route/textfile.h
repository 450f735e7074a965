/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file of rows read whole into memory: decks, lists, time zones. A copy, not a map: a file that shrinks under a map kills the process.
 * Called off the workers only; knows nothing of rows.
 */
#ifndef ROUTE_TEXTFILE_H
#define ROUTE_TEXTFILE_H

#include "core/span.h"

struct textfile {
    char *p; /* owned; never NULL after success */
    size_t len;
};

/**
 * Read a regular file. Anything else is refused without waiting for it: a FIFO, a socket, a folder, a device.
 *
 * @param max  bytes: a larger one is refused before anything is read
 * @param why  out on failure: text for the operator, static or of strerror
 * @return 0, then textfile_free; a negative errno: cannot be opened or read; -EINVAL no regular file; -EFBIG larger than max;
 *         -EAGAIN it was changed while it was read; -ENOMEM
 */
int textfile_read(const char *path, size_t max, struct textfile *out, const char **why);
void textfile_free(struct textfile *f);

/** The text without a UTF-8 byte order mark. */
struct span textfile_text(const struct textfile *f);

/**
 * Take the next line off *rest: without its LF and a CR before it.
 * @return false: there is none
 */
bool textfile_line(struct span *rest, struct span *line);

/** Bytes of the character at p, well-formed UTF-8 (RFC 3629 §4). @param len  not 0. @return 0: it is none */
size_t textfile_utf8(const unsigned char *p, size_t len);
/** For messages: each byte that is not of printable UTF-8 as '?', so that columns hold; cut at size. @return out */
const char *textfile_show(struct span s, char *out, size_t size);

#endif
