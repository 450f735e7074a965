# SPDX-License-Identifier: BSD-2-Clause
# L4: the programs. The variables each needs:
#
#   sbin_PROGRAMS += daemon/tandemd
#   daemon_tandemd_SOURCES = daemon/tandemd.c …
#   daemon_tandemd_LDADD = $(TD_LIBS_CALL) $(TD_LIBS_DAEMON)
#
#   sbin_PROGRAMS += daemon/tandem-media
#   daemon_tandem_media_SOURCES = daemon/tandem-media.c …
#   daemon_tandem_media_LDADD = $(TD_LIBS_RELAY) $(TD_LIBS_DAEMON)
#
#   bin_PROGRAMS += daemon/tandemctl
#   daemon_tandemctl_SOURCES = daemon/tandemctl.c …
#   daemon_tandemctl_LDADD = $(TD_LIBS_CORE)

sbin_PROGRAMS += daemon/tandem-media
daemon_tandem_media_SOURCES = daemon/media_main.c
daemon_tandem_media_LDADD = $(TD_LIBS_RELAY) $(TD_LIBS_DAEMON)
