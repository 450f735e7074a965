/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The UUIDs of both endpoints through a B2BUA that passes them across, and makes them where an endpoint does not know Session-ID.
 * Called for each message in and out of a leg; the text is in lib/sip/session_id.c.
 */
#include "call/session.h"

static const struct session_uuid null_uuid;

/* From the call's own random id: the same after a restart, another for each side and attempt. Version 8 (RFC 9562 §5.8). */
static void make(const struct leg *leg, struct session_uuid *out)
{
    const struct call *c = leg->call;
    uint64_t seed = (uint64_t)leg->attempt << 1 | leg->is_in;
    uint64_t half[2] = {hash_bytes(c->uuid, CALL_UUID_LEN, seed),
                        hash_bytes(c->uuid, CALL_UUID_LEN, ~seed)};
    uint8_t bytes[16];

    memcpy(bytes, half, sizeof bytes);
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x80);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    session_uuid_of(bytes, out);
}

void session_learn(struct leg *leg, const struct msg *m)
{
    struct session_uuid uuid;

    if (m->first[HDR_SESSION_ID] &&
        session_id_parse(msg_value(m, HDR_SESSION_ID), &uuid, NULL) == 0 &&
        !session_uuid_is_null(&uuid)) {
        leg->endpoint = uuid;
        return;
    }
    /* Before its first tag nobody has answered yet: a proxy's 100 or a 408 of the network is no endpoint's word. */
    if (session_uuid_is_null(&leg->endpoint) &&
        (m->is_request || (m->status < 300 && !span_is_empty(m->to.tag))))
        make(leg, &leg->endpoint);
}

static const struct session_uuid *behind(const struct leg *other)
{
    return other ? &other->endpoint : &null_uuid;
}

void session_answer(const struct leg *leg, struct txn_server *st)
{
    if (st)
        txn_server_set_session(st, behind(leg_other(leg)), &leg->endpoint);
}

void session_on_compose(void *tu, const struct dialog *d, struct build *b)
{
    const struct ldlg *ld = d->leg;
    const struct leg *leg = ld ? ld->leg : NULL;

    (void)tu;
    if (!leg)
        return;
    call_changed(leg->call); /* its CSeq */
    session_id_write(b, behind(leg->is_in ? leg_other(leg) : leg->call->in), &leg->endpoint);
}

bool session_text(const struct call *c, char out[SESSION_TEXT_LEN + 1])
{
    const struct leg *leg = c->out ? c->out : c->last_out;

    if (!c->in || session_uuid_is_null(&c->in->endpoint))
        return false;
    memcpy(out, session_uuid_text(&c->in->endpoint).p, SESSION_UUID_LEN);
    memcpy(out + SESSION_UUID_LEN, ";remote=", 8);
    memcpy(out + SESSION_UUID_LEN + 8, session_uuid_text(behind(leg)).p, SESSION_UUID_LEN);
    out[SESSION_TEXT_LEN] = '\0';
    return true;
}
