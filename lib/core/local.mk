# SPDX-License-Identifier: BSD-2-Clause
# L0: stands on nothing of ours.
noinst_LIBRARIES += lib/core/libtdcore.a
lib_core_libtdcore_a_SOURCES = \
	lib/core/addr.c lib/core/addr.h lib/core/proto.h \
	lib/core/arena.c lib/core/arena.h \
	lib/core/clock.c lib/core/clock.h \
	lib/core/delay.c lib/core/delay.h \
	lib/core/ephemeral.c lib/core/ephemeral.h \
	lib/core/err.c lib/core/err.h \
	lib/core/g711.c lib/core/g711.h \
	lib/core/htab.c lib/core/htab.h \
	lib/core/ident.c lib/core/ident.h \
	lib/core/ipc.c lib/core/ipc.h \
	lib/core/mapfile.c lib/core/mapfile.h \
	lib/core/log.c lib/core/log.h \
	lib/core/parallel.c lib/core/parallel.h \
	lib/core/pool.c lib/core/pool.h \
	lib/core/sanitize.h \
	lib/core/sound.c lib/core/sound.h \
	lib/core/span.c lib/core/span.h \
	lib/core/stats.c lib/core/stats.h \
	lib/core/timer.c lib/core/timer.h \
	lib/core/tone.c lib/core/tone.h \
	lib/core/work.c lib/core/work.h
