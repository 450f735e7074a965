# SPDX-License-Identifier: BSD-2-Clause
"""Calls as carriers make them: set-up, hunting, early media, requests inside the dialog, and every way to end."""
import harness
from agent import Agent
from scenario import Scenario


def caller(**kw):
    return Scenario("uac", "alpha", **kw)


def called(side="bravo", **kw):
    return Scenario("uas", side, **kw)


def refusing(side, code, reason, extra=(), ring=False):
    s = called(side).recv_invite()
    if ring:
        s.reply(180, "Ringing")
    extra = [f'Warning: 399 gw.{side}.example "{side} says no"', *extra]
    return s.reply(code, reason, extra=extra).recv_request("ACK")


def basic(t, v6=(), media=True, n=3):
    t.start(v6=v6, media=media)
    uas = t.uas("bravo", called().setup().hung_up(), n=n, v6="east" in v6)
    uac = t.uac(caller().setup().pause(200).hang_up(), n=n, v6="west" in v6)
    uac.wait()
    uas.wait()
    for r in t.cdrs(n, attempts=n):
        t.eq("code", r["code"], 200)
        t.eq("q850", r["q850"], 16)
        t.eq("trunks", (r["trunk_in"], r["trunk_out"]), ("alpha", "bravo"))
        t.eq("release", r["release"], "in")
        t.true(f"billable_ms {r['billable_ms']} is about the 200 ms of the call", 150 <= r["billable_ms"] <= 2000 * t.scale)
    in_sdp = uas.received("INVITE")[0]
    if media:
        want = "::1" if "east" in v6 else t.ip("eastrtp")
        t.true(f"the offer to bravo has our media address {want}", f"c=IN IP{'6' if 'east' in v6 else '4'} {want}" in in_sdp)


def needs_v6():
    import socket
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            s.bind(("::1", 0))
    except OSError as e:
        raise harness.Skip(f"no IPv6 on loopback: {e}") from None


def case_basic_v4(t):
    """[RFC 3665 §3.1] [3.5 Basic call] A call over IPv4 with media."""
    basic(t)


def case_basic_v6(t):
    """[3.5 SIPconnect 2.0] A call over IPv6 with media."""
    needs_v6()
    basic(t, v6=("west", "east"))


def case_basic_v4_to_v6(t):
    """[3.5 SIPconnect 2.0] An IPv4 caller and an IPv6 carrier, with media."""
    needs_v6()
    basic(t, v6=("east",))


def case_basic_v6_to_v4(t):
    """[3.5 SIPconnect 2.0] An IPv6 caller and an IPv4 carrier, with media."""
    needs_v6()
    basic(t, v6=("west",))


def case_basic_media_none(t):
    """[RFC 3264 §5] Trunks with 'media none': no relay is needed."""
    # The SDP then names its maker's address, as the operator asked.
    t.ignore |= {t.ip("alpha"), t.ip("bravo")}
    basic(t, media=False)


def case_rtp_both_ways(t):
    """[3.5 Basic call] 20 calls with RTP both ways: the probe, the relay and the records agree to the packet."""
    n = 20
    t.start()
    uas = t.uas("bravo", called(media_port="[field0]", probe=True).setup().hung_up(), n=n, fields=[(26000 + 2 * i,) for i in range(n)])
    logs = [uas.base + ".log", t.path("alpha-uac.log")]
    probe = t.probe([(t.ip("alpha"), 26000, 26000 + 2 * n - 1), (t.ip("bravo"), 26000, 26000 + 2 * n - 1)], logs, 2000)
    uac = t.uac(caller(media_port="[field1]", probe=True).setup().pause(2600).hang_up(), n=n, rate=10,
                fields=[(f"1212555{i:04}", 26000 + 2 * i) for i in range(n)])
    uac.wait()
    uas.wait()
    t.probe_end(probe)
    for r in t.cdrs(n):
        t.true(f"RTP in both directions: {r['in_packets']}, {r['out_packets']}", r["in_packets"] >= 90 and r["out_packets"] >= 90)
        t.eq("lost", (r["in_lost"], r["out_lost"]), (0, 0))
        t.eq("strangers", (r["in_strangers"], r["out_strangers"]), (0, 0))


def case_hundred_calls_at_rate(t):
    """[3.5 Capacity] 100 calls at 50 a second: none fails, as many records, sessions and admissions."""
    t.start()
    uas = t.uas("bravo", called().setup().hung_up(), n=100)
    uac = t.uac(caller().setup().pause(500).hang_up(), n=100, rate=50)
    uac.wait()
    uas.wait()
    calls = t.cdrs(100, attempts=100)
    t.eq("all answered", {r["code"] for r in calls}, {200})
    t.eq("UUIDs", len({r["uuid"] for r in calls}), 100)
    row = t.trunk("alpha")
    t.eq("alpha's attempts and answers", (row["attempts_in"], row["answered_in"]), (100, 100))
    row = t.trunk("bravo")
    t.eq("bravo's attempts and answers", (row["attempts_out"], row["answered_out"]), (100, 100))
    if t.media:
        t.eq("sessions opened", t.ctl("show", "relay")["sessions_opened"], 100)


def case_caller_cancels(t):
    """[RFC 3261 §9.2] [3.5 Basic call] CANCEL while it rings: 200 for the CANCEL, 487 for the INVITE, CANCEL to the carrier."""
    t.start()
    uas = called().recv_invite().reply(180, "Ringing").recv_request("CANCEL").reply(200, "OK")
    uas.reply(487, "Request Terminated", method="INVITE").recv_request("ACK")
    uas = t.uas("bravo", uas, n=1)
    uac = t.uac(caller().invite().maybe(100).recv(180).pause(200).cancel().recv(200, rrs=False).recv(487).ack_failure())
    uac.wait()
    uas.wait()
    rec = t.cdr(code=487, release="in")
    t.true(f"no answer time, not {rec['answer_ms']}", not rec["answer_ms"])


def case_cancel_before_any_response(t):
    """[RFC 3261 §9.1] CANCEL before the carrier has said anything: held back until its 180 (RFC 3261 9.1)."""
    t.start()
    uas = called().recv_invite().pause(900).reply(180, "Ringing").recv_request("CANCEL").reply(200, "OK")
    uas = t.uas("bravo", uas.reply(487, "Request Terminated", method="INVITE").recv_request("ACK"), n=1)
    uac = t.uac(caller().invite().recv(100).pause(200).cancel().recv(200, rrs=False).recv(487).ack_failure())
    uac.wait()
    uas.wait()
    t.cdr(code=487, release="in")


def case_cancel_crosses_200(t):
    """The carrier answers in the moment of the CANCEL: the caller gets 487 and the carrier ACK and BYE."""
    t.start()
    uas = called().recv_invite().reply(180, "Ringing").recv_request("CANCEL").reply(200, "OK")
    uas.confirmed = False
    uas.reply(200, "OK", body=uas.offer(), method="INVITE").recv_request("ACK").recv_request("BYE").reply(200, "OK")
    uas = t.uas("bravo", uas, n=1)
    uac = t.uac(caller().invite().maybe(100).recv(180).cancel().recv(200, rrs=False).recv(487).ack_failure())
    uac.wait()
    uas.wait()
    t.cdr(code=487, release="in")


def case_busy_stops(t):
    """[3.5 Basic call] 486 goes to the caller; no other carrier is tried."""
    t.start()
    bravo = t.uas("bravo", refusing("bravo", 486, "Busy Here"), n=1)
    charlie = t.uas("charlie", called("charlie").setup().hung_up())
    t.uac(caller().invite().maybe(100).recv(486).ack_failure()).wait()
    bravo.wait()
    t.cdr(attempts=1, code=486, q850=17, release="out")
    t.eq("charlie was asked", len(charlie.received("INVITE")), 0)


def case_unavailable_advances(t):
    """[RFC 3666 §2.3] [3.5 Failover] 503 of the first carrier: the second one takes the call."""
    t.start()
    bravo = t.uas("bravo", refusing("bravo", 503, "Service Unavailable", ["Retry-After: 30"]), n=1)
    charlie = t.uas("charlie", called("charlie").setup().hung_up(), n=1)
    t.uac(caller().setup().pause(200).hang_up()).wait()
    bravo.wait()
    charlie.wait()
    t.cdr(attempts=2, code=200, trunk_out="charlie")
    got = [(r["trunk_out"], r["code"]) for r in t.records("attempt")]
    t.eq("attempts", sorted(got), [("bravo", 503), ("charlie", 200)])


def case_q850_reason_advances(t):
    """[RFC 3326] [3.5 Basic call] 480 would stop, but its Reason says no circuit (34): the next carrier is tried."""
    t.start()
    bravo = t.uas("bravo", refusing("bravo", 480, "Temporarily Unavailable", ["Reason: Q.850;cause=34;text=\"none\""]), n=1)
    t.uas("charlie", called("charlie").setup().hung_up(), n=1)
    t.uac(caller().setup().pause(200).hang_up()).wait()
    bravo.wait()
    t.cdr(attempts=2, code=200, trunk_out="charlie")


def case_all_carriers_refuse(t):
    """[3.5 Failover] 503 of all: the caller gets one failure, the record both attempts."""
    t.start()
    t.uas("bravo", refusing("bravo", 503, "Service Unavailable"), n=1)
    t.uas("charlie", refusing("charlie", 503, "Service Unavailable"), n=1)
    t.uac(caller().invite().maybe(100).recv(503).ack_failure()).wait()
    t.cdr(attempts=2, code=503)


def case_silent_carrier(t):
    """[3.5 Failover] No response at all within trying-timeout: next carrier; a late answer of the first one is ended."""
    t.start(each="  trying-timeout 1s\n")
    bravo = called().recv_invite().pause(2500).reply(180, "Ringing").recv_request("CANCEL").reply(200, "OK")
    bravo = t.uas("bravo", bravo.reply(487, "Request Terminated", method="INVITE").recv_request("ACK"), n=1)
    t.uas("charlie", called("charlie").setup().hung_up(), n=1)
    t.uac(caller().setup().pause(2500).hang_up()).wait()
    bravo.wait()
    t.cdr(attempts=2, code=200, trunk_out="charlie")


def case_nobody_at_carrier(t):
    """[3.5 Failover] Nothing listens at the first carrier (ICMP refusal or silence): the second takes the call."""
    t.start(each="  trying-timeout 1s\n")
    t.no_calls_after = 40  # an INVITE without any response cannot be cancelled: Timer B
    t.uas("charlie", called("charlie").setup().hung_up(), n=1)
    t.uac(caller().setup().pause(100).hang_up()).wait()
    t.cdr(attempts=2, code=200, trunk_out="charlie")


def case_ring_timeout(t):
    """[3.5 Basic call] It rings for ever: CANCEL to the carrier, the caller gets a final response."""
    t.start(each="  ring-timeout 2s\n", route="default via bravo")
    uas = called().recv_invite().reply(180, "Ringing").recv_request("CANCEL").reply(200, "OK")
    uas = t.uas("bravo", uas.reply(487, "Request Terminated", method="INVITE").recv_request("ACK"), n=1, timeout=20)
    uac = t.uac(caller().invite().maybe(100).recv(180).recv(480, timeout=10000).ack_failure(), timeout=20)
    uac.wait(30, ok=False)
    uas.wait()
    code = int(next(m for m in uac.received("SIP/2.0 4")).split()[1])
    t.true(f"final response {code} is 408 or 480", code in (408, 480))
    t.cdr(attempts=1, code=code, release="switch")
    uac.judged = True


def case_no_route(t):
    """[3.5 Basic call] No prefix fits: 404."""
    t.start(route="prefix 44 via bravo then charlie")
    t.uac(caller().invite().maybe(100).recv(404).ack_failure()).wait()
    t.cdr(attempts=0, code=404, release="switch", called_received="12125550000")


def case_route_cause(t):
    """A route line that refuses, with its code and phrase."""
    t.start(route="prefix 1212 cause 603 \"Not From Here\"\n  default via bravo then charlie")
    uac = t.uac(caller().invite().maybe(100).recv(603).ack_failure())
    uac.wait()
    t.true("reason phrase", uac.received("SIP/2.0 603 Not From Here"))
    t.cdr(attempts=0, code=603)


def case_number_translation(t):
    """[3.5 Numbering] Inbound and outbound translation: what is received, normalised and sent."""
    t.start(alpha="  numbers home\n", route="prefix +1 via bravo then charlie", trunks={"bravo": "  send tech\n", "charlie": ""},
            extra="\nnumbers home\n  NXXNXXXXXX -> +1{*}\n  1NXXNXXXXXX -> +{*}\n\nnumbers tech direction out\n  +. -> 99{1-}\n")
    uas = t.uas("bravo", called().setup().hung_up(), n=1)
    t.uac(caller().setup().pause(100).hang_up(), numbers=["2125550042"]).wait()
    uas.wait()
    t.true("INVITE to the translated number", uas.received("INVITE sip:9912125550042@"))
    t.cdr(code=200, called_received="2125550042", called_normalised="+12125550042", called_sent="9912125550042")


def case_ack_is_late(t):
    """[RFC 3261 §13.3.1.4] The caller acknowledges late: the 200 is repeated until then, the call stands."""
    t.start()
    t.uas("bravo", called().setup().hung_up(), n=1)
    s = caller().invite().maybe(100).recv(180).recv(200).pause(2200).ack().pause(1000).hang_up()
    uac = t.uac(s)
    uac.wait()
    oks = [m for m in uac.received("SIP/2.0 200") if "CSeq: 1 INVITE" in m]
    t.true(f"200 was sent {len(oks)} times: 0, 0.5, 1.5 s", 3 <= len(oks) <= 4)
    t.cdr(code=200, release="in")


def case_callee_repeats_200(t):
    """[RFC 3261 §13.2.2.4] The ACK to the carrier is lost: its repeated 200 is acknowledged again, the caller sees one 200."""
    t.start()
    alpha, bravo = Agent(t, "alpha"), Agent(t, "bravo")
    call = alpha.invite("12125550000")
    inv = bravo.wait("INVITE")
    bravo.reply(inv, 180)
    bravo.reply(inv, 200, body=bravo.sdp())
    ok = alpha.wait("200", "INVITE")
    call.answered(ok)
    alpha.request(call, "ACK")
    first = bravo.wait("ACK")
    for _ in range(3):
        bravo.reply(inv, 200, body=bravo.sdp())
        t.eq("the same ACK again", bravo.wait("ACK").text, first.text)
    alpha.request(call, "BYE")
    alpha.wait("200", "BYE")
    bravo.reply(bravo.wait("BYE"), 200)
    t.eq("what else came to the caller", alpha.rest("200"), [])
    t.cdr(code=200)


def case_callee_hangs_up(t):
    """[3.5 Basic call] BYE from the carrier."""
    t.start()
    uas = t.uas("bravo", called().setup().pause(300).hang_up(), n=1)
    t.uac(caller().setup().hung_up()).wait()
    uas.wait()
    t.cdr(code=200, q850=16, release="out")


def case_byes_cross(t):
    """[RFC 5407 §3.2.1] Both hang up in the same moment: both get 200, and nobody is asked twice."""
    t.start()
    alpha, bravo = Agent(t, "alpha"), Agent(t, "bravo")
    call = alpha.invite("12125550000")
    inv = bravo.wait("INVITE")
    bravo.reply(inv, 200, body=bravo.sdp())
    call.answered(alpha.wait("200", "INVITE"))
    alpha.request(call, "ACK")
    bravo.wait("ACK")
    back = bravo.call_back(inv)
    alpha.request(call, "BYE")
    bravo.request(back, "BYE")
    alpha.wait("200", "BYE")
    bravo.wait("200", "BYE")
    # The first to arrive made a BYE for the other side; the second one found the call ended.
    for agent in (alpha, bravo):
        agent.pump()
        for bye in agent.all("BYE"):
            agent.reply(bye, 200)
            t.n["byes"] += 1
    t.eq("BYE from us", t.n["byes"], 1)
    t.cdr(code=200)


def case_early_media(t):
    """[3.5 Early media] 183 with SDP, then 180, then 200: the caller hears before the answer."""
    t.start()
    s = called().recv_invite()
    offer = s.offer()
    s.reply(183, "Session Progress", body=offer).pause(200).reply(180, "Ringing").pause(200).reply(200, "OK", body=offer)
    uas = t.uas("bravo", s.recv_request("ACK").hung_up(), n=1)
    uac = t.uac(caller().setup(early=(183, 180)).pause(200).hang_up())
    uac.wait()
    uas.wait()
    got = uac.received("SIP/2.0 183")[0]
    t.true("SDP of ours in the 183", f"c=IN IP4 {t.ip('westrtp')}" in got)
    versions = {line.split()[2] for m in uac.received("SIP/2.0") for line in m.split("\r\n") if line.startswith("o=")}
    t.eq("o= versions: the answer of the 183 is that of the 200", len(versions), 1)
    t.cdr(code=200)


def case_no_advance_after_early_media(t):
    """[RFC 3666 §2.5] 503 after an 18x with SDP: the caller has heard that carrier, so no other one is tried."""
    t.start()
    s = called().recv_invite()
    s.reply(183, "Session Progress", body=s.offer()).pause(200).reply(503, "Service Unavailable").recv_request("ACK")
    t.uas("bravo", s, n=1)
    charlie = t.uas("charlie", called("charlie").setup().hung_up())
    t.uac(caller().invite().maybe(100).recv(183).recv(503).ack_failure()).wait()
    t.eq("charlie was asked", len(charlie.received("INVITE")), 0)
    t.cdr(attempts=1, code=503)


def case_delayed_offer(t):
    """[3.5 Delayed offer] INVITE without SDP: the offer is in the 200, the answer in the ACK."""
    t.start()
    uas = t.uas("bravo", called().setup().hung_up(), n=1)
    s = caller()
    s.invite(no_sdp=True).maybe(100).recv(180).recv(200).ack(body=s.offer()).pause(300).hang_up()
    uac = t.uac(s)
    uac.wait()
    uas.wait()
    t.true("the offer of the 200 has our address", f"c=IN IP4 {t.ip('westrtp')}" in [m for m in uac.received("SIP/2.0 200")][0])
    t.true("the answer of the ACK has our address", f"c=IN IP4 {t.ip('eastrtp')}" in uas.received("ACK")[0])
    t.cdr(code=200)


def reinvite(s, **kw):
    """This side asks."""
    s.request("INVITE", body=s.offer(**kw)).maybe(100).recv(200).ack()
    return s


def reinvited(s, **kw):
    """The other side asks."""
    s.recv_request("INVITE")
    s.confirmed = True
    s.reply(200, "OK", body=s.offer(**kw)).recv_request("ACK")
    return s


def case_reinvite_both_sides(t):
    """[RFC 3261 §14.1] re-INVITE of the caller, then of the carrier, then of the caller again."""
    t.start()
    uas = reinvited(reinvite(reinvited(called().setup()).pause(300))).hung_up()
    uac = reinvite(reinvited(reinvite(caller().setup().pause(200))).pause(300)).pause(200).hang_up()
    uas = t.uas("bravo", uas, n=1)
    uac = t.uac(uac)
    uac.wait()
    uas.wait()
    t.cdr(code=200)
    versions = [line.split()[2] for m in dict.fromkeys(uas.received("INVITE")) for line in m.split("\r\n") if line.startswith("o=")]
    t.eq("our o= versions in the INVITEs count up", versions, sorted(set(versions), key=int))


def case_hold_and_resume(t):
    """[3.5 Hold/resume/transfer] The caller holds (sendonly), the carrier says recvonly; then both resume."""
    t.start()
    uas = reinvited(reinvited(called().setup(), direction="recvonly")).hung_up()
    uac = reinvite(reinvite(caller().setup().pause(200), direction="sendonly").pause(200)).pause(100).hang_up()
    uas = t.uas("bravo", uas, n=1)
    uac = t.uac(uac)
    uac.wait()
    uas.wait()
    t.eq("directions offered to the carrier", [next(x for x in ("sendrecv", "sendonly") if f"a={x}" in m) for m in dict.fromkeys(uas.received("INVITE"))],
         ["sendrecv", "sendonly", "sendrecv"])
    t.true("recvonly answer came through", any("a=recvonly" in m for m in uac.received("SIP/2.0 200")))
    t.cdr(code=200)


def case_reinvite_refused(t):
    """[3.5 Codecs] 488 to a re-INVITE: the asking side gets it, the call stands."""
    t.start()
    s = called().setup().recv_request("INVITE")
    s.confirmed = True
    uas = t.uas("bravo", s.reply(488, "Not Acceptable Here", extra=['Warning: 304 gw.bravo.example "no"']).recv_request("ACK").hung_up(), n=1)
    s = caller().setup().pause(100)
    s.request("INVITE", body=s.offer()).maybe(100).recv(488)
    s._send(f"ACK [next_url] SIP/2.0\n[last_Via:]\n[last_From:]\n[last_To:]\nCall-ID: [call_id]\nCSeq: {s.cseq} ACK\nMax-Forwards: 70\nContent-Length: 0\n")
    t.uac(s.pause(200).hang_up()).wait()
    uas.wait()
    t.cdr(code=200)


def case_info_and_update(t):
    """[3.5 PRACK/UPDATE] INFO with a body and UPDATE without one, from both sides, inside an answered call."""
    t.start()
    dtmf = "Signal=5\nDuration=160\n"
    info = lambda s: s.request("INFO", body=dtmf, ctype="application/dtmf-relay").recv(200, rrs=False)  # noqa: E731
    update = lambda s: s.request("UPDATE").recv(200)  # noqa: E731

    def asked(s, method):
        s.recv_request(method)
        s.confirmed = True
        return s.reply(200, "OK")
    uas = update(info(asked(asked(called().setup(), "INFO"), "UPDATE").pause(200))).hung_up()
    uac = asked(asked(update(info(caller().setup().pause(200))), "INFO"), "UPDATE").pause(200).hang_up()
    uas = t.uas("bravo", uas, n=1)
    uac = t.uac(uac)
    uac.wait()
    uas.wait()
    t.true("body of the INFO at the carrier", "Signal=5\r\nDuration=160" in uas.received("INFO")[0])
    t.true("body of the INFO at the caller", "Signal=5\r\nDuration=160" in uac.received("INFO")[0])
    t.true("its type", "application/dtmf-relay" in uas.received("INFO")[0])
    t.cdr(code=200)


def case_update_with_offer(t):
    """[RFC 3311 §5.1] [3.5 PRACK/UPDATE] UPDATE with an offer inside an answered call."""
    t.start()
    s = called().setup().recv_request("UPDATE")
    s.confirmed = True
    uas = t.uas("bravo", s.reply(200, "OK", body=s.offer(direction="recvonly")).hung_up(), n=1)
    u = caller().setup().pause(100)
    u.request("UPDATE", body=u.offer(direction="sendonly")).recv(200)
    uac = t.uac(u.pause(100).hang_up())
    uac.wait()
    uas.wait()
    t.true("offer of ours", f"c=IN IP4 {t.ip('eastrtp')}" in uas.received("UPDATE")[0])
    t.true("its direction", "a=sendonly" in uas.received("UPDATE")[0])
    t.cdr(code=200)


def case_prack(t):
    """[RFC 3262 §3] [3.5 PRACK/UPDATE] 100rel on both legs, each by itself: reliable 183 with SDP, PRACK, 180, 200."""
    t.start()
    s = called().recv_invite()
    offer = s.offer()
    s.reply(183, "Session Progress", body=offer, extra=["Require: 100rel", "RSeq: 41"], retrans=True)
    s.recv_request("PRACK", [s.grab("41 1 INVITE", "rack", "RAck:")]).reply(200, "OK")
    s.confirmed = False
    s.reply(180, "Ringing", method="INVITE", retrans=False).pause(100).reply(200, "OK", method="INVITE").recv_request("ACK")
    uas = t.uas("bravo", s.hung_up(), n=1)
    u = caller().invite(extra=["Supported: 100rel"]).maybe(100)
    u.recv(183, [u.grab("[0-9]+", "rseq", "RSeq:")])
    u.request("PRACK", extra=["RAck: [$rseq] 1 INVITE"]).recv(200).recv(180).recv(200).ack().pause(100)
    uac = t.uac(u.hang_up())
    uac.wait()
    uas.wait()
    t.cdr(code=200)


def case_prack_carrier_only(t):
    """[RFC 3262 §4] [3.5 PRACK/UPDATE] The carrier has 100rel, the caller not: we acknowledge, the answer is told again in the 200."""
    t.start()
    s = called().recv_invite()
    s.reply(183, "Session Progress", body=s.offer(), extra=["Require: 100rel", "RSeq: 41"], retrans=True)
    s.recv_request("PRACK", [s.grab("41 1 INVITE", "rack", "RAck:")]).reply(200, "OK")
    s.confirmed = False
    s.pause(100).reply(200, "OK", method="INVITE").recv_request("ACK")
    uas = t.uas("bravo", s.hung_up(), n=1)
    uac = t.uac(caller().setup(early=(183,)).pause(100).hang_up())
    uac.wait()
    uas.wait()
    t.true("100rel was offered to the carrier", "100rel" in uas.received("INVITE")[0])
    early, final = uac.received("SIP/2.0 183")[0], uac.received("SIP/2.0 200")[0]
    t.true("the 183 is unreliable", "RSeq" not in early and "100rel" not in early)
    t.eq("the same SDP in 183 and 200", early.split("v=0")[1].strip(), final.split("v=0")[1].strip())
    t.cdr(code=200)


def case_prack_caller_only(t):
    """[RFC 3262 §3] [3.5 PRACK/UPDATE] The caller requires 100rel, the carrier has none: our RSeq, its PRACK is for us."""
    t.start()
    uas = t.uas("bravo", called().setup().hung_up(), n=1)
    u = caller().invite(extra=["Require: 100rel"]).maybe(100)
    u.recv(180, [u.grab("[0-9]+", "rseq", "RSeq:")])
    u.request("PRACK", extra=["RAck: [$rseq] 1 INVITE"]).recv(200).recv(200).ack().pause(100)
    uac = t.uac(u.hang_up())
    uac.wait()
    uas.wait()
    t.eq("PRACKs at the carrier", len(uas.received("PRACK")), 0)
    t.true("100rel is not required of the carrier", "Require: 100rel" not in uas.received("INVITE")[0])
    t.cdr(code=200)


def case_prack_lost(t):
    """[RFC 3262 §3] The caller is late with its PRACK: the 183 is repeated, and the 200 waits."""
    t.start()
    s = called().recv_invite()
    s.reply(183, "Session Progress", body=s.offer()).pause(100).reply(200, "OK", method="INVITE", retrans=True).recv_request("ACK")
    uas = t.uas("bravo", s.hung_up(), n=1)
    u = caller().invite(extra=["Require: 100rel"]).maybe(100)
    u.recv(183, [u.grab("[0-9]+", "rseq", "RSeq:")]).pause(1800)
    u.request("PRACK", extra=["RAck: [$rseq] 1 INVITE"]).recv(200).recv(200).ack().pause(100)
    uac = t.uac(u.hang_up())
    uac.wait()
    uas.wait()
    t.true("repeated", t.stat("rel100_retransmit") >= 2)
    t.cdr(code=200)


def case_offer_early(t):
    """[3.5 Delayed offer] `offer early`: an INVITE without SDP gets an offer of ours; the answer is offered in the 200."""
    t.start(trunks={"bravo": "  offer early\n  codec pcmu pcma\n", "charlie": ""})
    uas = t.uas("bravo", called().setup().hung_up(), n=1)
    s = caller()
    s.invite(no_sdp=True).maybe(100).recv(180).recv(200).ack(body=s.offer()).pause(300).hang_up()
    uac = t.uac(s)
    uac.wait()
    uas.wait()
    t.true("an offer of ours", "RTP/AVP 0 8" in uas.received("INVITE")[0] and f"c=IN IP4 {t.ip('eastrtp')}" in uas.received("INVITE")[0])
    t.true("the 200 has our address", f"c=IN IP4 {t.ip('westrtp')}" in uac.received("SIP/2.0 200")[0])
    t.true("the ACK has no SDP", "v=0" not in uas.received("ACK")[0])
    t.cdr(code=200)


def case_offer_delayed(t):
    """[3.5 Delayed offer] `offer delayed`: no SDP to the carrier; its offer and the caller's are matched."""
    t.start(trunks={"bravo": "  offer delayed\n", "charlie": ""})
    uas = t.uas("bravo", called().setup().hung_up(), n=1)
    uac = t.uac(caller().setup().pause(300).hang_up())
    uac.wait()
    uas.wait()
    t.true("the INVITE has no SDP", "v=0" not in uas.received("INVITE")[0])
    t.true("the ACK answers with our address", f"c=IN IP4 {t.ip('eastrtp')}" in uas.received("ACK")[0])
    t.true("the 200 answers with our address", f"c=IN IP4 {t.ip('westrtp')}" in uac.received("SIP/2.0 200")[0])
    t.cdr(code=200)


def case_max_forwards(t):
    """[RFC 3261 §16.3] Max-Forwards 0: 483; from 70 the carrier sees 69."""
    t.start()
    uas = t.uas("bravo", called().setup().hung_up(), n=1)
    t.uac(caller().setup().pause(100).hang_up()).wait()
    t.true("69 at the carrier", "Max-Forwards: 69" in uas.received("INVITE")[0])
    s = caller().invite()
    s.steps[-1] = s.steps[-1].replace("Max-Forwards: 70", "Max-Forwards: 0")
    t.uac(s.maybe(100).recv(483).ack_failure()).wait()


def case_bad_requests(t):
    """[RFC 3261 §8.2.3] 415, 420, 405, 501, 481 where the RFC says so; each leaves nothing behind."""
    t.start()
    s = caller().invite()
    s.steps[-1] = s.steps[-1].replace("Content-Type: application/sdp", "Content-Type: application/zzz")
    t.uac(s.maybe(100).recv(415).ack_failure()).wait()
    uac = t.uac(caller().invite(extra=["Require: time-travel"]).maybe(100).recv(420).ack_failure())
    uac.wait()
    t.true("Unsupported names it", "Unsupported: time-travel" in uac.received("SIP/2.0 420")[0])
    for method, code in (("PUBLISH", 405), ("FROBNICATE", 501), ("BYE", 481)):
        s = caller().options()
        s.steps[-1] = s.steps[-1].replace("OPTIONS", method)
        t.uac(s.recv(code)).wait()
