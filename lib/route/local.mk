# SPDX-License-Identifier: BSD-2-Clause
# L2: sees config and core, never a sibling.
noinst_LIBRARIES += lib/route/libtdroute.a
lib_route_libtdroute_a_SOURCES =
