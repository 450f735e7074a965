# SPDX-License-Identifier: BSD-2-Clause
# Unit tests of lib/sip: two lines each, the source being tests/unit/test_<module>.c:
#   TD_UNIT_TESTS += tests/unit/test_<module>
#   tests_unit_test_<module>_LDADD = $(TD_LIBS_SIP) $(CMOCKA_LIBS)
EXTRA_DIST += tests/unit/sip_data.h tests/data
TD_UNIT_TESTS += tests/unit/test_peek tests/unit/test_msg tests/unit/test_build tests/unit/test_sdp
tests_unit_test_peek_LDADD = $(TD_LIBS_SIP) $(CMOCKA_LIBS)
tests_unit_test_msg_LDADD = $(TD_LIBS_SIP) $(CMOCKA_LIBS)
tests_unit_test_build_LDADD = $(TD_LIBS_SIP) $(CMOCKA_LIBS)
tests_unit_test_sdp_LDADD = $(TD_LIBS_SIP) $(CMOCKA_LIBS)
EXTRA_DIST += tests/unit/sip_fixture.h
TD_UNIT_TESTS += tests/unit/test_txn_server
tests_unit_test_txn_server_LDADD = $(TD_LIBS_SIP) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_txn_client
tests_unit_test_txn_client_LDADD = $(TD_LIBS_SIP) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_dialog
tests_unit_test_dialog_LDADD = $(TD_LIBS_SIP) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_gate
tests_unit_test_gate_LDADD = $(TD_LIBS_SIP) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_udp
tests_unit_test_udp_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=sendmmsg -Wl,--wrap=recvmmsg
tests_unit_test_udp_LDADD = $(TD_LIBS_SIP) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_digest
tests_unit_test_digest_LDADD = $(TD_LIBS_SIP) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_stream
tests_unit_test_stream_LDADD = $(TD_LIBS_SIP) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_session_timer
tests_unit_test_session_timer_LDADD = $(TD_LIBS_SIP) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_dns tests/unit/test_resolve
tests_unit_test_dns_LDADD = $(TD_LIBS_SIP) $(CMOCKA_LIBS)
tests_unit_test_resolve_LDADD = $(TD_LIBS_SIP) $(CMOCKA_LIBS)
