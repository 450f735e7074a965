# SPDX-License-Identifier: BSD-2-Clause
"""The attacks. Each case gets a running switch and its four trunks' peers; afterwards an ordinary call must pass."""
import glob
import os
import random
import socket
import struct
import time

from attack import *
from mutate import bend

CASES = []


def case(fn):
    CASES.append(fn)
    return fn


class World:
    def __init__(self, switch):
        self.sw = switch
        self.a, self.b, self.ma, self.mb = (Peer(PEER[n]) for n in ("alpha", "bravo", "malpha", "mbravo"))
        self.peers = (self.a, self.b, self.ma, self.mb)
        self.stranger = Peer()

    def drain(self):
        return sum(p.drain() for p in self.peers + (self.stranger,))

    def pump(self):
        """Peers that end what is asked of them, so that calls come to their end."""
        for p in self.peers:
            for m in iter(lambda: p.recv(0.002), None):
                if not m.status and m.method in ("BYE", "CANCEL"):
                    p.send(p.answer(m, 200))

    def hang_up(self):
        for c in self.sw.ctl("show", "calls", "1000")["calls"]:
            try:
                self.sw.ctl("hangup", c["uuid"])
            except Failed:  # it has ended meanwhile
                pass
        self.pump()

    def still_serves(self):
        self.sw.check_alive()
        for tries in range(3):
            self.drain()
            try:
                good_call(self.a, self.b)
                good_call(self.ma, self.mb, user="2555")
                return
            except Failed as e:
                last = e
        raise Failed(f"no ordinary call any more: {last}")

    def close(self):
        for p in self.peers + (self.stranger,):
            p.close()


# ---- messages ----

@case
def torture_messages_from_a_trunk_and_from_a_stranger(w):
    files = glob.glob(os.environ.get("TORTURE", os.path.join(os.path.dirname(__file__), "../data/torture")) + "/*/*")
    rnd = random.Random(7)
    for name in files:
        with open(name, "rb") as f:
            data = f.read()
        for p in (w.a, w.ma, w.stranger):
            p.send(data)
            for _ in range(4):
                p.send(bend(data.decode("latin-1"), rnd))
        w.drain()
        w.sw.check_alive()


@case
def bent_messages_in_every_phase_of_a_call(w):
    seed = int(os.environ.get("ATTACK_SEED", "1"))
    rnd = random.Random(seed)
    end = time.monotonic() + float(os.environ.get("ATTACK_FUZZ_S", "5"))
    while time.monotonic() < end:
        p, q, u = rnd.choice(((w.a, w.b, "1555"), (w.ma, w.mb, "2555")))
        try:
            fuzz_call(p, q, u, rnd)
        except Failed as e:
            if "expected" not in str(e):
                raise
        w.drain()
    w.sw.check_alive()


def until_silent(p, silence, call_id=None, first=12):
    """All messages (of one Call-ID) until there is none for so long; of the first one a busy machine may keep us waiting."""
    got, end = [], time.monotonic() + first
    while True:
        m = p.recv(silence)
        if m and (not call_id or m.get("call-id") == call_id):
            got.append(m)
            yield m
        elif not m and (got or time.monotonic() > end):
            return


def answer_all(p, rnd=None):
    while True:
        m = p.recv(0.005)
        if not m:
            return
        if not m.status and m.method != "ACK" and m.get("cseq"):
            code = rnd.choice((200, 200, 200, 481, 491, 500, 408)) if rnd else 200
            p.send(bend(p.answer(m, code), rnd) if rnd and rnd.random() < .5 else p.answer(m, code))


def fuzz_call(p, q, user, rnd):
    step = rnd.randrange(6)
    if step == 0:
        for _ in range(20):
            p.send(bend(p.request("INVITE", user=user, body=sdp()), rnd))
        for _ in range(20):
            m = q.recv(0.005)
            if m and not m.status:
                q.send(bend(q.answer(m, rnd.choice((100, 180, 183, 200, 302, 404, 486, 500, 503, 699)), body=sdp()), rnd))
        return
    c = Call(p, q, user=user)
    if step == 1:
        for _ in range(8):
            q.send(bend(q.answer(c.out, rnd.choice((180, 183, 200, 487)), to_tag=uid(), body=sdp()), rnd))
        q.send(q.answer(c.out, 486))
    elif step == 2:
        p.send(bend(p.request("CANCEL", call_id=c.call_id, from_tag=c.from_tag, branch=c.invite_branch, user=c.user), rnd))
        q.send(q.answer(c.out, 480))
    elif step == 3:
        q.send(q.answer(c.out, 183, to_tag="early", body=sdp()))
        c.b_tag = "early"
        for method in ("UPDATE", "INFO", "PRACK", "OPTIONS", "INVITE", "BYE"):
            q.send(bend(c.from_b(method, body=rnd.choice(("", sdp()))), rnd))
        q.send(q.answer(c.out, 503))
    else:
        c.answer()
        for k in range(8):
            method = rnd.choice(("INVITE", "UPDATE", "INFO", "ACK", "BYE", "CANCEL", "OPTIONS", "PRACK", "MESSAGE"))
            body = rnd.choice(("", sdp()))
            if rnd.random() < .5:
                p.send(bend(c.in_dialog(method, body=body), rnd))
            else:
                q.send(bend(c.from_b(method, cseq=k + 1, body=body), rnd))
            answer_all(p, rnd)
            answer_all(q, rnd)
        p.send(c.in_dialog("BYE", cseq=1000))
        q.send(c.from_b("BYE", cseq=1000))
    answer_all(p)
    answer_all(q)


@case
def forged_responses_and_tokens_change_nothing(w):
    c = Call(w.a, w.b)
    w.b.send(w.b.answer(c.out, 100))  # else it is given up before all has been tried
    branch = re.search(r"branch=(z9hG4bK\w+)", c.out.get("via")).group(1)
    for i in range(len(branch)):
        for ch in "a7":
            forged = w.b.answer(c.out, 200, to_tag="forged", body=sdp()).replace(branch, branch[:i] + ch + branch[i + 1:])
            if branch[i].lower() != ch and i >= 7:
                w.b.send(forged)
    w.stranger.send(w.b.answer(c.out, 486).replace(branch, branch[:-3] + "aaa"))
    check([m.status for m in w.a.told(c.call_id, 0.3)] == [100], "only the 100")
    check(not w.a.told(c.call_id, 0.3), "a forged response went through")
    c.answer()
    tag = tag_of(c.to)
    for i in range(0, len(tag)):
        t = tag[:i] + ("a" if tag[i] != "a" else "b") + tag[i + 1:]
        for method in ("BYE", "INVITE", "UPDATE"):
            w.a.send(c.in_dialog(method, cseq=50, to=c.to.replace(tag, t)))
            w.stranger.send(c.in_dialog(method, cseq=50, to=c.to.replace(tag, t)))
    for kw in ({"call_id": "other"}, {"from_tag": "other"}, {"to": c.to.replace(tag, "")}, {"to": c.to.replace(tag, tag_of(c.out.get("from")))}):
        w.a.send(c.in_dialog("BYE", cseq=60, **kw))
    time.sleep(0.3)
    check(not w.b.told(c.out.get("call-id"), 0.05), "a forged request crossed")
    w.a.drain()
    c.bye()


@case
def strangers_with_old_tags_make_no_transactions(w):
    c = good_call(w.a, w.b)
    before = w.sw.stats()
    for n in range(3000):
        w.stranger.send(c.in_dialog("INFO", cseq=100 + n))
    # and with the tag of our own 403
    w.stranger.drain()
    w.stranger.send(w.stranger.request("INVITE"))
    r = w.stranger.expect(403)
    for n in range(3000):
        w.stranger.send(w.stranger.request("MESSAGE", to=r.get("to"), call_id=r.get("call-id"), from_tag=w.stranger.from_tag, cseq=n + 2))
        if n % 100 == 0:
            w.stranger.drain()
    time.sleep(0.3)
    new = w.sw.stats()["txn_server_new"] - before["txn_server_new"]
    check(new <= 1, f"{new} transactions of strangers")


@case
def a_403_is_hardly_larger_than_its_request(w):
    stranger = Peer()  # the one of the others is still told things
    try:
        for request in (stranger.request("INVITE"), "OPTIONS sip:a SIP/2.0\r\nv:SIP/2.0/UDP h;branch=z9hG4bK1;rport\r\nf:<sip:a>;tag=1\r\nt:<sip:a>\r\ni:1\r\n"
                        "CSeq:1 OPTIONS\r\n\r\n"):
            stranger.send(request)
            m = stranger.expect(403)
            check(len(m.text) < len(request) + 180, f"{len(request)} bytes in, {len(m.text)} out")
            check(stranger.recv(0.6) is None, "a 403 came twice")
    finally:
        stranger.close()


@case
def a_flood_of_strangers_leaves_calls_alone(w):
    rss = w.sw.tandemd.rss_kib()
    msgs = [w.stranger.request("INVITE", body=sdp()).encode() for _ in range(200)]
    c = Call(w.a, w.b).answer()
    begin = time.monotonic()
    n = good = 0
    while time.monotonic() < begin + 3 or (good <= 5 and time.monotonic() < begin + 60):
        for _ in range(10):
            for m in msgs:
                w.stranger.s.sendto(m, SIP)
                n += 1
            time.sleep(0.002)
        good_call(w.a, w.b)
        good += 1
    c.bye()
    check(good > 5, f"{good} calls beside the flood")
    grown = w.sw.tandemd.rss_kib() - rss
    check(grown < 40000, f"{n} strangers' requests: {grown} KiB more")


# ---- storms ----

@case
def a_storm_of_forks_is_bounded(w):
    c = Call(w.a, w.b)
    for n in range(300):
        w.b.send(w.b.answer(c.out, 183, to_tag=f"fork{n}", body=sdp()))
    time.sleep(0.2)
    for n in range(300):
        w.b.send(w.b.answer(c.out, 200, to_tag=f"answer{n}", body=sdp()))
    acks, byes = 0, set()  # a BYE that waited for us comes again
    for m in until_silent(w.b, 0.3, c.out.get("call-id")):
        acks += m.method == "ACK"
        if m.method == "BYE":
            byes.add(m.get("via"))
            w.b.send(w.b.answer(m, 200))
    check(1 <= acks <= 40 and len(byes) <= 40, f"{acks} ACK, {len(byes)} BYE")
    ok = w.a.expect(200, call_id=c.call_id)
    c.to, c.target, c.b_tag = ok.get("to"), re.search(r"<([^>]+)>", ok.get("contact")).group(1), "answer0"
    w.a.send(c.in_dialog("ACK", cseq=1))
    w.a.send(c.in_dialog("BYE"))
    bye = w.b.expect("BYE")
    w.b.send(w.b.answer(bye, 200))


@case
def a_storm_of_cancels_acks_and_repeated_answers(w):
    c = Call(w.a, w.b)
    cancel = w.a.request("CANCEL", call_id=c.call_id, from_tag=c.from_tag, branch=c.invite_branch, user=c.user)
    ack = w.a.request("ACK", call_id=c.call_id, from_tag=c.from_tag, branch=c.invite_branch, to_tag="nobody", user=c.user)
    for _ in range(500):
        w.a.send(ack)
        w.a.send(c.invite)
    w.b.send(w.b.answer(c.out, 180))
    for n in range(500):
        w.a.send(cancel)
        w.a.send(w.a.request("CANCEL", call_id=c.call_id, from_tag=c.from_tag))
    m = w.b.expect("CANCEL")
    w.b.send(w.b.answer(m, 200))
    for _ in range(300):
        w.b.send(w.b.answer(c.out, 200, to_tag="late", body=sdp()))
    bye = w.b.expect("BYE")
    for _ in range(100):
        w.b.send(w.b.answer(bye, 200))
        w.b.send(w.b.answer(c.out, 487))
    answer_all(w.b)
    r = w.a.expect(487, call_id=c.call_id)
    w.a.send(w.a.request("ACK", call_id=c.call_id, from_tag=c.from_tag, branch=c.invite_branch, to=r.get("to"), user=c.user))


@case
def reinvites_of_both_sides_without_end(w):
    c = Call(w.a, w.b).answer()
    for n in range(100):
        w.a.send(c.in_dialog("INVITE", body=sdp()))
        w.b.send(c.from_b("INVITE", cseq=n + 1, body=sdp(port=34000 + n * 2 % 100)))
        if n % 10 == 0:
            answer_all(w.a)
            answer_all(w.b)
    w.a.send(c.in_dialog("BYE", cseq=5000))
    time.sleep(0.1)
    answer_all(w.b)
    answer_all(w.a)


@case
def one_call_id_for_a_thousand_invites(w):
    for n in range(1000):
        w.a.send(w.a.request("INVITE", call_id="same", from_tag="same", body=sdp(), user="1777"))
    invites = {w.b.expect("INVITE", ruri="1777").get("call-id")}
    invites |= {m.get("call-id") for m in iter(lambda: w.b.recv(0.2), None) if m.method == "INVITE" and "1777" in m.start}
    check(len(invites) == 1, f"{len(invites)} calls of one request")


# ---- bodies, injection, topology ----

@case
def sdp_bombs(w):
    head = f"v=0\r\no=- 1 1 IN IP4 {IP}\r\ns=-\r\nc=IN IP4 {IP}\r\nt=0 0\r\n"
    bodies = [head + "m=audio 4000 RTP/AVP 0\r\n" * 1000, head + "m=audio 65536 RTP/AVP 0\r\n", head + "m=audio 0 RTP/AVP 0\r\n", head,
              head + "m=audio 4000 RTP/AVP " + "0 " * 15000, head + "m=audio 4000 RTP/AVP 0\r\n" + "a=x\r\n" * 5000, "v=0", "\x00" * 500,
              head.replace(IP, "999.9.9.9") + "m=audio 4000 RTP/AVP 0\r\n", head.replace("c=IN IP4", "c=IN IP6") + "m=audio 4000 RTP/AVP 0\r\n",
              head.replace(IP, "::") + "m=audio 4000 RTP/AVP 0\r\n", head + "m=audio 4000/65535 RTP/AVP 0\r\n", head + "m=" + "x" * 20000,
              head + "m=audio 65535 RTP/AVP 0\r\n", head + "m=audio 4000 RTP/AVP 0\r\na=rtcp:65535 IN IP6 ::1\r\n", head.replace("v=0", "v=9"),
              head + "m=audio 4000 RTP/AVP 0\r\n" * 8, head.replace(IP, "224.0.0.1") + "m=audio 4000 RTP/AVP 0\r\n",
              head.replace(IP, "255.255.255.255") + "m=audio 4000 RTP/AVP 0\r\n", head.replace(IP, "evil.example") + "m=audio 4000 RTP/AVP 0\r\n"]
    for body in bodies:
        for p, q, user in ((w.a, w.b, "1555"), (w.ma, w.mb, "2555")):
            p.send(p.request("INVITE", user=user, body=body))
            m = q.recv(0.1)
            if m and m.method == "INVITE":
                q.send(q.answer(m, 183, body=body, to_tag="x"))
                q.send(q.answer(m, 200, body=body, to_tag="x"))
            answer_all(q)
            answer_all(p)
    for body in bodies:  # and in an answer
        for p, q, user in ((w.a, w.b, "1555"), (w.ma, w.mb, "2555")):
            try:
                c = Call(p, q, user=user)
            except Failed:
                continue
            q.send(q.answer(c.out, 200, body=body, to_tag="x"))
            answer_all(q)
            answer_all(p)


SECRET = ("10.11.12.13", "inside.example", "2001:db8:bad::1", "secret-agent")


@case
def nothing_of_one_side_is_told_to_the_other(w):
    h = SECRET[0]  # in all but Identity, which crosses as it was signed (RFC 8224)
    extra = (f"Via: SIP/2.0/UDP {h}:5061;branch=z9hG4bKx\r\nRecord-Route: <sip:{h};lr>\r\nUser-Agent: {SECRET[3]}\r\nServer: {SECRET[3]}\r\n"
             f"Warning: 399 {h} \"{h}\"\r\nAlert-Info: <http://{h}/x.wav>\r\nCall-Info: <http://{h}/>\r\nRemote-Party-ID: <sip:1@{h}>;host={h}\r\n"
             f"P-Asserted-Identity: <sip:1@{h};x={h}>\r\nHistory-Info: <sip:1@{h}>;index=1\r\nDiversion: <sip:1@{h}:5061>;reason=unknown\r\n"
             f"Identity: abc;info=<https://certs.example/c.pem>\r\nReferred-By: <sip:1@{h}>\r\nIn-Reply-To: 1@{h}\r\nReply-To: <sip:1@{h}>\r\n"
             f"Organization: {SECRET[1]}\r\nSubject: {h}\r\nP-Charging-Vector: icid-value=1;icid-generated-at={h}\r\nX-Own: {h}\r\n"
             f"Geolocation: <cid:1@{h}>\r\nError-Info: <sip:1@{h}>\r\nReason: SIP;cause=500;text=\"{h}\"\r\nSession-ID: 1;remote=2\r\n"
             f"Proxy-Authenticate: Digest realm=\"{SECRET[1]}\"\r\nAuthentication-Info: x=\"{h}\"\r\nP-Access-Network-Info: x;y=\"{h}\"\r\n"
             f"Accept-Contact: *;a=\"{h}\"\r\nPath: <sip:{h}>\r\nService-Route: <sip:{h}>\r\nHost: {h}\r\n")
    back = extra.replace("Via: ", "X-Via: ").replace("Record-Route", "X-Route")
    lines = (f"a=alt:1 1 : x y {h} 4000\r\na=candidate:1 1 UDP 1 {h} 4000 typ host\r\na=x-host:{SECRET[1]}\r\na=rtcp:4001 IN IP4 {h}\r\n"
             f"a=path:msrp://{h}:1/x;tcp\r\na=x6:{SECRET[2]}\r\ni={h}\r\n")

    def body():
        return (f"v=0\r\no=u-{SECRET[3]} 777123 1 IN IP4 {SECRET[1]}\r\ns={SECRET[1]}\r\ni={h}\r\nu=http://{h}/\r\ne=a@{SECRET[1]}\r\np=+1\r\n"
                f"c=IN IP6 {SECRET[2]}\r\nt=0 0\r\na=tool:{SECRET[3]}.{h}\r\nm=audio 4000 RTP/AVP 0\r\nc=IN IP4 {h}\r\n{lines}")

    frm = f'"Al" <sip:15559999@{h}>'
    seen = []

    def look(m):
        seen.append(m.start)
        for s in SECRET + ("777123",):
            check(s not in m.text, f"{s} is told:\n{m.text}")
        return m

    c = Call(w.ma, w.mb, user="2555", body=body(), extra=extra, frm=frm, call_id=f"x1@{h}")
    look(c.out)
    w.mb.send(w.mb.answer(c.out, 183, reason=f"{h} busy", extra=back, body=body(), to_tag="t1"))
    look(strip_own(w.ma.expect(183), c))
    w.mb.send(w.mb.answer(c.out, 200, reason=SECRET[1], extra=back, body=body(), to_tag="t1"))
    w.mb.expect("ACK")
    ok = look(strip_own(w.ma.expect(200), c))
    c.to, c.target, c.b_tag = ok.get("to"), re.search(r"<([^>]+)>", ok.get("contact")).group(1), "t1"
    w.ma.send(c.in_dialog("ACK", cseq=1))
    for method in ("INFO", "UPDATE", "INVITE"):
        for b in (body(), ""):
            w.ma.send(c.in_dialog(method, extra=back + ("Content-Type: multipart/mixed\r\n" if not b else ""), body=b))
            m = w.mb.recv(0.4)
            if m:
                look(m)
                w.mb.send(w.mb.answer(m, 488, reason=h, extra=back))
            w.mb.drain()
            for r in iter(lambda: w.ma.recv(0.1), None):
                look(strip_own(r, c))
                if r.status and r.method == "INVITE":
                    w.ma.send(c.in_dialog("ACK", cseq=int(r.get("cseq").split()[0]), branch=w.ma.branch))
    w.ma.send(c.in_dialog("BYE", cseq=99, extra=f"Reason: SIP;cause=200;text=\"{h}\"\r\nX-A: {h}\r\n"))
    bye = look(w.mb.expect("BYE"))
    w.mb.send(w.mb.answer(bye, 200))
    for status in (302, 404, 503, 486, 600):
        c = Call(w.a, w.b, extra="", frm=frm)
        w.b.send(w.b.answer(c.out, status, reason=f"see {h}", extra=back + f"Contact: <sip:1@{h}>\r\n"))
        r = w.a.expect({302: 500}.get(status, status), call_id=c.call_id) if status != 302 else next(
            (m for m in iter(lambda: w.a.recv(12), None) if m.status >= 300), None)
        look(strip_own(r, c))
        w.a.send(w.a.request("ACK", call_id=c.call_id, from_tag=c.from_tag, branch=c.invite_branch, to=r.get("to"), user=c.user))


def strip_own(m, c):
    """What a side said itself comes back to it: not a leak."""
    drop = ("via", "from", "to", "call-id", "record-route")
    m.text = "\n".join([m.start] + [f"{k}: {v}" for k, v in m.hdrs if k not in drop]) + m.body
    return m
