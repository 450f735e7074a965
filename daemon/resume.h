/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls and their records outlive the process: each worker's journal and unwritten CDRs in the run directory, and what a former process left there.
 * node.c calls it when the workers are made and do not run yet; what is in a journal is lib/call's business.
 */
#ifndef DAEMON_RESUME_H
#define DAEMON_RESUME_H

#include <stdint.h>

struct node;

/** What was found at the start. */
struct resumed {
    uint64_t calls, ended, estimated, lost, records;
};

/**
 * Give each worker its journal, take up the calls of those that are there, and remove them. Nothing here keeps the node from starting:
 * without a journal calls end with the process, which is logged.
 */
void resume_calls(struct node *n, const char *dir, struct resumed *out);

#endif
