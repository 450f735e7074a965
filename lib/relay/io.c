/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buffers of packets in batches. Packet threads make one or two each at their start.
 * It knows nothing of sockets.
 */
#include "relay/io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int io_batch_init(struct io_batch *b)
{
    memset(b, 0, sizeof(*b));
    b->rooms = aligned_alloc(64, (size_t)IO_ROOM * IO_BATCH);
    if (!b->rooms)
        return -ENOMEM;
    for (unsigned i = 0; i < IO_BATCH; i++)
        b->packet[i].room = b->rooms + (size_t)i * IO_ROOM;
    return 0;
}

void io_batch_fini(struct io_batch *b)
{
    free(b->rooms);
    b->rooms = NULL;
}

_Static_assert(IO_ROOM % 64 == 0, "aligned_alloc");
