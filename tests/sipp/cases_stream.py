# SPDX-License-Identifier: BSD-2-Clause
"""Calls over TCP: both ways, between transports and address families, and what connections do that datagrams cannot."""
import socket
import time

from agent import Agent
from cases_call import called, caller, needs_v6
from harness import CARRIER
from stream_agent import Conn, StreamAgent


def basic(t, n=3, **kw):
    t.start(**kw)
    v6 = kw.get("v6", ())
    uas = t.uas("bravo", called().setup().hung_up(), n=n, v6="east" in v6)
    uac = t.uac(caller().setup().pause(200).hang_up(), n=n, v6="west" in v6)
    uac.wait()
    uas.wait()
    for r in t.cdrs(n, attempts=n):
        t.eq("code", r["code"], 200)
        t.eq("release", r["release"], "in")
    return uac, uas


def case_tcp_basic(t):
    """Calls over TCP on both sides: our Via and Contact say TCP, one connection carries all calls."""
    _, uas = basic(t, tcp=("west", "east"))
    invite = uas.received("INVITE")[0]
    t.true("the INVITE's Via says TCP", "Via: SIP/2.0/TCP " in invite)
    t.true("its Contact says TCP", ";transport=tcp>" in invite)


def case_tcp_one_connection_a_call(t):
    """Each call over a connection of its own."""
    t.start(tcp=("west", "east"))
    uas = t.uas("bravo", called().setup().hung_up(), n=5)
    uac = t.uac(caller().setup().pause(200).hang_up(), n=5, args=["-t", "tn", "-max_socket", "1000"])
    uac.wait()
    uas.wait()
    t.cdrs(5, attempts=5)


def case_tcp_to_udp(t):
    """A caller over TCP, a carrier over UDP."""
    basic(t, tcp=("west",))


def case_tcp_from_udp(t):
    """A caller over UDP, a carrier over TCP."""
    basic(t, tcp=("east",))


def case_tcp_v6_to_v4(t):
    """TCP over IPv6 on one side, over IPv4 on the other."""
    needs_v6()
    basic(t, tcp=("west", "east"), v6=("west",))


def case_tcp_v4_to_v6(t):
    """TCP over IPv4 on one side, over IPv6 on the other."""
    needs_v6()
    basic(t, tcp=("west", "east"), v6=("east",), trunks={"bravo": ""}, route="default via bravo")


def case_tcp_callee_hangs_up(t):
    """BYE from the carrier, over TCP."""
    t.start(tcp=("west", "east"))
    uas = t.uas("bravo", called().setup().pause(300).hang_up(), n=1)
    t.uac(caller().setup().hung_up()).wait()
    uas.wait()
    t.cdr(code=200, q850=16, release="out")


def case_tcp_caller_cancels(t):
    """CANCEL while it rings, over TCP."""
    t.start(tcp=("west", "east"))
    uas = called().recv_invite().reply(180, "Ringing").recv_request("CANCEL").reply(200, "OK")
    uas = t.uas("bravo", uas.reply(487, "Request Terminated", method="INVITE").recv_request("ACK"), n=1)
    t.uac(caller().invite().maybe(100).recv(180).cancel().recv(200).recv(487).ack_failure()).wait()
    uas.wait()
    t.cdr(code=487, release="in")


def case_tcp_hundred_calls(t):
    """100 calls at 50 a second over one connection of each side; messages cross to the worker that has the call, and back."""
    t.start(tcp=("west", "east"), workers=3)
    uas = t.uas("bravo", called().setup().hung_up(), n=100)
    uac = t.uac(caller().setup().pause(500).hang_up(), n=100, rate=50)
    uac.wait()
    uas.wait()
    calls = t.cdrs(100, attempts=100)
    t.eq("all answered", {r["code"] for r in calls}, {200})
    t.true("answers went to the worker that has the connection", t.stat("handover_send") > 0)
    t.eq("nothing was undeliverable", t.stat("conn_unsent"), 0)


# ---- by hand

def two(t, **kw):
    t.start(tcp=("west", "east"), **kw)
    return StreamAgent(t, "alpha"), StreamAgent(t, "bravo")


def answered(a, b, c):
    inv = b.wait("INVITE")
    b.reply(inv, 200, body=b.sdp())
    c.answered(a.wait("200", "INVITE"))
    a.request(c, "ACK")
    b.wait("ACK")
    return inv


def case_tcp_reinvite_both_ways(t):
    """re-INVITE from each side inside the dialog, over the connections that stand."""
    a, b = two(t)
    c = a.invite("12125550000")
    inv = answered(a, b, c)
    a.request(c, "INVITE", a.sdp())
    b.reply(b.wait("INVITE"), 200, body=b.sdp())
    a.wait("200", "INVITE")
    a.request(c, "ACK")
    b.wait("ACK")
    time.sleep(0.3 * t.scale)  # until alpha's ACK has crossed: before that the next INVITE would be glare (491)
    back = b.call_back(inv)
    b.request(back, "INVITE", b.sdp())
    a.reply(a.wait("INVITE"), 200, body=a.sdp())
    b.wait("200", "INVITE")
    b.request(back, "ACK")
    a.wait("ACK")
    t.eq("connections", (len(a.conns), len(b.conns)), (1, 1))
    a.request(c, "BYE")
    b.reply(b.wait("BYE"), 200)
    a.wait("200", "BYE")
    t.cdr(code=200)


def case_tcp_connection_ends_mid_call(t):
    """The carrier's connection ends during the call: the BYE opens a new one to its Contact (RFC 3261 18.1.1)."""
    a, b = two(t)
    c = a.invite("12125550000")
    answered(a, b, c)
    b.conns[0].close()
    t.until("the end was seen", lambda: t.stat("conn_closed_peer") == 1)
    a.request(c, "BYE")
    b.reply(b.wait("BYE"), 200)
    a.wait("200", "BYE")
    t.eq("connections that bravo accepted", t.n["bravo accepted"], 2)
    t.cdr(code=200, release="in")


def case_tcp_caller_reconnects(t):
    """The caller's connection ends during the call; the carrier hangs up: the BYE goes to the caller's Contact on a new connection."""
    a, b = two(t)
    c = a.invite("12125550000")
    inv = answered(a, b, c)
    a.conns[0].close()
    t.until("the end was seen", lambda: t.stat("conn_closed_peer") == 1)
    back = b.call_back(inv)
    b.request(back, "BYE")
    a.reply(a.wait("BYE"), 200)
    b.wait("200", "BYE")
    t.cdr(code=200, release="out")


def case_tcp_answer_after_reconnect(t):
    """The caller's connection ends while it rings: the answer goes to the address of its Via on a new one (RFC 3261 18.2.2)."""
    a, b = two(t)
    c = a.invite("12125550000")
    inv = b.wait("INVITE")
    b.reply(inv, 180)
    a.wait("180", "INVITE")
    a.conns[0].close()
    t.until("the end was seen", lambda: t.stat("conn_closed_peer") == 1)
    b.reply(inv, 200, body=b.sdp())
    c.answered(a.wait("200", "INVITE"))
    a.request(c, "ACK")
    b.wait("ACK")
    a.request(c, "BYE")
    b.reply(b.wait("BYE"), 200)
    a.wait("200", "BYE")
    t.cdr(code=200)


def case_tcp_refused_advances(t):
    """Nobody listens at the first carrier: the next one is tried at once, not after a timer."""
    a, b = two(t)
    b.deaf()
    charlie = StreamAgent(t, "charlie")
    start = time.monotonic()
    c = a.invite("12125550000")
    answered(a, charlie, c)
    t.true("at once", time.monotonic() - start < 2 * t.scale)
    a.request(c, "BYE")
    charlie.reply(charlie.wait("BYE"), 200)
    a.wait("200", "BYE")
    t.cdr(attempts=2, code=200, trunk_out="charlie")


def large(t):
    """A carrier over UDP that can be reached over TCP: what is above 700 bytes goes there."""
    t.start(tcp=("west", "east"), workers=1, trunks={"bravo": f"  peer {t.ip('bravo')}:{CARRIER} udp\n  tcp-above 700bytes\n"}, route="default via bravo")
    a, b, u = StreamAgent(t, "alpha"), StreamAgent(t, "bravo"), Agent(t, "bravo")
    b.params = ""
    return a, b, u


def case_tcp_large_request(t):
    """A large INVITE to a carrier over UDP goes by TCP, what is small in its dialog by UDP (RFC 3261 18.1.1)."""
    a, b, u = large(t)
    c = a.invite("12125550000")
    inv = b.wait("INVITE")
    t.true("its Via says TCP", inv.vias[0].startswith("SIP/2.0/TCP "))
    t.true("its Contact does not", "transport" not in inv.fields["contact"])
    b.reply(inv, 200, body=b.sdp())
    c.answered(a.wait("200", "INVITE"))
    a.request(c, "ACK")
    u.wait("ACK")
    a.request(c, "BYE")
    u.reply(u.wait("BYE"), 200)
    a.wait("200", "BYE")
    t.eq("by TCP", t.stat("txn_by_tcp"), 1)
    t.cdr(code=200)


def case_tcp_large_request_refused(t):
    """Nobody listens on TCP: the same INVITE by UDP, the next one by UDP at once."""
    a, b, u = large(t)
    b.deaf()
    for _ in range(2):
        c = a.invite("12125550000")
        inv = u.wait("INVITE")
        t.true("its Via says UDP", inv.vias[0].startswith("SIP/2.0/UDP "))
        u.reply(inv, 200, body=u.sdp())
        c.answered(a.wait("200", "INVITE"))
        a.request(c, "ACK")
        u.wait("ACK")
        a.request(c, "BYE")
        u.reply(u.wait("BYE"), 200)
        a.wait("200", "BYE")
        t.eq("tried by TCP, sent by UDP", (t.stat("txn_by_tcp"), t.stat("txn_back_to_udp")), (1, 1))
    t.cdrs(2, attempts=2)


INVITE = ("INVITE sip:12125550000@{peer} SIP/2.0\r\nVia: SIP/2.0/TCP {ip}:28010;branch=z9hG4bK{n}\r\nFrom: <sip:a@{ip}>;tag=t{n}\r\n"
          "To: <sip:12125550000@{peer}>\r\nCall-ID: hand{n}@{ip}\r\nCSeq: 1 INVITE\r\nContact: <sip:a@{ip}:28010;transport=tcp>\r\n"
          "Max-Forwards: 70\r\n{more}\r\n{body}")


def text(a, n, more="Content-Length: 0\r\n", body=""):
    return INVITE.format(peer=a.peer[0], ip=a.ip, n=n, more=more, body=body)


def options(a, n):
    return text(a, n).replace("INVITE", "OPTIONS")


def case_tcp_byte_by_byte(t):
    """A message cut at every byte, and two in one segment."""
    a, _ = two(t)
    conn = a.connect()
    for byte in options(a, 1):
        conn.send(byte)
    a.wait("200", "OPTIONS")
    conn.send(options(a, 2) + options(a, 3))
    a.wait("200", "OPTIONS")
    a.wait("200", "OPTIONS")
    t.eq("connections", t.ctl("status")["workers"][0]["connections"] + t.ctl("status")["workers"][1]["connections"], 1)


def case_tcp_keepalive(t):
    """CRLF CRLF is answered by CRLF (RFC 5626 4.4.1), also between messages."""
    a, _ = two(t)
    conn = a.connect()
    conn.send("\r\n\r\n")
    t.until("a pong", lambda: conn.read() or conn.raw == b"\r\n")
    conn.send("\r\n\r\n" + options(a, 1) + "\r\n\r\n")

    def pongs():
        conn.read()
        i = conn.raw.find(b"SIP/2.0 200")
        end = conn.raw.find(b"\r\n\r\n", i) + 4
        return i >= 0 and conn.raw[:i] + conn.raw[end:] == b"\r\n" * 3
    t.until("two more and an answer", pongs)
    t.eq("pings", t.stat("conn_pinged"), 3)


def ends(t, conn, counter, seconds=3):
    t.true("the connection is closed", conn.ended(seconds * t.scale))
    t.until(f"{counter} counts it", lambda: t.stat(counter) == 1)


def case_tcp_no_content_length(t):
    """A request without Content-Length: 400, then the end (RFC 3261 18.3)."""
    a, _ = two(t)
    conn = a.connect()
    conn.send(options(a, 1) + text(a, 2, more=""))
    a.wait("200", "OPTIONS")
    a.wait("400", "INVITE")
    ends(t, conn, "conn_closed_broken")


def case_tcp_huge_content_length(t):
    """A Content-Length beyond what we take: 513, then the end."""
    a, _ = two(t)
    conn = a.connect()
    conn.send(text(a, 1, more="Content-Length: 4294967296\r\n"))
    a.wait("513", "INVITE")
    ends(t, conn, "conn_closed_broken")


def case_tcp_pipelined_garbage(t):
    """Garbage behind a good message: that one is served, then the end."""
    a, _ = two(t)
    conn = a.connect()
    conn.send(options(a, 1).encode() + b"\0\1\2 garbage\r\n\r\n" + options(a, 2).encode())
    a.wait("200", "OPTIONS")
    ends(t, conn, "conn_closed_broken")
    a.pump()
    t.eq("nothing behind it was served", a.rest("200"), [])


def case_tcp_slow_sender(t):
    """A message that does not come to its end within 10 s: closed; another connection of that peer is served meanwhile."""
    a, _ = two(t)
    conn = a.connect()
    conn.send(options(a, 1)[:60])
    other = a.connect()
    for i in range(20):
        time.sleep(0.3)
        conn.send("x")
        other.send(options(a, 10 + i))
        a.wait("200", "OPTIONS")
    ends(t, conn, "conn_closed_slow", 8)
    t.true("the other one stands", not other.ended(0.1))


def case_tcp_idle(t):
    """Nothing for idle-timeout: closed."""
    a, _ = two(t, listen="  idle-timeout 10s\n")
    conn = a.connect()
    conn.send(options(a, 1))
    a.wait("200", "OPTIONS")
    ends(t, conn, "conn_closed_idle", 13)


def stranger(t, a, n=1):
    """Connections from an address that is nobody's."""
    out = []
    for _ in range(n):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.settimeout(5)
        sock.bind((t.ip("stranger"), 0))
        conn = Conn(sock)
        try:
            sock.connect(a.peer)
        except OSError:  # closed before we knew that it was open
            conn.open = False
        out.append(conn)
    return out


def case_tcp_flood_of_strangers(t):
    """2,000 connections from an unknown source: each is closed at once, calls of the trunk go on."""
    a, b = two(t)
    before = t.ctl("status")
    for _ in range(20):
        conns = stranger(t, a, 100)
        for conn in conns:
            t.true("closed at once", conn.ended(5 * t.scale))
            conn.close()
    c = a.invite("12125550000")
    answered(a, b, c)
    a.request(c, "BYE")
    b.reply(b.wait("BYE"), 200)
    a.wait("200", "BYE")
    t.cdr(code=200)
    t.eq("refused", t.stat("conn_refused_source"), 2000)
    after = t.ctl("status")
    cpu = sum(w["cpu_us"] for w in after["workers"]) - sum(w["cpu_us"] for w in before["workers"])
    t.note = f"{cpu / 2000:.0f} us of our time for each"
    t.true(t.note, cpu / 2000 < 500 * t.scale)


def case_tcp_stranger_403(t):
    """unknown 403: a stranger's request is answered 403, then his connection ends; one who says nothing is closed too."""
    a, _ = two(t, unknown="403", listen="  per-source 8\n")
    conn, silent = stranger(t, a, 2)
    conn.send(text(a, 1))
    t.until("a 403", lambda: conn.read() or b"SIP/2.0 403" in conn.raw)
    t.true("then the end", conn.ended(3 * t.scale))
    t.true("the silent one too", silent.ended(7 * t.scale))


def case_tcp_stranger_limit(t):
    """unknown 403: a stranger has per-source connections and no more; a known peer's are not touched."""
    a, _ = two(t, unknown="403", listen="  per-source 2\n")
    conns = stranger(t, a, 12)
    t.until("those over the limit are closed", lambda: sum(c.read() or not c.open for c in conns) >= 8)
    own = [a.connect() for _ in range(12)]
    for i, conn in enumerate(own):
        conn.send(options(a, i))
        a.wait("200", "OPTIONS")


def case_tcp_show_connections(t):
    """tandemctl shows them, bounded."""
    a, b = two(t)
    c = a.invite("12125550000")
    answered(a, b, c)
    shown = t.ctl("show", "connections")
    t.eq("by listener", [(r["proto"], r["connections"]) for r in shown["listeners"]], [("TCP", 1), ("TCP", 1)])
    t.eq("directions", sorted(r["dir"] for r in shown["connections"]), ["in", "out"])
    t.true("no more than asked for", len(t.ctl("show", "connections", "1")["connections"]) <= 2)
    a.request(c, "BYE")
    b.reply(b.wait("BYE"), 200)
    a.wait("200", "BYE")
