# SPDX-License-Identifier: BSD-2-Clause
# L2: sees config and core, never a sibling.
noinst_LIBRARIES += lib/sip/libtdsip.a
lib_sip_libtdsip_a_SOURCES =
