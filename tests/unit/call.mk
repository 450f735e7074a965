# SPDX-License-Identifier: BSD-2-Clause
# Unit tests of lib/call: two lines each, the source being tests/unit/test_<module>.c:
TD_UNIT_TESTS += tests/unit/test_headers
tests_unit_test_headers_LDADD = $(TD_LIBS_CALL) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_leg
tests_unit_test_leg_LDADD = $(TD_LIBS_CALL) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_treatment
tests_unit_test_treatment_LDADD = $(TD_LIBS_CALL) $(CMOCKA_LIBS)
