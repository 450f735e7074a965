/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text for operators from the JSON that commands answer with: one renderer a kind of answer.
 * command.c names them in its answers; they see JSON only.
 */
#ifndef DAEMON_RENDER_H
#define DAEMON_RENDER_H

#include <event2/buffer.h>
#include <jansson.h>

struct render_column {
    const char *key;   /* member of each row */
    const char *title; /* printed above it */
    int max;           /* longest value shown; longer ones end in "~" */
};

/** A table of an array of objects; columns end with key == NULL. Widths follow the content. */
void render_table(struct evbuffer *out, const json_t *rows, const struct render_column *col);
/** Members as "key  value" lines, nested objects indented below their key. */
void render_object(struct evbuffer *out, const json_t *body);

#endif
