# SPDX-License-Identifier: BSD-2-Clause
# Load generators and probes: built by "make", never installed and never run by "make check". They link nothing of lib/:
# an independent witness.
noinst_PROGRAMS += tests/bench/sipload tests/bench/rtpprobe
tests_bench_sipload_SOURCES = tests/bench/hist.h tests/bench/load.h tests/bench/load_opt.h \
	tests/bench/sipload.c tests/bench/hist.c tests/bench/load_msg.c tests/bench/load_net.c \
	tests/bench/load_opt.c tests/bench/load_stat.c tests/bench/load_timer.c tests/bench/load_uac.c \
	tests/bench/load_uas.c
tests_bench_rtpprobe_SOURCES = tests/bench/hist.h tests/bench/probe.h \
	tests/bench/rtpprobe.c tests/bench/hist.c tests/bench/probe_log.c tests/bench/probe_port.c \
	tests/bench/probe_report.c tests/bench/probe_stream.c

# What lib/sip costs by the message; this one links what it measures.
noinst_PROGRAMS += tests/bench/bench_sip
tests_bench_bench_sip_LDADD = $(TD_LIBS_SIP)
# The exception: the steps of the SIP stack by themselves, for comparing two versions of them.
noinst_PROGRAMS += tests/bench/microsip
tests_bench_microsip_LDADD = $(TD_LIBS_SIP)

# What a packet costs the relay: tests/bench/relaybench daemon/tandem-media SESSIONS PPS SECONDS
noinst_PROGRAMS += tests/bench/relaybench
tests_bench_relaybench_SOURCES = tests/bench/relaybench.c
tests_bench_relaybench_LDADD = lib/media/libtdmedia.a $(TD_LIBS_CORE)

# The rate table beside its rivals, and compared with a second implementation: it links what it measures.
noinst_PROGRAMS += tests/bench/route
tests_bench_route_SOURCES = tests/bench/route.h tests/bench/route.c tests/bench/route_parse.c \
	tests/bench/route_rival.c tests/unit/lcr_rig.h
tests_bench_route_LDADD = $(TD_LIBS_ROUTE) -lm
EXTRA_DIST += tests/bench/route-mtree

# A decision for a call, over all its steps.
noinst_PROGRAMS += tests/bench/decide
tests_bench_decide_LDADD = $(TD_LIBS_ROUTE)

# The media bench: parties and bare relays in the kernel and by sockets; scripts/mediabench runs them beside tandem-media.
TD_BENCH_BPF = tests/bench/media/gen.bpf.c tests/bench/media/sink.bpf.c tests/bench/media/bare.bpf.c
EXTRA_DIST += $(TD_BENCH_BPF)
if HAVE_EBPF
noinst_PROGRAMS += tests/bench/mbench
tests_bench_mbench_SOURCES = tests/bench/media/mbench.c tests/bench/media/mbench.h tests/bench/media/wire.h \
	tests/bench/media/traffic.c tests/bench/media/bare.c tests/bench/media/sockets.c
tests_bench_mbench_CPPFLAGS = $(AM_CPPFLAGS) $(TD_EBPF_CPPFLAGS)
tests_bench_mbench_LDADD = $(LIBBPF_LIBS)
tests/bench/media/%.bpf.o: $(srcdir)/tests/bench/media/%.bpf.c $(srcdir)/tests/bench/media/wire.h
	$(AM_V_GEN)$(MKDIR_P) tests/bench/media && '$(CLANG_BPF)' $(TD_BPF_FLAGS) -c -o $@ $<
TD_BENCH_OBJECTS = tests/bench/media/gen.bpf.o tests/bench/media/sink.bpf.o tests/bench/media/bare.bpf.o
tests_bench_mbench_DEPENDENCIES = $(TD_BENCH_OBJECTS)
CLEANFILES += $(TD_BENCH_OBJECTS)
endif
