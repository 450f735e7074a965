# SPDX-License-Identifier: BSD-2-Clause
# Unit tests of lib/cdr.
TD_UNIT_TESTS += tests/unit/test_record
tests_unit_test_record_LDADD = $(TD_LIBS_CDR) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_sink
tests_unit_test_sink_LDADD = $(TD_LIBS_CDR) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_cdr
tests_unit_test_cdr_LDADD = $(TD_LIBS_CDR) $(CMOCKA_LIBS)
