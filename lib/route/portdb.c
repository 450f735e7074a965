/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The LMDB reader: one environment, the unnamed database, one read transaction that is renewed for each look-up.
 * Called by the dip thread alone. It knows neither sections nor calls.
 */
#include "route/portdb.h"

#include <fcntl.h>
#include <lmdb.h>
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
};

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
    ssize_t n;
    int fd;

    *why = "its path is too long";
    if ((size_t)snprintf(file, sizeof file, "%s/data.mdb", path) >= sizeof file)
        return -ENAMETOOLONG;
    fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        int err = errno;

        *why = err == ENOENT   ? "no file data.mdb in it"
               : err == EACCES ? "its data.mdb may not be read"
                               : "its data.mdb cannot be opened";
        return -err;
    }
    n = pread(fd, head, sizeof head, META_AT);
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

int portdb_open(const char *path, struct portdb **out, const char **why)
{
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
    rc = mdb_env_create(&db->env);
    if (rc == 0) /* no read-ahead: one page of a random number is wanted, not its neighbours */
        rc = mdb_env_open(db->env, path, MDB_RDONLY | MDB_NORDAHEAD | MDB_NOTLS, 0640);
    if (rc == 0)
        rc = mdb_txn_begin(db->env, NULL, MDB_RDONLY, &db->txn);
    if (rc == 0) {
        rc = mdb_dbi_open(db->txn, NULL, 0, &db->dbi);
        mdb_txn_reset(db->txn);
    }
    if (rc) {
        *why = why_of(rc);
        portdb_free(db);
        return rc > 0 ? -rc : -EIO;
    }
    *out = db;
    return 0;
}

void portdb_free(struct portdb *db)
{
    if (!db)
        return;
    if (db->txn)
        mdb_txn_abort(db->txn);
    if (db->env)
        mdb_env_close(db->env);
    free(db);
}

bool portdb_is_at(const struct portdb *db, const char *path)
{
    struct stat st;

    return data_stat(path, &st) == 0 && st.st_dev == db->dev && st.st_ino == db->ino;
}

void portdb_find(struct portdb *db, struct span number, struct port_answer *out)
{
    MDB_val key = {number.len, (void *)(uintptr_t)number.p}, val;
    uint64_t rn;
    int rc = mdb_txn_renew(db->txn);

    *out = (struct port_answer){PORT_FAILED, ""};
    if (rc == MDB_MAP_RESIZED && mdb_env_set_mapsize(db->env, 0) == 0)
        rc = mdb_txn_renew(db->txn); /* its writer has made it larger */
    if (rc)
        return;
    rc = mdb_get(db->txn, db->dbi, &key, &val);
    if (rc == MDB_NOTFOUND || (rc == 0 && val.mv_size == 0))
        out->status = PORT_HOME;
    else if (rc == 0 && portability_key((struct span){val.mv_data, val.mv_size}, &rn) == 0) {
        out->status = PORT_PORTED;
        (void)key_text(rn, out->rn);
    }
    mdb_txn_reset(db->txn);
}

uint64_t portdb_rows(struct portdb *db)
{
    MDB_stat st;

    return mdb_env_stat(db->env, &st) == 0 ? st.ms_entries : 0;
}
