# SPDX-License-Identifier: BSD-2-Clause
"""What calls do: kinds of calls and mixes of them, as SIPp scenarios of both sides.

scripts/loadtest --mix calls it. A kind is one behaviour, both its sides, what the caller must hear and what the record must say;
each kind of a mix has trunks and SIPps of its own, so that every share is exact. The steps are those of tests/sipp/scenario.py.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "sipp"))
from scenario import VIA, Scenario  # noqa: E402

INTERVAL = 90  # s: the least Session-Expires that RFC 4028 allows
REFRESHES = 2
REL = "Supported: 100rel"
TIMER = "Supported: 100rel, timer"
INVITE_BRANCH = "z9hG4bKfirst[pid]x[call_number]"
RACK = "RAck: [$rseq] 1 INVITE"


class Side(Scenario):
    """One side of a call, with a number made of the flow's prefix and the call's number."""

    def __init__(self, role):
        super().__init__(role, {"uac": "east", "uas": "west"}[role], user="[caller]" if role == "uac" else "called")
        if role == "uac":
            self.number = "[prefix][call_number]"

    def _contact(self):
        return f"Contact: <sip:{self.side}contact@[local_ip]:[local_port];transport=[transport]>"

    def _send(self, text, retrans=False, lost=None):
        """The INVITE has a branch that its CANCEL knows, whatever came between."""
        if self.role == "uac" and text.startswith("INVITE") and not self.steps:
            text = text.replace("[branch]", INVITE_BRANCH, 1)
        if text.startswith("CANCEL"):
            text = text.replace("[last_Via:]", VIA.replace("[branch]", INVITE_BRANCH), 1)
        return super()._send(text, retrans, lost)

    def start(self):
        """What follows ends with the first 18x: the delay that is measured."""
        self.steps[-1] = self.steps[-1].replace("<send", '<send start_rtd="1"', 1)
        return self

    def stop(self):
        self.steps[-1] = self.steps[-1].replace("<recv", '<recv rtd="1"', 1)
        return self

    def lossy(self, codes):
        """18x may be lost, and may come late."""
        for code in codes:
            self.recv(code, optional=True, rrs=True)
        return self

    def reliable(self, code, rtd=False):
        """A reliable 18x is received and acknowledged; its RSeq goes into the PRACK."""
        self.recv(code, [self.grab("[0-9]+", "rseq", "RSeq:")])
        if rtd:
            self.stop()
        return self

    def prack(self, body=None):
        return self.request("PRACK", body=body, extra=(RACK,)).recv(200, rrs=False)

    def ring_reliably(self, code, rseq, body=None, extra=()):
        """The called side's reliable 18x, and its PRACK."""
        self.reply(code, "Session Progress" if code == 183 else "Ringing", body=body, method="INVITE", retrans=True,
                   extra=("Require: 100rel", f"RSeq: {rseq}", *extra))
        return self.recv_request("PRACK")

    def answer(self, body=None, extra=()):
        return self.reply(200, "OK", body=body, method="INVITE", extra=extra)

    def finish(self):
        """Resting a while: the other side may repeat what was lost."""
        self.steps.append('  <timewait milliseconds="4000"/>')
        return self

    def until(self, method, again, body=None, extra=()):
        """Wait for a request, and answer another one with 200 that may come again because our answer was lost."""
        n = sum("<label" in step for step in self.steps)
        wait, repeat, go = n, n + 1, n + 2
        self.steps.append(f'  <label id="{wait}"/>')
        self._recv(f'request="{again}" optional="true" next="{repeat}"')
        self._recv(f'request="{method}" next="{go}"')
        self.steps.append(f'  <label id="{repeat}"/>')
        self.confirmed = again not in ("INVITE", "CANCEL")  # a request in a dialog has a tag in To
        self.answer(body, extra) if again == "INVITE" else self.reply(200, "OK", retrans=False)
        self.confirmed = method != "CANCEL"
        self.steps[-1] = self.steps[-1].replace("<send", f'<send next="{wait}"', 1)
        self.steps.append(f'  <label id="{go}"/>')
        return self

    def dialog(self):
        """A request of the calling side was answered: from here on To has its tag."""
        self.confirmed = True
        return self


def both():
    return Side("uac"), Side("uas")


def opened(uac, uas, headers_in=(), headers_out=()):
    """INVITE with an offer, 180."""
    uac.invite(extra=headers_in).start().maybe(100).recv(180).stop()
    uas.recv_invite().reply(180, "Ringing", extra=headers_out)


def talked(uac, uas):
    """The caller hangs up at last."""
    uac.pause().hang_up()
    uas.hung_up().finish()
    return uac, uas


def basic():
    uac, uas = both()
    opened(uac, uas)
    uac.recv(200).ack()
    uas.answer(uas.offer()).recv_request("ACK")
    return talked(uac, uas)


def cancelled():
    """The caller gives up while it rings."""
    uac, uas = both()
    opened(uac, uas)
    uac.pause(400).cancel().recv(200, rrs=False).recv(487, rrs=False).ack_failure()
    uas.recv_request("CANCEL").reply(200, "OK", retrans=False)
    uas.reply(487, "Request Terminated", method="INVITE").recv_request("ACK").finish()
    return uac, uas


def refused(code, reason):
    uac, uas = both()
    uac.invite().maybe(100).recv(code).ack_failure()
    uas.recv_invite().reply(code, reason).recv_request("ACK").finish()
    return uac, uas


def busy():
    return refused(486, "Busy Here")


def refusing(code, reason, extra=()):
    """A called side that is asked in vain, before the next one is."""
    uas = Side("uas")
    uas.recv_invite([uas.grab("INVITE sip:([^@]+)@", "line,number")])
    return uas.reply(code, reason, extra=extra).recv_request("ACK").finish()


def rerouted():
    """503 of the first carrier; the next one answers."""
    return (*basic(), refusing(503, "Service Unavailable"))


def nowhere():
    """404 of both carriers."""
    return (*refused(404, "Not Found"), refusing(404, "Not Found"))


def redirected():
    """302 of the first carrier, to the next one."""
    return (*basic(), refusing(302, "Moved Temporarily", ("Contact: <sip:[$number]@[other]>",)))


def prack_update():
    """Reliable 183 with the answer, PRACK, UPDATE in early media, reliable 180, PRACK, 200 without SDP."""
    uac, uas = both()
    uac.invite(extra=(REL,)).start().maybe(100).reliable(183, rtd=True).prack()
    uac.request("UPDATE", body=uac.offer()).recv(200, rrs=False)
    uac.reliable(180).prack().recv(200).ack()
    uas.recv_invite().ring_reliably(183, 7, uas.offer()).dialog().reply(200, "OK", retrans=False)
    uas.recv_request("UPDATE").reply(200, "OK", body=uas.offer(), retrans=False)
    uas.ring_reliably(180, 8).reply(200, "OK", retrans=False)
    uas.pause(300).answer().recv_request("ACK")
    return talked(uac, uas)


def prack_offer():
    """INVITE without offer; it comes in a reliable 183, the answer in the PRACK."""
    uac, uas = both()
    uac.invite(no_sdp=True, extra=(REL,)).start().maybe(100).reliable(183, rtd=True).prack(uac.offer())
    uac.recv(200).ack()
    uas.recv_invite().ring_reliably(183, 7, uas.offer()).dialog().reply(200, "OK", retrans=False)
    uas.answer().recv_request("ACK")
    return talked(uac, uas)


def prack_in():
    """Reliable towards the caller only."""
    uac, uas = both()
    uac.invite(extra=(REL,)).start().maybe(100).reliable(183, rtd=True).prack().recv(200).ack()
    uas.recv_invite().reply(183, "Session Progress", body=uas.offer()).pause(100)
    uas.answer(uas.offer()).recv_request("ACK")
    return talked(uac, uas)


def prack_out():
    """Reliable towards the carrier only."""
    uac, uas = both()
    uac.invite().start().maybe(100).recv(183).stop().recv(200).ack()
    uas.recv_invite().ring_reliably(183, 7, uas.offer()).dialog().reply(200, "OK", retrans=False)
    uas.answer(uas.offer()).recv_request("ACK")
    return talked(uac, uas)


def delayed():
    """No offer in the INVITE: it is in the 200, the answer in the ACK."""
    uac, uas = both()
    uac.invite(no_sdp=True).start().maybe(100).recv(180).stop().recv(200).ack(uac.offer())
    uas.recv_invite().reply(180, "Ringing").answer(uas.offer()).recv_request("ACK")
    return talked(uac, uas)


def offer_made():
    """No offer in the INVITE, but the carrier must have one: the switch makes it."""
    uac, uas = both()
    uac.invite(no_sdp=True).start().maybe(100).recv(180).stop().recv(200).ack(uac.offer())
    uas.recv_invite([uas.grab("m=audio", "offer")]).reply(180, "Ringing").answer(uas.offer()).recv_request("ACK")
    return talked(uac, uas)


def offer_kept():
    """An offer in the INVITE, but the carrier takes none there: its own is in the 200."""
    uac, uas = both()
    uac.invite().start().maybe(100).recv(180).stop().recv(200).ack()
    uas.recv_invite().reply(180, "Ringing").answer(uas.offer()).recv_request("ACK", [uas.grab("m=audio", "answer")])
    return talked(uac, uas)


def held():
    """Hold and resume by the caller, then by the called side."""
    uac, uas = both()
    opened(uac, uas)
    uac.recv(200).ack()
    uas.answer(uas.offer()).recv_request("ACK")
    for asks, answers in ((uac, uas), (uas, uac)):
        for asked, answered in (("sendonly", "recvonly"), ("sendrecv", "sendrecv")):
            asks.pause(300 if asks is uac else 500).request("INVITE", body=asks.offer(direction=asked)).maybe(100)
            asks.recv(200, rrs=False).ack()
            answers.recv_request("INVITE").dialog().reply(200, "OK", body=answers.offer(direction=answered)).recv_request("ACK")
    return talked(uac, uas)


def forked():
    """18x of two branches of a fork, and the 200 of the second."""
    uac, uas = both()
    uac.invite().start().maybe(100).recv(180).stop().recv(183).recv(200).ack()
    uas.recv_invite()
    uas.reply(180, "Ringing")
    uas.tag = f"second{uas.tag}"
    uas.reply(183, "Session Progress", body=uas.offer()).pause(100).reply(200, "OK", body=uas.offer()).recv_request("ACK")
    return talked(uac, uas)


def called_hangs_up():
    uac, uas = both()
    opened(uac, uas)
    uac.recv(200).ack().recv_request("BYE", timeout=60000).dialog().reply(200, "OK")
    uas.answer(uas.offer()).recv_request("ACK").pause(1000).hang_up()
    return uac.finish(), uas


def lossy_answer(uas, extra=()):
    """180, 200, ACK of the called side. SIPp knows no INVITE again that it has answered with a 180 some time ago."""
    body = uas.offer()
    uas.recv_invite().reply(180, "Ringing").pause(200).answer(body, extra).until("ACK", "INVITE", body, extra)


def lossy_call(headers_in=(), headers_out=()):
    """A call of which each message may be lost, doubled or late: 18x are not waited for."""
    uac, uas = both()
    uac.invite(extra=headers_in).start().maybe(100).lossy((180,)).recv(200).stop().ack()
    lossy_answer(uas, headers_out)
    return talked(uac, uas)


def lossy_timer():
    """The same with a session timer on both legs."""
    return lossy_call((TIMER, f"Session-Expires: {INTERVAL};refresher=uac"),
                      ("Supported: timer", "Require: timer", f"Session-Expires: {INTERVAL};refresher=uac"))


def lossy_prack():
    """Reliable 183 on both legs."""
    uac, uas = both()
    uac.invite(extra=(REL,)).start().maybe(100).reliable(183, rtd=True).prack().recv(200).ack()
    uas.recv_invite().ring_reliably(183, 7, uas.offer()).dialog().reply(200, "OK", retrans=False)
    # the 200 comes when PRACK has been answered for sure: SIPp takes any 200 for that of the request it sent last
    uas.pause(2000).answer().until("ACK", "PRACK")
    uac.pause().hang_up()
    return uac, uas.until("BYE", "PRACK").reply(200, "OK").finish()


def lossy_cancel():
    """CANCEL behind a PRACK: an 18x that may be lost cannot be waited for."""
    uac, uas = both()
    uac.invite(extra=(REL,)).start().maybe(100).reliable(183, rtd=True).prack().pause(4000)  # the other leg's PRACK has come
    uac.cancel().recv(200, optional=True, rrs=False).recv(487, rrs=False).ack_failure().finish()
    uas.recv_invite().ring_reliably(183, 7, uas.offer()).dialog().reply(200, "OK", retrans=False)
    uas.until("CANCEL", "PRACK").reply(200, "OK", retrans=False)
    uas.reply(487, "Request Terminated", method="INVITE").until("ACK", "CANCEL").finish()
    return uac, uas


def lossy_hold():
    """Hold and resume by the caller."""
    uac, uas = both()
    uac.invite().start().maybe(100).lossy((180,)).recv(200).stop().ack()
    lossy_answer(uas)
    for asked, answered in (("sendonly", "recvonly"), ("sendrecv", "sendrecv")):
        uac.pause(4000).request("INVITE", body=uac.offer(direction=asked)).maybe(100).recv(200, rrs=False).ack()
        # behind the 100 by more than what is late
        uas.recv_request("INVITE").dialog().pause(150).reply(200, "OK", body=uas.offer(direction=answered)).recv_request("ACK")
    uac.pause(4000).hang_up()
    return uac, uas.hung_up().finish()


def timed(uac, uas, refresher_in, refresher_out):
    """A call with session timers of 90 s; who refreshes each leg ("uac", "uas")."""
    uac.invite(extra=(TIMER, f"Session-Expires: {INTERVAL};refresher={refresher_in}")).start().maybe(100).recv(180).stop()
    uac.recv(200, [uac.grab(f"{INTERVAL};refresher={refresher_in}", "agreed", "Session-Expires:")]).ack()
    uas.recv_invite([uas.grab("[0-9]+", "asked", "Session-Expires:")]).reply(180, "Ringing")
    uas.answer(uas.offer(), ("Require: timer", f"Session-Expires: {INTERVAL};refresher={refresher_out}")).recv_request("ACK")
    uas.dialog()


def refresh(side, role):
    """Half-times: this side refreshes each."""
    for _ in range(REFRESHES):
        side.pause(INTERVAL * 500)
        side.request("UPDATE", extra=(TIMER, f"Session-Expires: {INTERVAL};refresher={role}"))
        side.recv(200, [side.grab(str(INTERVAL), "kept", "Session-Expires:")], rrs=False)


def refreshed(side):
    """This side is refreshed by the switch: it must not wait longer than the interval less a third."""
    for _ in range(REFRESHES):
        side.recv_request("UPDATE", [side.grab(str(INTERVAL), "kept", "Session-Expires:")], timeout=INTERVAL * 667)
        side.reply(200, "OK", retrans=False, extra=("Require: timer", f"Session-Expires: {INTERVAL};refresher=uac"))


def refresh_by_both():
    """The caller refreshes its leg, the carrier its own."""
    uac, uas = both()
    timed(uac, uas, "uac", "uas")
    uac.confirmed = True
    refresh(uac, "uac")
    refresh(uas, "uac")
    uac.pause(10000).hang_up()
    return uac, uas.hung_up().finish()


def refresh_by_switch():
    """The switch refreshes both legs."""
    uac, uas = both()
    timed(uac, uas, "uas", "uac")
    uac.confirmed = True
    refreshed(uac)
    refreshed(uas)
    uac.pause(10000).hang_up()
    return uac, uas.hung_up().finish()


def never_refreshed():
    """Both sides promise to refresh and do not: the switch ends the call, before the interval is over."""
    uac, uas = both()
    timed(uac, uas, "uac", "uas")
    uac.confirmed = True
    uac.recv_request("BYE", timeout=INTERVAL * 1000).reply(200, "OK").finish()
    uas.recv_request("BYE", timeout=INTERVAL * 1000).reply(200, "OK").finish()
    return uac, uas


class Kind:
    """One behaviour: scenarios of caller, called side and, if there are two, the carrier that is asked first."""

    def __init__(self, name, make, **more):
        self.name = name
        scenarios = make()
        self.uac, self.uas = scenarios[0].xml(), scenarios[1].xml()
        self.first = scenarios[2].xml() if len(scenarios) > 2 else None
        self.heard = more.get("heard", 200)  # final answer that the caller must hear
        self.code = more.get("code", self.heard)  # code of the call's record
        self.relay = more.get("relay", False)
        self.trunk_in, self.trunk_out, self.trunk_first = (more.get(k, ()) for k in ("trunk_in", "trunk_out", "trunk_first"))
        self.lasts = more.get("lasts")  # s: a length of its own, whatever --hold says
        self.ringing = more.get("ringing", self.heard == 200)  # is the delay to an 18x measured


def basic_kinds():
    return [(100, Kind("basic", basic))]


def busy_hour():
    """55 % answered, 20 % CANCEL, 15 % 486, 10 % re-routed: half of it by 503 to a carrier that answers, half by 404 to one that says 404."""
    advance = ("advance 404 5xx timeout",)
    return [(55, Kind("basic", basic)), (20, Kind("cancel", cancelled, heard=487)), (15, Kind("busy", busy, heard=486)),
            (5, Kind("r503", rerouted)), (5, Kind("r404", nowhere, heard=404, trunk_first=advance))]


def extensions():
    return [(10, Kind("update", prack_update, trunk_in=("100rel supported",))),
            (8, Kind("offer183", prack_offer)),
            (8, Kind("relin", prack_in, trunk_in=("100rel required",))),
            (8, Kind("relout", prack_out)),
            (8, Kind("delayed", delayed)),
            (8, Kind("early", offer_made, relay=True, trunk_out=("offer early",))),
            (8, Kind("late", offer_kept, trunk_out=("offer delayed",))),
            (10, Kind("hold", held)),
            (6, Kind("forked", forked)),
            (6, Kind("r302", redirected, trunk_first=("redirect follow",))),
            (8, Kind("theirbye", called_hangs_up)),
            (6, Kind("cancel", cancelled, heard=487)),
            (6, Kind("busy", busy, heard=486))]


def lossy():
    made = (("plain", 25, lossy_call, 200), ("timer", 25, lossy_timer, 200), ("prack", 20, lossy_prack, 200), ("hold", 10, lossy_hold, 200),
            ("cancel", 10, lossy_cancel, 487), ("busy", 10, busy, 486))
    # Timer B, as RFC 3261 has it: a carrier that is not heard for 3 s is not silent here
    return [(share, Kind(name, make, heard=heard, trunk_out=("trying-timeout 32s",))) for name, share, make, heard in made]


def timers():
    """By whom the sessions are refreshed; 102 s a call."""
    length = INTERVAL * REFRESHES / 2 + 12
    return [(34, Kind("both", refresh_by_both, lasts=length)), (33, Kind("switch", refresh_by_switch, lasts=length)),
            (33, Kind("nobody", never_refreshed, lasts=length, code=408))]


MIXES = {
    "L1": (basic_kinds, "INVITE, 180, 200, ACK, BYE"),
    "L3": (busy_hour, "busy hour: 55 % answered, 20 % CANCEL, 15 % 486, 10 % re-routed by 404 and 503"),
    "L7": (extensions, "PRACK and UPDATE in early media, 100rel on one leg only, offers early and delayed, hold and resume, forks, 302"),
    "L8": (lossy, "for --loss: calls, PRACK, session timers, hold, CANCEL, 486"),
    "timers": (timers, "session timers of 90 s: refreshed by the parties, by the switch, by nobody; each call takes 102 s"),
}
