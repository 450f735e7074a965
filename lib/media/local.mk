# SPDX-License-Identifier: BSD-2-Clause
# L2: sees config and core, never a sibling.
noinst_LIBRARIES += lib/media/libtdmedia.a
lib_media_libtdmedia_a_SOURCES = \
	lib/media/media_proto.h \
	lib/media/media.c lib/media/media.h \
	lib/media/pending.c lib/media/pending.h \
	lib/media/media_pools.c lib/media/media_pools.h \
	lib/media/media_sounds.c lib/media/media_sounds.h \
	lib/media/media_fake.c lib/media/media_fake.h
