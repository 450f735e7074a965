# SPDX-License-Identifier: BSD-2-Clause
"""Peers gone mad over UDP and TCP: transfers, reliable responses, challenges, redirections, registrations, reloads, resets, all at random."""
import os
import random
import selectors
import socket
import struct
import time

import attack
from attack import *
from mutate import bend

CASES = []
USERS = ("1555", "2555", "3555", "4555", "911")
NUMBERS = ("0", "1", "89", "90", "1800", "4294967295", "4294967296", "99999999999999999999", "-1", "x", "")
OPTIONS = ("100rel", "timer", "199", "replaces", "norefersub", "gin", "precondition", "path", "x")

MAD_TRUNK = """trunk {name}
  listen          public
  media           {media}
  options         off
  trying-timeout  1s
  progress-timeout 2s
  ring-timeout    4s
  setup-timeout   8s
  max-duration    8s
  routes          mad
  {more}
"""
MORE = {
    "tcp1": "peer 127.0.33.11:{tcp1} tcp\n  refer consume\n  pass INFO MESSAGE NOTIFY OPTIONS\n  100rel supported\n  redirect follow\n"
            "  header out set X-Caller {{caller}}-{{ruri}}\n  header in rename X-One X-Two\n  session-timer 90s min 90s refresher us",
    "tcp2": "peer 127.0.33.12:{tcp2} tcp\n  refer consume\n  pass INFO MESSAGE NOTIFY OPTIONS\n  offer early\n  auth me file:{dir}/secret\n  redirect pass\n"
            "  identity diversion history-info\n  trust no\n  tgrp tg1 context example.com\n  uri tel",
    "udp1": "peer {ip}:{udp1} udp\n  refer consume\n  offer delayed\n  100rel required\n  auth me file:{dir}/secret\n  identity diversion diversion\n  redirect follow\n"
            "  bodies sdp",
    "pbx": "accept {ip}:{pbx}\n  peer registered\n  registrar expires 30s-60s\n  refer pass\n  login it file:{dir}/secret md5",
    "upreg": "peer {ip}:{upreg} udp\n  register sip:carrier.example aor us every 60s\n  auth us file:{dir}/secret\n  refer consume",
}
ROUTE = """route mad
  prefix 1        via tcp2 then udp1 then upreg
  prefix 2        via tcp1 then upreg
  prefix 3        via pbx then udp1
  default via udp1 then tcp1
"""


def mad_conf(sw, without=(), media="none"):
    ports = {n: attack.BASE + 100 + i * 2 for i, n in enumerate(MORE)}
    with open(sw.dir + "/secret", "w") as f:
        f.write("geheim\n")
    os.chmod(sw.dir + "/secret", 0o600)
    trunks = "".join(MAD_TRUNK.format(name=n, media=media, more=m.format(ip=attack.IP, dir=sw.dir, **ports)) for n, m in MORE.items() if n not in without)
    route = ROUTE
    for n in without:
        route = route.replace(f"via {n} then ", "via ").replace(f" then {n}", "")
    sw.conf["extra"] = trunks + route
    sw.write_conf()
    return ports


class Sock:
    """One socket of a mad peer; TCP ones are opened, reset and cut at any time."""

    def __init__(self, m, name, port, tcp):
        self.m, self.name, self.port, self.tcp = m, name, port, tcp
        self.conns, self.s = [], None
        self.ip = {"tcp1": "127.0.33.11", "tcp2": "127.0.33.12"}.get(name, attack.IP)  # by TCP a port tells nobody apart
        if tcp:
            self.s = socket.socket()
            self.s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.s.bind((self.ip, port))
            self.s.listen(64)
            self.s.setblocking(False)
        else:
            self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            self.s.bind((self.ip, port))
            self.s.setblocking(False)
        self.data = {}

    def conn(self):
        live = [c for c in self.conns if c.fileno() >= 0]
        if live and self.m.rnd.random() < .97:
            return self.m.rnd.choice(live)
        c = socket.socket()
        c.bind((self.ip, 0))
        c.settimeout(1)
        try:
            c.connect(attack.SIP)
        except OSError:
            c.close()
            return None
        c.setblocking(False)
        self.conns.append(c)
        return c

    def send(self, text, to=None):
        data = text.encode("latin-1", "replace") if isinstance(text, str) else text
        try:
            if not self.tcp:
                self.s.sendto(data[:60000], attack.SIP)
                return
            c = to if to and to.fileno() >= 0 and self.m.rnd.random() < .9 else self.conn()
            if c:
                c.send(data)
        except OSError:
            pass

    def read(self):
        out = []
        if not self.tcp:
            try:
                while True:
                    out.append((parse(self.s.recv(65535)), None))
            except OSError:
                return out
        try:
            while True:
                c, _ = self.s.accept()
                c.setblocking(False)
                self.conns.append(c)
        except OSError:
            pass
        for c in list(self.conns):
            try:
                while True:
                    got = c.recv(65536)
                    if not got:
                        raise ConnectionError
                    self.data[c] = self.data.get(c, b"") + got
            except BlockingIOError:
                pass
            except OSError:
                self.drop(c, False)
            buf = self.data.get(c, b"").lstrip(b"\r\n")
            while b"\r\n\r\n" in buf:
                head, _, rest = buf.partition(b"\r\n\r\n")
                n = re.search(rb"(?im)^content-length:\s*(\d+)", head)
                n = int(n.group(1)) if n else 0
                if len(rest) < n:
                    break
                out.append((parse(head + b"\r\n\r\n" + rest[:n]), c))
                buf = rest[n:].lstrip(b"\r\n")
            self.data[c] = buf
        return out

    def drop(self, c, hard=True):
        if c in self.conns:
            self.conns.remove(c)
        self.data.pop(c, None)
        if c.fileno() < 0:
            return
        if hard:
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        c.close()

    def close(self):
        for c in list(self.conns):
            self.drop(c)
        self.s.close()


class Mad:
    def __init__(self, sw, ports, seed):
        self.sw, self.rnd = sw, random.Random(seed)
        self.careless = True  # else malicious: hardly a call comes to stand
        self.peers = [Sock(self, n, p, n.startswith("tcp")) for n, p in ports.items()]
        self.asked, self.dialogs = [], []

    def close(self):
        for p in self.peers:
            p.close()

    # ---- what it hears ----

    def listen(self, kind=False):
        for p in self.peers:
            for m, c in p.read():
                if m.status:
                    self.saw_answer(p, m, c)
                elif m.method in ("BYE", "CANCEL") and (kind or self.rnd.random() < .8):
                    p.send(self.answer(p, m, 200), c)
                elif m.method != "ACK":
                    self.asked.append((p, m, c))
                    self.note(p, m.get("call-id"), tag_of(m.get("to")), m.get("to"), m.get("from"), m.get("contact"), m)
        del self.asked[:-60]
        del self.dialogs[:-60]

    def saw_answer(self, p, m, c):
        if m.method == "INVITE":
            if "tag=" in m.get("to"):
                self.note(p, m.get("call-id"), tag_of(m.get("from")), m.get("from"), m.get("to"), m.get("contact"), m)
            if m.status >= 300 or self.rnd.random() < .9 and m.status >= 200:
                d = self.dialog_of(p, m)
                if d:
                    p.send(self.in_dialog(d, "ACK", cseq=int((re.findall(r"^\d+", m.get("cseq")) or ["1"])[0]), branch=m.status >= 300 and self.branch(m)), c)

    @staticmethod
    def branch(m):
        b = re.search(r"branch=([^;,]+)", m.get("via"))
        return b.group(1) if b else "z9hG4bK"

    def note(self, p, call_id, tag, mine, theirs, contact, m):
        target = re.search(r"<([^>]+)>", contact or "")
        for d in self.dialogs:
            if d["id"] == call_id and d["p"] is p and tag_of(d["theirs"]) == tag_of(theirs):
                d["target"] = target.group(1) if target else d["target"]
                d["m"] = m
                return
        self.dialogs.append({"p": p, "id": call_id, "mine": mine, "theirs": theirs, "target": target.group(1) if target else f"sip:{attack.IP}", "cseq": 1, "m": m,
                             "rseq": m.get("rseq")})

    def dialog_of(self, p, m):
        return next((d for d in self.dialogs if d["p"] is p and d["id"] == m.get("call-id")), None)

    # ---- what it says ----

    def say(self, p, text, to=None):
        r = self.rnd
        if r.random() < (.01 if self.careless else .15):
            text = bend(text, r)
            if p.tcp and r.random() < .7:  # else the stream breaks at each of them
                head, sep, body = text.partition("\r\n\r\n")
                text = re.sub(r"(?im)^content-length:.*$", f"Content-Length: {len(body.encode('latin-1', 'replace'))}", head) + sep + body
        p.send(text, to)
        if r.random() < .1:
            p.send(text, to)

    def headers(self):
        r, out = self.rnd, ""
        for _ in range(r.choice((0, 0, 0, 0, 0, 0, 0, 1)) if self.careless else r.choice((0, 0, 1, 2, 4))):
            n = r.choice(NUMBERS)
            out += r.choice((
                f"Session-Expires: {n};refresher={r.choice(('uac', 'uas', 'x'))}\r\n", f"Min-SE: {n}\r\n", f"Expires: {n}\r\n", f"Retry-After: {n} (a);duration={n}\r\n",
                f"Supported: {r.choice(OPTIONS)}, {r.choice(OPTIONS)}\r\n", f"Require: {r.choice(OPTIONS)}\r\n", f"RSeq: {n}\r\n", f"RAck: {n} {n} INVITE\r\n",
                f"Session-ID: {r.choice(('a' * 32, 'zz', '0' * 32, 'A' * 33))};remote={'b' * 32}\r\n", f"Diversion: <sip:1@h>;counter={n};reason=no-answer\r\n" * r.choice((1, 3, 40)),
                f"History-Info: <sip:1@h?Reason=SIP%3Bcause%3D302>;index=1.{n}\r\n" * r.choice((1, 3, 40)), f"Reason: Q.850;cause={n};text=\"h\"\r\n",
                "P-Asserted-Identity: \"x\\\"<y\" <sip:+1555@h>, <tel:+1555>\r\n", "Privacy: id;user;header;critical\r\n", f"Max-Breadth: {n}\r\n", "Replaces: a;to-tag=b;from-tag=c\r\n",
                f"Subscription-State: terminated;expires={n}\r\n", "Event: refer;id=" + n + "\r\n", "X-One: {caller}{called}\r\n", "Allow: INVITE, ACK\r\n",
                f"WWW-Authenticate: Digest realm=\"{r.choice(('r', 'q' * 200))}\", nonce=\"{r.random()}\", algorithm={r.choice(('MD5', 'SHA-256', 'SHA-512-256', 'x'))}"
                f"{r.choice(('', ', qop=auth', ', stale=true', ', opaque=o'))}\r\n", "Identity: abc;info=<http://h>\r\n", "Warning: 399 h.example \"x\"\r\n",
            ))
        return out

    def body(self):
        r = self.rnd
        if self.careless and r.random() < .9:
            return "application/sdp", sdp()
        kind = r.randrange(8)
        if kind < 3:
            return "application/sdp", sdp(port=r.choice((0, 33990, 33992)), extra=r.choice(("", "a=sendonly\r\n", "a=inactive\r\n", "m=video 4444 RTP/AVP 31\r\n", "m=image 5 udptl t38\r\n")))
        if kind == 3:
            return "application/sdp", "v=0\r\n"
        if kind == 4:
            return "multipart/mixed;boundary=b", f"--b\r\nContent-Type: application/sdp\r\n\r\n{sdp()}\r\n--b\r\nContent-Type: application/isup\r\n\r\n\x01\x02\r\n--b--\r\n"
        return "", ""

    def message(self, start, via, frm, to, call_id, cseq, contact, extra=""):
        ctype, body = self.body()
        return (f"{start}\r\n{via}Max-Forwards: 70\r\nFrom: {frm}\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {cseq}\r\n{contact}{extra}{self.headers()}"
                + (f"Content-Type: {ctype}\r\n" if body else "") + f"Content-Length: {len(body)}\r\n\r\n{body}")

    def via(self, p, branch=None):
        return f"Via: SIP/2.0/{'TCP' if p.tcp else 'UDP'} {p.ip}:{p.port};branch={branch or 'z9hG4bK' + uid()}\r\n"

    def invite(self):
        p = self.rnd.choice(self.peers)
        user = self.rnd.choice(USERS) + str(self.rnd.randrange(1000))
        ip = attack.IP
        self.say(p, self.message(f"INVITE sip:{user}@{ip} SIP/2.0", self.via(p), f"<sip:19@{ip}>;tag={uid()}", f"<sip:{user}@{ip}>", uid(), "1 INVITE",
                                 f"Contact: <sip:x@{p.ip}:{p.port}>\r\n"))

    def in_dialog(self, d, method, cseq=None, branch=None, extra=""):
        if cseq is None:
            d["cseq"] += self.rnd.choice((1, 1, 1, 1, 0, 7))
            cseq = d["cseq"]
        return self.message(f"{method} {d['target']} SIP/2.0", self.via(d["p"], branch), d["mine"], d["theirs"], d["id"], f"{cseq} {method}",
                            f"Contact: <sip:x@{d['p'].ip}:{d['p'].port}>\r\n", extra)

    def refer_to(self):
        r = self.rnd
        other = r.choice(self.dialogs)
        rep = f"{other['id']}%3Bto-tag%3D{tag_of(other['theirs'])}%3Bfrom-tag%3D{tag_of(other['mine'])}"
        if r.random() < .3:
            rep = f"{other['id']}%3Bto-tag%3D{tag_of(other['mine'])}%3Bfrom-tag%3D{tag_of(other['theirs'])}"
        user = r.choice(USERS) + "7"
        return "Refer-To: <" + r.choice((f"sip:{user}@h", f"sip:{user}@h?Replaces={rep}", f"sip:{user}@h?Replaces={rep}", f"tel:+{user}", f"sip:{user};x=%0d%0aEvil:%201@h",
                                         "sip:@h", f"sip:{user}@h;method=BYE", "http://x")) + ">\r\n" + r.choice(("", "Refer-Sub: false\r\n", "Referred-By: <sip:me@h>\r\n"))

    def midcall(self):
        if not self.dialogs:
            return
        d, r = self.rnd.choice(self.dialogs), self.rnd
        method = r.choice(("REFER", "REFER", "REFER", "INVITE", "INVITE", "UPDATE", "PRACK", "PRACK", "BYE", "INFO", "NOTIFY", "OPTIONS", "MESSAGE", "ACK", "CANCEL", "SUBSCRIBE"))
        extra = ""
        if method == "REFER":
            extra = self.refer_to()
        elif method == "PRACK":
            extra = f"RAck: {d['m'].get('rseq') or 1} {(d['m'].get('cseq') or '1').split()[0]} INVITE\r\n"
        self.say(d["p"], self.in_dialog(d, method, extra=extra, branch=self.branch(d["m"]) if method == "CANCEL" else None))

    def answer(self, p, req, status, extra="", contact=None):
        vias = "".join(f"Via: {v}\r\n" for v in req.all("via"))
        to = req.get("to")
        if "tag=" not in to and status > 100:
            tag = self.rnd.choice(("t1", "t1", "t2", uid()))
            to += f";tag={tag}{req.get('call-id')[:6]}"
            self.note(p, req.get("call-id"), tag_of(to), to, req.get("from"), req.get("contact"), req)
        if contact is None:
            contact = f"Contact: <sip:u@{p.ip}:{p.port}>\r\n"
        return self.message(f"SIP/2.0 {status} Said", vias, req.get("from"), to, req.get("call-id"), req.get("cseq"), contact, extra)

    def reply(self):
        if not self.asked:
            return
        r = self.rnd
        p, m, c = one = r.choice(self.asked)
        status = r.choice((100, 180, 183, 183, 183, 199, 200, 200, 200, 200, 200, 202, 302, 300, 401, 407, 401, 408, 415, 420, 421, 422, 423, 480, 481, 486, 487, 488, 491, 491, 500,
                           503, 504, 603))
        if self.careless and r.random() < (.7 if m.method == "INVITE" else .95):
            status = 200
            self.asked.remove(one)
        extra, contact = "", None
        if 100 < status < 200 and r.random() < .5:
            extra = f"Require: 100rel\r\nRSeq: {r.choice((1, 2, 3, 4, 5, 900))}\r\n"
        if status in (300, 302):
            contact = "Contact: " + ", ".join(f"<sip:{r.choice(USERS)}9@{attack.IP}:{r.choice(self.peers).port}>;q={r.random():.2}" for _ in range(r.choice((1, 2, 20)))) + "\r\n"
        if status in (401, 407):
            extra = f"{'WWW' if status == 401 else 'Proxy'}-Authenticate: Digest realm=\"c\", nonce=\"{uid()}\", algorithm=MD5{r.choice(('', ', qop=auth', ', stale=true'))}\r\n"
        self.say(p, self.answer(p, m, status, extra, contact), c)

    def register(self):
        p = self.rnd.choice([p for p in self.peers if p.name == "pbx"])
        r, ip = self.rnd, attack.IP
        contact = "".join(f"Contact: {r.choice((f'<sip:a{r.randrange(40)}@{ip}:{p.port}>', f'<sip:b@10.0.0.{r.randrange(9)}>;expires={r.choice(NUMBERS)}', '*', '<sip:1.2.3.4;bnc>'))}\r\n"
                          for _ in range(r.choice((0, 1, 1, 9, 30))))
        auth = "Authorization: Digest username=\"it\", realm=\"attacked\", nonce=\"abc\", uri=\"sip:x\", response=\"" + "0" * 32 + "\"\r\n"
        self.say(p, self.message(f"REGISTER sip:{ip} SIP/2.0", self.via(p), f"<sip:it@{ip}>;tag={uid()}", f"<sip:it@{ip}>", uid(), "1 REGISTER", contact, r.choice(("", auth))))

    def network(self):
        r = self.rnd
        p = r.choice([p for p in self.peers if p.tcp])
        live = [c for c in p.conns if c.fileno() >= 0]
        kind = r.randrange(6)
        if live and kind == 0:
            p.drop(r.choice(live))
        elif live and kind == 1:
            try:
                r.choice(live).send(b"INVITE sip:x@y SIP/2.0\r\nContent-Length: 40\r\n\r\nhalf")
            except OSError:
                pass
        elif live and kind == 2:
            try:
                r.choice(live).shutdown(socket.SHUT_WR)
            except OSError:
                pass
        elif kind == 3:
            for c in list(p.conns):
                p.drop(c)
        else:
            p.send(r.choice((b"\r\n\r\n", b"\r\n", b"\r\n\r\n" * 1000)))

    def operate(self):
        r = self.rnd
        kind = r.randrange(8)
        try:
            if kind < 3:
                mad_conf(self.sw, without=r.choice(((), (), ("tcp1",), ("udp1", "upreg"), ("pbx",), ("upreg",), ("tcp2",))), media=r.choice(("none", "main")))
                self.sw.ctl("reload")
            elif kind == 3:
                self.sw.ctl("show", "calls", "50")
            elif kind == 4:
                calls = self.sw.ctl("show", "calls", "50")["calls"]
                if calls:
                    self.sw.ctl("hangup", r.choice(calls)["uuid"])
            else:
                self.sw.ctl(*r.choice((("show", "registrations"), ("show", "trunks"), ("show", "connections"), ("show", "trunk", "tcp1"), ("stats",))))
        except Failed:
            pass

    def run(self, seconds):
        end, n = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            n += 1
            what = self.rnd.randrange(100)
            if what < 14:
                self.invite()
            elif what < 45:
                self.midcall()
            elif what < 90:
                self.reply()
            elif what < 94:
                self.register()
            elif what < 98:
                self.network()
            elif n % 40 == 0:
                self.operate()
            if self.rnd.random() < .7:
                self.listen()
            if n % 50 == 0:
                self.sw.check_alive()
                time.sleep(self.rnd.choice((0, 0, .02, .2)))
        return n


def mad(build, seed, seconds):
    use_ip("127.0.33.3")
    sw = Switch(build)
    ports = mad_conf(sw)
    m = None
    try:
        sw.start()
        m = Mad(sw, ports, seed)
        steps = m.run(seconds / 2)
        m.careless = False
        steps += m.run(seconds / 2)
        mad_conf(sw, without=("upreg",))
        sw.ctl("reload")
        for c in sw.ctl("show", "calls", "1000")["calls"]:
            try:
                sw.ctl("hangup", c["uuid"])
            except Failed:
                pass
        sw.quiet(100, pump=lambda: m.listen(kind=True))
        s = sw.stats()
        print("  # " + " ".join(f"{k}={s.get(k)}" for k in ("calls_started", "transfers", "transfers_done", "transfers_failed", "own_requests", "conn_accepted", "conn_connects",
                                                           "auth_refused", "rel100_pracks", "legs_impossible")) + f" steps={steps}")
        m.close()
        m = None
        wait_for(lambda: not sw.ctl("show", "connections").get("connections"), 20, "connections are left")
    except BaseException:
        for d in (sw.tandemd, sw.relay):
            if d and d.alive():
                d.p.kill()
                d.p.wait()
        raise
    else:
        sw.stop(keep=bool(os.environ.get("ATTACK_KEEP")))
    finally:
        if m:
            m.close()


def peers_gone_mad_over_udp_and_tcp(build):
    mad(build, int(os.environ.get("ATTACK_SEED", "1")), float(os.environ.get("ATTACK_FUZZ_S", "5")))


CASES.append(peers_gone_mad_over_udp_and_tcp)
