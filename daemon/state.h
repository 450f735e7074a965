/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state directory: the sealing key of our tokens, the boot epoch, and how small files are written there.
 * node.c opens it at start, trunk_admin.c writes by it; nothing else reads these files.
 */
#ifndef DAEMON_STATE_H
#define DAEMON_STATE_H

#include <stddef.h>
#include <stdint.h>

/**
 * Open (or begin) the state directory: read or make the key, and take an epoch that no earlier start used.
 *
 * The epoch is the time in seconds, but always above the one stored: a clock set back, or two starts in one second,
 * never give the same tokens twice.
 *
 * @return 0; -errno (the directory must exist or its parent must, and be writable)
 */
int state_open(const char *dir, uint8_t key[16], uint32_t *epoch);

/** Write a small file whole, under another name that is then renamed: a crash leaves the old text or the new one. @return 0; -errno */
int state_write(const char *path, const char *text, size_t len);

/** The number of a node in tokens: the same for the same name in every process, so that what a former one has sealed is still ours. */
uint16_t state_node(const char *name);

#endif
