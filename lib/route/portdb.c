/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The LMDB reader: one environment, the unnamed database, one read transaction that is renewed for each look-up.
 * Called by the dip thread alone. It knows neither sections nor calls.
 */
#include "route/portdb.h"

#include <fcntl.h>
#include <lmdb.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The first page of data.mdb: a page header of 16 bytes, then magic and version (0.9). */
#define META_AT      16
#define META_MAGIC   0xBEEFC0DEU
#define META_VERSION 1U

struct portdb {
    MDB_env *env;
    MDB_txn *txn; /* reset between look-ups: it holds no page of a writer */
    MDB_dbi dbi;
    dev_t dev;
    ino_t ino;
    bool broken; /* its file went from under the map, or its pages are no tree: never read again */
};

/* ---- a file that is cut while it is mapped ------------------------------------------------------------------------ */

/*
 * LMDB reads a shared map: where somebody truncates the file, or copies another over it, the next read is SIGBUS, and pages that are
 * no tree end in its assertion. Neither may end the calls of a switch: the look-up fails and the environment is not used any more.
 */
static _Thread_local sigjmp_buf *volatile guard;

static void on_bus(int sig)
{
    if (guard)
        siglongjmp(*guard, 1);
    signal(sig, SIG_DFL); /* not ours: the read is tried again and ends the process as ever */
}

static void on_assert(MDB_env *env, const char *text)
{
    (void)env;
    (void)text;
    if (guard)
        siglongjmp(*guard, 1);
    abort();
}

static void catch_bus(void)
{
    static const struct sigaction act = {.sa_handler = on_bus};
    sigset_t bus;

    (void)sigaction(SIGBUS, &act, NULL);
    sigemptyset(&bus);
    sigaddset(&bus, SIGBUS);
    (void)pthread_sigmask(SIG_UNBLOCK, &bus, NULL); /* blocked, it would end the process at once */
}

/* fn under guard. @return false: it was broken off */
static bool guarded(struct portdb *db, void (*fn)(struct portdb *db, void *arg), void *arg)
{
    sigjmp_buf here;

    if (db->broken)
        return false;
    if (sigsetjmp(here, 1) == 0) {
        guard = &here;
        fn(db, arg);
    } else {
        db->broken = true;
    }
    guard = NULL;
    return !db->broken;
}

bool portdb_is_broken(const struct portdb *db)
{
    return db->broken;
}

/* ---- opening -------------------------------------------------------------------------------------------------------- */

static int data_stat(const char *path, struct stat *st)
{
    char file[4096];

    if ((size_t)snprintf(file, sizeof file, "%s/data.mdb", path) >= sizeof file)
        return -ENAMETOOLONG;
    return stat(file, st) < 0 ? -errno : 0;
}

int portdb_check(const char *path, const char **why)
{
    char file[4096];
    uint32_t head[2] = {0, 0};
    struct stat st;
    ssize_t n;
    int fd;

    *why = "its path is too long";
    if ((size_t)snprintf(file, sizeof file, "%s/data.mdb", path) >= sizeof file)
        return -ENAMETOOLONG;
    fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* nobody may write to a FIFO */
    if (fd < 0) {
        int err = errno;

        *why = err == ENOENT   ? "no file data.mdb in it"
               : err == EACCES ? "its data.mdb may not be read"
                               : "its data.mdb cannot be opened";
        return -err;
    }
    n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? pread(fd, head, sizeof head, META_AT) : -1;
    close(fd);
    if (n == (ssize_t)sizeof head && head[0] == META_MAGIC && head[1] == META_VERSION)
        return 0;
    *why = "its data.mdb is not of LMDB 0.9";
    return -EBADMSG;
}

static const char *why_of(int rc)
{
    return rc == EACCES
               ? "its lock.mdb cannot be written: give us the folder, or mount it read-only"
           : rc == ENOENT ? "no such folder, or no data.mdb in it"
                          : mdb_strerror(rc);
}

struct opening {
    const char *path;
    int rc;
};

static void open_env(struct portdb *db, void *arg)
{
    struct opening *o = arg;

    o->rc = mdb_env_create(&db->env);
    if (o->rc == 0)
        o->rc = mdb_env_set_assert(db->env, on_assert);
    if (o->rc == 0) /* no read-ahead: one page of a random number is wanted, not its neighbours */
        o->rc = mdb_env_open(db->env, o->path, MDB_RDONLY | MDB_NORDAHEAD | MDB_NOTLS, 0640);
    if (o->rc == 0)
        o->rc = mdb_txn_begin(db->env, NULL, MDB_RDONLY, &db->txn);
    if (o->rc == 0) {
        o->rc = mdb_dbi_open(db->txn, NULL, 0, &db->dbi);
        mdb_txn_reset(db->txn);
    }
}

int portdb_open(const char *path, struct portdb **out, const char **why)
{
    struct opening o = {path, MDB_CORRUPTED};
    struct portdb *db;
    struct stat st;
    int rc = portdb_check(path, why);

    if (rc < 0)
        return rc;
    rc = data_stat(path, &st);
    if (rc < 0) {
        *why = "it has gone";
        return rc;
    }
    db = calloc(1, sizeof *db);
    *why = "out of memory";
    if (!db)
        return -ENOMEM;
    db->dev = st.st_dev;
    db->ino = st.st_ino;
    catch_bus();
    if (!guarded(db, open_env, &o))
        o.rc = MDB_CORRUPTED;
    if (o.rc) {
        *why = why_of(o.rc);
        portdb_free(db);
        return o.rc > 0 ? -o.rc : -EIO;
    }
    *out = db;
    return 0;
}

static void close_env(struct portdb *db, void *arg)
{
    (void)arg;
    if (db->txn)
        mdb_txn_abort(db->txn);
    if (db->env)
        mdb_env_close(db->env);
}

/* A broken one gives its map and its place among the readers back, too: neither needs a page of the file. */
void portdb_free(struct portdb *db)
{
    if (!db)
        return;
    db->broken = false;
    (void)guarded(db, close_env, NULL);
    free(db);
}

bool portdb_is_at(const struct portdb *db, const char *path)
{
    struct stat st;

    return data_stat(path, &st) == 0 && st.st_dev == db->dev && st.st_ino == db->ino;
}

struct finding {
    struct span number;
    struct port_answer *out;
};

static void find(struct portdb *db, void *arg)
{
    struct finding *f = arg;
    MDB_val key = {f->number.len, (void *)(uintptr_t)f->number.p}, val;
    uint64_t rn;
    int rc = mdb_txn_renew(db->txn);

    if (rc == MDB_MAP_RESIZED && mdb_env_set_mapsize(db->env, 0) == 0)
        rc = mdb_txn_renew(db->txn); /* its writer has made it larger */
    if (rc)
        return;
    rc = mdb_get(db->txn, db->dbi, &key, &val);
    if (rc == MDB_NOTFOUND || (rc == 0 && val.mv_size == 0))
        f->out->status = PORT_HOME;
    else if (rc == 0 && portability_key((struct span){val.mv_data, val.mv_size}, &rn) == 0) {
        f->out->status = PORT_PORTED;
        (void)key_text(rn, f->out->rn);
    }
    mdb_txn_reset(db->txn);
}

void portdb_find(struct portdb *db, struct span number, struct port_answer *out)
{
    struct finding f = {number, out};

    *out = (struct port_answer){PORT_FAILED, ""};
    if (!guarded(db, find, &f))
        *out = (struct port_answer){PORT_FAILED, ""};
}

static void count_rows(struct portdb *db, void *arg)
{
    MDB_stat st;

    if (mdb_env_stat(db->env, &st) == 0)
        *(uint64_t *)arg = st.ms_entries;
}

uint64_t portdb_rows(struct portdb *db)
{
    uint64_t n = 0;

    return guarded(db, count_rows, &n) ? n : 0;
}
