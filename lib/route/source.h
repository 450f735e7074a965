/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose trunk is a message's source? An immutable index of all `accept` and `peer` addresses per listener.
 * route.c builds and asks it; the gate asks it for each datagram of an unknown dialog, so a stranger costs a few probes.
 */
#ifndef ROUTE_SOURCE_H
#define ROUTE_SOURCE_H

#include "config/config.h"
#include "core/span.h"

struct source_index;

/** What a `match` line can ask of a request, as plain text. Empty spans for what is not there. */
struct source_facts {
    struct span ruri_user, ruri_host, to_host, from_host, tgrp;
    struct span
        login; /* whom its credentials name: trunks with another `login` are not it. Empty: not asked */
    /** Value of the first header of that name, or an empty span. May be NULL: no header matches then. */
    struct span (*header)(void *arg, const char *name);
    void *arg;
};

/** Where a message arrived. */
struct source_at {
    uint32_t listen; /**< id of the section */
    bool
        stream; /**< by TCP or TLS: the port of a source is not compared, for a stream comes from any */
};

/** Build from a configuration (borrowed, must outlive the index). NULL: out of memory */
struct source_index *source_index_new(const struct conf *conf);
void source_index_free(struct source_index *ix);

/** True if the address belongs to any trunk of that `listen` section. */
bool source_is_known(const struct source_index *ix, struct source_at at, const struct addr *from);

/**
 * The trunk that a request comes from: the most specific source (longest prefix, with port before without), then the
 * first trunk as written that one of its match lines, or none at all, fits.
 * @return 0; -ENOENT no trunk has that source; -EACCES the source is known but no match line fits
 */
int source_identify(const struct source_index *ix, struct source_at at, const struct addr *from,
                    const struct source_facts *facts, uint32_t *trunk);

#endif
