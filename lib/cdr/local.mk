# SPDX-License-Identifier: BSD-2-Clause
# L2: sees config and core, never a sibling.
noinst_LIBRARIES += lib/cdr/libtdcdr.a
lib_cdr_libtdcdr_a_SOURCES =
