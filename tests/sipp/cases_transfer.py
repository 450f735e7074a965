# SPDX-License-Identifier: BSD-2-Clause
"""Transfers with media through the relay: blind, done by the switch; attended, carried across and served by Replaces."""
from urllib.parse import quote, unquote

from agent import Agent, Rtp, media_of

ROUTE = "prefix 1213 via charlie\n  default via bravo"


def tag_of(value):
    return value.split(";tag=")[1].split(";")[0]


def up(t, caller, called, number, rtp_a, rtp_b):
    """A call; returns it and where each party sends its RTP."""
    call = caller.invite(number, body=caller.sdp(port=rtp_a.port))
    inv = called.wait("INVITE")
    called.reply(inv, 200, body=called.sdp(port=rtp_b.port))
    ok = caller.wait("200", "INVITE")
    call.answered(ok)
    caller.request(call, "ACK")
    called.wait("ACK")
    return call, called.call_back(inv), media_of(ok), media_of(inv)


def talk(t, a, to_a, b, to_b):
    """Each hears the other, once the relay knows where they are."""
    def one_way(frm, to, there, text):
        frm.say(to)
        got = there.hear(0.05)
        return got and got[0] == text
    for frm, to, there in ((a, to_a, b), (b, to_b, a)):
        t.until(f"{frm.payload[:20]} arrives", lambda f=frm, o=to, h=there: one_way(f, o, h, f.payload.rstrip(b".").decode()))


def ended(asker, other, call):
    asker.request(call, "BYE")
    asker.wait("200", "BYE")
    other.reply(other.wait("BYE"), 200)


def case_blind_transfer_with_media(t):
    """[3.5 Hold/resume/transfer] [RFC 5589 §6.1] REFER done by the switch with 2 workers: the two carriers hear each other."""
    t.start(workers=2, alpha="  refer consume\n", route=ROUTE)
    alpha, bravo, charlie = (Agent(t, side) for side in ("alpha", "bravo", "charlie"))
    rtp_a, rtp_b, rtp_c = Rtp(alpha, 29000), Rtp(bravo, 29002), Rtp(charlie, 29004)
    call, _, to_a, to_b = up(t, alpha, bravo, "12125550000", rtp_a, rtp_b)
    talk(t, rtp_a, to_a, rtp_b, to_b)
    alpha.request(call, "REFER", extra=f"Refer-To: <sip:12135550100@{t.ip('west')}>\r\n")
    alpha.wait("202", "REFER")
    alpha.reply(alpha.wait("NOTIFY"), 200)
    inv = charlie.wait("INVITE")
    charlie.reply(inv, 200, body=charlie.sdp(port=rtp_c.port))
    charlie.wait("ACK")
    again = bravo.wait("INVITE")
    bravo.reply(again, 200, body=bravo.sdp(port=rtp_b.port))
    bravo.wait("ACK")
    done = alpha.wait("NOTIFY")
    t.true("the transfer is reported", done.body.startswith("SIP/2.0 200"))
    alpha.reply(done, 200)
    alpha.request(call, "BYE")
    alpha.wait("200", "BYE")
    talk(t, rtp_b, media_of(again), rtp_c, media_of(inv))
    ended(charlie, bravo, charlie.call_back(inv))
    rows = t.cdrs(2)
    # Both calls end with charlie's BYE, each on its worker: either record may be written first.
    t.eq("records", sorted((r["trunk_in"], r["trunk_out"]) for r in rows), [("alpha", "bravo"), ("alpha", "charlie")])


def case_attended_transfers_over_two_workers(t):
    """[3.5 Hold/resume/transfer] [RFC 5589 §7.3] [RFC 3891 §3] six attended transfers by REFER across and Replaces, 2 workers: the parties that stay hear each other."""
    n = 6
    t.start(workers=2, alpha="  refer pass\n  media east\n", route=ROUTE)
    t.ignore.add(t.ip("eastrtp"))  # one media section: both sides are told its address
    alpha, bravo, charlie = (Agent(t, side) for side in ("alpha", "bravo", "charlie"))
    rtp_a, rtp_b, rtp_c = Rtp(alpha, 29000), Rtp(bravo, 29002), Rtp(charlie, 29004)
    for _ in range(n):
        one, _, _, _ = up(t, alpha, bravo, "12125550000", rtp_a, rtp_b)
        two, two_c, to_a, to_c = up(t, alpha, charlie, "12135550100", rtp_a, rtp_c)
        talk(t, rtp_a, to_a, rtp_c, to_c)
        replaces = quote(f"{two.call_id};to-tag={tag_of(two.to)};from-tag={two.tag}", safe="")
        alpha.request(one, "REFER", extra=f"Refer-To: <sip:12135550100@{t.ip('west')}?Replaces={replaces}>\r\n")
        refer = bravo.wait("REFER")
        bravo.reply(refer, 202)
        alpha.wait("202", "REFER")
        target = refer.uri("refer-to")
        t.true("nothing of alpha's call is told", two.call_id not in target and two.tag not in target and tag_of(two.to) not in target)
        three = bravo.invite("12135550100", body=bravo.sdp(port=rtp_b.port), extra=f"Replaces: {unquote(target.split('?Replaces=')[1])}\r\n")
        again = charlie.wait("INVITE")
        charlie.reply(again, 200, body=charlie.sdp(port=rtp_c.port))
        charlie.wait("ACK")
        ok = bravo.wait("200", "INVITE")
        three.answered(ok)
        bravo.request(three, "ACK")
        bye = alpha.wait("BYE")
        t.eq("who is replaced", bye.call_id, two.call_id)
        alpha.reply(bye, 200)
        talk(t, rtp_b, media_of(ok), rtp_c, media_of(again))
        alpha.request(one, "BYE")
        alpha.wait("200", "BYE")
        bravo.reply(bravo.wait("BYE"), 200)
        ended(charlie, bravo, two_c)
    t.eq("places taken", t.stat("replaces_done"), n)
    t.eq("calls up", t.ctl("status")["calls_up"], 0)
    t.eq("answered", {r["code"] for r in t.cdrs(2 * n)}, {200})
    t.note = f"{t.stat('handover_out')} messages handed over"
