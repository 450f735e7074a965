# SPDX-License-Identifier: BSD-2-Clause
# L1: sees core.
noinst_LIBRARIES += lib/config/libtdconfig.a
lib_config_libtdconfig_a_SOURCES = \
	lib/config/base.h \
	lib/config/check.c \
	lib/config/check_codecs.c \
	lib/config/check_group.c \
	lib/config/check_lcr.c \
	lib/config/check_peer.c \
	lib/config/check_route.c \
	lib/config/check_sound.c \
	lib/config/check_trunk.c \
	lib/config/compare.c \
	lib/config/compare.h \
	lib/config/config.c \
	lib/config/config.h \
	lib/config/errors.c \
	lib/config/errors.h \
	lib/config/fmt.c \
	lib/config/fmt.h \
	lib/config/kw_common.c \
	lib/config/kw_routing.c \
	lib/config/lexer.c \
	lib/config/lexer.h \
	lib/config/link.c \
	lib/config/load.c \
	lib/config/parse.c \
	lib/config/parse.h \
	lib/config/pattern.c \
	lib/config/routing.h \
	lib/config/schema.h \
	lib/config/schema_auth.c \
	lib/config/schema_calendar.c \
	lib/config/schema_cdr.c \
	lib/config/schema_codecs.c \
	lib/config/schema_deck.c \
	lib/config/schema_group.c \
	lib/config/schema_identity.c \
	lib/config/schema_net.c \
	lib/config/schema_numbers.c \
	lib/config/schema_peer.c \
	lib/config/schema_route.c \
	lib/config/schema_secure.c \
	lib/config/schema_sip.c \
	lib/config/schema_sound.c \
	lib/config/schema_trunk.c \
	lib/config/schema_trunk_route.c \
	lib/config/value.c \
	lib/config/value.h
