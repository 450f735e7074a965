/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The seam below SIP: a flow (which socket, whose address), something that sends, and bytes kept for sending again.
 * Transactions and dialogs send through it; udp.c and the replay harness stand behind it. It knows no SIP machine.
 */
#ifndef SIP_TRANSPORT_H
#define SIP_TRANSPORT_H

#include "core/addr.h"
#include "core/pool.h"
#include "core/proto.h"
#include "core/span.h"
#include <stdint.h>

/** Where a message came from or goes to. */
struct flow {
    uint16_t listener; /* index of a listener, stable for the process's life */
    struct addr local; /* our address on it; family 0: let the kernel choose */
    struct addr remote;
    uint8_t proto; /* enum proto */
    uint16_t
        tcp_above; /* UDP: larger requests go by TCP where by_tcp has a way (RFC 3261 §18.1.1) [bytes]; 0: none does */
    /*
     * Opaque to SIP: whose address that is (trunk slot + 1), for the names that a TLS peer must show; 0: nobody's, only a connection that
     * stands can be used.
     */
    uint32_t owner;
    uint32_t cert; /* TLS, received: the peer's verified certificate, for peer_is; 0: none */
    uint64_t
        conn; /* streams: the connection to use while it stands; 0 or gone: one to the same remote is looked for or opened */
};

struct transport {
    /**
     * Queue a message; the bytes are copied. Nothing leaves before the end of the loop turn.
     * Over a stream a message that cannot be delivered (connection refused, lost before it was written, timed out) comes back by
     * stack_unsent(): its client transaction ends with TXN_END_TRANSPORT.
     * @return 0 (a datagram lost for want of room is counted, not an error: UDP may lose it anyway); -ENOTCONN no such listener or
     *         connection; -EAFNOSUPPORT listener and remote are of different families
     */
    int (*send)(struct transport *t, const struct flow *f, const char *buf, size_t len);
    /**
     * What our Via says for this flow: "SIP/2.0/UDP 192.0.2.1:5060" (the advertised address).
     * @return borrowed, valid until the next call
     */
    struct span (*via)(struct transport *t, const struct flow *f);
    /**
     * A flow by TCP to where this UDP flow goes, for a request that is too large for a datagram (RFC 3261 §18.1.1).
     * @return 0; -ENOTCONN no listener of the same address has tcp, or TCP to that remote has failed lately. NULL: never
     */
    int (*by_tcp)(struct transport *t, const struct flow *udp, struct flow *tcp);
    /**
     * The certificate of the TLS peer this flow came from is verified and has this name (RFC 5922 §7.2). NULL: never
     */
    bool (*peer_is)(struct transport *t, const struct flow *f, const char *name);
    /**
     * The listener that a dialog's flow leaves by when its target names another protocol or has another family (RFC 3261 §12.2.1.1): of the
     * same `listen` section as f's.
     * @param local  set to its address
     * @return its number; -ENOTCONN there is none. NULL: never
     */
    int (*listener_for)(struct transport *t, const struct flow *f, unsigned proto, uint8_t family,
                        struct addr *local);
};

/** 5060, for TLS 5061 (RFC 3261 §19.1.2). */
uint16_t flow_port(unsigned proto);

/**
 * Where the response to a request goes (RFC 3261 §18.2.2, RFC 3581 §4): the source address; the source port if the top Via has rport,
 * else the port of its sent-by (0: flow_port). maddr is not followed: a stranger would choose whom we send to.
 * A stream's response goes by the connection of the request (f->conn stays) while it stands; when it is gone, a new one goes to the source
 * address and the port of the sent-by, whatever rport says: the source port was the peer's end of the old connection.
 */
void flow_of_response(struct flow *f, bool has_rport, uint16_t via_port);

/** A message kept for retransmission, in one block with its flow. */
struct wire {
    uint32_t cap; /* of the block */
    uint32_t len; /* of bytes */
    struct flow flow;
    _Alignas(8) char bytes[]; /* also holds structures in front of text */
};

/** Copy a message into a block. @return owned; NULL out of memory */
struct wire *wire_new(struct blocks *b, const struct flow *f, const char *buf, size_t len);
/** NULL is ignored. */
void wire_free(struct blocks *b, struct wire *w);
/** Send (again). @return as transport->send */
int wire_send(struct transport *t, const struct wire *w);

#endif
