/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registered contacts by trunk slot, and their file: a line a contact, fields between tabs, so that an operator can read it.
 * The registry owns it; lib/call/registrar.c changes it, the control thread saves it.
 */
#include "route/binding.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"
#include "route/trunk.h"

#define FILE_HEAD "tandem-bindings 1\n"
/* Longest line: all texts, a trunk's name, numbers. */
#define LINE_BYTES 2048

struct bindings {
    pthread_mutex_t lock;
    struct registered_set **set; /* by slot; NULL: none */
    uint32_t n;
    _Atomic bool dirty;
};

struct bindings *bindings_new(void)
{
    struct bindings *b = calloc(1, sizeof(*b));
    if (b && pthread_mutex_init(&b->lock, NULL) != 0) {
        free(b);
        return NULL;
    }
    return b;
}

void bindings_free(struct bindings *b)
{
    if (!b)
        return;
    for (uint32_t i = 0; i < b->n; i++)
        free(b->set[i]);
    free(b->set);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

static struct registered_set *set_get(struct bindings *b, uint32_t slot)
{
    if (slot >= b->n) {
        struct registered_set **v = realloc(b->set, (slot + 1) * sizeof(struct registered_set *));
        if (!v)
            return NULL;
        memset(&v[b->n], 0, (slot + 1 - b->n) * sizeof(struct registered_set *));
        b->set = v;
        b->n = slot + 1;
    }
    if (!b->set[slot])
        b->set[slot] = calloc(1, sizeof(struct registered_set));
    return b->set[slot];
}

struct registered_set *bindings_begin(struct bindings *b, uint32_t slot)
{
    pthread_mutex_lock(&b->lock);
    struct registered_set *set = set_get(b, slot);
    if (!set)
        pthread_mutex_unlock(&b->lock);
    return set;
}

void bindings_end(struct bindings *b, bool changed)
{
    if (changed)
        atomic_store_explicit(&b->dirty, true, memory_order_relaxed);
    pthread_mutex_unlock(&b->lock);
}

uint32_t bindings_expire(struct registered_set *set, uint64_t wall_ms)
{
    uint32_t kept = 0, n = set->n;
    for (uint32_t i = 0; i < n; i++)
        if (set->v[i].expires_wall_ms > wall_ms) {
            if (kept != i)
                set->v[kept] = set->v[i];
            kept++;
        }
    set->n = kept;
    return n - kept;
}

bool bindings_are_dirty(struct bindings *b)
{
    return atomic_load_explicit(&b->dirty, memory_order_relaxed);
}

/* ---- the file ---- */

static void write_one(FILE *f, const char *trunk, const struct registered *r)
{
    char addr[ADDR_STRLEN];
    fprintf(f, "%s\t%s\t%s\t%u\t%u\t%" PRIu64 "\t%" PRIu64 "\t%s\t%s\t%s\t%s\n", trunk,
            proto_name(r->at.proto), addr_str(&r->at.addr, addr), r->at.q, r->cseq,
            r->expires_wall_ms, r->since_wall_ms, r->call_id, r->uri, r->params, r->instance);
}

static int write_all(struct trunk_registry *reg, FILE *f, uint64_t wall_ms)
{
    struct bindings *b = trunk_registry_bindings(reg);
    fputs(FILE_HEAD, f);
    for (uint32_t slot = 0; slot < b->n; slot++) {
        const struct trunk_state *ts = trunk_by_slot(reg, slot);
        for (uint32_t i = 0; ts && b->set[slot] && i < b->set[slot]->n; i++)
            if (b->set[slot]->v[i].expires_wall_ms > wall_ms)
                write_one(f, ts->name, &b->set[slot]->v[i]);
    }
    return ferror(f) ? -EIO : 0;
}

/* Under the mutex only memory is written, never the disk. */
static int text_of(struct trunk_registry *reg, uint64_t wall_ms, char **text, size_t *len)
{
    struct bindings *b = trunk_registry_bindings(reg);
    FILE *f = open_memstream(text, len);
    int err;
    if (!f)
        return -ENOMEM;
    pthread_mutex_lock(&b->lock);
    err = write_all(reg, f, wall_ms);
    atomic_store_explicit(&b->dirty, false, memory_order_relaxed);
    pthread_mutex_unlock(&b->lock);
    if (fclose(f) != 0 && err == 0)
        err = -ENOMEM;
    return err;
}

static int write_file(const char *path, const char *text, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), err = 0;
    if (fd < 0)
        return -errno;
    while (len > 0 && err == 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno != EINTR)
            err = -errno;
        if (n > 0) {
            text += n;
            len -= (size_t)n;
        }
    }
    if (err == 0 && fsync(fd) < 0)
        err = -errno;
    if (close(fd) < 0 && err == 0)
        err = -errno;
    return err;
}

int bindings_save(struct trunk_registry *reg, const char *path, uint64_t wall_ms)
{
    char *text = NULL, tmp[4096];
    size_t len = 0;
    int err = text_of(reg, wall_ms, &text, &len);
    if (err == 0 && (size_t)snprintf(tmp, sizeof(tmp), "%s.new", path) >= sizeof(tmp))
        err = -ENAMETOOLONG;
    if (err == 0)
        err = write_file(tmp, text, len);
    if (err == 0 && rename(tmp, path) < 0)
        err = -errno;
    if (err < 0)
        atomic_store_explicit(&trunk_registry_bindings(reg)->dirty, true, memory_order_relaxed);
    free(text);
    return err;
}

static int text_field(struct span *rest, char *buf, size_t size)
{
    struct span s;
    span_cut(*rest, '\t', &s, rest);
    return span_copy(s, buf, size) < 0 ? -EBADMSG : 0;
}

static int number_field(struct span *rest, uint64_t max, uint64_t *out)
{
    struct span s;
    span_cut(*rest, '\t', &s, rest);
    return span_u64(s, max, out) < 0 ? -EBADMSG : 0;
}

static int read_one(struct span line, char trunk[CONF_NAME_MAX + 1], struct registered *r)
{
    char proto[8], addr[ADDR_STRLEN];
    uint64_t q, cseq;
    memset(r, 0, sizeof(*r));
    if (text_field(&line, trunk, CONF_NAME_MAX + 1) < 0 ||
        text_field(&line, proto, sizeof(proto)) < 0 || text_field(&line, addr, sizeof(addr)) < 0 ||
        number_field(&line, 1000, &q) < 0 || number_field(&line, UINT32_MAX, &cseq) < 0 ||
        number_field(&line, UINT64_MAX, &r->expires_wall_ms) < 0 ||
        number_field(&line, UINT64_MAX, &r->since_wall_ms) < 0 ||
        text_field(&line, r->call_id, sizeof(r->call_id)) < 0 ||
        text_field(&line, r->uri, sizeof(r->uri)) < 0 ||
        text_field(&line, r->params, sizeof(r->params)) < 0 ||
        text_field(&line, r->instance, sizeof(r->instance)) < 0)
        return -EBADMSG;
    while (r->at.proto < PROTO_N && strcmp(proto, proto_name(r->at.proto)) != 0)
        r->at.proto++;
    if (r->at.proto == PROTO_N || addr_parse(span_of(addr), 0, &r->at.addr) < 0 ||
        r->at.addr.port == 0)
        return -EBADMSG;
    r->at.q = (uint16_t)q;
    r->cseq = (uint32_t)cseq;
    r->at.listener = UINT16_MAX; /* numbers of sockets are a process's own */
    return 0;
}

static int take_one(struct trunk_registry *reg, const char *trunk, const struct registered *r,
                    uint64_t wall_ms)
{
    struct bindings *b = trunk_registry_bindings(reg);
    struct trunk_state *ts = trunk_registry_find(reg, trunk);
    struct registered_set *set;
    if (!ts || r->expires_wall_ms <= wall_ms)
        return 0; /* its trunk is gone, or its time */
    set = bindings_begin(b, ts->slot);
    if (!set)
        return -ENOMEM;
    bool room = set->n < TARGET_BINDINGS_MAX;
    if (room)
        set->v[set->n++] = *r;
    bindings_end(b, false);
    if (!room)
        return 0;
    int err = targets_restore(reg, ts->slot, &r->at, r->expires_wall_ms - wall_ms);
    return err < 0 ? err : 1;
}

int bindings_load(struct trunk_registry *reg, const char *path, uint64_t wall_ms)
{
    char line[LINE_BYTES], trunk[CONF_NAME_MAX + 1];
    FILE *f = fopen(path, "re");
    struct registered r;
    int err = 0, n = 0;
    if (!f)
        return -errno;
    if (!fgets(line, sizeof(line), f) || strcmp(line, FILE_HEAD) != 0)
        err = -EBADMSG;
    while (err == 0 && fgets(line, sizeof(line), f)) {
        size_t len = strlen(line);
        if (len == 0 || line[len - 1] != '\n' ||
            read_one((struct span){line, len - 1}, trunk, &r) < 0) {
            err = -EBADMSG;
            break;
        }
        int took = take_one(reg, trunk, &r, wall_ms);
        if (took < 0)
            err = took;
        else
            n += took;
    }
    fclose(f);
    return err < 0 ? err : n;
}
