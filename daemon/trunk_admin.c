/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file of administrative states: {"version":1,"trunks":{"alpha":{"state":"drain","since":ms,"seen":ms}}}; trunks that are up are not in it.
 * node.c loads and saves it, ctl_state.c changes it. It ends no calls.
 */
#include "daemon/trunk_admin.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/err.h"
#include "core/log.h"
#include "daemon/state.h"

#define FILE_VERSION 1

struct trunk_admins {
    struct trunk_registry *reg;
    json_t *trunks; /* by name, as in the file */
    bool dirty;
    char path[PATH_MAX];
};

struct trunk_admins *trunk_admins_new(struct trunk_registry *reg, const char *dir)
{
    struct trunk_admins *ta = calloc(1, sizeof(*ta));
    if (!ta)
        return NULL;
    ta->reg = reg;
    ta->trunks = json_object();
    if (!ta->trunks ||
        snprintf(ta->path, sizeof(ta->path), "%s/trunks.json", dir) >= (int)sizeof(ta->path)) {
        trunk_admins_free(ta);
        return NULL;
    }
    return ta;
}

void trunk_admins_free(struct trunk_admins *ta)
{
    if (!ta)
        return;
    json_decref(ta->trunks);
    free(ta);
}

static int admin_of_name(const char *word, enum trunk_admin *admin)
{
    for (uint8_t a = TRUNK_UP; word && a <= TRUNK_DOWN; a++)
        if (strcmp(word, trunk_admin_name(a)) == 0) {
            *admin = (enum trunk_admin)a;
            return 0;
        }
    return -EINVAL;
}

/* What stands in the file of one trunk. @return 0; -EINVAL */
static int row_read(const char *name, const json_t *row, enum trunk_admin *admin, uint64_t *since)
{
    const json_t *at = json_object_get(row, "since");
    if (!name[0] || strlen(name) > CONF_NAME_MAX || !json_is_integer(at) ||
        !json_is_integer(json_object_get(row, "seen")))
        return -EINVAL;
    *since = (uint64_t)json_integer_value(at);
    return admin_of_name(json_string_value(json_object_get(row, "state")), admin);
}

static int take_one(struct trunk_admins *ta, const char *name, const json_t *row)
{
    enum trunk_admin admin;
    uint64_t since;
    struct trunk_state *ts = trunk_registry_get(ta->reg, name);
    if (!ts || row_read(name, row, &admin, &since) < 0)
        return -ENOMEM;
    atomic_store(&ts->admin_since_wall_ms, since);
    atomic_store(&ts->admin, (uint8_t)admin);
    log_ev(LOG_WARN, "trunk_admin", "trunk=%s state=%s by=file", name, trunk_admin_name(admin));
    return 0;
}

static bool is_forgotten(const json_t *row, uint64_t wall_ms)
{
    uint64_t seen = (uint64_t)json_integer_value(json_object_get(row, "seen"));
    return seen + TRUNK_ADMIN_KEEP_MS < wall_ms;
}

/* All rows or none: a file of which half is understood would open trunks that somebody has closed, unseen. */
static bool is_whole(const json_t *file)
{
    json_t *row;
    const char *name;
    enum trunk_admin admin;
    uint64_t since;
    json_t *trunks = json_object_get(file, "trunks");
    if (json_integer_value(json_object_get(file, "version")) != FILE_VERSION ||
        !json_is_object(trunks))
        return false;
    json_object_foreach(trunks, name, row)
    {
        if (row_read(name, row, &admin, &since) < 0)
            return false;
    }
    return true;
}

static void put_aside(struct trunk_admins *ta, const char *why)
{
    char bad[PATH_MAX + 8];
    snprintf(bad, sizeof(bad), "%s.bad", ta->path);
    (void)rename(ta->path, bad);
    log_ev(LOG_ERROR, "trunk_admin", "file=%s error=\"%s\" msg=\"all trunks are up\" kept=%s",
           ta->path, why, bad);
}

/* What is no file is not waited for: nobody may write to a FIFO. */
static FILE *open_states(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    FILE *f;
    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
        errno = EINVAL;
    else if ((f = fdopen(fd, "r")))
        return f;
    close(fd);
    return NULL;
}

int trunk_admins_load(struct trunk_admins *ta, uint64_t wall_ms)
{
    json_error_t err;
    const char *name;
    json_t *row;
    void *tmp;
    FILE *f = open_states(ta->path);
    if (!f && errno == ENOENT)
        return 0;
    json_t *file = f ? json_loadf(f, JSON_REJECT_DUPLICATES, &err) : NULL;
    if (!f) {
        int rc = -errno;
        log_ev(LOG_ERROR, "trunk_admin", "file=%s error=\"%s\" msg=\"all trunks are up\"", ta->path,
               err_str(rc));
        return rc;
    }
    fclose(f);
    if (!file || !is_whole(file)) {
        put_aside(ta, file ? "not a file of administrative states" : err.text);
        json_decref(file);
        return -EBADMSG;
    }
    json_decref(ta->trunks);
    ta->trunks = json_incref(json_object_get(file, "trunks"));
    json_decref(file);
    json_object_foreach_safe(ta->trunks, tmp, name, row)
    {
        if (is_forgotten(row, wall_ms)) {
            log_ev(LOG_INFO, "trunk_admin", "trunk=%s msg=\"gone for 90 days: forgotten\"", name);
            json_object_del(ta->trunks, name);
            ta->dirty = true;
        } else if (take_one(ta, name, row) < 0) {
            log_ev(LOG_ERROR, "trunk_admin", "trunk=%s error=\"out of memory\"", name);
        }
    }
    return (int)json_object_size(ta->trunks);
}

int trunk_admins_save(struct trunk_admins *ta, const struct conf *conf, bool all, uint64_t wall_ms)
{
    const char *name;
    json_t *row, *file;
    char *text;
    int rc = -ENOMEM;
    if (!ta->dirty && (!all || json_object_size(ta->trunks) == 0))
        return 0;
    json_object_foreach(ta->trunks, name, row)
    {
        if (conf && conf_find_trunk(conf, name))
            json_object_set_new(row, "seen", json_integer((json_int_t)wall_ms));
    }
    file = json_pack("{s:i,s:O}", "version", FILE_VERSION, "trunks", ta->trunks);
    text = file ? json_dumps(file, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;
    if (text)
        rc = state_write(ta->path, text, strlen(text));
    free(text);
    json_decref(file);
    ta->dirty = rc < 0;
    if (rc < 0)
        log_limited(LOG_ERROR, "trunk_admin", "file=%s error=\"%s\"", ta->path, err_str(rc));
    return rc;
}

int trunk_admins_set(struct trunk_admins *ta, struct trunk_state *ts, enum trunk_admin admin,
                     uint64_t wall_ms)
{
    json_t *row;
    if (atomic_load(&ts->admin) == admin)
        return 0; /* said again: since when it holds stays */
    atomic_store(&ts->admin_since_wall_ms, wall_ms);
    atomic_store(&ts->admin, (uint8_t)admin);
    log_ev(LOG_WARN, "trunk_admin", "trunk=%s state=%s by=operator", ts->name,
           trunk_admin_name(admin));
    ta->dirty = true;
    if (admin == TRUNK_UP) {
        json_object_del(ta->trunks, ts->name);
        return 0;
    }
    row = json_pack("{s:s,s:I,s:I}", "state", trunk_admin_name(admin), "since", (json_int_t)wall_ms,
                    "seen", (json_int_t)wall_ms);
    return json_object_set_new(ta->trunks, ts->name, row) < 0 ? -ENOMEM : 0;
}
