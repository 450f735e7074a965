/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The canonical layout of a configuration file: one way to write it, so that a diff shows what changed and nothing else.
 * tandemctl fmt calls it. It moves blanks and empty lines only: no word, quote or comment changes, nothing is added or left out.
 */
#ifndef CONFIG_FMT_H
#define CONFIG_FMT_H

#include <stdio.h>
#include "config/config.h"

/**
 * Write a text in canonical layout.
 *
 * Section words in column 1 with an empty line before; statements indented by two, their values from column 19 on, one blank between
 * values; a comment behind a statement from column 45 on; a comment of its own line in column 1 or, if it was indented, in column 3;
 * never two empty lines; the last line has its end. Lines end with LF.
 *
 * @param name  file name for messages
 * @param text  borrowed
 * @param out   gets the whole text; unfinished when it fails
 * @param errs  gets what no lexer understands: a quote without its end, a control character
 * @return 0; -EINVAL in errs; -EIO out did not take it
 */
int fmt_text(const char *name, struct span text, FILE *out, struct conf_errors *errs);

#endif
