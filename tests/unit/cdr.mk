# SPDX-License-Identifier: BSD-2-Clause
# Unit tests of lib/cdr: two lines each, the source being tests/unit/test_<module>.c:
#   TD_UNIT_TESTS += tests/unit/test_<module>
#   tests_unit_test_<module>_LDADD = $(TD_LIBS_CDR) $(CMOCKA_LIBS)
