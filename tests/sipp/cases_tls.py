# SPDX-License-Identifier: BSD-2-Clause
"""Calls over TLS: whose certificate it is, on both sides, and its renewal while calls stand."""
import socket
import time

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


def case_tls_name_wrong_outbound(t):
    """The carrier's certificate has another name: no byte of SIP goes out, the next carrier is tried."""
    ca, a, b = start(t, bravo_name="mallory.example", route="default via bravo then charlie")
    charlie = StreamAgent(t, "charlie", ca.contexts(ca.issue("charlie", "charlie.example")))
    c = a.invite("12125550000")
    inv = charlie.wait("INVITE")
    charlie.reply(inv, 200, body=charlie.sdp())
    c.answered(a.wait("200", "INVITE"))
    a.request(c, "ACK")
    charlie.wait("ACK")
    hang_up(a, charlie, c)
    b.pump()
    t.eq("what bravo got", [m.first for m in b.waiting], [])
    t.cdr(attempts=2, code=200, trunk_out="charlie")
    t.true("the failure is counted", t.ctl("stats")["tls_failed"] >= 1)
    logged(t, 'why="hostname mismatch" wanted=bravo.example has=mallory.example')


def logged(t, text):
    """Whoever is called at night finds the reason in the log."""
    def found():
        with open(t.path("tandemd.1.log"), encoding="utf-8", errors="replace") as f:
            return any(text in line for line in f)
    t.until(f"the log says {text}", found)


def refused_outbound(t, pem):
    ca, a, b = start(t, bravo_pem=pem, route="default via bravo")
    a.invite("12125550000")
    a.wait("503", "INVITE", seconds=8)
    b.pump()
    t.eq("what bravo got", [m.first for m in b.waiting], [])
    t.true("the failure is counted", t.ctl("stats")["tls_failed"] >= 1)
    return ca, a, b


def case_tls_expired_outbound(t):
    """The carrier's certificate has expired: refused."""
    refused_outbound(t, lambda ca: ca.issue("bravo", "bravo.example", expired=True))


def case_tls_nobody_there(t):
    """Nobody listens at the carrier's port, then somebody who does not speak TLS: the call fails before trying-timeout, the log says which."""
    _, a, b = start(t, route="default via bravo")
    b.deaf()
    a.invite("12125550000")
    a.wait("503", "INVITE", seconds=2)
    logged(t, 'proto=TLS why="Connection refused"')
    mute = socket.create_server((b.ip, b.port))
    a.invite("12125550001")
    a.wait("503", "INVITE", seconds=5)
    mute.close()
    logged(t, 'why="peer does not shake hands: no TLS there?"')


def case_tls_self_signed_outbound(t):
    """The carrier's certificate is its own authority's: refused."""
    refused_outbound(t, lambda ca: Authority(t, "malloryca").issue("bravo", "bravo.example"))


def case_tls_san_beats_common_name(t):
    """A certificate with alternative names is not known by its common name (RFC 5922 §7.1)."""
    refused_outbound(t, lambda ca: ca.issue("bravo", "bravo.example", san="DNS:other.example"))


def case_tls_uri_san(t):
    """The name as URI sip:NAME among the alternative names, as RFC 5922 §7.1 has it."""
    _, a, b = start(t, bravo_pem=lambda ca: ca.issue("bravo", "x", san="URI:sip:bravo.example"))
    c, _ = call(a, b)
    hang_up(a, b, c)


def case_tls_name_wrong_inbound(t):
    """The caller's certificate is good, but not the one of its trunk's tls-name: 403."""
    _, a, _ = start(t, alpha_name="mallory.example")
    a.invite("12125550000")
    a.wait("403", "INVITE")
    t.eq("counted", t.ctl("stats")["tls_name_refused"], 1)


def case_tls_no_certificate_inbound(t):
    """Mutual TLS: who shows no certificate is refused in the handshake (verify require), or gets 403 (verify request)."""
    ca, a, _ = start(t, verify="request")
    a.tls = ca.contexts(None)
    a.invite("12125550000")
    a.wait("403", "INVITE")


def case_tls_required_certificate(t):
    """verify require: the handshake fails without a certificate, or with one of another authority."""
    ca, a, _ = start(t)
    for pem in (None, Authority(t, "malloryca").issue("mallory", "alpha.example")):
        a.tls = ca.contexts(pem)
        try:  # with TLS 1.3 the client learns of it after its handshake
            conn = a.connect()
            conn.send("x")
            t.true("the connection is refused", conn.ended(3))
        except OSError:
            pass
    t.until("two failed handshakes", lambda: t.ctl("stats")["tls_failed"] == 2)
    t.eq("handshakes", t.ctl("stats")["tls_handshakes"], 0)


def case_tls_asks_for_name(t):
    """SNI: the carrier is asked for by its name (RFC 6066 §3)."""
    seen = []
    ca, a, b = start(t)
    b.tls[0].sni_callback = lambda sock, name, ctx: seen.append(name)
    c, _ = call(a, b)
    hang_up(a, b, c)
    t.eq("the name asked for", seen, ["bravo.example"])


def case_tls_old_version_refused(t):
    """TLS 1.1 is refused."""
    import ssl
    ca, a, _ = start(t)
    a.tls[1].set_ciphers("DEFAULT:@SECLEVEL=0")  # else OpenSSL itself would say nothing below 1.2
    a.tls[1].minimum_version = ssl.TLSVersion.TLSv1
    a.tls[1].maximum_version = ssl.TLSVersion.TLSv1_1
    try:
        a.connect()
    except ssl.SSLError as e:
        t.eq("the switch says why", e.reason, "TLSV1_ALERT_PROTOCOL_VERSION")
        t.eq("handshakes", t.ctl("stats")["tls_handshakes"], 0)
        return
    t.true("TLS 1.1 was taken", False)


def serial_of(conn):
    import ssl
    return ssl.DER_cert_to_PEM_cert(conn.sock.getpeercert(True))


def case_tls_renewal(t):
    """New certificate by reload: new connections show it, the old one and its call stand; a broken file changes nothing."""
    ca, a, b = start(t)
    c, _ = call(a, b)
    before = serial_of(a.conns[0])
    ca.issue("switch", "switch.example")
    t.true("reload", "generation" in t.ctl("reload"))

    def shown():
        new = a.connect()
        got = serial_of(new)
        new.close()
        a.conns.remove(new)
        return got
    # each worker takes the new snapshot at the end of its turn
    t.until("a new connection shows the new certificate", lambda: shown() != before)
    with open(t.path("switch.pem"), "w", encoding="ascii") as f:
        f.write("-----BEGIN CERTIFICATE-----\nnone\n")
    code, out, err = t.ctl_raw("reload")
    t.true(f"the reload names the file: {out}{err}", "switch.pem" in out + err)
    t.true("and failed", code != 0)
    t.true("the renewed one is still shown", shown() != before)
    t.true("the first connection stands", a.conns[0].open)
    hang_up(a, b, c)
    t.eq("connections alpha made", len(a.conns), 1)
    rows = t.ctl("show", "certificates")
    t.eq("certificates shown", [r["days"] > 30 for r in rows], [True, True])


class Load:
    """Calls at a rate between two agents, each hung up after a while; one thread drives all."""

    def __init__(self, a, b, hold=0.4):
        self.a, self.b, self.hold, self.failed = a, b, hold, []
        self.done = self.heard = 0  # calls whose end alpha has been answered, and that beta has been told of
        self.byes, self.answered = [], set()

    def _serve_b(self):
        b = self.b
        for m in b.all("INVITE"):
            b.reply(m, 200, body=b.sdp())
        for m in b.all("BYE"):
            b.reply(m, 200)
            self.heard += 1
        b.all("ACK")

    def _serve_a(self, now):
        a = self.a
        a.all("100")
        for m in a.all("200"):
            if m.method == "BYE":
                self.done += 1
                continue
            c = a.call_of(m)
            a.request(c, "ACK")
            if c.call_id not in self.answered:  # a 200 whose ACK was late comes again (RFC 3261 §13.3.1.4)
                self.answered.add(c.call_id)
                self.byes.append((now + self.hold, c))
        while self.byes and self.byes[0][0] <= now:
            a.request(self.byes.pop(0)[1], "BYE")
        self.failed += [m.first for m in a.waiting if m.is_response and int(m.what) >= 300]
        a.waiting.clear()

    def run(self, n, cps, at):
        """n calls; at: {call number: what happens before it}. Until both sides are done: alpha's 200 may be first."""
        start, sent = time.monotonic(), 0
        end = start + n / cps + 10 * self.a.case.scale
        while min(self.done, self.heard) < n and not self.failed and time.monotonic() < end:
            now = time.monotonic()
            if sent < n and now >= start + sent / cps:
                at.get(sent, lambda: None)()
                self.a.invite(f"1212555{sent:04}")
                sent += 1
            self.b._receive(0.001)
            self._serve_b()
            self.a._receive(0.001)
            self._serve_a(time.monotonic())


def case_tls_renewal_under_load(t):
    """The certificate is renewed twice while 50 calls a second run over TLS: none fails, the first connections stand."""
    ca, a, b = start(t, each="  trying-timeout 30s\n")  # openssl makes a key in the thread that answers the calls
    load = Load(a, b)
    before = []

    def renew():
        before.append(serial_of(a.conns[-1]))
        ca.issue("switch", "switch.example")
        t.ctl("reload")

    def reconnect():  # a second after the reload
        a.connect()
        t.true("the new connection shows the new certificate", serial_of(a.conns[-1]) not in before)
    load.run(300, 50, {100: renew, 150: reconnect, 200: renew, 250: reconnect})
    t.eq("failed calls", load.failed, [])
    t.eq("calls done", (load.done, load.heard), (300, 300))
    t.eq("connections of alpha", [c.open for c in a.conns], [True] * 3)
    t.eq("connections that ended", t.stat("conn_closed_peer") + t.stat("conn_closed_idle"), 0)
    t.eq("all answered", {r["code"] for r in t.cdrs(300)}, {200})
