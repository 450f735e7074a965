# SPDX-License-Identifier: BSD-2-Clause
# libFuzzer targets, built with --enable-fuzzers only; .ci/run runs every program tests/fuzz/fuzz_* for ten seconds on
# its seeds in tests/fuzz/corpus/<name without fuzz_>/.
#
#   noinst_PROGRAMS += tests/fuzz/fuzz_peek
#   tests_fuzz_fuzz_peek_LDFLAGS = $(AM_LDFLAGS) $(TD_FUZZ_LDFLAGS)
#   tests_fuzz_fuzz_peek_LDADD = $(TD_LIBS_SIP)
EXTRA_DIST += tests/fuzz/corpus
if ENABLE_FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_control
tests_fuzz_fuzz_control_LDFLAGS = $(AM_LDFLAGS) $(TD_FUZZ_LDFLAGS)
tests_fuzz_fuzz_control_LDADD = $(TD_LIBS_RELAY)
noinst_PROGRAMS += tests/fuzz/fuzz_secure
tests_fuzz_fuzz_secure_LDFLAGS = $(AM_LDFLAGS) $(TD_FUZZ_LDFLAGS)
tests_fuzz_fuzz_secure_LDADD = $(TD_LIBS_RELAY)
noinst_PROGRAMS += tests/fuzz/fuzz_stun
tests_fuzz_fuzz_stun_LDFLAGS = $(AM_LDFLAGS) $(TD_FUZZ_LDFLAGS)
tests_fuzz_fuzz_stun_LDADD = $(TD_LIBS_RELAY)
noinst_PROGRAMS += tests/fuzz/fuzz_config
tests_fuzz_fuzz_config_LDFLAGS = $(AM_LDFLAGS) $(TD_FUZZ_LDFLAGS)
tests_fuzz_fuzz_config_LDADD = $(TD_LIBS_CONFIG)
noinst_PROGRAMS += tests/fuzz/fuzz_peek
tests_fuzz_fuzz_peek_LDFLAGS = $(AM_LDFLAGS) $(TD_FUZZ_LDFLAGS)
tests_fuzz_fuzz_peek_LDADD = $(TD_LIBS_SIP)
noinst_PROGRAMS += tests/fuzz/fuzz_msg
tests_fuzz_fuzz_msg_LDFLAGS = $(AM_LDFLAGS) $(TD_FUZZ_LDFLAGS)
tests_fuzz_fuzz_msg_LDADD = $(TD_LIBS_SIP)
noinst_PROGRAMS += tests/fuzz/fuzz_sdp
tests_fuzz_fuzz_sdp_LDFLAGS = $(AM_LDFLAGS) $(TD_FUZZ_LDFLAGS)
tests_fuzz_fuzz_sdp_LDADD = $(TD_LIBS_SIP)
noinst_PROGRAMS += tests/fuzz/fuzz_digest
tests_fuzz_fuzz_digest_LDFLAGS = $(AM_LDFLAGS) $(TD_FUZZ_LDFLAGS)
tests_fuzz_fuzz_digest_LDADD = $(TD_LIBS_SIP)
noinst_PROGRAMS += tests/fuzz/fuzz_stream
tests_fuzz_fuzz_stream_LDFLAGS = $(AM_LDFLAGS) $(TD_FUZZ_LDFLAGS)
tests_fuzz_fuzz_stream_LDADD = $(TD_LIBS_SIP)
noinst_PROGRAMS += tests/fuzz/fuzz_uri
tests_fuzz_fuzz_uri_LDFLAGS = $(AM_LDFLAGS) $(TD_FUZZ_LDFLAGS)
tests_fuzz_fuzz_uri_LDADD = $(TD_LIBS_SIP)
noinst_PROGRAMS += tests/fuzz/fuzz_mime
tests_fuzz_fuzz_mime_LDFLAGS = $(AM_LDFLAGS) $(TD_FUZZ_LDFLAGS)
tests_fuzz_fuzz_mime_LDADD = $(TD_LIBS_SIP)
noinst_PROGRAMS += tests/fuzz/fuzz_deck
tests_fuzz_fuzz_deck_LDFLAGS = $(AM_LDFLAGS) $(TD_FUZZ_LDFLAGS)
tests_fuzz_fuzz_deck_LDADD = $(TD_LIBS_ROUTE)
noinst_PROGRAMS += tests/fuzz/fuzz_list
tests_fuzz_fuzz_list_LDFLAGS = $(AM_LDFLAGS) $(TD_FUZZ_LDFLAGS)
tests_fuzz_fuzz_list_LDADD = $(TD_LIBS_ROUTE)
noinst_PROGRAMS += tests/fuzz/fuzz_tzif
tests_fuzz_fuzz_tzif_LDFLAGS = $(AM_LDFLAGS) $(TD_FUZZ_LDFLAGS)
tests_fuzz_fuzz_tzif_LDADD = $(TD_LIBS_ROUTE)
noinst_PROGRAMS += tests/fuzz/fuzz_diversion
tests_fuzz_fuzz_diversion_LDFLAGS = $(AM_LDFLAGS) $(TD_FUZZ_LDFLAGS)
tests_fuzz_fuzz_diversion_LDADD = $(TD_LIBS_SIP)
noinst_PROGRAMS += tests/fuzz/fuzz_dns
tests_fuzz_fuzz_dns_LDFLAGS = $(AM_LDFLAGS) $(TD_FUZZ_LDFLAGS)
tests_fuzz_fuzz_dns_LDADD = $(TD_LIBS_SIP)
noinst_PROGRAMS += tests/fuzz/fuzz_codecs
tests_fuzz_fuzz_codecs_LDFLAGS = $(AM_LDFLAGS) $(TD_FUZZ_LDFLAGS)
tests_fuzz_fuzz_codecs_LDADD = $(TD_LIBS_CALL)

noinst_PROGRAMS += tests/fuzz/fuzz_explain
tests_fuzz_fuzz_explain_LDFLAGS = $(AM_LDFLAGS) $(TD_FUZZ_LDFLAGS)
tests_fuzz_fuzz_explain_LDADD = $(TD_LIBS_CALL)
endif
