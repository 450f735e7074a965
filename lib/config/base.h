/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all configuration structs are made of: places, references, limits, lists, and the bounds of the language.
 * config.h and routing.h include it; nothing else needs it by itself.
 */
#ifndef CONFIG_BASE_H
#define CONFIG_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/addr.h"
#include "core/span.h"

/*
 * Conventions of every struct below.
 * - Everything hangs in one arena owned by struct conf: pointers are borrowed and live until conf_free().
 * - Objects of a kind sit in one array; the place in the array is the object's id for this generation.
 *   A reload may give the same name another id: across generations use names.
 * - Times are milliseconds, sizes bytes, rates calls per second. 0 means "off" or "no limit" where said.
 * - Strings are NUL-terminated and never NULL unless said.
 */

#define CONF_NONE UINT32_MAX /**< id of an object that is not there */

/* Bounds. Each is a refusal with file:line:col, never a cut. */
#define CONF_OBJECTS_MAX    65535U /**< objects of a kind: ids fit 16 bits in records */
#define CONF_FILES_MAX      65535U /**< one trunk per file is the shipped layout: as many as trunks */
#define CONF_TEXT_MAX       (64U << 20) /**< bytes of all files: 65,535 trunks of 1 KiB; bulk is CSV */
#define CONF_LINE_MAX       4096        /**< bytes a line: 64 values of 63 bytes */
#define CONF_NAME_MAX       63  /**< bytes a name: a DNS label, fits a fixed field of each record */
#define CONF_VALUES_MAX     128 /**< values a line: a hundred prefixes are still legible */
#define CONF_CALLS_MAX      1000000U /**< `Ncalls`: sixty times the media ports of one address */
#define CONF_CPS_MAX        1000000U /**< `Ncps`: a hundred times what a core carries */
#define CONF_WORKERS_MAX    64U      /**< more cores than any SIP host; gauges count by worker */
#define CONF_DIGITS_MAX     31 /**< digits of a prefix or pattern: E.164's 15, 011, a tech prefix */
#define CONF_CANDIDATES_MAX 32U /**< targets of a route line, members of a group */
#define CONF_TRUNK_GROUPS_MAX \
    4U /**< groups with a limit that a trunk is in: each counts each of its calls */
#define CONF_RULES_MAX 4096U /**< lines of a `numbers` section: each call walks them in order */
#define CONF_LISTENERS_MAX \
    256U /**< sockets to listen on: each worker has one of each, and polls them all */
#define CONF_PEERS_MAX   64U  /**< peers of a trunk: carriers with more use several trunks */
#define CONF_SHARED_MAX  256U /**< trunks on one source, told apart by match: tried for each call */
#define CONF_HEADERS_MAX 64U  /**< header rules of a trunk: each is tried for each message */
#define CONF_MATCH_MAX   64U  /**< match lines of a trunk: each is tried for each call */
#define CONF_ERRORS_MAX  100  /**< messages kept, the rest are counted: nobody reads more */
#define CONF_CODE_MIN    300  /**< first SIP status that advance/stop may name */
#define CONF_CODE_MAX    699  /**< last one */

/** Where something was written. */
struct conf_loc {
    uint16_t file; /**< index into conf.file */
    uint16_t col;  /**< 1 = first byte of the line */
    uint32_t line; /**< 1 = first line; 0 = not written anywhere (a default) */
};

/** A reference by name, resolved. */
struct conf_ref {
    const char *name; /**< NULL when absent */
    struct conf_loc loc;
    uint32_t id; /**< place in the array of the referred kind; CONF_NONE when absent */
};

/** A limit. `limit in 400calls 20cps burst 8` */
struct conf_limit {
    uint32_t calls; /**< concurrent calls; 0 = no limit */
    uint32_t cps;   /**< new calls a second; 0 = no limit */
    uint32_t burst; /**< depth of the token bucket [calls]; >= 1 when cps is set; default: cps */
    struct conf_loc loc;
};

/** An address or network with its place. */
struct conf_addr {
    struct addr addr; /**< port 0 = none given */
    struct conf_loc loc;
};

/** A bit for each keyword of a section. */
typedef unsigned __int128 conf_bits;

/** A growing list in the arena; `v` is NULL when `n` is 0. */
#define CONF_LIST(type) \
    struct {            \
        type *v;        \
        uint32_t n;     \
    }

#endif
