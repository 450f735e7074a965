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
    b->room = aligned_alloc(64, sizeof(b->room[0]) * IO_BATCH);
    return b->room ? 0 : -ENOMEM;
}

void io_batch_fini(struct io_batch *b)
{
    free(b->room);
    b->room = NULL;
}

_Static_assert(IO_ROOM % 64 == 0, "aligned_alloc");
