/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The journal of one worker's calls: the record of each confirmed call (snapshot.h) in a memory-mapped file that outlives the process.
 * call.c, the stack and those who change a call tell it; the daemon opens it, reads what a former process left. It never waits for a disk.
 */
#ifndef CALL_JOURNAL_H
#define CALL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct call;
struct calls;
struct journal;

/** Counted up when the layout of the file changes: another one is refused. */
#define JOURNAL_VERSION 1U

/**
 * Open a new, empty journal.
 * @return 0; -EEXIST the file has something in it; -EWOULDBLOCK another process has it; -errno
 */
int journal_new(const char *path, uint32_t epoch, struct journal **out);
/** Close; the file and the calls in it stay. NULL is ignored. */
void journal_free(struct journal *j);

/** The worker's calls are put into it from now on; NULL: no more. Borrowed. */
void calls_set_journal(struct calls *cs, struct journal *j);
/** Calls in it now. */
uint64_t journal_calls(const struct journal *j);
/** Bytes of memory and file it takes. */
uint64_t journal_bytes(const struct journal *j);

/** End of a loop turn, before anything is sent: write what has changed. */
void journal_turn(struct calls *cs);
/** The call has been released: it will not go on, its record is still to be made. */
void journal_mark(struct call *c);
/** Its record is made: forget it. */
void journal_erase(struct call *c);
/** The call is freed. */
void journal_forget(struct call *c);

/** A call in a journal of a former process. Borrowed. */
struct journal_entry {
    const void *rec; /* for call_load; NULL: damaged */
    size_t len;
    uint64_t call;
    uint64_t ended_wall_ms; /* journal_mark; 0: it stands */
    uint64_t alive_wall_ms; /* the process was last known to live */
};

/** What became of such a call. */
enum journal_fate {
    JOURNAL_RESUMED, /* it goes on, or is being ended because the former process had begun to */
    JOURNAL_HERE,    /* it was taken up already: this is an older record of it */
    JOURNAL_ESTIMATED, /* it cannot be taken up: its detail record is made, its session at the relay closed */
    JOURNAL_LOST, /* nothing of it can be read */
};

/** Whose call it is: the number of the worker where it began. */
unsigned journal_worker(const struct journal_entry *e);
/** Control thread, before the worker runs: take the call up. */
enum journal_fate journal_take(struct calls *cs, const struct journal_entry *e);

/**
 * Read a journal of a former process: every call in it, the newest record first if there are two of one.
 * @return how many entries; -EWOULDBLOCK its process lives; -EPROTO another layout or no journal; -errno
 */
int journal_read(const char *path, void (*fn)(void *arg, const struct journal_entry *e), void *arg);

/** Remove such a file once its calls are elsewhere; one of another layout, or whose process lives, stays. @return 0; as journal_read */
int journal_remove(const char *path);

#endif
