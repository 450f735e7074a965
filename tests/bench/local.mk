# SPDX-License-Identifier: BSD-2-Clause
# Load generators and probes: built by "make", never installed and never run by "make check". They link nothing of lib/:
# an independent witness.
noinst_PROGRAMS += tests/bench/sipload
tests_bench_sipload_SOURCES = tests/bench/load.h tests/bench/load_opt.h \
	tests/bench/sipload.c tests/bench/load_msg.c tests/bench/load_net.c tests/bench/load_opt.c \
	tests/bench/load_stat.c tests/bench/load_timer.c tests/bench/load_uac.c tests/bench/load_uas.c
