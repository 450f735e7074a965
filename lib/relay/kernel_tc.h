/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One program at the ingress of an interface, by clsact: kernel 6.1 has no link for it, so the filter's handle is its name.
 * kernel_setup.c calls it; it knows no pins.
 */
#ifndef RELAY_KERNEL_TC_H
#define RELAY_KERNEL_TC_H

#include <stdbool.h>
#include <stdint.h>

/** The program that is there. @return its id, 0: none of ours */
uint32_t kernel_tc_query(uint32_t ifindex);
/** Attach, or replace ours at one stroke. @param made_qdisc  set when clsact was not there before @return 0 or negative errno */
int kernel_tc_attach(uint32_t ifindex, int prog_fd, bool *made_qdisc);
/** No filter of anyone at clsact, in or out; false also when that cannot be told. */
bool kernel_tc_is_empty(uint32_t ifindex);
/** with_qdisc: clsact too, unless others have filters there by now. */
void kernel_tc_detach(uint32_t ifindex, bool with_qdisc);

#endif
