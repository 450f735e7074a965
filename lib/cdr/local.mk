# SPDX-License-Identifier: BSD-2-Clause
# L2: sees config and core, never a sibling.
noinst_LIBRARIES += lib/cdr/libtdcdr.a
lib_cdr_libtdcdr_a_SOURCES = \
	lib/cdr/cdr.c lib/cdr/cdr.h \
	lib/cdr/keep.c lib/cdr/keep.h \
	lib/cdr/record.c lib/cdr/record.h \
	lib/cdr/seen.c lib/cdr/seen.h \
	lib/cdr/sink.c lib/cdr/sink.h
