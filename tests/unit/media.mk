# SPDX-License-Identifier: BSD-2-Clause
# Unit tests of lib/media: two lines each, the source being tests/unit/test_<module>.c:
#   TD_UNIT_TESTS += tests/unit/test_<module>
#   tests_unit_test_<module>_LDADD = $(TD_LIBS_MEDIA) $(CMOCKA_LIBS)
#
# The client meets the relay here, as the two programs do.
TD_UNIT_TESTS += tests/unit/test_media
tests_unit_test_media_SOURCES = tests/unit/test_media.c tests/unit/relay_rig.h
tests_unit_test_media_LDADD = lib/media/libtdmedia.a $(TD_LIBS_RELAY) $(CMOCKA_LIBS)
TD_UNIT_TESTS += tests/unit/test_media_fake
tests_unit_test_media_fake_LDADD = $(TD_LIBS_MEDIA) $(CMOCKA_LIBS)
