/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the allocators tell AddressSanitizer; nothing in other builds.
 * Only arena.c and pool.c include it.
 */
#ifndef CORE_SANITIZE_H
#define CORE_SANITIZE_H

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZE_ADDRESS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZE_ADDRESS 1
#endif
#endif

#ifdef SANITIZE_ADDRESS
#include <sanitizer/asan_interface.h>
/* Memory that no object owns now: reading it is an error. */
#define SANITIZE_POISON(p, bytes)   ASAN_POISON_MEMORY_REGION((p), (bytes))
#define SANITIZE_UNPOISON(p, bytes) ASAN_UNPOISON_MEMORY_REGION((p), (bytes))
#else
#define SANITIZE_POISON(p, bytes)   ((void)(p), (void)(bytes))
#define SANITIZE_UNPOISON(p, bytes) ((void)(p), (void)(bytes))
#endif

#endif
