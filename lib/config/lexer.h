/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cuts configuration text into lines and values, each with its column.
 * load.c calls it; it knows neither keywords nor files.
 */
#ifndef CONFIG_LEXER_H
#define CONFIG_LEXER_H

#include <stdbool.h>
#include <stdint.h>
#include "config/config.h"
#include "core/span.h"

struct lex_token {
    struct span s;  /* value without quotes, borrowed from the text */
    uint16_t col;   /* 1 = first byte of the line; of the quote if quoted */
    uint16_t width; /* bytes in the line, quotes included */
    bool quoted;
};

/** One statement: a line that has at least one value. */
struct lex_line {
    uint32_t no;   /* 1 = first */
    bool indented; /* belongs to the open section */
    uint32_t n;
    struct lex_token tok[CONF_VALUES_MAX];
};

struct lexer {
    const char *p;
    const char *end;
    uint32_t no;
};

/** A fault in a line: what and where. */
struct lex_fault {
    uint32_t no;
    uint16_t col;
    uint16_t width;
    const char *why; /* static */
};

enum lex_result {
    LEX_END,
    LEX_LINE,
    LEX_FAULT, /* this line is unusable; the next call goes on behind it */
};

/** Start at the first byte of text (borrowed while the lexer is used). */
void lex_init(struct lexer *lx, struct span text);

/**
 * The next statement; empty lines and comments are passed over.
 *
 * @param line  out, set on LEX_LINE
 * @param fault out, set on LEX_FAULT
 */
enum lex_result lex_next(struct lexer *lx, struct lex_line *line, struct lex_fault *fault);

/** Text of line `no` without its end, at most CONF_LINE_MAX bytes; empty if there is no such line. */
struct span lex_source_line(struct span text, uint32_t no);

#endif
