/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of numbers and prefixes: a hash table of keys, open addressing, sized once by the lines of the file.
 * route.c builds and asks them. Must not know what a list is for.
 */
#include "route/list.h"

#include <ctype.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "route/textfile.h"

/* Keys with their lines. An empty prefix has key 0, which marks a free slot: list.any stands for it. */
struct half {
    uint64_t *key;
    uint32_t *line;
    char (*state)[LIST_STATE_MAX + 1]; /* of LIST_STATES only */
    uint32_t slots, n;
    uint32_t lengths; /* bit n: there are keys of n characters */
};

struct list {
    enum list_kind kind;
    struct half prefix, number;
    bool any; /* the empty prefix is in it */
    uint32_t any_line;
};

/* ---- table ---- */

static uint32_t slot_of(const struct half *h, uint64_t key)
{
    /* keys come from files of the operator, not from an attacker; the product's high half scales to any size */
    uint64_t m = key * 0x9e3779b97f4a7c15ULL;

    m = (m ^ m >> 32) * 0xc2b2ae3d27d4eb4fULL;
    return (uint32_t)((unsigned __int128)m * h->slots >> 64);
}

/* Slot of the key, or the free one where it would stand. */
static uint32_t half_slot(const struct half *h, uint64_t key)
{
    uint32_t i = slot_of(h, key);

    while (h->key[i] && h->key[i] != key)
        i = i + 1 == h->slots ? 0 : i + 1;
    return i;
}

static void half_fini(struct half *h)
{
    free(h->key);
    free(h->line);
    free(h->state);
    *h = (struct half){0};
}

#define HUGE_PAGE ((size_t)2 << 20)

/* Zeroed. Large tables wish for large pages: a lookup then waits for memory, not for page tables, too. */
static void *room(size_t n, size_t each)
{
    size_t size = (n * each + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *p;

    if (n * each < HUGE_PAGE)
        return calloc(n, each);
    p = aligned_alloc(HUGE_PAGE, size);
    if (!p)
        return NULL;
    madvise(p, size, MADV_HUGEPAGE);
    memset(p, 0, size);
    return p;
}

/* Room for n keys at a load of 2/3: two probes for a miss. */
static int half_init(struct half *h, uint32_t n, bool states)
{
    *h = (struct half){.slots = n + n / 2 + 4};
    h->key = room(h->slots, sizeof(*h->key));
    h->line = room(h->slots, sizeof(*h->line));
    if (states)
        h->state = room(h->slots, sizeof(*h->state));
    if (h->key && h->line && (h->state || !states))
        return 0;
    half_fini(h);
    return -ENOMEM;
}

/* Twice the room. Of numbers and prefixes nobody knows beforehand how many of each there are. */
static int half_grow(struct half *h)
{
    struct half bigger;
    int err = half_init(&bigger, h->n < 8 ? 16 : h->n * 2, h->state != NULL);

    if (err)
        return err;
    for (uint32_t i = 0; i < h->slots; i++) {
        uint32_t to;

        if (!h->key[i])
            continue;
        to = half_slot(&bigger, h->key[i]);
        bigger.key[to] = h->key[i];
        bigger.line[to] = h->line[i];
        if (h->state)
            memcpy(bigger.state[to], h->state[i], sizeof(*h->state));
    }
    bigger.n = h->n;
    bigger.lengths = h->lengths;
    half_fini(h);
    *h = bigger;
    return 0;
}

/* @return 0, -ENOMEM, or -EEXIST with the line that has it already in *line */
static int half_add(struct half *h, uint64_t key, struct span state, uint32_t *line)
{
    uint32_t i;

    if (h->n + h->n / 2 + 3 >= h->slots && half_grow(h) != 0)
        return -ENOMEM;
    i = half_slot(h, key);
    if (h->key[i]) {
        *line = h->line[i];
        return -EEXIST;
    }
    h->key[i] = key;
    h->line[i] = *line;
    if (h->state)
        memcpy(h->state[i], state.p, state.len);
    h->lengths |= 1U << key_len(key);
    h->n++;
    return 0;
}

static void half_found(const struct half *h, uint32_t i, uint32_t *line, const char **what)
{
    if (line)
        *line = h->line[i];
    if (what)
        *what = h->state ? h->state[i] : "";
}

bool list_find(const struct list *l, struct span number, uint32_t *line, const char **what)
{
    uint64_t full;
    unsigned n = key_of_number(number, &full);
    uint32_t i;

    if (!l)
        return false;
    if (n > 0 && n == number.len && l->number.lengths >> n & 1U) {
        i = half_slot(&l->number, full);
        if (l->number.key[i]) {
            half_found(&l->number, i, line, what);
            return true;
        }
    }
    for (; n > 0; n--) {
        if (!(l->prefix.lengths >> n & 1U))
            continue;
        i = half_slot(&l->prefix, key_cut(full, n));
        if (l->prefix.key[i]) {
            half_found(&l->prefix, i, line, what);
            return true;
        }
    }
    if (l->any && line)
        *line = l->any_line;
    if (l->any && what)
        *what = "";
    return l->any;
}

uint32_t list_count(const struct list *l)
{
    return l ? l->prefix.n + l->number.n + l->any : 0;
}

size_t list_bytes(const struct list *l)
{
    size_t state = l && l->prefix.state ? sizeof(*l->prefix.state) : 0;

    if (!l)
        return 0;
    return sizeof(*l) + l->prefix.slots * (sizeof(uint64_t) + sizeof(uint32_t) + state) +
           l->number.slots * (sizeof(uint64_t) + sizeof(uint32_t));
}

/* ---- rows ---- */

struct reading {
    struct list *l;
    const char *file;
    struct conf_errors *errs;
    struct span source; /* the line as it stands there */
    uint32_t line;
    bool no_memory;
};

#define SOURCE_MAX 200 /* bytes of a bad line that are shown: a row is some twenty */

static void row_error(struct reading *r, struct span word, const char *text)
{
    char source[SOURCE_MAX + 1], shown[41];
    uint32_t col = (uint32_t)(word.p - r->source.p) + 1;

    textfile_show(r->source, source, sizeof(source));
    textfile_show(word, shown, sizeof(shown));
    conf_error_in_file(r->errs, CONF_ERROR, r->file, r->line, col, (uint32_t)word.len,
                       span_of(source), "'%s' %s", shown, text);
}

static const char *bad_prefix(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '+' && i > 0)
            return "is no number: '+' stands first only";
        if (s.p[i] == 'O' || s.p[i] == 'o')
            return "is no number (letter O?)";
        if (!key_nibble(s.p[i]))
            return "is no number: digits, with an optional leading '+'";
    }
    return s.len > KEY_DIGITS ? "is longer than 16 characters" : NULL;
}

static void add_row(struct reading *r, struct span word, struct span state)
{
    bool prefix = r->l->kind != LIST_NUMBERS;
    struct half *h;
    const char *bad;
    uint64_t key = 0;
    uint32_t line = r->line;
    char text[64];
    int err = 0;
    struct span digits = word;

    if (!prefix && digits.p[digits.len - 1] == '*') {
        prefix = true;
        digits.len--;
    }
    bad = bad_prefix(digits);
    if (!bad && !prefix && span_eq(digits, SPAN("+")))
        bad = "is no number";
    if (bad) {
        row_error(r, word, bad);
        return;
    }
    (void)key_of_prefix(digits, &key); /* bad_prefix has looked */
    h = prefix ? &r->l->prefix : &r->l->number;
    if (key == 0 && r->l->any) {
        line = r->l->any_line;
        err = -EEXIST;
    } else if (key == 0) {
        r->l->any = true;
        r->l->any_line = line;
    } else if (list_count(r->l) >= LIST_ROWS_MAX) {
        err = -EFBIG;
    } else {
        err = half_add(h, key, state, &line);
    }
    if (err == -EEXIST) {
        snprintf(text, sizeof(text), "stands in line %u already", line);
        row_error(r, word, text);
    } else if (err == -EFBIG) {
        row_error(r, word, "is one too many: a list has at most 4194304 rows");
    }
    r->no_memory |= err == -ENOMEM;
}

static void state_row(struct reading *r, struct span row)
{
    struct span prefix, state;

    if (!span_cut(row, ',', &prefix, &state)) {
        row_error(r, row, "has no state: a row is prefix,state");
        return;
    }
    prefix = span_trim(prefix);
    state = span_trim(state);
    if (prefix.len == 0) {
        row_error(r, row, "has no prefix: a row is prefix,state");
        return;
    }
    if (state.len == 0) {
        row_error(r, row, "has no state: a row is prefix,state");
        return;
    }
    for (size_t i = 0; i < state.len; i++) {
        if (!isgraph((unsigned char)state.p[i]) || strchr(",\"';", state.p[i])) {
            row_error(r, state, "is no state: letters, digits, '-'");
            return;
        }
    }
    if (state.len > LIST_STATE_MAX) {
        row_error(r, state, "is longer than 7 characters");
        return;
    }
    add_row(r, prefix, state);
}

static void one_line(struct reading *r, struct span line)
{
    const char *hash = memchr(line.p, '#', line.len);
    struct span row = line;

    if (hash)
        row.len = (size_t)(hash - row.p);
    row = span_trim(row);
    r->source = line;
    if (row.len == 0)
        return;
    if (r->l->kind != LIST_STATES)
        add_row(r, row, SPAN_NONE);
    else if (list_count(r->l) > 0 || !span_case_eq(row, SPAN("prefix,state")))
        state_row(r, row);
}

static uint32_t lines_of(struct span text)
{
    uint32_t n = 1;

    for (const char *p; n < LIST_ROWS_MAX && (p = memchr(text.p, '\n', text.len)); n++)
        text = (struct span){p + 1, text.len - (size_t)(p + 1 - text.p)};
    return n;
}

static struct list *list_new(enum list_kind kind, uint32_t prefixes, uint32_t numbers)
{
    struct list *l = calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    l->kind = kind;
    if (half_init(&l->prefix, prefixes, kind == LIST_STATES) == 0 &&
        half_init(&l->number, numbers, false) == 0)
        return l;
    list_free(l);
    return NULL;
}

struct list *list_load_text(const char *name, struct span text, enum list_kind kind,
                            struct conf_errors *errs)
{
    struct reading r = {.file = name, .errs = errs};
    uint32_t before = errs->errors, rows = text.len ? lines_of(text) : 0;
    struct span line;

    r.l = list_new(kind, kind == LIST_NUMBERS ? 0 : rows, kind == LIST_NUMBERS ? rows : 0);
    r.no_memory = !r.l;
    while (!r.no_memory && textfile_line(&text, &line)) {
        r.line++;
        one_line(&r, line);
    }
    if (r.no_memory)
        conf_error_in_file(errs, CONF_ERROR, name, 0, 0, 0, SPAN_NONE, "out of memory");
    if (errs->errors == before)
        return r.l;
    list_free(r.l);
    return NULL;
}

struct list *list_load(const struct conf *conf, const char *path, struct conf_loc loc,
                       enum list_kind kind, struct conf_errors *errs)
{
    struct textfile f;
    const char *why;
    struct list *l;
    int err = textfile_read(path, LIST_FILE_MAX, &f, &why);

    if (err) {
        conf_error_at(errs, CONF_ERROR, conf, loc, 0, "%s: %s", path, why);
        return NULL;
    }
    l = list_load_text(path, textfile_text(&f), kind, errs);
    textfile_free(&f);
    return l;
}

struct list *list_of(const char *const *prefix, uint32_t n)
{
    struct list *l = list_new(LIST_PREFIXES, n, 0);

    for (uint32_t i = 0; l && i < n; i++) {
        uint64_t key;
        uint32_t line = 0;

        if (key_of_prefix(span_of(prefix[i]), &key) != 0)
            continue;
        if (key == 0) {
            l->any = true;
        } else if (half_add(&l->prefix, key, SPAN_NONE, &line) == -ENOMEM) {
            list_free(l);
            l = NULL;
        }
    }
    return l;
}

void list_free(struct list *l)
{
    if (!l)
        return;
    half_fini(&l->prefix);
    half_fini(&l->number);
    free(l);
}
