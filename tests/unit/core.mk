# SPDX-License-Identifier: BSD-2-Clause
# Unit tests of lib/core.
TD_UNIT_TESTS += tests/unit/test_span
tests_unit_test_span_LDADD = $(TD_LIBS_CORE) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_addr
tests_unit_test_addr_LDADD = $(TD_LIBS_CORE) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_arena
tests_unit_test_arena_LDADD = $(TD_LIBS_CORE) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_log
tests_unit_test_log_LDADD = $(TD_LIBS_CORE) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_pool
tests_unit_test_pool_LDADD = $(TD_LIBS_CORE) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_htab
tests_unit_test_htab_LDADD = $(TD_LIBS_CORE) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_clock
tests_unit_test_clock_LDADD = $(TD_LIBS_CORE) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_timer
tests_unit_test_timer_LDADD = $(TD_LIBS_CORE) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_ident
tests_unit_test_ident_LDADD = $(TD_LIBS_CORE) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_work
tests_unit_test_work_LDADD = $(TD_LIBS_CORE) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_stats
tests_unit_test_stats_LDADD = $(TD_LIBS_CORE) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_ipc
tests_unit_test_ipc_LDADD = $(TD_LIBS_CORE) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_delay
tests_unit_test_delay_LDADD = $(TD_LIBS_CORE) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_parallel
tests_unit_test_parallel_LDADD = $(TD_LIBS_CORE) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_g711
tests_unit_test_g711_LDADD = $(TD_LIBS_CORE) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_tone
tests_unit_test_tone_LDADD = $(TD_LIBS_CORE) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_sound
tests_unit_test_sound_LDADD = $(TD_LIBS_CORE) $(CMOCKA_LIBS)
