/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A dialog as a pointer-free record and back.
 * call_save and call_load call it (journal, second node); the record is read on machines of one byte order.
 */
#include <errno.h>
#include <string.h>
#include "core/err.h"
#include "sip/dialog_priv.h"

#define MAGIC          0x54444c47u /* also tells a record of the other byte order */
#define RECORD_VERSION 2

struct record {
    uint32_t magic;
    uint32_t version;
    uint32_t total; /* with the strings behind it */
    uint32_t local_cseq, remote_cseq, ack_cseq;
    uint64_t ack_serial;
    struct flow flow;
    uint16_t len[DIALOG_N_STRS];
    uint8_t state, is_uac, has_remote_cseq, secure, is_pinned;
};

static size_t strs_len(const uint16_t len[DIALOG_N_STRS])
{
    size_t n = 0;

    for (unsigned i = 0; i < DIALOG_N_STRS; i++)
        n += len[i];
    return n;
}

size_t dialog_save_len(const struct dialog *d)
{
    return sizeof(struct record) + strs_len(d->len);
}

int dialog_save(const struct dialog *d, void *buf, size_t cap)
{
    size_t total = dialog_save_len(d);
    struct record r;

    if (total > cap)
        return -ENOSPC;
    memset(&r, 0, sizeof(r)); /* no byte of the stack gets into a file */
    r.magic = MAGIC;
    r.version = RECORD_VERSION;
    r.total = (uint32_t)total;
    r.local_cseq = d->local_cseq;
    r.remote_cseq = d->remote_cseq;
    r.ack_cseq = d->ack_cseq;
    r.ack_serial = d->ack_serial;
    r.flow = d->flow;
    r.flow.conn =
        0; /* it does not outlive the process: the next request looks for one, or opens it */
    r.state = d->state;
    r.is_uac = d->is_uac;
    r.has_remote_cseq = d->has_remote_cseq;
    r.secure = d->secure;
    r.is_pinned = d->is_pinned;
    memcpy(r.len, d->len, sizeof(r.len));
    memcpy(buf, &r, sizeof(r));
    memcpy((char *)buf + sizeof(r), d->strs, total - sizeof(r));
    return (int)total;
}

static int read_record(const void *buf, size_t len, struct record *r)
{
    if (len < sizeof(*r))
        return -EINVAL;
    memcpy(r, buf, sizeof(*r));
    if (r->magic != MAGIC || r->version != RECORD_VERSION || r->total > len ||
        r->total != sizeof(*r) + strs_len(r->len) || r->state > DIALOG_ENDED)
        return -EINVAL;
    return 0;
}

static int fill(struct dialog *d, const struct record *r, const char *strs)
{
    struct span s[DIALOG_N_STRS];

    for (unsigned i = 0; i < DIALOG_N_STRS; i++) {
        s[i] = (struct span){strs, r->len[i]};
        strs += r->len[i];
    }
    d->local_cseq = r->local_cseq;
    d->remote_cseq = r->remote_cseq;
    d->ack_cseq = r->ack_cseq;
    d->ack_serial = r->ack_serial;
    d->flow = r->flow;
    d->state = r->state;
    d->is_uac = r->is_uac != 0;
    d->has_remote_cseq = r->has_remote_cseq != 0;
    d->secure = r->secure != 0;
    d->is_pinned = r->is_pinned != 0;
    return dialog_set_strs(d, s);
}

int dialog_load(struct dialogs *ds, const void *buf, size_t len, struct dialog **out)
{
    struct dialog *d, *old;
    struct record r;
    struct ident id;
    int err = read_record(buf, len, &r);

    if (err < 0)
        return err;
    d = dialog_alloc(ds);
    if (!d)
        return -ENOMEM;
    err = fill(d, &r, (const char *)buf + sizeof(r));
    if (err == 0) {
        int opened = ident_open(ds->p.ident, dialog_str(d, DIALOG_LOCAL_TAG), &id);
        if ((opened != 0 && opened != TD_ESTALE) || id.kind != IDENT_TAG)
            err = -EINVAL;
    }
    if (err == 0 &&
        dialog_find_tags(ds, dialog_str(d, DIALOG_LOCAL_TAG), dialog_str(d, DIALOG_REMOTE_TAG),
                         dialog_str(d, DIALOG_CALL_ID), &old) == 0)
        err = -EEXIST;
    if (err < 0) {
        dialog_discard(d);
        return err;
    }
    dialog_insert(d, &id);
    *out = d;
    return (int)r.total;
}
