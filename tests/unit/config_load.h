/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading a configuration from a string in a test, and its messages as one text.
 * The tests of lib/config include it; it asserts nothing.
 */
#ifndef TESTS_UNIT_CONFIG_LOAD_H
#define TESTS_UNIT_CONFIG_LOAD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

/* A machine that never changes: what a reference machine has. */
static const struct conf_env config_env = {.relay_nofile = 20000,
                                           .ephemeral = {.lo = EPHEMERAL_LO, .hi = EPHEMERAL_HI}};

/* A switch that loads without a warning; tests append to it or replace parts. */
#define CONFIG_REALM  "realm lan\n address 192.0.2.1 2001:db8::1\n"
#define CONFIG_LISTEN "listen sip\n realm lan\n udp 192.0.2.1:5060 [2001:db8::1]:5060\n"
#define CONFIG_MEDIA  "media rtp\n realm lan\n ports 10000-29999\n"
#define CONFIG_NET    CONFIG_REALM CONFIG_LISTEN CONFIG_MEDIA
#define CONFIG_IN     "trunk in\n listen sip\n accept 198.51.100.0/24\n routes all\n"
#define CONFIG_OUT    "trunk out\n listen sip\n peer 203.0.113.1 udp\n"
#define CONFIG_ROUTE  "route all\n default via out\n"
#define CONFIG_BASE   CONFIG_NET CONFIG_IN CONFIG_OUT CONFIG_ROUTE

/* Load; *messages is what an operator sees, to be freed. */
static inline struct conf *config_load_env(const char *text, const struct conf_env *env,
                                           char **messages)
{
    struct conf_errors errs;
    struct conf *conf = conf_load_text("t", text, strlen(text), env, &errs);
    size_t size;
    FILE *out = open_memstream(messages, &size);

    conf_print_errors(out, &errs);
    fclose(out);
    conf_errors_fini(&errs);
    return conf;
}

static inline struct conf *config_load(const char *text, char **messages)
{
    return config_load_env(text, &config_env, messages);
}

#endif
