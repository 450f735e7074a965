/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Live quality: answer-seizure ratio, average call duration, post-dial delay of each trunk and destination, over the last half hour or so.
 * Shared by all workers, lock-free; a bounded table. Knows slots and keys, not calls.
 */
#ifndef ROUTE_QUALITY_H
#define ROUTE_QUALITY_H

#include "route/key.h"

/*
 * A destination is the matched prefix of the deck, cut to six characters ('+' and five digits: country and area). 65,536 pairs of trunk and
 * destination; when the table is full, further ones are counted at their trunk only. A pair unheard of for two windows gives its place.
 */
#define QUALITY_DIGITS 6
#define QUALITY_PAIRS  65536
/* Two windows of 15 minutes: figures are those of the full one and the running one. */
#define QUALITY_WINDOW_MS (15 * 60 * 1000U)

struct quality;

struct quality_figures {
    uint32_t seizures, answers; /* attempts that ended setting up; of these answered */
    uint32_t ended;             /* answered calls that ended in the window: of acd_ms */
    uint32_t
        asr_ppm; /* answers of seizures; busy and no answer are failures as ASR has it (ITU-T E.411) */
    uint32_t
        ner_ppm; /* answers, busy, no answer, rejected by the callee: network effectiveness (E.425) */
    uint32_t acd_ms; /* of calls that ended in the window */
    uint32_t pdd_ms; /* INVITE to first 18x or answer, mean */
};

struct quality *quality_new(void);
void quality_free(struct quality *q);

/**
 * An attempt was answered or failed.
 * @param key        of the deck's row, or of the number; 0: counted at the trunk only
 * @param user_side  it failed at the callee, not in the network: 486, 480, 603, no answer …
 * @param pdd_ms     INVITE to the first 18x or the answer; 0: neither came
 */
void quality_seized(struct quality *q, uint32_t slot, uint64_t key, bool answered, bool user_side,
                    uint32_t pdd_ms, uint64_t now_ms);
/** An answered call ended. */
void quality_ended(struct quality *q, uint32_t slot, uint64_t key, uint32_t duration_ms,
                   uint64_t now_ms);
/** Figures of the pair; none of it: seizures 0. key 0: of the whole trunk. */
void quality_get(const struct quality *q, uint32_t slot, uint64_t key, uint64_t now_ms,
                 struct quality_figures *out);
/** Pairs with figures, for the operator, in no order; fn false: stop. Whole trunks: quality_get with key 0. */
void quality_each(const struct quality *q, uint64_t now_ms,
                  bool (*fn)(void *arg, uint32_t slot, uint64_t key,
                             const struct quality_figures *f),
                  void *arg);

#endif
