# SPDX-License-Identifier: BSD-2-Clause
# Unit tests of lib/config.
noinst_HEADERS += tests/unit/config_load.h
TD_UNIT_TESTS += tests/unit/test_config
tests_unit_test_config_LDADD = $(TD_LIBS_CONFIG) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_config_errors
tests_unit_test_config_errors_LDADD = $(TD_LIBS_CONFIG) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_config_value
tests_unit_test_config_value_LDADD = $(TD_LIBS_CONFIG) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_config_files
tests_unit_test_config_files_LDADD = $(TD_LIBS_CONFIG) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_config_sip
tests_unit_test_config_sip_LDADD = $(TD_LIBS_CONFIG) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_config_routing
tests_unit_test_config_routing_LDADD = $(TD_LIBS_CONFIG) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_config_fmt
tests_unit_test_config_fmt_LDADD = $(TD_LIBS_CONFIG) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_compare
tests_unit_test_compare_LDADD = $(TD_LIBS_CONFIG) $(CMOCKA_LIBS)
