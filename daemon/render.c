/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text for operators from the JSON that commands answer with.
 * Called by admin.c with the renderer a command named; knows nothing of calls or trunks.
 */
#include "daemon/render.h"

#include <stdio.h>
#include <string.h>

#define COLUMNS_MAX 16
#define CELL_MAX    128

/* A value as text. */
static const char *cell(const json_t *v, int max, char buf[CELL_MAX])
{
    buf[0] = '\0';
    if (json_is_string(v))
        snprintf(buf, CELL_MAX, "%s", json_string_value(v));
    else if (json_is_integer(v))
        snprintf(buf, CELL_MAX, "%lld", (long long)json_integer_value(v));
    else if (json_is_real(v))
        snprintf(buf, CELL_MAX, "%.3f", json_real_value(v));
    else if (json_is_boolean(v))
        snprintf(buf, CELL_MAX, "%s", json_is_true(v) ? "yes" : "no");
    else
        snprintf(buf, CELL_MAX, "-");
    if (buf[0] == '\0')
        snprintf(buf, CELL_MAX, "-");
    if (max > 0 && max < CELL_MAX && strlen(buf) > (size_t)max) {
        buf[max - 1] = '~';
        buf[max] = '\0';
    }
    return buf;
}

static void table_line(struct evbuffer *out, const json_t *row, const struct render_column *col,
                       const int *width)
{
    char buf[CELL_MAX];
    for (unsigned i = 0; col[i].key; i++) {
        const json_t *v = row ? json_object_get(row, col[i].key) : NULL;
        const char *text = row ? cell(v, col[i].max, buf) : col[i].title;
        if (json_is_number(v))
            evbuffer_add_printf(out, "%*s", width[i], text);
        else if (col[i + 1].key)
            evbuffer_add_printf(out, "%-*s", width[i], text);
        else
            evbuffer_add_printf(out, "%s", text);
        evbuffer_add_printf(out, "%s", col[i + 1].key ? "  " : "\n");
    }
}

void render_table(struct evbuffer *out, const json_t *rows, const struct render_column *col)
{
    int width[COLUMNS_MAX] = {0};
    char buf[CELL_MAX];
    size_t r;
    const json_t *row;
    for (unsigned i = 0; col[i].key && i < COLUMNS_MAX; i++) {
        width[i] = (int)strlen(col[i].title);
        json_array_foreach(rows, r, row)
        {
            int w = (int)strlen(cell(json_object_get(row, col[i].key), col[i].max, buf));
            width[i] = w > width[i] ? w : width[i];
        }
    }
    table_line(out, NULL, col, width);
    json_array_foreach(rows, r, row) table_line(out, row, col, width);
}

static void render_members(struct evbuffer *out, const json_t *body, int indent)
{
    char buf[CELL_MAX];
    const char *key;
    json_t *v;
    int width = 0;
    json_object_foreach((json_t *)(uintptr_t)body, key, v)
    {
        int w = (int)strlen(key);
        width = w > width ? w : width;
    }
    json_object_foreach((json_t *)(uintptr_t)body, key, v)
    {
        if (json_is_object(v)) {
            evbuffer_add_printf(out, "%*s%s\n", indent, "", key);
            render_members(out, v, indent + 2);
        } else {
            evbuffer_add_printf(out, "%*s%-*s  %s\n", indent, "", width, key, cell(v, 0, buf));
        }
    }
}

void render_object(struct evbuffer *out, const json_t *body)
{
    render_members(out, body, 0);
}
