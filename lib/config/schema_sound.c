/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Schema of the section sound, and of what trunks do with sounds and digits: ringback, announce, dtmf.
 * parse.c runs the tables; files are read and tones rendered by check_sound.c.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "config/schema.h"

/* ---- tones ---- */

static void unknown_tone(struct parser *p, const struct lex_token *t)
{
    char buf[128];
    int n = 0;

    for (unsigned i = 0; tone_country(i); i++)
        n += snprintf(buf + n, sizeof(buf) - (size_t)n, "%s ", tone_country(i));
    n += snprintf(buf + n, sizeof(buf) - (size_t)n, "with");
    for (unsigned i = 0; tone_kind(i); i++)
        n += snprintf(buf + n, sizeof(buf) - (size_t)n, " %s", tone_kind(i));
    parse_token_error(p, t, "there is no such tone: %s, or custom", buf);
}

/* "425" or "440+480" */
static bool tone_hz(struct parser *p, const struct lex_token *t, struct tone_part *part)
{
    struct span a, b;
    uint32_t hz[2] = {0, 0};
    bool two = span_cut(t->s, '+', &a, &b);

    if (!two)
        a = t->s;
    if (span_u32(a, TONE_HZ_MAX, &hz[0]) < 0 || hz[0] < TONE_HZ_MIN ||
        (two && (span_u32(b, TONE_HZ_MAX, &hz[1]) < 0 || hz[1] < TONE_HZ_MIN))) {
        parse_token_error(p, t, "'%.*s' is no frequency: %u to %u, or two of them as 440+480",
                          SPAN_ARG(t->s), TONE_HZ_MIN, TONE_HZ_MAX);
        return false;
    }
    part->hz[0] = (uint16_t)hz[0];
    part->hz[1] = (uint16_t)hz[1];
    return true;
}

/* FREQ[+FREQ] ON [OFF ON...]: the first is heard, every second one is silence. */
static bool tone_custom(struct parser *p, const struct keyword *kw, struct args *args,
                        struct tone *tone)
{
    const struct lex_token *t = args_need(p, kw, args, "frequency");
    struct tone_part on = {{0, 0}, 0};
    uint32_t ms;

    if (!t || !tone_hz(p, t, &on))
        return false;
    while (args->i < args->n && !span_eq(args->tok[args->i].s, SPAN("level"))) {
        struct tone_part *part = &tone->part[tone->n_parts];

        t = args_next(args);
        if (!parse_duration(p, kw, t, &ms))
            return false;
        if (tone->n_parts == TONE_PARTS) {
            parse_token_error(p, t, "a tone has %u times at most", TONE_PARTS);
            return false;
        }
        *part = tone->n_parts % 2 ? (struct tone_part){{0, 0}, 0} : on;
        part->ms = (uint16_t)ms;
        tone->n_parts++;
    }
    if (tone->n_parts == 0)
        parse_line_error(p, args, "time missing: how long it is heard");
    return tone->n_parts > 0;
}

/* "-13dBm0": above 0 it is distorted, below -40 nobody hears it */
static bool tone_level(struct parser *p, const struct keyword *kw, struct args *args, int *level)
{
    static const struct span unit = SPAN("dBm0");
    const struct lex_token *t;
    struct span s;
    uint32_t v;

    if (!args_word(args, "level"))
        return true;
    if (!(t = args_need(p, kw, args, "level")))
        return false;
    s = t->s;
    if (s.len > unit.len && span_case_eq((struct span){s.p + s.len - unit.len, unit.len}, unit))
        s.len -= unit.len;
    if (s.len > 1 && s.p[0] == '-')
        s = (struct span){s.p + 1, s.len - 1};
    else if (!span_eq(s, SPAN("0")))
        s = SPAN_NONE;
    if (span_u32(s, 40, &v) < 0) {
        parse_token_error(p, t, "'%.*s' is no level: -40dBm0 to 0dBm0", SPAN_ARG(t->s));
        return false;
    }
    *level = -(int)v;
    return true;
}

static void kw_tone(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct conf_sound *s = p->obj;
    struct conf_tone tone = {.level = TONE_LEVEL_DBM0};
    const struct lex_token *country = args_next(args), *kind;
    const struct tone *found;

    (void)field;
    if (span_eq(country->s, SPAN("custom"))) {
        if (!tone_custom(p, kw, args, &tone.tone))
            return;
    } else {
        if (!(kind = args_need(p, kw, args, "tone")))
            return;
        found = tone_find(country->s, kind->s);
        if (!found) {
            unknown_tone(p, country);
            return;
        }
        tone.tone = *found;
    }
    if (tone_level(p, kw, args, &tone.level))
        *(struct conf_tone *)APPEND(p, s->tone) = tone;
}

/* ---- sound ---- */

static void kw_sound_file(struct parser *p, const struct keyword *kw, void *field,
                          struct args *args)
{
    struct conf_sound *s = p->obj;
    const struct lex_token *t = args_next(args);

    (void)kw;
    (void)field;
    if (parse_path(p, t, &s->file))
        s->file_loc = parse_loc(p, t);
}

static void sound_defaults(void *obj)
{
    ((struct conf_sound *)obj)->fd = -1;
}

static void close_sound(struct parser *p, void *obj, bool clean)
{
    const struct conf_sound *s = obj;

    if (clean && !s->file && s->tone.n == 0)
        parse_error(p, s->loc, strlen(s->name), "sound '%s' has neither a file nor a tone",
                    s->name);
    if (clean && s->file && s->tone.n > 0)
        parse_error(p, s->loc, strlen(s->name), "sound '%s' has a file and a tone: one of them",
                    s->name);
    if (p->conf->sound.n == CONF_SOUNDS_MAX + 1)
        parse_error(p, s->loc, strlen(s->name), "more than %u sounds", CONF_SOUNDS_MAX);
}

/* 10 ms is a click, a minute of one tone is a mistake. */
static const struct keyword sound_kw[] = {
    {"file", NULL, kw_sound_file, FIELD(struct conf_sound, file), 1, 1, 0, 0, 0, "file PATH",
     "WAV of PCM 16 bit, A-law or u-law, mono, 8 kHz; or bare .al, .ul"},
    {"tone", NULL, kw_tone, FIELD(struct conf_sound, tone), 2, 2 + TONE_PARTS + 2, KW_REPEAT, 10,
     MINUTE,
     "tone us|uk|de|fr|jp|au ring-back|busy|congestion|dial|information [level NdBm0], "
     "tone custom HZ[+HZ] ON [OFF ON...] [level NdBm0]",
     "a national tone (ITU-T E.180) or one of your own; several lines in their order"},
};

const struct section section_sound = {
    .word = "sound",
    .syntax = "sound NAME",
    .help = "what a party may hear from the switch",
    .list_off = LIST(sound),
    .size = sizeof(struct conf_sound),
    .kw = sound_kw,
    .n_kw = COUNT(sound_kw),
    .defaults = sound_defaults,
    .close = close_sound,
};

/* ---- of trunks ---- */

void kw_ringback(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    static const char *const words[] = {"none", "always", NULL};
    struct conf_ringback r = {.sound = {.id = CONF_NONE}};
    const struct lex_token *t = args_next(args);
    int i = 0;

    if (!parse_ref(p, t, &r.sound))
        return;
    if (args_word(args, "when") && (!(t = args_need(p, kw, args, "'none' or 'always'")) ||
                                    (i = parse_choice(p, t, words)) < 0))
        return;
    r.always = i == 1;
    memcpy(field, &r, sizeof(r));
}

void kw_announce(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct conf_trunk *trunk = p->obj;
    struct conf_announce a = {.sound = {.id = CONF_NONE}};
    const struct lex_token *t;
    bool q850 = false;

    (void)field;
    a.codes.loc = parse_loc(p, &args->tok[0]);
    while (args->i + 1 < args->n) {
        t = args_next(args);
        if (!q850 && span_eq(t->s, SPAN("q850")))
            q850 = true;
        else if (!schema_code(p, t, q850, &a.codes))
            return;
    }
    if (!(t = args_need(p, kw, args, "sound")) || !parse_ref(p, t, &a.sound))
        return;
    *(struct conf_announce *)APPEND(p, trunk->announce) = a;
}

void kw_dtmf(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    CHOICE(enum conf_dtmf, "pass", "rfc4733", "info", "both");
}
