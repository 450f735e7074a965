/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Offers and answers of our own (RFC 3264 §5, §6), composed by the line from codec names.
 * Called by call/interwork. Keeps no state and knows no dialog.
 */
#include "sip/sdp_answer.h"

#include "sip/sdp_format.h"

#include <errno.h>
#include <string.h>

struct codec {
    const char *word; /* of the configuration */
    const char *pt;
    const char *name; /* of rtpmap */
    const char *fmtp;
};

/* Dynamic numbers are those that most carriers use. */
static const struct codec codecs[] = {
    {"pcmu", "0", "PCMU/8000", NULL},
    {"pcma", "8", "PCMA/8000", NULL},
    {"gsm", "3", "GSM/8000", NULL},
    {"g722", "9", "G722/8000", NULL},
    {"g729", "18", "G729/8000", "annexb=no"}, /* RFC 3555 §4.1.9: its absence would mean yes */
    {"opus", "111", "opus/48000/2", NULL},
    {"clearmode", "97", "CLEARMODE/8000", NULL}, /* RFC 4040 */
    {"telephone-event", "101", "telephone-event/8000", "0-15"},
};

static const char *const dir_lines[] = {
    [SDP_DIR_NONE] = "",
    [SDP_SENDRECV] = "a=sendrecv\r\n",
    [SDP_SENDONLY] = "a=sendonly\r\n",
    [SDP_RECVONLY] = "a=recvonly\r\n",
    [SDP_INACTIVE] = "a=inactive\r\n",
};

static const struct codec *codec_of(const char *word)
{
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++)
        if (strcmp(codecs[i].word, word) == 0)
            return &codecs[i];
    return NULL;
}

int sdp_offer(const char *const *codec, size_t n, struct build *b)
{
    size_t known = 0;

    for (size_t i = 0; i < n; i++)
        known += codec_of(codec[i]) != NULL;
    if (known == 0)
        return -EINVAL;
    build_str(b, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                 "m=audio 9 RTP/AVP");
    for (size_t i = 0; i < n; i++) {
        const struct codec *k = codec_of(codec[i]);

        if (k) {
            build_char(b, ' ');
            build_str(b, k->pt);
        }
    }
    build_str(b, "\r\n");
    for (size_t i = 0; i < n; i++) {
        const struct codec *k = codec_of(codec[i]);

        if (!k)
            continue;
        build_str(b, "a=rtpmap:");
        build_str(b, k->pt);
        build_char(b, ' ');
        build_str(b, k->name);
        build_str(b, "\r\n");
        if (k->fmtp) {
            build_str(b, "a=fmtp:");
            build_str(b, k->pt);
            build_char(b, ' ');
            build_str(b, k->fmtp);
            build_str(b, "\r\n");
        }
    }
    build_str(b, "a=ptime:20\r\na=sendrecv\r\n");
    return b->overflow ? -ENOSPC : 0;
}

/* ---- the answer -------------------------------------------------------------------------------------------------- */

static bool sends(enum sdp_dir d)
{
    return d == SDP_DIR_NONE || d == SDP_SENDRECV || d == SDP_SENDONLY;
}

static bool takes(enum sdp_dir d)
{
    return d == SDP_DIR_NONE || d == SDP_SENDRECV || d == SDP_RECVONLY;
}

static enum sdp_dir answer_dir(enum sdp_dir offer, enum sdp_dir said)
{
    bool send = sends(said) && takes(offer), take = takes(said) && sends(offer);

    if (send)
        return take ? SDP_SENDRECV : SDP_SENDONLY;
    return take ? SDP_RECVONLY : SDP_INACTIVE;
}

static void put_m_head(struct build *b, const struct sdp_media *m, unsigned port)
{
    build_str(b, "m=");
    build_span(b, m->type);
    build_char(b, ' ');
    build_u32(b, port);
    build_char(b, ' ');
    build_span(b, m->proto);
}

static void put_refused(struct build *b, const struct sdp_media *m)
{
    put_m_head(b, m, 0);
    build_char(b, ' ');
    build_span(b, m->fmt);
    build_str(b, "\r\n");
}

static bool is_dir_line(struct span line)
{
    for (size_t i = 1; i < sizeof dir_lines / sizeof dir_lines[0]; i++)
        if (span_eq(line, (struct span){dir_lines[i], strlen(dir_lines[i]) - 2}))
            return true;
    return false;
}

/* Lines of said, but for formats that were not chosen and its direction. */
static void put_lines(struct build *b, const struct sdp_media *said, const struct sdp_formats *f,
                      const bool *chosen)
{
    struct span rest = said->lines, raw, line, fmt, value;

    (void)sdp_format_line(&rest, &raw, &line); /* the m-line */
    while (sdp_format_line(&rest, &raw, &line)) {
        bool keep = !span_is_empty(line) && !is_dir_line(line);

        if (keep && sdp_format_of_line(line, &fmt, &value)) {
            keep = false;
            for (unsigned i = 0; i < f->n; i++)
                keep = keep || (chosen[i] && span_eq(f->v[i].fmt, fmt));
        }
        if (keep) {
            build_span(b, line);
            build_str(b, "\r\n");
        }
    }
}

static bool put_answer(struct build *b, const struct sdp *offer, const struct sdp *said, unsigned i)
{
    const struct sdp_media *mo = &offer->media[i], *ms = &said->media[i];
    struct sdp_formats fo, fs;
    bool chosen[SDP_FORMATS_MAX] = {false};
    int order[SDP_FORMATS_MAX];
    unsigned n = 0, voices = 0;

    if (i >= said->n_media || mo->port == 0 || ms->port == 0 || !span_eq(mo->type, ms->type) ||
        !span_case_eq(mo->proto, ms->proto))
        return false;
    sdp_formats(mo, &fo);
    sdp_formats(ms, &fs);
    for (unsigned k = 0; k < fo.n; k++) {
        int at = sdp_format_find(&fs, fo.v[k].name);

        if (at < 0 || chosen[at])
            continue;
        chosen[at] = true;
        order[n++] = at;
        voices += !sdp_format_is_aside(fo.v[k].name);
    }
    if (voices == 0)
        return false;
    put_m_head(b, mo, ms->port);
    for (unsigned k = 0; k < n; k++) {
        build_char(b, ' ');
        build_span(b, fs.v[order[k]].fmt);
    }
    build_str(b, "\r\n");
    put_lines(b, ms, &fs, chosen);
    build_str(b, dir_lines[answer_dir(sdp_dir(offer, i), sdp_dir(said, i))]);
    return true;
}

/* Session lines of who said it; for a refusal alone those of the offer, which are rewritten all the same. */
static void put_session(struct build *b, const struct sdp *s)
{
    struct span rest = s->session, raw, line;

    while (sdp_format_line(&rest, &raw, &line))
        if (!span_is_empty(line) && !is_dir_line(line)) {
            build_span(b, line);
            build_str(b, "\r\n");
        }
}

int sdp_answer(const struct sdp *offer, const struct sdp *said, struct build *b)
{
    int accepted = 0;

    put_session(b, said ? said : offer);
    for (unsigned i = 0; i < offer->n_media; i++) {
        if (said && put_answer(b, offer, said, i))
            accepted++;
        else
            put_refused(b, &offer->media[i]);
    }
    return b->overflow ? -ENOSPC : accepted;
}

bool sdp_covers(const struct sdp *answer, const struct sdp *said)
{
    struct sdp_formats fa, fs;

    if (answer->n_media != said->n_media)
        return false;
    for (unsigned i = 0; i < said->n_media; i++) {
        if ((answer->media[i].port == 0) != (said->media[i].port == 0))
            return false;
        if (said->media[i].port == 0)
            continue;
        if (sends(sdp_dir(said, i)) != takes(sdp_dir(answer, i)) ||
            takes(sdp_dir(said, i)) != sends(sdp_dir(answer, i)))
            return false;
        sdp_formats(&answer->media[i], &fa);
        sdp_formats(&said->media[i], &fs);
        for (unsigned k = 0; k < fs.n; k++)
            if (sdp_format_find(&fa, fs.v[k].name) < 0)
                return false;
    }
    return true;
}
