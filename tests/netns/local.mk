# SPDX-License-Identifier: BSD-2-Clause
# Streams through the relay between network namespaces: tests/netns/run, called by scripts/test as root.
noinst_PROGRAMS += tests/netns/mediactl tests/netns/rtpflow tests/netns/inject
tests_netns_mediactl_SOURCES = tests/netns/mediactl.h tests/netns/mediactl.c tests/netns/mediactl_print.c
tests_netns_mediactl_LDADD = lib/media/libtdmedia.a $(TD_LIBS_CORE)
# These two link nothing of lib/: an independent witness.
tests_netns_rtpflow_SOURCES = tests/netns/rtpflow.c
tests_netns_inject_SOURCES = tests/netns/inject.c
EXTRA_DIST += tests/netns/run tests/netns/netns.py tests/netns/cases_attack.py tests/netns/cases_fast.py tests/netns/cases_kill.py tests/netns/cases_setup.py tests/netns/cases_steer.py tests/netns/cases_takeover.py
