/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names in the pin directory: what is attached where can be read off them, without a privilege.
 * kernel_setup.c makes them; the relay's report and tandemctl doctor list them. It knows no BPF.
 */
#include "relay/pins.h"

#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/span.h"

static const struct {
    const char *prefix;
    enum pin_kind kind;
    enum media_path path;
} kinds[] = {
    {"xdp_native_", PIN_XDP, MEDIA_PATH_XDP_NATIVE},
    {"xdp_generic_", PIN_XDP, MEDIA_PATH_XDP_GENERIC},
    {"tc_", PIN_TC, MEDIA_PATH_TC},
    {"clsact_", PIN_CLSACT, MEDIA_PATH_TC},
};

void pins_read(const char *name, struct pin *out)
{
    *out = (struct pin){.kind = PIN_MAP};
    snprintf(out->name, sizeof(out->name), "%s", name);
    if (strcmp(name, "steer") == 0)
        out->kind = PIN_STEER;
    else if (strncmp(name, "watch_", 6) == 0)
        out->kind = PIN_WATCH;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t n = strlen(kinds[i].prefix);

        if (strncmp(name, kinds[i].prefix, n) != 0 ||
            span_u32(span_of(name + n), INT32_MAX, &out->ifindex) < 0)
            continue;
        out->kind = kinds[i].kind;
        out->path = kinds[i].path;
    }
}

const char *pins_name(enum pin_kind kind, enum media_path path, uint32_t ifindex,
                      char name[PINS_NAME_MAX])
{
    const char *prefix = "";

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].kind == kind && (kind != PIN_XDP || kinds[i].path == path))
            prefix = kinds[i].prefix;
    }
    snprintf(name, PINS_NAME_MAX, "%s%u", prefix, ifindex);
    return name;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct pin *)a)->name, ((const struct pin *)b)->name);
}

int pins_list(const char *dir, struct pin *out, unsigned max)
{
    DIR *d = opendir(dir);
    const struct dirent *e;
    unsigned n = 0;

    if (!d)
        return -errno;
    while ((e = readdir(d)) != NULL) {
        /* "." and "..", and what the file system itself has: maps.debug, progs.debug */
        if (strchr(e->d_name, '.'))
            continue;
        if (n == max) {
            closedir(d);
            return -E2BIG;
        }
        pins_read(e->d_name, &out[n++]);
    }
    closedir(d);
    qsort(out, n, sizeof(*out), by_name);
    return (int)n;
}

int pins_interfaces(const char *dir, struct media_if *out, unsigned max)
{
    struct pin pin[PINS_MAX];
    int n = pins_list(dir, pin, PINS_MAX);
    unsigned k = 0;

    for (int i = 0; i < n && k < max; i++) {
        char name[IF_NAMESIZE] = "";

        if (pin[i].kind != PIN_XDP && pin[i].kind != PIN_TC)
            continue;
        if (!if_indextoname(pin[i].ifindex, name))
            continue; /* it is gone; the next setup removes the pin */
        out[k] = (struct media_if){.ifindex = pin[i].ifindex, .path = pin[i].path};
        snprintf(out[k].name, sizeof(out[k].name), "%s", name);
        k++;
    }
    return n < 0 ? n : (int)k;
}
