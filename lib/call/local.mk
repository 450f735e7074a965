# SPDX-License-Identifier: BSD-2-Clause
# L3: sees everything below it.
noinst_LIBRARIES += lib/call/libtdcall.a
lib_call_libtdcall_a_SOURCES = \
	lib/call/admit.c lib/call/admit.h \
	lib/call/announce.c lib/call/announce.h \
	lib/call/attempt.c lib/call/attempt.h \
	lib/call/auth.c lib/call/auth.h \
	lib/call/bodies.c lib/call/bodies.h \
	lib/call/bridge.c lib/call/bridge.h \
	lib/call/call.c lib/call/call.h \
	lib/call/crossing.c lib/call/crossing.h \
	lib/call/diverted.c lib/call/diverted.h \
	lib/call/explain.c lib/call/explain.h \
	lib/call/explain_dry.c lib/call/explain_dry.h \
	lib/call/explain_invite.c lib/call/explain_json.c lib/call/explain_priv.h lib/call/explain_state.c \
	lib/call/digits.c lib/call/digits.h lib/call/digits_sdp.c lib/call/digits_sdp.h \
	lib/call/eps.c lib/call/eps.h \
	lib/call/dip.c lib/call/dip.h \
	lib/call/explain_text.c lib/call/explain_text.h \
	lib/call/explain_words.c lib/call/explain_words.h \
	lib/call/testrun.c lib/call/testrun.h lib/call/testrun_expect.c lib/call/testrun_priv.h \
	lib/call/load_check.c lib/call/load_check.h \
	lib/call/failover.c lib/call/failover.h \
	lib/call/gen.c lib/call/gen.h \
	lib/call/header_rules.c lib/call/header_rules.h \
	lib/call/headers.c lib/call/headers.h \
	lib/call/hunt.c lib/call/hunt.h \
	lib/call/identity.c lib/call/identity.h \
	lib/call/interwork.c lib/call/interwork.h \
	lib/call/invite.c lib/call/invite.h \
	lib/call/journal.c lib/call/journal.h \
	lib/call/leg.c lib/call/leg.h \
	lib/call/leg_in.c lib/call/leg_out.c lib/call/leg_table.h \
	lib/call/lnp.c lib/call/lnp.h \
	lib/call/locate.c lib/call/locate.h \
	lib/call/methods.c lib/call/methods.h \
	lib/call/login.c lib/call/login.h \
	lib/call/model.h \
	lib/call/offer.c lib/call/offer.h lib/call/offer_event.c lib/call/offer_kept.c lib/call/offer_priv.h lib/call/offer_play.c lib/call/offer_play.h lib/call/offer_session.c lib/call/bypass.c lib/call/bypass.h lib/call/codecs.c lib/call/codecs.h lib/call/crypto.c lib/call/crypto.h lib/call/lite.c lib/call/lite.h lib/call/terms.c lib/call/terms.h \
	lib/call/own.c lib/call/own.h \
	lib/call/follow.c lib/call/follow.h \
	lib/call/options.c lib/call/options.h \
	lib/call/party.c lib/call/party.h \
	lib/call/pass.c lib/call/pass.h \
	lib/call/priority.c lib/call/priority.h \
	lib/call/query.c lib/call/query.h \
	lib/call/rating.c lib/call/rating.h \
	lib/call/reason.c lib/call/reason.h \
	lib/call/record.c \
	lib/call/refer.c lib/call/refer.h \
	lib/call/refresh.c lib/call/refresh.h \
	lib/call/register.c lib/call/register.h \
	lib/call/registrar.c lib/call/registrar.h \
	lib/call/session.c lib/call/session.h \
	lib/call/rel100.c lib/call/rel100.h \
	lib/call/replaces.c lib/call/replaces.h \
	lib/call/redirect.c lib/call/redirect.h \
	lib/call/shown.c lib/call/shown.h \
	lib/call/snapshot.c lib/call/snapshot.h \
	lib/call/stack.c lib/call/stack.h \
	lib/call/transfer.c lib/call/transfer.h \
	lib/call/treatment.c lib/call/treatment.h \
	lib/call/tu.c
