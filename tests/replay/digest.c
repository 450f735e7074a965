/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Digest of the simulated peers: they answer the switch's challenges and check its credentials. The hashes are lib/sip/digest.c's,
 * which the examples of the RFCs have proved; the texts are picked here.
 * actor.c and expect.c use it. "USER:SECRET[:OPTION]…", options: MD5 (default), SHA-256, noqop, nc=N, uri=URI, realm=REALM.
 */
#include "replay.h"

#include "sip/digest.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct spec {
    char text[256];
    const char *user, *secret, *uri, *realm;
    enum digest_algo algo;
    bool noqop;
    unsigned nc;
};

static void spec_parse(struct spec *s, const char *text)
{
    char *save = NULL, *p;

    memset(s, 0, sizeof *s);
    snprintf(s->text, sizeof s->text, "%s", text);
    s->nc = 1;
    s->user = strtok_r(s->text, ":", &save);
    s->secret = strtok_r(NULL, ":", &save);
    while ((p = strtok_r(NULL, ":", &save))) {
        if (strcmp(p, "SHA-256") == 0)
            s->algo = DIGEST_SHA256;
        else if (strcmp(p, "noqop") == 0)
            s->noqop = true;
        else if (strncmp(p, "nc=", 3) == 0)
            s->nc = (unsigned)strtoul(p + 3, NULL, 10);
        else if (strncmp(p, "uri=", 4) == 0)
            s->uri = p + 4;
        else if (strncmp(p, "realm=", 6) == 0)
            s->realm = p + 6;
    }
    if (!s->secret)
        s->secret = "";
}

/* The text of ` name="…"` or ` name=…` in a header's value. */
static bool field(const char *value, const char *name, char *out, size_t size)
{
    char key[32];
    const char *p;
    size_t n;

    snprintf(key, sizeof key, " %s=", name);
    p = strcasestr(value, key);
    if (!p)
        return false;
    p += strlen(key);
    n = *p == '"' ? strcspn(++p, "\"") : strcspn(p, ", \r\n");
    snprintf(out, size, "%.*s", (int)n, p);
    return true;
}

bool replay_credentials(const char *challenge, const char *what, const char *method,
                        const char *ruri, char out[1024])
{
    char value[1024], realm[256], nonce[256], nc[16], uri[300];
    struct digest_answer a = {0};
    struct build b;
    struct spec s;
    bool proxy = text_status(challenge) == 407;

    spec_parse(&s, what);
    if (!text_header(challenge, proxy ? "Proxy-Authenticate" : "WWW-Authenticate", 0, value,
                     sizeof value) ||
        !field(value, "realm", realm, sizeof realm) || !field(value, "nonce", nonce, sizeof nonce))
        return false;
    snprintf(uri, sizeof uri, "%s", s.uri ? s.uri : ruri);
    a.in = (struct digest_input){.user = span_of(s.user),
                                 .realm = span_of(s.realm ? s.realm : realm),
                                 .secret = span_of(s.secret),
                                 .method = span_of(method),
                                 .uri = span_of(uri),
                                 .nonce = span_of(nonce),
                                 .algo = s.algo};
    a.algo_given = true;
    if (!s.noqop) {
        snprintf(nc, sizeof nc, "%08x", s.nc);
        a.in.nc = span_of(nc);
        a.in.cnonce = SPAN("0a4f113b");
    }
    build_init(&b, out, 1023);
    if (digest_write(&b, proxy ? SPAN("Proxy-Authorization") : SPAN("Authorization"), &a) < 0 ||
        b.overflow)
        return false;
    out[b.len] = '\0';
    return true;
}

const char *replay_digest_check(const char *msg, const char *what)
{
    char value[2048], method[32], realm[256], nonce[256], uri[300], have[128], cnonce[64], nc[16];
    char want[DIGEST_HEX_MAX], ruri[300], user[128], algo[32];
    struct digest_input in = {0};
    struct spec s;

    spec_parse(&s, what);
    if (!text_header(msg, "Authorization", 0, value, sizeof value) &&
        !text_header(msg, "Proxy-Authorization", 0, value, sizeof value))
        return "no credentials";
    text_method(msg, method);
    text_ruri(msg, ruri, sizeof ruri);
    if (!field(value, "username", user, sizeof user) || strcmp(user, s.user) != 0)
        return "another user";
    if (!field(value, "realm", realm, sizeof realm) ||
        !field(value, "nonce", nonce, sizeof nonce) || !field(value, "uri", uri, sizeof uri) ||
        !field(value, "response", have, sizeof have))
        return "credentials that lack something";
    if (strcmp(uri, ruri) != 0 && strcmp(method, "ACK") != 0)
        return "uri is not the Request-URI";
    in = (struct digest_input){.user = span_of(user),
                               .realm = span_of(realm),
                               .secret = span_of(s.secret),
                               .method =
                                   strcmp(method, "ACK") == 0 ? SPAN("INVITE") : span_of(method),
                               .uri = span_of(uri),
                               .nonce = span_of(nonce),
                               .algo = s.algo};
    if (field(value, "algorithm", algo, sizeof algo) &&
        strcasecmp(algo, s.algo == DIGEST_SHA256 ? "SHA-256" : "MD5") != 0)
        return "another algorithm";
    if (s.noqop != !field(value, "nc", nc, sizeof nc))
        return s.noqop ? "a qop" : "no qop";
    if (!s.noqop) {
        if (strtoul(nc, NULL, 16) != s.nc || !field(value, "cnonce", cnonce, sizeof cnonce))
            return "another nc";
        in.nc = span_of(nc);
        in.cnonce = span_of(cnonce);
    }
    if (digest_response(&in, want) < 0 || strcmp(want, have) != 0)
        return "a wrong response";
    return NULL;
}
