/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: time zone files, and opening hours in what was taken.
 * An offset must be within the bounds of the format at any moment.
 */
#include <stdlib.h>

#include "route/tzif.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t at[] = {INT64_MIN,    -1,         0,         1796083200,
                                 951782400,    4107542400, INT64_MAX, -2208988800,
                                 253402300799, 1 << 30,    68169600,  1774746000};
    const char *why = NULL;
    struct tzif *z = tzif_parse(data, size, &why);

    if (!z && !why)
        abort();
    for (size_t i = 0; z && i < sizeof(at) / sizeof(at[0]); i++) {
        int32_t offset = tzif_offset(z, at[i]);

        if (offset < -93600 || offset > 93600)
            abort();
    }
    tzif_free(z);
    return 0;
}
