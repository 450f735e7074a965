# SPDX-License-Identifier: BSD-2-Clause
# The media plane: sees core and media/media_proto.h only.
noinst_LIBRARIES += lib/relay/libtdrelay.a
lib_relay_libtdrelay_a_SOURCES = \
	lib/relay/bpf/relay_maps.h \
	lib/relay/audio.c lib/relay/audio.h \
	lib/relay/chan.c lib/relay/chan.h \
	lib/relay/conn.c lib/relay/state.h \
	lib/relay/control.c lib/relay/control.h \
	lib/relay/dtmf.c lib/relay/dtmf.h \
	lib/relay/emodel.c lib/relay/emodel.h \
	lib/relay/fast.c lib/relay/fast.h \
	lib/relay/flow.c lib/relay/flow.h \
	lib/relay/flow_map.c lib/relay/flow_map.h \
	lib/relay/frame.c lib/relay/frame.h \
	lib/relay/io.c lib/relay/io.h lib/relay/io_name.h lib/relay/io_steer.c lib/relay/io_udp.c \
	lib/relay/handed.c lib/relay/handed.h lib/relay/handover.c \
	lib/relay/hops.c lib/relay/hops.h lib/relay/hops_msg.c lib/relay/hops_msg.h \
	lib/relay/ice.c lib/relay/ice.h \
	lib/relay/job.h \
	lib/relay/keep.c lib/relay/keep_check.h lib/relay/keep_check.c lib/relay/keep.h \
	lib/relay/kernel.c lib/relay/kernel.h \
	lib/relay/kernel_setup.c lib/relay/kernel_setup.h \
	lib/relay/kernel_tc.c lib/relay/kernel_tc.h \
	lib/relay/lane.c lib/relay/lane.h \
	lib/relay/lines.c lib/relay/lines.h \
	lib/relay/latch.c lib/relay/latch.h \
	lib/relay/limits.c lib/relay/limits.h \
	lib/relay/paths.c lib/relay/paths.h \
	lib/relay/pins.c lib/relay/pins.h \
	lib/relay/pace.c lib/relay/pace.h \
	lib/relay/player.c lib/relay/player.h \
	lib/relay/ports.c lib/relay/ports.h \
	lib/relay/quality.c lib/relay/quality.h \
	lib/relay/ranges.c lib/relay/ranges.h \
	lib/relay/relay.c lib/relay/relay.h \
	lib/relay/resume.c \
	lib/relay/rtcp.c lib/relay/rtcp.h \
	lib/relay/rtp.c lib/relay/rtp.h \
	lib/relay/secure.c lib/relay/secure.h \
	lib/relay/session.c \
	lib/relay/sounds.c lib/relay/sounds.h \
	lib/relay/stun.c lib/relay/stun.h \
	lib/relay/thread.c lib/relay/thread.h

# The programs of the kernel: an object of clang's without its debugger's sections, and a header that holds it. Nothing of it is
# shipped: who builds without clang has sockets.
TD_BPF_FILES = lib/relay/bpf/relay.bpf.c lib/relay/bpf/packet.h lib/relay/bpf/judge.h lib/relay/bpf/rewrite.h
EXTRA_DIST += $(TD_BPF_FILES)
if HAVE_EBPF
TD_BPF_FLAGS = -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -I$(srcdir)/lib $(TD_BPF_CPPFLAGS) $(LIBBPF_CFLAGS)
TD_BPF_GEN = lib/relay/bpf/gen
# As the system's: the code in it is bpftool's.
AM_CPPFLAGS += -isystem $(top_builddir)/$(TD_BPF_GEN)
$(TD_BPF_GEN)/relay.bpf.o: $(TD_BPF_FILES) lib/relay/bpf/relay_maps.h
	$(AM_V_GEN)$(MKDIR_P) $(TD_BPF_GEN) && \
	'$(CLANG_BPF)' $(TD_BPF_FLAGS) -c -o $@.full '$(srcdir)/lib/relay/bpf/relay.bpf.c' && \
	'$(BPFTOOL)' gen object $@ $@.full && rm -f $@.full
$(TD_BPF_GEN)/relay.skel.h: $(TD_BPF_GEN)/relay.bpf.o
	$(AM_V_GEN)'$(BPFTOOL)' gen skeleton $< name relay_bpf >$@.new && mv -f $@.new $@
BUILT_SOURCES += $(TD_BPF_GEN)/relay.skel.h
lib/relay/kernel_setup.$(OBJEXT): $(TD_BPF_GEN)/relay.skel.h
CLEANFILES += $(TD_BPF_GEN)/relay.bpf.o $(TD_BPF_GEN)/relay.skel.h
endif
