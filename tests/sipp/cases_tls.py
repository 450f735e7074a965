# SPDX-License-Identifier: BSD-2-Clause
"""Calls over TLS: whose certificate it is, on both sides, and its renewal while calls stand."""
from certs import Authority
from harness import SIPS
from stream_agent import StreamAgent


def start(t, alpha_name="alpha.example", bravo_name="bravo.example", verify="require", alpha="  tls-name alpha.example\n", bravo_pem=None,
          trunks=None, **kw):
    """One authority; the switch, alpha and bravo have certificates of it. Returns it and the agents."""
    ca = Authority(t, "ca")
    ca.issue("switch", "switch.example")
    line = f"cert {t.path('switch.pem')} ca {ca.cert} verify {verify}"
    t.start(tls={"west": line, "east": line}, alpha=alpha,
            trunks=trunks or {"bravo": "  tls-name bravo.example\n", "charlie": "  tls-name charlie.example\n"}, **kw)
    a = StreamAgent(t, "alpha", ca.contexts(ca.issue("alpha", alpha_name)))
    b = StreamAgent(t, "bravo", ca.contexts(bravo_pem(ca) if bravo_pem else ca.issue("bravo", bravo_name)))
    a.peer, b.peer = (a.peer[0], SIPS), (b.peer[0], SIPS)
    return ca, a, b


def call(a, b):
    """Set up; returns the call and the INVITE that arrived."""
    c = a.invite("12125550000")
    inv = b.wait("INVITE")
    b.reply(inv, 180)
    b.reply(inv, 200, body=b.sdp())
    c.answered(a.wait("200", "INVITE"))
    a.request(c, "ACK")
    b.wait("ACK")
    return c, inv


def hang_up(a, b, c):
    a.request(c, "BYE")
    b.reply(b.wait("BYE"), 200)
    a.wait("200", "BYE")


def case_tls_basic(t):
    """A call over TLS on both sides, with certificates of both ends checked."""
    _, a, b = start(t)
    c, inv = call(a, b)
    t.true("the INVITE's Via says TLS", inv.vias[0].startswith("SIP/2.0/TLS "))
    t.true("its Contact says so", "transport=tls" in inv.uri("contact"))
    hang_up(a, b, c)
    t.cdr(code=200, release="in")
    t.eq("handshakes", t.ctl("stats")["tls_handshakes"], 2)
