# SPDX-License-Identifier: BSD-2-Clause
"""
Routing as the operator sees it: what `tandemctl explain` says of a call, beside what the daemon then does on the wire.
run calls the cases. check and explain are what an operator asks before a reload. The configuration is conf/examples/wholesale, its addresses replaced by this case's own.
"""
import json
import os
import re
import select
import shutil
import socket
import subprocess
import time

import harness

EXAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../conf/examples/wholesale")
# Addresses of the example, and the last byte that stands for each here.
PLACES = {"198.51.100.10": 1, "198.51.100.11": 3, "203.0.113.20": 11, "203.0.113.21": 12, "192.0.2.66": 66, "192.0.2.77": 77,
          "192.0.2.91": 91, "192.0.2.92": 92}
NETWORKS = {"203.0.113.16/28": "8/29", "198.18.5.0/24": "105/32", "198.18.7.0/24": "107/32"}
CUSTOMERS = {"cust-acme": 105, "cust-beta": 107}
# What is another one in each message.
OWN = ("via", "call-id", "cseq", "content-length", "max-forwards", "session-id")

CALLS = [
    ("a US number, with an asserted caller", {"from": "cust-acme", "caller": "2125550123", "called": "12025550187", "pai": "+12125550123"}),
    ("within one state", {"from": "cust-acme", "caller": "2125550123", "called": "6465550101"}),
    ("London", {"from": "cust-acme", "caller": "+12125550123", "called": "011442079460123"}),
    ("Manchester, diverted", {"from": "cust-acme", "caller": "+12125550123", "called": "011441619460123", "diversion": "+16465550111"}),
    ("Germany, by a price list", {"from": "cust-beta", "caller": "+13125550101", "called": "+4930901820"}),
    ("emergency", {"from": "cust-acme", "caller": "2125550123", "called": "911"}),
    ("toll free", {"from": "cust-acme", "caller": "2125550123", "called": "18005550100"}),
    ("a ported number", {"from": "cust-acme", "caller": "2125550123", "called": "2125550199"}),
    ("a blocked destination", {"from": "cust-acme", "caller": "2125550123", "called": "+37127000001"}),
    ("privacy", {"from": "cust-acme", "caller": "2125550123", "called": "12025550187", "pai": "+12125550123", "privacy": "id"}),
    ("a caller that is not theirs", {"from": "cust-acme", "caller": "+13125550666", "called": "12025550187"}),
    ("nothing within the margin", {"from": "cust-beta", "caller": "+13125550101", "called": "+447700900123"}),
    ("already dipped", {"from": "cust-acme", "caller": "2125550123", "called": "2125550142", "rn": "+12025550000"}),
]


class Message:
    """First line and headers, in order."""

    def __init__(self, data):
        self.head = data.decode("latin-1").partition("\r\n\r\n")[0]
        lines = self.head.split("\r\n")
        self.first = lines[0]
        self.headers = [(n.strip(), v.strip()) for n, _, v in (line.partition(":") for line in lines[1:])]

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name]

    def shown(self):
        """Headers without what is drawn anew for each message."""
        out = []
        for name, value in self.headers:
            if name.lower() not in OWN:
                out.append((name, value.split(";tag=")[0] if name == "From" else value))
        return out


class Wire:
    """All carriers and customers, a socket each. Carriers refuse every INVITE, so that the next one is tried."""

    def __init__(self, t):
        self.t, self.serial, self.sock = t, 0, {}
        for last in (*PLACES.values(), *CUSTOMERS.values()):
            if last in (1, 3):
                continue
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind((f"{t.net}.{last}", 5060))
            self.sock[last] = s
        self.switch = (f"{t.net}.1", 5060)

    def close(self):
        for s in self.sock.values():
            s.close()

    def reply(self, s, m, line, tag):
        vias = "".join(f"Via: {v}\r\n" for v in m.all("via"))
        to = m.all("to")[0]
        s.sendto((f"SIP/2.0 {line}\r\n{vias}From: {m.all('from')[0]}\r\nTo: {to}{'' if ';tag=' in to else tag}\r\n"
                  f"Call-ID: {m.all('call-id')[0]}\r\nCSeq: {m.all('cseq')[0]}\r\nContent-Length: 0\r\n\r\n").encode("latin-1"), self.switch)

    def ack(self, s, inv, m):
        target = inv.first.split()[1]
        s.sendto((f"ACK {target} SIP/2.0\r\nVia: {inv.all('via')[0]}\r\nFrom: {inv.all('from')[0]}\r\nTo: {m.all('to')[0]}\r\n"
                  f"Call-ID: {inv.all('call-id')[0]}\r\nCSeq: 1 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n").encode("latin-1"), self.switch)

    def invite(self, call):
        """The INVITE that `tandemctl explain` means."""
        self.serial += 1
        last = CUSTOMERS[call["from"]]
        own, switch = f"{self.t.net}.{last}:5060", f"{self.switch[0]}:5060"
        rn = f";npdi;rn={call['rn']}" if "rn" in call else ""
        sdp = f"v=0\r\no=- 1 1 IN IP4 {own[:-5]}\r\ns=-\r\nc=IN IP4 {own[:-5]}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
        extra = ""
        if "pai" in call:
            extra += f"P-Asserted-Identity: <sip:{call['pai']}@{own}>\r\n"
        if "diversion" in call:
            extra += f"Diversion: <sip:{call['diversion']}@{own}>;reason=unconditional\r\n"
        if "privacy" in call:
            extra += f"Privacy: {call['privacy']}\r\n"
        text = (f"INVITE sip:{call['called']}{rn}@{switch} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKroute{self.serial}\r\n"
                f"Max-Forwards: 70\r\nFrom: <sip:{call['caller']}@{own}>;tag=route{self.serial}\r\n{extra}"
                f"To: <sip:{call['called']}@{switch}>\r\nCall-ID: route{self.serial}@{own}\r\nCSeq: 1 INVITE\r\nContact: <sip:{own}>\r\n"
                f"Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}").encode("latin-1")
        self.sock[last].sendto(text, self.switch)
        return last, Message(text)

    def run(self, call):
        """Everything until the caller's final answer. (status line, [(carrier's last byte, INVITE)])"""
        last, inv = self.invite(call)
        end, got, seen = time.monotonic() + 15 * self.t.scale, [], set()
        while time.monotonic() < end:
            ready, _, _ = select.select(list(self.sock.values()), [], [], 0.2)
            for s in ready:
                where = next(k for k, v in self.sock.items() if v is s)
                m = Message(s.recv(65536))
                if m.first.startswith("INVITE "):
                    key = (where, m.all("call-id")[0], m.all("cseq")[0])
                    if key not in seen:  # not a repetition
                        seen.add(key)
                        got.append((where, m))
                    self.reply(s, m, "503 Service Unavailable", f";tag=c{where}")
                elif where == last and m.first.startswith("SIP/2.0 ") and m.all("cseq")[0] == "1 INVITE" \
                        and m.all("call-id") == inv.all("call-id") and m.first[8] >= "2":
                    self.ack(s, inv, m)
                    return m.first[8:], got
        raise harness.Failure(f"no final answer to the call to {call['called']}; {len(got)} INVITEs were sent")


def example(t):
    """conf/examples/wholesale with this case's addresses, directories and records."""
    shutil.copytree(EXAMPLE, t.path("example"))
    for folder, _, names in os.walk(t.path("example")):
        for name in names:
            if not name.endswith(".conf"):
                continue
            path = os.path.join(folder, name)
            with open(path, encoding="utf-8") as f:
                text = f.read()
            for old, new in NETWORKS.items():
                text = text.replace(old, f"{t.net}.{new}")
            for old, new in PLACES.items():
                text = re.sub(rf"\b{re.escape(old)}\b", f"{t.net}.{new}", text)
            if name == "tandem.conf":
                text = text.replace("global\n", f"global\n  run-dir {t.path('run')}\n  state-dir {t.path('state')}\n"
                                                f"  media-socket {t.path('media.sock')}\n  workers 2\n", 1)
                text = re.sub(r"(?m)^  options +every .*", "  options off", text)  # nobody is there to answer in the end
                text = re.sub(r"(?m)^  file .*", f"  file {t.path('cdr.json')} rotate off", text)
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
    return t.path("example/tandem.conf")


def words(call):
    return [w for name, value in call.items() for w in (f"--{name}", value)]


def compare(t, what, said, status, got):
    """What explain said of a call, and what came."""
    ip = {v: f"{t.net}.{v}:5060" for v in PLACES.values()}
    trunk = {r["target"]: c for c in said["candidates"] for r in c["requests"]}
    order = []
    for where, _ in got:
        c = trunk.get(ip[where])
        if not c:
            raise harness.Failure(f"{what}: {ip[where]} was called and is no candidate")
        if not order or order[-1] != c["trunk"]:
            order.append(c["trunk"])
    t.eq(f"{what}: order of carriers", order, [c["trunk"] for c in said["candidates"] if c["tried"]])
    for where, inv in got:
        want = next(r for r in trunk[ip[where]]["requests"] if r["target"] == ip[where])
        t.eq(f"{what}: request line to {ip[where]}", inv.first, want["request"])
        t.eq(f"{what}: headers to {ip[where]}", inv.shown(), [(h["name"], h["value"]) for h in want["headers"]])
    for c in said["candidates"]:
        if c["tried"]:
            t.eq(f"{what}: targets of {c['trunk']} that were tried", sorted(ip[w] for w, _ in got if trunk[ip[w]] is c),
                 sorted(r["target"] for r in c["requests"]))
    if "refused" in said:
        t.eq(f"{what}: the answer", status, said["refused"]["status"])


def case_explain_says_what_happens(t):
    """thirteen calls of conf/examples/wholesale: order, request lines and headers are those that explain told"""
    path = example(t)
    wire = Wire(t)
    t.media = True
    try:
        code, out, err = t.ctl_raw("check", path)
        t.eq("check of the example", (code, out if code else ""), (0, ""))
        t.start_media()
        t.spawn("tandemd", [f"{t.build}/daemon/tandemd", "-c", path])
        t.until("the relay is up", lambda: t.ctl("status")["media"] == "up")
        tried = 0
        for what, call in CALLS:
            said = t.ctl("explain", *words(call))
            files = t.ctl("explain", "--config", path, *words(call))
            t.eq(f"{what}: carriers by the files alone", [c["trunk"] for c in files["candidates"]], [c["trunk"] for c in said["candidates"]])
            status, got = wire.run(call)
            compare(t, what, said, status, got)
            tried += len(got)
        what, call = CALLS[0]  # and by what the operator has said since
        t.ctl("trunk", "charlie", "drain")
        said = t.ctl("explain", *words(call))
        t.eq("charlie, drained", [d["trunk"] for d in said["dropped"]], ["charlie"])
        compare(t, "drained: " + what, said, *wire.run(call))
        t.ctl("trunk", "charlie", "up")
        t.note = f"{len(CALLS)} calls, {tried} INVITEs compared"
        t.cdrs(len(CALLS) + 1)
    finally:
        wire.close()


case_explain_says_what_happens.seconds = 40


def case_explain_leaves_no_trace(t):
    """explain while nothing goes on: no counter, record, gauge or socket knows of it; garbage is answered in words"""
    path = example(t)
    t.media = True
    t.start_media()
    t.spawn("tandemd", [f"{t.build}/daemon/tandemd", "-c", path])
    t.until("the relay is up", lambda: t.ctl("status")["media"] == "up")
    before = {k: v for k, v in t.ctl("stats").items() if k.startswith(("calls_", "hunt_", "legs_", "bridge_", "cdr_", "dips_", "txn_", "media_"))}
    limits = t.ctl("show", "limits")
    for _ in range(5):
        for _, call in CALLS:
            t.ctl("explain", *words(call))
    t.eq("limits", t.ctl("show", "limits"), limits)
    after = t.ctl("stats")
    for name, value in before.items():
        if not name.startswith(("txn_",)):  # probes go on
            t.eq(f"counter {name}", after[name], value)
    t.eq("records", t.records(), [])
    garbage = [["--from", "cust-acme", "--called", ""], ["--from", "cust-acme", "--called", "1 2"], ["--called", "9" * 3000, "--from", "cust-acme"], ["--called", "9" * 300, "--from", "cust-acme"], ["--from", '"', "--called", "'"],
               ["--called", "\x01\x02", "--from", "cust-acme"], ["--called", "\xff\xfe\u20ac", "--from", "cust-acme"], ["--called"], ["--wat", "1"],
               ["--from", "cust-acme", "--called", "1", "--assume", "down=,,"], ["--from", "cust-acme", "--called", "1", "--at", "noon"],
               ["--source", "1.2.3.4", "--called", "1"], ["--source", "::1", "--called", "1"], ["--from", "cust-acme", "--called", "%00%0d%0a"],
               ["--from", "cust-acme", "--called", "1", "--rn", ";@:"], ["--from", "cust-acme", "--called", "sip:x@y", "--caller", "<sip:x>;tag=1"],
               ["--from", "cust-acme", "--called", "1"] + ["--diversion", "1"] * 7, ["--from", "e911-primary", "--called", "1"],
               ["--from", "cust-acme", "--called", "1", "--seed", "-1"], ["--from", "cust-acme", "--called", "1", "--privacy", "critical;session;x"]]
    for g in garbage:
        code, _, err = t.ctl_raw("explain", *g)
        t.true(f"explain {' '.join(g)[:60]!r}: exit {code}, {err[:200]!r}", code in (0, 1, 2) and (code == 0 or err.strip()))
    t.eq("calls", t.ctl("status")["calls"], 0)


case_explain_leaves_no_trace.seconds = 40


def change(path, old, new):
    """Once, in a file of the copy."""
    with open(path, encoding="utf-8") as f:
        text = f.read()
    if old not in text:
        raise harness.Failure(f"{path} has no {old!r}")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace(old, new, 1))


def case_check_says_all_at_once(t):
    """tandemctl check: errors of sections, decks and tests in one go, as JSON and as tandemd --check has them; a failed test fails it"""
    path, folder = example(t), t.path("example/")
    t.media = False

    def check(*args, json_=True):
        argv = [f"{t.build}/daemon/tandemctl", "check", *(["--json"] if json_ else []), *args, path]
        r = subprocess.run(argv, capture_output=True, text=True, timeout=30 * t.scale, check=False)
        return r.returncode, json.loads(r.stdout) if json_ else r.stdout
    t.eq("the example", check(), (0, []))
    change(folder + "conf.d/tests.conf", "expect          rate charlie 0.0031", "expect          rate charlie 0.0032")
    code, found = check()
    t.eq("a failed test", (code, [(os.path.relpath(e["file"], folder), e["line"], e["severity"]) for e in found]),
         (1, [("conf.d/tests.conf", 12, "error")]))
    t.true(f"what came: {found[0]['text']}", "got 0.0031" in found[0]["text"])
    t.eq("no tests are run", check("--no-tests"), (0, []))
    t.eq("another one is run", check("--test", "911 is never capped"), (0, []))
    t.eq("one that there is not", check("--test", "nonsense")[0], 2)
    change(folder + "conf.d/tests.conf", "expect          order charlie bravo alpha", "expect          ordre charlie bravo alpha")
    change(folder + "rates/bravo.csv", "49,,,,0.0072", "49,,,,O.0072")
    change(folder + "conf.d/trunks/alpha.conf", "  uri             phone", "  urli            phone")
    code, found = check()
    t.eq("exit code", code, 1)
    for where, what, meant in (("conf.d/trunks/alpha.conf", "urli", "uri"), ("rates/bravo.csv", "O.0072", None), ("conf.d/tests.conf", "ordre", "order")):
        hits = [e for e in found if os.path.relpath(e["file"], folder) == where and what in e["text"]]
        t.eq(f"messages about {what} in {where}", [(e["severity"], e["meant"]) for e in hits], [("error", meant)])
        t.true(f"the place of {what}: {hits[0]}", hits[0]["source"][hits[0]["col"] - 1:][:hits[0]["width"]] in (what, "O.0072"))
    mine = check(json_=False)[1]
    r = subprocess.run([f"{t.build}/daemon/tandemd", "--check", "-c", path], capture_output=True, text=True, timeout=30 * t.scale, check=False)
    t.eq("tandemd --check", (r.returncode, r.stdout), (1, mine))
