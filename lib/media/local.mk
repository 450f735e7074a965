# SPDX-License-Identifier: BSD-2-Clause
# L2: sees config and core, never a sibling.
noinst_LIBRARIES += lib/media/libtdmedia.a
lib_media_libtdmedia_a_SOURCES =
