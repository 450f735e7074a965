# SPDX-License-Identifier: BSD-2-Clause
# L2: sees config and core, never a sibling.
noinst_LIBRARIES += lib/route/libtdroute.a
lib_route_libtdroute_a_SOURCES = \
	lib/route/binding.c lib/route/binding.h \
	lib/route/book.c lib/route/book.h \
	lib/route/breaker.c lib/route/breaker.h \
	lib/route/cac.c lib/route/cac.h \
	lib/route/calendar.c lib/route/calendar.h \
	lib/route/choose.c lib/route/choose.h \
	lib/route/choose_lcr.c lib/route/choose_line.c \
	lib/route/choose_note.c lib/route/choose_out.c \
	lib/route/choose_via.c \
	lib/route/civil.h \
	lib/route/deck.c lib/route/deck.h lib/route/deck_check.c \
	lib/route/deck_cell.c lib/route/deck_cell.h \
	lib/route/deck_part.c lib/route/deck_part.h \
	lib/route/deck_sort.c lib/route/deck_sort.h \
	lib/route/diff.c lib/route/diff.h \
	lib/route/host.c lib/route/host.h \
	lib/route/index.h \
	lib/route/key.h \
	lib/route/lcr.c lib/route/lcr.h lib/route/lcr_priv.h \
	lib/route/lcr_build.c lib/route/lcr_merge.c \
	lib/route/list.c lib/route/list.h \
	lib/route/money.c \
	lib/route/number.c lib/route/number.h \
	lib/route/quality.c lib/route/quality.h \
	lib/route/origin.c lib/route/origin.h \
	lib/route/plan.c \
	lib/route/portability.c lib/route/portability.h \
	lib/route/portdb.c lib/route/portdb.h \
	lib/route/route.c lib/route/route.h \
	lib/route/source.c lib/route/source.h \
	lib/route/table.c lib/route/table.h \
	lib/route/target.c lib/route/target.h \
	lib/route/textfile.c lib/route/textfile.h \
	lib/route/tzif.c lib/route/tzif.h \
	lib/route/trunk.c lib/route/trunk.h
