# SPDX-License-Identifier: BSD-2-Clause
# The media plane: sees core and media/media_proto.h only.
noinst_LIBRARIES += lib/relay/libtdrelay.a
lib_relay_libtdrelay_a_SOURCES =
