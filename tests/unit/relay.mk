# SPDX-License-Identifier: BSD-2-Clause
# Unit tests of lib/relay: two lines each, the source being tests/unit/test_<module>.c:
#   TD_UNIT_TESTS += tests/unit/test_<module>
#   tests_unit_test_<module>_LDADD = $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
#
# End to end: the client beside the relay, RTP over loopback.
TD_UNIT_TESTS += tests/unit/test_relay_e2e
tests_unit_test_relay_e2e_SOURCES = tests/unit/test_relay_e2e.c tests/unit/relay_rig.h
tests_unit_test_relay_e2e_LDADD = lib/media/libtdmedia.a $(TD_LIBS_RELAY) $(CMOCKA_LIBS)

TD_UNIT_TESTS += tests/unit/test_relay_ports
tests_unit_test_relay_ports_LDADD = $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_relay_latch
tests_unit_test_relay_latch_LDADD = $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_relay_rtp
tests_unit_test_relay_rtp_LDADD = $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_relay_control
tests_unit_test_relay_control_LDADD = $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_relay_secure
tests_unit_test_relay_secure_SOURCES = tests/unit/test_relay_secure.c tests/unit/srtp_ref.h
tests_unit_test_relay_secure_LDADD = $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_relay_handed
tests_unit_test_relay_handed_LDADD = $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_relay_pins
tests_unit_test_relay_pins_LDADD = $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_relay_player
tests_unit_test_relay_player_LDADD = $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_relay_dtmf
tests_unit_test_relay_dtmf_LDADD = $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
# The programs themselves, run by the kernel on frames of the test's: as root.
if HAVE_EBPF
TD_UNIT_TESTS += tests/unit/test_relay_bpf
tests_unit_test_relay_bpf_SOURCES = tests/unit/test_relay_bpf.c tests/unit/bpf_rig.h
tests_unit_test_relay_bpf_LDADD = $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
tests/unit/test_relay_bpf.$(OBJEXT): $(TD_BPF_GEN)/relay.skel.h
endif
TD_UNIT_TESTS += tests/unit/test_relay_hops
tests_unit_test_relay_hops_LDADD = $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_relay_hops_live
tests_unit_test_relay_hops_live_LDADD = $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_relay_kernel
tests_unit_test_relay_kernel_LDADD = $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_relay_quality
tests_unit_test_relay_quality_LDADD = $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_relay_frame
tests_unit_test_relay_frame_LDADD = $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_relay_flow_map
tests_unit_test_relay_flow_map_LDADD = $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_relay_steer
tests_unit_test_relay_steer_LDADD = $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_relay_audio
tests_unit_test_relay_audio_SOURCES = tests/unit/test_relay_audio.c tests/unit/relay_rig.h
tests_unit_test_relay_audio_LDADD = lib/media/libtdmedia.a $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_relay_srtp
tests_unit_test_relay_srtp_SOURCES = tests/unit/test_relay_srtp.c tests/unit/relay_rig.h
tests_unit_test_relay_srtp_LDADD = lib/media/libtdmedia.a $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_relay_fast
tests_unit_test_relay_fast_LDADD = $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_relay_keep
tests_unit_test_relay_keep_SOURCES = tests/unit/test_relay_keep.c tests/unit/relay_rig.h
tests_unit_test_relay_keep_LDADD = lib/media/libtdmedia.a $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_relay_ice
tests_unit_test_relay_ice_SOURCES = tests/unit/test_relay_ice.c tests/unit/stun_rig.h
tests_unit_test_relay_ice_LDADD = $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_relay_ice_e2e
tests_unit_test_relay_ice_e2e_SOURCES = tests/unit/test_relay_ice_e2e.c tests/unit/relay_rig.h tests/unit/stun_rig.h
tests_unit_test_relay_ice_e2e_LDADD = lib/media/libtdmedia.a $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
