# SPDX-License-Identifier: BSD-2-Clause
"""Where RTP goes when a call changes: early media, the next carrier, a moved party, hold, strangers."""
from agent import Agent, Rtp, media_of
from cases_call import called, caller, needs_v6


def answered(t, alpha, bravo, rtp_a, rtp_b):
    """A call between two agents; returns it, bravo's side of it, and the relay's address for each party."""
    call = alpha.invite("12125550000", body=alpha.sdp(port=rtp_a.port))
    inv = bravo.wait("INVITE")
    bravo.reply(inv, 200, body=bravo.sdp(port=rtp_b.port))
    ok = alpha.wait("200", "INVITE")
    call.answered(ok)
    alpha.request(call, "ACK")
    bravo.wait("ACK")
    t.eq("addresses of ours", (media_of(ok)[0], media_of(inv)[0]), (t.ip("westrtp"), t.ip("eastrtp")))
    return call, bravo.call_back(inv), media_of(ok), media_of(inv)


def heard(t, who, rtp, text, source):
    """The next packet is this party's, and comes from the relay's address that the SDP named."""
    t.eq(f"{who} hears", rtp.hear(), (text, source))


def both_ways(t, rtp_a, to_a, rtp_b, to_b, other="bravo"):
    """From now on, without a loss. An answer is passed on before the relay has taken it in: the very first packets may be lost."""
    def arrives(say, to, hear):
        say.say(to)
        return hear.hear(0.05)
    t.until("RTP of alpha arrives", lambda: arrives(rtp_a, to_a, rtp_b))
    t.until(f"RTP of {other} arrives", lambda: arrives(rtp_b, to_b, rtp_a))
    while rtp_a.hear(0.02) or rtp_b.hear(0.02):
        pass
    rtp_a.say(to_a)
    heard(t, other, rtp_b, f"alpha says from {rtp_a.port}", to_b)
    rtp_b.say(to_b)
    heard(t, "alpha", rtp_a, f"{other} says from {rtp_b.port}", to_a)


def hang_up(alpha, bravo, call):
    alpha.request(call, "BYE")
    alpha.wait("200", "BYE")
    bravo.reply(bravo.wait("BYE"), 200)


def reinvite(asker, other, call, port=None, asked_port=None, **kw):
    """A re-INVITE of asker, answered by other; returns what each was shown."""
    asker.request(call, "INVITE", body=asker.sdp(port=port, **kw))
    inv = other.wait("INVITE")
    other.reply(inv, 200, body=other.sdp(port=asked_port, direction={"sendonly": "recvonly"}.get(kw.get("direction"), "sendrecv")))
    ok = asker.wait("200", "INVITE")
    asker.request(call, "ACK")
    other.wait("ACK")
    return ok, inv


def case_early_rtp(t):
    """[RFC 3666 §2.1] [3.5 Early media] 183 with SDP: the caller hears the carrier before the answer, and is heard."""
    t.start()
    alpha, bravo = Agent(t, "alpha"), Agent(t, "bravo")
    rtp_a, rtp_b = Rtp(alpha, 26000), Rtp(bravo, 26000)
    call = alpha.invite("12125550000", body=alpha.sdp(port=26000))
    inv = bravo.wait("INVITE")
    answer = bravo.sdp(port=26000)
    bravo.reply(inv, 183, body=answer)
    early = alpha.wait("183")
    both_ways(t, rtp_a, media_of(early), rtp_b, media_of(inv))
    bravo.reply(inv, 200, body=answer)
    ok = alpha.wait("200", "INVITE")
    t.eq("the same address in the 200", media_of(ok), media_of(early))
    call.answered(ok)
    alpha.request(call, "ACK")
    bravo.wait("ACK")
    both_ways(t, rtp_a, media_of(ok), rtp_b, media_of(inv))
    hang_up(alpha, bravo, call)
    rec = t.cdr(code=200)
    t.true(f"packets in the record: {rec['in_packets']}, {rec['out_packets']}", rec["in_packets"] >= 4 and rec["out_packets"] >= 4)


def case_next_carrier_has_the_media(t):
    """The first carrier refuses, the second answers: RTP goes to the second, late packets of the first reach nobody."""
    t.start()
    alpha, bravo, charlie = Agent(t, "alpha"), Agent(t, "bravo"), Agent(t, "charlie")
    rtp_a, rtp_b, rtp_c = Rtp(alpha, 26000), Rtp(bravo, 26000), Rtp(charlie, 26000)
    call = alpha.invite("12125550000", body=alpha.sdp(port=26000))
    first = bravo.wait("INVITE")
    bravo.reply(first, 503)
    bravo.wait("ACK")
    inv = charlie.wait("INVITE")
    t.true("ports of its own", media_of(inv) != media_of(first))
    charlie.reply(inv, 200, body=charlie.sdp(port=26000))
    ok = alpha.wait("200", "INVITE")
    call.answered(ok)
    alpha.request(call, "ACK")
    charlie.wait("ACK")
    rtp_b.say(media_of(first), 3)
    both_ways(t, rtp_a, media_of(ok), rtp_c, media_of(inv), "charlie")
    t.eq("alpha hears of bravo", rtp_a.hear_all(), [])
    t.eq("bravo hears", rtp_b.hear_all(), [])
    hang_up(alpha, charlie, call)
    t.cdr(attempts=2, code=200, trunk_out="charlie")


def case_party_moves(t):
    """[RFC 3264 §8.3.1] [RFC 3665 §3.7] [3.5 Codecs] A re-INVITE with another RTP port: RTP follows; our own addresses stay."""
    t.start()
    alpha, bravo = Agent(t, "alpha"), Agent(t, "bravo")
    rtp_a, rtp_b, moved = Rtp(alpha, 26000), Rtp(bravo, 26000), Rtp(alpha, 26100)
    call, _, to_a, to_b = answered(t, alpha, bravo, rtp_a, rtp_b)
    both_ways(t, rtp_a, to_a, rtp_b, to_b)
    ok, inv = reinvite(alpha, bravo, call, port=26100, asked_port=26000)
    t.eq("our addresses", (media_of(ok), media_of(inv)), (to_a, to_b))
    def arrives():
        """Nobody waits for the relay before the answer is passed on: the first packets may go the old way."""
        rtp_b.say(to_b)
        return moved.hear(0.1)
    t.eq("alpha's new port hears", t.until("RTP arrives at the new port", arrives), ("bravo says from 26000", to_a))
    rtp_a.hear_all()
    rtp_b.say(to_b)
    heard(t, "alpha's new port", moved, "bravo says from 26000", to_a)
    moved.say(to_a)
    heard(t, "bravo", rtp_b, "alpha says from 26100", to_b)
    t.eq("alpha's old port hears", rtp_a.hear_all(), [])
    hang_up(alpha, bravo, call)
    t.cdr(code=200)


def case_strangers_are_dropped(t):
    """Packets of somebody else to a latched port: not passed on, counted in the record."""
    t.start()
    alpha, bravo = Agent(t, "alpha"), Agent(t, "bravo")
    rtp_a, rtp_b, other = Rtp(alpha, 26000), Rtp(bravo, 26000), Rtp(alpha, 26200)
    call, _, to_a, to_b = answered(t, alpha, bravo, rtp_a, rtp_b)
    both_ways(t, rtp_a, to_a, rtp_b, to_b)
    other.say(to_a, 5)
    both_ways(t, rtp_a, to_a, rtp_b, to_b)
    t.eq("bravo hears of strangers", rtp_b.hear_all(), [])
    t.eq("strangers hear", other.hear_all(), [])
    streams = t.ctl("show", "call", t.ctl("show", "calls")["calls"][0]["uuid"])["streams"]
    t.eq("show call", [(x["leg"], x["line"], x.get("strangers", 0), x["latched"]) for x in streams],
         [("in", 0, 5, True), ("out", 0, 0, True)])
    t.eq("show call, packets", [x["packets"] == y["sent"] for x, y in (streams, streams[::-1])], [True, True])
    hang_up(alpha, bravo, call)
    rec = t.cdr(code=200)
    t.eq("strangers in the record", (rec["in_strangers"], rec["out_strangers"]), (5, 0))


def case_one_way_audio_is_told(t):
    """[G.107] [RFC 3550 §6.4] Bravo never speaks while alpha does: an event, show call and the record say so; alpha's direction has a score."""
    t.start()
    alpha, bravo = Agent(t, "alpha"), Agent(t, "bravo")
    rtp_a, rtp_b = Rtp(alpha, 26000), Rtp(bravo, 26000)
    call, _, to_a, to_b = answered(t, alpha, bravo, rtp_a, rtp_b)
    def told():
        rtp_a.say(to_a)
        return t.stat("media_one_way")
    t.eq("told of one-way audio", t.until("one-way audio is told", told, 30), 1)
    def scored():
        rtp_a.say(to_a, 25)  # a second of speech is the least that has a score, however seldom this is asked
        streams = t.ctl("show", "call", t.ctl("show", "calls")["calls"][0]["uuid"])["streams"]
        return "mos" in streams[0] and streams
    streams = t.until("alpha has a score", scored, 30)
    t.true("bravo was not heard", streams[1]["one_way_ms"] >= 5000 and "mos" not in streams[1])
    hang_up(alpha, bravo, call)
    rec = t.cdr(code=200)
    t.true("the record", rec["in_mos"] and not rec["out_mos"] and rec["out_one_way_ms"] >= 5000 and rec["in_one_way_ms"] == 0)
    t.eq("events", (t.stat("media_one_way"), t.stat("media_silence")), (1, 0))


def case_hold_ten_times(t):
    """[3.5 Hold/resume/transfer] Hold and resume ten times within seconds: each re-INVITE is answered 200, RTP flows afterwards."""
    t.start()
    alpha, bravo = Agent(t, "alpha"), Agent(t, "bravo")
    rtp_a, rtp_b = Rtp(alpha, 26000), Rtp(bravo, 26000)
    call, back, to_a, to_b = answered(t, alpha, bravo, rtp_a, rtp_b)
    both_ways(t, rtp_a, to_a, rtp_b, to_b)
    for _ in range(10):
        reinvite(alpha, bravo, call, port=26000, asked_port=26000, direction="sendonly")
        reinvite(alpha, bravo, call, port=26000, asked_port=26000)
    # alpha's last ACK must be in before bravo asks (else 491, RFC 5407 3.2.3): the INFO behind it is.
    alpha.request(call, "INFO")
    bravo.reply(bravo.wait("INFO"), 200)
    alpha.wait("200", "INFO")
    reinvite(bravo, alpha, back, port=26000, asked_port=26000)
    both_ways(t, rtp_a, to_a, rtp_b, to_b)
    hang_up(alpha, bravo, call)
    t.cdr(code=200)


def case_hold_by_null_address(t):
    """[3.5 Hold/resume/transfer] The old way to hold, c=0.0.0.0 (RFC 2543): it reaches the other side as such, and the call resumes."""
    t.start()
    alpha, bravo = Agent(t, "alpha"), Agent(t, "bravo")
    rtp_a, rtp_b = Rtp(alpha, 26000), Rtp(bravo, 26000)
    call, _, to_a, to_b = answered(t, alpha, bravo, rtp_a, rtp_b)
    both_ways(t, rtp_a, to_a, rtp_b, to_b)
    _, inv = reinvite(alpha, bravo, call, port=26000, asked_port=26000, addr="0.0.0.0")
    t.true(f"bravo is told that it is on hold: {inv.body}", "c=IN IP4 0.0.0.0" in inv.body or "a=sendonly" in inv.body or "a=inactive" in inv.body)
    reinvite(alpha, bravo, call, port=26000, asked_port=26000)
    both_ways(t, rtp_a, to_a, rtp_b, to_b)
    hang_up(alpha, bravo, call)
    t.cdr(code=200)


def rtp_between(t, v6, talk=1500, n=2):
    """Calls with RTP both ways between the families; the probe hears all that was sent, from where the SDP said."""
    needs_v6()
    t.start(v6=v6)
    p6 = t.port6
    where = {"alpha": ("::1", p6 + 26) if "west" in v6 else (t.ip("alpha"), 26000),
             "bravo": ("::1", p6 + 26) if "east" in v6 else (t.ip("bravo"), 26000)}
    ports = {side: [first + 2 * i for i in range(n)] for side, (_, first) in where.items()}
    uas = t.uas("bravo", called(media_port="[field0]", probe=True).setup().hung_up(), n=n, v6="east" in v6,
                fields=[(p,) for p in ports["bravo"]])
    probe = t.probe([(ip, first, first + 2 * n - 1) for ip, first in where.values()],
                    [uas.base + ".log", t.path("alpha-uac.log")], talk)
    uac = t.uac(caller(media_port="[field1]", probe=True).setup().pause(talk + 600).hang_up(), n=n, v6="west" in v6,
                fields=[(f"1212555{i:04}", p) for i, p in enumerate(ports["alpha"])])
    uac.wait()
    uas.wait()
    t.probe_end(probe)
    for r in t.cdrs(n):
        t.true(f"RTP in both directions: {r['in_packets']}, {r['out_packets']}", r["in_packets"] > 50 and r["out_packets"] > 50)
        t.eq("lost", (r["in_lost"], r["out_lost"]), (0, 0))


def case_rtp_v4_to_v6(t):
    """RTP both ways from IPv4 to IPv6."""
    rtp_between(t, ("east",))


def case_rtp_v6_to_v4(t):
    """RTP both ways from IPv6 to IPv4."""
    rtp_between(t, ("west",))


def case_codec_policy(t):
    """[RFC 3264 §5.1] codecs by trunk: the carrier sees what both let through, in its order; RTP flows; the record and show call say which."""
    t.start(alpha="  codecs deny g729\n", trunks={"bravo": "  codecs allow pcma pcmu g729\n  codecs order pcmu\n  ptime 20\n  maxptime 40\n"},
            route="default via bravo")
    alpha, bravo = Agent(t, "alpha"), Agent(t, "bravo")
    rtp_a, rtp_b = Rtp(alpha, 26000), Rtp(bravo, 26000)
    offer = alpha.sdp(port=26000).split("m=audio")[0]
    offer += "m=audio 26000 RTP/AVP 18 9 8 0 101\r\na=rtpmap:9 G722/8000\r\na=rtpmap:18 G729/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
    call = alpha.invite("12125550000", body=offer)
    inv = bravo.wait("INVITE")
    t.true(f"formats: {inv.body}", " RTP/AVP 0 8 101\r\n" in inv.body and "G72" not in inv.body)
    t.true("packet times", "a=ptime:20\r\na=maxptime:40\r\n" in inv.body)
    bravo.reply(inv, 200, body=bravo.sdp(port=26000))
    ok = alpha.wait("200", "INVITE")
    call.answered(ok)
    alpha.request(call, "ACK")
    bravo.wait("ACK")
    both_ways(t, rtp_a, media_of(ok), rtp_b, media_of(inv))
    row = t.ctl("show", "call", t.ctl("show", "calls")["calls"][0]["uuid"])
    t.eq("show call", (row["media"], row["in_codec"], row["out_codec"]), ("relay", "PCMU", "PCMU"))
    hang_up(alpha, bravo, call)
    t.cdr(code=200, codec_in="PCMU", codec_out="PCMU")
    alpha.invite("12125550001", body=offer.replace("18 9 8 0 101", "18 101"))
    t.true("305", "305" in alpha.wait("488").text)


def case_bypass(t):
    """[RFC 3264 §5] bypass: RTP goes from party to party, no packet passes the relay, which has no session."""
    t.ignore |= {t.ip("alpha"), t.ip("bravo")}
    t.start(alpha="  bypass bravo\n", route="default via bravo")
    alpha, bravo = Agent(t, "alpha"), Agent(t, "bravo")
    rtp_a, rtp_b = Rtp(alpha, 26000), Rtp(bravo, 26000)
    call = alpha.invite("12125550000", body=alpha.sdp(port=26000))
    inv = bravo.wait("INVITE")
    t.eq("bravo is told alpha's own", media_of(inv), (alpha.ip, 26000))
    bravo.reply(inv, 200, body=bravo.sdp(port=26000))
    ok = alpha.wait("200", "INVITE")
    t.eq("alpha is told bravo's own", media_of(ok), (bravo.ip, 26000))
    call.answered(ok)
    alpha.request(call, "ACK")
    bravo.wait("ACK")
    rtp_a.say(media_of(ok), 5)
    t.eq("bravo hears alpha itself", rtp_b.hear(), ("alpha says from 26000", (alpha.ip, 26000)))
    rtp_b.say(media_of(inv), 5)
    t.eq("alpha hears bravo itself", rtp_a.hear(), ("bravo says from 26000", (bravo.ip, 26000)))
    row = t.ctl("show", "call", t.ctl("show", "calls")["calls"][0]["uuid"])
    t.eq("show call", (row["media"], row["out_codec"]), ("around: bypass", "PCMU"))
    hang_up(alpha, bravo, call)
    rec = t.cdr(code=200, codec_in="PCMU")
    t.eq("packets of the relay", (rec["in_packets"], rec["out_packets"]), (0, 0))
    t.eq("by-passed", t.ctl("stats")["calls_bypassed"], 1)
