# SPDX-License-Identifier: BSD-2-Clause
# The media plane: sees core and media/media_proto.h only.
noinst_LIBRARIES += lib/relay/libtdrelay.a
lib_relay_libtdrelay_a_SOURCES = \
	lib/relay/bpf/relay_maps.h \
	lib/relay/chan.c lib/relay/chan.h \
	lib/relay/conn.c lib/relay/state.h \
	lib/relay/control.c lib/relay/control.h \
	lib/relay/event.c lib/relay/event.h \
	lib/relay/flow.c lib/relay/flow.h \
	lib/relay/io.c lib/relay/io.h lib/relay/io_name.h lib/relay/io_udp.c \
	lib/relay/job.h \
	lib/relay/latch.c lib/relay/latch.h \
	lib/relay/limits.c lib/relay/limits.h \
	lib/relay/pins.c lib/relay/pins.h \
	lib/relay/pace.c lib/relay/pace.h \
	lib/relay/player.c lib/relay/player.h \
	lib/relay/ports.c lib/relay/ports.h \
	lib/relay/relay.c lib/relay/relay.h \
	lib/relay/rtp.c lib/relay/rtp.h \
	lib/relay/secure.c lib/relay/secure.h \
	lib/relay/session.c \
	lib/relay/sounds.c lib/relay/sounds.h \
	lib/relay/thread.c lib/relay/thread.h
