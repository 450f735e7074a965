/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of a check (RFC 8445 §7.3, RFC 8489 §9.1.3): cheap comparisons first, the hash only for whoever knows the user name.
 * Nothing is allocated for a packet, and no more are looked at than ICE_PER_SECOND.
 */
#include "relay/ice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct ice {
    struct media_ice want;
    struct stun_key key;
    unsigned name_len;
    char name[sizeof((struct media_ice *)0)->ufrag +
              sizeof((struct media_ice *)0)->remote_ufrag]; /* ours:theirs */
    uint64_t second_ms;
    unsigned n_second;
};

static bool is_ice_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
           c == '/';
}

/* At least min characters, then zeros to the end. */
static bool text_ok(const char *s, size_t size, size_t min)
{
    size_t len = strnlen(s, size);

    if (len < min || len == size)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (i < len ? !is_ice_char(s[i]) : s[i] != 0)
            return false;
    }
    return true;
}

int ice_check(const struct media_ice *i)
{
    static const struct media_ice nothing;
    struct media_ice rest = *i;

    rest.endpoint = rest.is_on = 0;
    if (i->is_on > 1)
        return -EINVAL;
    if (!i->is_on)
        return memcmp(&rest, &nothing, sizeof(rest)) == 0 ? 0 : -EINVAL;
    if (i->pad || i->pad2[0] || i->pad2[1] || memcmp(i->pad3, nothing.pad3, sizeof(i->pad3)) != 0)
        return -EINVAL;
    return text_ok(i->ufrag, sizeof(i->ufrag), 4) && text_ok(i->pwd, sizeof(i->pwd), 22) &&
                   text_ok(i->remote_ufrag, sizeof(i->remote_ufrag), 0)
               ? 0
               : -EINVAL;
}

int ice_new(const struct media_ice *want, struct ice **out)
{
    struct ice *i = calloc(1, sizeof(*i));
    size_t ours = strlen(want->ufrag), theirs = strlen(want->remote_ufrag);

    if (!i)
        return -ENOMEM;
    i->want = *want;
    memcpy(i->name, want->ufrag, ours);
    i->name[ours] = ':';
    memcpy(i->name + ours + 1, want->remote_ufrag, theirs);
    i->name_len = (unsigned)(ours + 1 + theirs);
    stun_key_init(&i->key, want->pwd);
    *out = i;
    return 0;
}

void ice_free(struct ice *i)
{
    if (!i)
        return;
    explicit_bzero(i, sizeof(*i));
    free(i);
}

bool ice_is_restart(const struct ice *i, const struct ice *old)
{
    return strcmp(i->want.ufrag, old->want.ufrag) != 0 || strcmp(i->want.pwd, old->want.pwd) != 0 ||
           strcmp(i->want.remote_ufrag, old->want.remote_ufrag) != 0;
}

static bool is_for_us(const struct ice *i, const struct stun *s)
{
    bool is_any = !i->want.remote_ufrag[0];

    return (is_any ? s->username_len >= i->name_len : s->username_len == i->name_len) &&
           memcmp(s->username, i->name, i->name_len) == 0;
}

static bool is_in_rate(struct ice *i, uint64_t now_ms)
{
    if (now_ms >= i->second_ms + 1000) {
        i->second_ms = now_ms;
        i->n_second = 0;
    }
    if (i->n_second >= ICE_PER_SECOND)
        return false;
    i->n_second++;
    return true;
}

/* Of a request under our password. */
static uint16_t code_of(const struct stun *s)
{
    if (s->n_unknown)
        return 420;
    return s->is_controlled ? 487 : 0; /* a lite one is always controlled (RFC 8445 §6.1.1) */
}

/*
 * What is said to a request. A stranger without the user name costs no hash and takes nobody's place in the rate.
 * @return false: nothing
 */
static bool judge(struct ice *i, const struct stun *s, const struct ice_packet *p, uint64_t now_ms,
                  struct stun_answer *a)
{
    bool is_named = s->username && s->integrity_at && is_for_us(i, s);

    if ((!is_named && !p->is_party) || !is_in_rate(i, now_ms))
        return false;
    if (is_named && stun_is_authentic(s, p->data, &i->key)) {
        a->key = &i->key;
        a->code = code_of(s);
        return true;
    }
    a->code = s->username && s->integrity_at ? 401 : 400;
    return p->is_party;
}

enum ice_verdict ice_input(struct ice *i, const struct ice_packet *p, uint64_t now_ms, uint8_t *out,
                           uint32_t *out_len)
{
    struct stun s;
    struct stun_answer a = {.to = &s, .mapped = p->from};

    if (stun_read(p->data, p->len, &s) < 0)
        return ICE_BAD;
    if (s.type ==
        STUN_INDICATION) /* kept alive (RFC 8445 §11): without integrity, and worth nothing else */
        return ICE_SILENT;
    if (s.type != STUN_REQUEST || !judge(i, &s, p, now_ms, &a))
        return ICE_BAD;
    *out_len = stun_write(&a, out);
    if (!a.key)
        return ICE_REFUSED;
    return a.code == 0 && s.use_candidate ? ICE_NOMINATED : ICE_ANSWER;
}
