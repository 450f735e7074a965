# SPDX-License-Identifier: BSD-2-Clause
# L2: sees config and core, never a sibling.
noinst_LIBRARIES += lib/sip/libtdsip.a
lib_sip_libtdsip_a_SOURCES = \
	lib/sip/mtu.h lib/sip/mtu.c lib/sip/method.h lib/sip/method.c lib/sip/lex.h lib/sip/lex.c lib/sip/hdr.h lib/sip/hdr.c \
	lib/sip/uri.h lib/sip/uri.c lib/sip/peek.h lib/sip/peek.c lib/sip/msg.h lib/sip/msg.c \
	lib/sip/msg_get.c lib/sip/via.c \
	lib/sip/build.h lib/sip/build.c lib/sip/sdp.h lib/sip/sdp.c \
	lib/sip/session_timer.h lib/sip/session_timer.c \
	lib/sip/digest.h lib/sip/digest.c
lib_sip_libtdsip_a_SOURCES += \
	lib/sip/transport.h lib/sip/transport.c lib/sip/udp.h lib/sip/udp.c lib/sip/gate.h lib/sip/gate.c lib/sip/shed.h lib/sip/shed.c \
	lib/sip/txn.h lib/sip/txn_priv.h lib/sip/txn.c lib/sip/txn_client.c lib/sip/txn_server.c \
	lib/sip/dialog.h lib/sip/dialog_priv.h lib/sip/dialog.c lib/sip/dialog_ack.c lib/sip/dialog_target.c lib/sip/dialog_save.c
lib_sip_libtdsip_a_SOURCES += lib/sip/stream.h lib/sip/stream.c \
	lib/sip/conn.h lib/sip/conn_priv.h lib/sip/conn.c lib/sip/conn_listen.c lib/sip/net.h lib/sip/net.c \
	lib/sip/tls.h lib/sip/tls_priv.h lib/sip/tls.c lib/sip/tls_cert.c
lib_sip_libtdsip_a_SOURCES += \
	lib/sip/tel.h lib/sip/tel.c lib/sip/diversion.h lib/sip/diversion.c lib/sip/mime.h lib/sip/mime.c \
	lib/sip/session_id.h lib/sip/session_id.c
lib_sip_libtdsip_a_SOURCES += \
	lib/sip/dns.h lib/sip/dns.c lib/sip/dns_cache.h lib/sip/dns_cache.c lib/sip/dns_ares.h lib/sip/dns_ares.c \
	lib/sip/enum.h lib/sip/enum.c \
	lib/sip/resolve.h lib/sip/resolve.c
lib_sip_libtdsip_a_SOURCES += \
	lib/sip/reliable.h lib/sip/reliable.c lib/sip/sdp_answer.h lib/sip/sdp_answer.c \
	lib/sip/sdes.h lib/sip/sdes.c lib/sip/sdp_format.h lib/sip/sdp_format.c
