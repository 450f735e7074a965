# SPDX-License-Identifier: BSD-2-Clause
# Unit tests of lib/call: two lines each, the source being tests/unit/test_<module>.c:
TD_UNIT_TESTS += tests/unit/test_headers
tests_unit_test_headers_LDADD = $(TD_LIBS_CALL) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_leg
tests_unit_test_leg_LDADD = $(TD_LIBS_CALL) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_treatment
tests_unit_test_treatment_LDADD = $(TD_LIBS_CALL) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_bridge
tests_unit_test_bridge_LDADD = $(TD_LIBS_CALL) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_offer
tests_unit_test_offer_LDADD = $(TD_LIBS_CALL) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_priority
tests_unit_test_priority_LDADD = $(TD_LIBS_CALL) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_journal
tests_unit_test_journal_LDADD = $(TD_LIBS_CALL) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_call_save
tests_unit_test_call_save_LDADD = $(TD_LIBS_CALL) $(CMOCKA_LIBS)
EXTRA_DIST += tests/unit/call_rig.h
TD_UNIT_TESTS += tests/unit/test_header_rules
tests_unit_test_header_rules_LDADD = $(TD_LIBS_CALL) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_locate
tests_unit_test_locate_LDADD = $(TD_LIBS_CALL) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_lnp
tests_unit_test_lnp_LDADD = $(TD_LIBS_CALL) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_explain
tests_unit_test_explain_LDADD = $(TD_LIBS_CALL) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_rating
tests_unit_test_rating_LDADD = $(TD_LIBS_CALL) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_testrun
tests_unit_test_testrun_LDADD = $(TD_LIBS_CALL) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_terms
tests_unit_test_terms_LDADD = $(TD_LIBS_CALL) $(CMOCKA_LIBS)
