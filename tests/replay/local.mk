# SPDX-License-Identifier: BSD-2-Clause
# The replay harness and its cases: tests/replay/run runs each case twice, the second time with restarts.
check_PROGRAMS += tests/replay/replay
tests_replay_replay_SOURCES = \
	tests/replay/actor.c tests/replay/cells.c tests/replay/digest.c tests/replay/dip.c tests/replay/dns.c tests/replay/expect.c tests/replay/leak.c tests/replay/monkey.c tests/replay/net.c tests/replay/relay.c tests/replay/replay.c \
	tests/replay/replay.h tests/replay/run.c tests/replay/script.c tests/replay/stream.c tests/replay/text.c tests/replay/world.c tests/replay/world.h
tests_replay_replay_LDADD = $(TD_LIBS_CALL)
TD_REPLAY_TESTS += tests/replay/run
# A script beside run.c: without a rule of its own make takes it for that file's program and builds over it.
tests/replay/run: ;
EXTRA_DIST += tests/replay/cases tests/replay/run \
	tests/replay/mutate tests/replay/mutations tests/replay/MUTATIONS.md tests/replay/README.md
