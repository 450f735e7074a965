/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer: STUN of a party with ICE. First byte: from where the party is, then the packet.
 * Whatever comes: an answer is a message that can be read, and nothing is nominated without the password.
 */
#include <stdlib.h>
#include <string.h>
#include "relay/ice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct media_ice want = {
        .is_on = 1, .ufrag = "evtj", .pwd = "VOkJxbRl1RmTxUk/WvJxBt", .remote_ufrag = "h6vY"};
    struct addr from = {.family = data && size && data[0] & 2 ? 6 : 4, .port = 4000};
    uint8_t out[STUN_ANSWER_MAX], *copy;
    struct ice_packet p = {.from = &from};
    enum ice_verdict v;
    uint32_t len = 0;
    struct ice *i;
    struct stun s;

    if (size < 1 || size > 2048 || ice_new(&want, &i) < 0)
        return 0;
    /* as long as it is: a read behind it is seen */
    copy = malloc(size > 1 ? size - 1 : 1);
    if (!copy)
        abort();
    memcpy(copy, data + 1, size - 1);
    p.data = copy;
    p.len = (uint32_t)size - 1;
    p.is_party = data[0] & 1;
    v = ice_input(i, &p, 1000, out, &len);
    if (len > sizeof(out) || (len && (stun_read(out, len, &s) < 0 || v == ICE_BAD)) ||
        (!len && v != ICE_BAD && v != ICE_SILENT))
        abort();
    free(copy);
    ice_free(i);
    return 0;
}
