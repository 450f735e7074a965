# SPDX-License-Identifier: BSD-2-Clause
# Unit tests of lib/route: two lines each, the source being tests/unit/test_<module>.c:
#   TD_UNIT_TESTS += tests/unit/test_<module>
#   tests_unit_test_<module>_LDADD = $(TD_LIBS_ROUTE) $(CMOCKA_LIBS)

noinst_HEADERS += tests/unit/deck_rig.h

TD_UNIT_TESTS += tests/unit/test_cac
tests_unit_test_cac_LDADD = $(TD_LIBS_ROUTE) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_table
tests_unit_test_table_LDADD = $(TD_LIBS_ROUTE) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_trunk
tests_unit_test_trunk_LDADD = $(TD_LIBS_ROUTE) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_number
tests_unit_test_number_LDADD = $(TD_LIBS_ROUTE) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_route
tests_unit_test_route_LDADD = $(TD_LIBS_ROUTE) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_source
tests_unit_test_source_LDADD = $(TD_LIBS_ROUTE) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_target
tests_unit_test_target_LDADD = $(TD_LIBS_ROUTE) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_binding
tests_unit_test_binding_LDADD = $(TD_LIBS_ROUTE) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_breaker
tests_unit_test_breaker_LDADD = $(TD_LIBS_ROUTE) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_quality
tests_unit_test_quality_LDADD = $(TD_LIBS_ROUTE) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_deck_many
tests_unit_test_deck_many_LDADD = $(TD_LIBS_ROUTE) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_deck
tests_unit_test_deck_LDADD = $(TD_LIBS_ROUTE) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_calendar
tests_unit_test_calendar_LDADD = $(TD_LIBS_ROUTE) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_list
tests_unit_test_list_LDADD = $(TD_LIBS_ROUTE) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_portability
tests_unit_test_portability_LDADD = $(TD_LIBS_ROUTE) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_lcr
tests_unit_test_lcr_SOURCES = tests/unit/test_lcr.c tests/unit/lcr_rig.h
tests_unit_test_lcr_LDADD = $(TD_LIBS_ROUTE) $(CMOCKA_LIBS)

# What is said of wrong configurations, decks included.
TD_UNIT_TESTS += tests/unit/test_wrong
tests_unit_test_wrong_LDADD = $(TD_LIBS_ROUTE) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_choose_lcr
tests_unit_test_choose_lcr_LDADD = $(TD_LIBS_ROUTE) $(CMOCKA_LIBS)
EXTRA_DIST += tests/unit/choose_rig.h

TD_UNIT_TESTS += tests/unit/test_choose
tests_unit_test_choose_LDADD = $(TD_LIBS_ROUTE) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_diff
tests_unit_test_diff_LDADD = $(TD_LIBS_ROUTE) $(CMOCKA_LIBS)
