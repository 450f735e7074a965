# SPDX-License-Identifier: BSD-2-Clause
# The replay harness. The runner is built by "make check" but is not itself a test unless it is named as one:
#   check_PROGRAMS += tests/replay/replay
#   tests_replay_replay_SOURCES = tests/replay/replay.c …
#   tests_replay_replay_LDADD = $(TD_LIBS_CALL) $(CMOCKA_LIBS)
#   TD_REPLAY_TESTS += <a script or program that runs every case>
EXTRA_DIST += tests/replay/cases
