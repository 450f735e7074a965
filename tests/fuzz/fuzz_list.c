/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: lists of prefixes, numbers and states. The first byte chooses the kind, the rest is the file.
 * Each line of a list that was taken must be found again, with its line.
 */
#include <stdlib.h>

#include "config/errors.h"
#include "route/list.h"
#include "route/textfile.h"

static void find_again(const struct list *l, struct span text, enum list_kind kind)
{
    struct span line, row, word, rest;
    uint32_t at, found;
    const char *state;

    for (at = 1; textfile_line(&text, &line); at++) {
        (void)span_cut(line, '#', &row, &rest);
        (void)span_cut(row, ',', &word, &rest);
        word = span_trim(word);
        if (word.len == 0 || word.p[word.len - 1] == '*' ||
            (word.p[0] != '+' && (word.p[0] < '0' || word.p[0] > '9')))
            continue;
        if (!list_find(l, word, &found, &state) || found != at || strlen(state) > LIST_STATE_MAX ||
            (*state != '\0') != (kind == LIST_STATES))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum list_kind kinds[] = {LIST_PREFIXES, LIST_NUMBERS, LIST_STATES, LIST_NUMBERS};
    struct conf_errors errs;
    enum list_kind kind;
    struct span text;
    struct list *l;

    if (size < 1)
        return 0;
    kind = kinds[data[0] & 3];
    text = (struct span){(const char *)data + 1, size - 1};
    errors_init(&errs);
    l = list_load_text("l", text, kind, &errs);
    if ((l == NULL) != (errs.errors > 0))
        abort();
    if (l)
        find_again(l, text, kind);
    list_free(l);
    conf_errors_fini(&errs);
    return 0;
}
