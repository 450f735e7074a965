# SPDX-License-Identifier: BSD-2-Clause
# Unit tests of daemon: two lines each, the source being tests/unit/test_<module>.c.
TD_LIBS_DAEMON_TEST = daemon/libtddaemon.a $(TD_LIBS_CALL) $(TD_LIBS_DAEMON)

TD_UNIT_TESTS += tests/unit/test_builder
tests_unit_test_builder_LDADD = $(TD_LIBS_DAEMON_TEST) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_dips
tests_unit_test_dips_LDADD = $(TD_LIBS_DAEMON_TEST) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_dispatch
tests_unit_test_dispatch_LDADD = $(TD_LIBS_DAEMON_TEST) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_lobby
tests_unit_test_lobby_LDADD = $(TD_LIBS_DAEMON_TEST) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_render
tests_unit_test_render_LDADD = $(TD_LIBS_DAEMON_TEST) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_snapshot
tests_unit_test_snapshot_LDADD = $(TD_LIBS_DAEMON_TEST) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_state
tests_unit_test_state_LDADD = $(TD_LIBS_DAEMON_TEST) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_watch
tests_unit_test_watch_LDADD = $(TD_LIBS_DAEMON_TEST) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_trunk_admin
tests_unit_test_trunk_admin_LDADD = $(TD_LIBS_DAEMON_TEST) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_doctor
tests_unit_test_doctor_LDADD = $(TD_LIBS_DAEMON_TEST) $(TD_LIBS_RELAY) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_media_show
tests_unit_test_media_show_LDADD = $(TD_LIBS_DAEMON_TEST) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_metrics
tests_unit_test_metrics_LDADD = $(TD_LIBS_DAEMON_TEST) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_media_plan
tests_unit_test_media_plan_LDADD = $(TD_LIBS_DAEMON_TEST) $(CMOCKA_LIBS)
