# SPDX-License-Identifier: BSD-2-Clause
"""
Logins and registrations with the daemons for real: digest as client and as server, against SIPp's and against one made of Python's
hashes here; what PBXs have registered over a crash; our own registration from start to SIGTERM.
"""
import hashlib
import re
import signal
import socket
import time

from cases_call import called, caller
from harness import CARRIER, SIP, Failure

HASH = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


def response(algorithm, user, realm, secret, method, uri, nonce, nc, cnonce):
    """RFC 7616 §3.4.1, qop=auth."""
    def h(text):
        return HASH[algorithm](text.encode()).hexdigest()
    return h(f"{h(f'{user}:{realm}:{secret}')}:{nonce}:{nc}:{cnonce}:auth:{h(f'{method}:{uri}')}")


def param(value, name):
    m = re.search(rf'\b{name}=("([^"]*)"|[^,\s]*)', value)
    return (m.group(2) if m.group(2) is not None else m.group(1)) if m else ""


class Peer:
    """A socket that speaks SIP by hand."""

    def __init__(self, t, side):
        self.t, self.ip = t, t.ip(side)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((self.ip, CARRIER))
        self.cseq = 0
        self.call_id = f"{side}-{time.monotonic_ns()}"

    def close(self):
        self.sock.close()

    def recv(self, what, timeout=10.0):
        """The next message that begins so; others are passed over."""
        end = time.monotonic() + timeout * self.t.scale
        while time.monotonic() < end:
            self.sock.settimeout(max(0.01, end - time.monotonic()))
            try:
                data, self.source = self.sock.recvfrom(65536)
            except socket.timeout:
                break
            text = data.decode()
            if text.startswith(what):
                return text
        raise Failure(f"no {what!r} came to {self.ip}")

    @staticmethod
    def headers(text, name):
        return re.findall(rf"(?mi)^{name}:\s*(.*?)\r$", text)

    def reply(self, request, code, reason, extra=()):
        lines = [f"SIP/2.0 {code} {reason}"]
        for name in ("Via", "From", "To", "Call-ID", "CSeq"):
            for value in self.headers(request, name):
                lines.append(f"{name}: {value}{';tag=reg1' if name == 'To' and 'tag=' not in value else ''}")
        self.sock.sendto("\r\n".join([*lines, *extra, "Content-Length: 0", "", ""]).encode(), self.source)

    def register(self, to, extra=()):
        """@return the final response."""
        self.cseq += 1
        text = "\r\n".join([
            f"REGISTER sip:{to[0]} SIP/2.0", f"Via: SIP/2.0/UDP {self.ip}:{CARRIER};branch=z9hG4bK{self.call_id}{self.cseq};rport",
            "Max-Forwards: 70", f"From: <sip:pbx@{to[0]}>;tag=p1", f"To: <sip:pbx@{to[0]}>", f"Call-ID: {self.call_id}",
            f"CSeq: {self.cseq} REGISTER", f"Contact: <sip:pbx@{self.ip}:{CARRIER}>", *extra, "Content-Length: 0", "", ""])
        self.sock.sendto(text.encode(), to)
        return self.recv("SIP/2.0 ")

    def credentials(self, challenge, algorithm, secret, uri, nc=1):
        """For that one of the challenges of a 401."""
        value = next(v for v in self.headers(challenge, "WWW-Authenticate") if param(v, "algorithm") == algorithm)
        realm, nonce = param(value, "realm"), param(value, "nonce")
        r = response(algorithm, "pbx", realm, secret, "REGISTER", uri, nonce, f"{nc:08x}", "c0ffee")
        return (f'Authorization: Digest username="pbx", realm="{realm}", nonce="{nonce}", uri="{uri}", response="{r}", '
                f'algorithm={algorithm}, cnonce="c0ffee", qop=auth, nc={nc:08x}')


def code_of(text):
    return int(text.split()[1])


def case_auth_pbx_registers(t):
    """[3.5 SIPconnect 2.0] A PBX logs in with SHA-256 and MD5 and registers; after a crash of the switch it is still called."""
    secret = t.write("secret", "polar bear\n")
    t.start(trunks={"bravo": f"  peer registered\n  accept {t.ip('bravo')}/32\n  registrar\n  login pbx file:{secret}\n"},
            route="default via bravo")
    pbx, to = Peer(t, "bravo"), (t.ip("east"), SIP)
    uri = f"sip:{to[0]}"
    challenge = pbx.register(to)
    t.eq("without credentials", code_of(challenge), 401)
    t.eq("offered", [param(v, "algorithm") for v in pbx.headers(challenge, "WWW-Authenticate")], ["SHA-256", "MD5"])
    t.eq("a wrong secret", code_of(pbx.register(to, [pbx.credentials(challenge, "MD5", "grizzly", uri)])), 401)
    t.eq("SHA-256", code_of(pbx.register(to, [pbx.credentials(challenge, "SHA-256", "polar bear", uri)])), 200)
    ok = pbx.register(to, [pbx.credentials(challenge, "MD5", "polar bear", uri, 2)])
    t.eq("MD5", code_of(ok), 200)
    t.true("its contact is told back", f"<sip:pbx@{pbx.ip}:{CARRIER}>;expires=3600" in pbx.headers(ok, "Contact")[0])
    t.eq("credentials a second time", code_of(pbx.register(to, [pbx.credentials(challenge, "MD5", "polar bear", uri, 2)])), 401)
    row = t.ctl("show", "registrations")[0]
    t.eq("shown", (row["trunk"], row["dir"], row["state"], row["peer"]), ("bravo", "in", "registered", f"{pbx.ip}:{CARRIER}"))
    pbx.close()
    t.until("they are written", lambda: "sip:pbx@" in open(t.path("state/registrations"), encoding="ascii").read())
    t.kill("tandemd")
    t.start_tandemd()
    t.until("the contact is a target again", lambda: t.trunk("bravo")["state"] == "up")
    uas = t.uas("bravo", called().setup().hung_up(), n=1)
    uac = t.uac(caller().setup().pause(100).hang_up())
    uac.wait()
    uas.wait()
    t.cdr(code=200, trunk_out="bravo")


def case_auth_registers_with_carrier(t):
    """[3.5 SIPconnect 2.0] [RFC 3261 §10.2] Registered with the carrier: challenge answered (SHA-256), refreshed, taken back at SIGTERM."""
    secret = t.write("secret", "open sesame\n")
    bravo = Peer(t, "bravo")
    t.start(media=False, trunks={"bravo": f"  peer {bravo.ip}:{CARRIER} udp\n  auth gw file:{secret} realm carrier\n  register sip:carrier.example aor trunk7\n"},
            route="default via bravo")

    def challenged(nonce):
        first = bravo.recv("REGISTER sip:carrier.example ")
        bravo.reply(first, 401, "Unauthorized", [f'WWW-Authenticate: Digest realm="carrier", nonce="{nonce}", qop="auth", algorithm={a}' for a in ("MD5", "SHA-256")])
        return first

    def checked(text, nonce, nc):
        value = bravo.headers(text, "Authorization")[0]
        t.eq("nonce and nc", (param(value, "nonce"), param(value, "nc")), (nonce, nc))
        want = response("SHA-256", "gw", "carrier", "open sesame", "REGISTER", "sip:carrier.example", nonce, nc, param(value, "cnonce"))
        t.eq("response", param(value, "response"), want)

    first = challenged("one")
    again = bravo.recv("REGISTER")
    while "Authorization" not in again:  # a repetition that was on its way
        again = bravo.recv("REGISTER")
    checked(again, "one", "00000001")
    t.eq("the same registration", bravo.headers(again, "Call-ID"), bravo.headers(first, "Call-ID"))
    t.eq("contact", bravo.headers(again, "Contact"), [f"<sip:trunk7@{t.ip('east')}:{SIP}>"])
    bravo.reply(again, 200, "OK", [f"Contact: <sip:trunk7@{t.ip('east')}:{SIP}>;expires=10"])
    t.until("it is shown", lambda: t.ctl("show", "registrations")[0]["state"] == "registered")
    refresh = bravo.recv("REGISTER", 12)
    checked(refresh, "one", "00000002")
    bravo.reply(refresh, 200, "OK", ["Expires: 3600"])
    t.until("refreshed", lambda: t.stat("register_ok") == 2)
    proc = t.procs["tandemd"]
    proc.send_signal(signal.SIGTERM)
    last = bravo.recv("REGISTER")
    t.eq("taken back", bravo.headers(last, "Expires"), ["0"])
    checked(last, "one", "00000003")
    bravo.reply(last, 200, "OK")
    t.eq("exit", proc.wait(10 * t.scale), 0)
    t.procs.pop("tandemd")
    bravo.close()


def case_auth_carrier_challenges(t):
    """[RFC 3261 §22.2] SIPp as a carrier that challenges the INVITE with MD5; what comes is checked."""
    secret = t.write("secret", "sesame\n")
    t.start(trunks={"bravo": f"  auth gw file:{secret}\n"}, route="default via bravo")
    s = called().recv_invite()
    s.reply(407, "Proxy Authentication Required", extra=['Proxy-Authenticate: Digest realm="carrier", nonce="8a1c", qop="auth", algorithm=MD5'])
    s.recv_request("ACK")
    s.confirmed = False  # that was no dialog
    uas = t.uas("bravo", s.setup().hung_up(), n=1)
    uac = t.uac(caller().setup().pause(100).hang_up())
    uac.wait()
    uas.wait()
    value = uas.received("INVITE")[1]
    m = re.search(r"(?mi)^Proxy-Authorization: (.*?)\r?$", value).group(1)
    uri = value.split()[1]
    want = response("MD5", "gw", "carrier", "sesame", "INVITE", uri, "8a1c", "00000001", param(m, "cnonce"))
    t.eq("response", param(m, "response"), want)
    t.cdr(code=200, trunk_out="bravo")


def case_auth_caller_logs_in(t):
    """[RFC 3261 §22.1] SIPp as a caller that logs in with MD5; without credentials, and with a wrong secret, it does not get through."""
    secret = t.write("secret", "wonder\n")
    t.start(alpha=f"  login alice file:{secret} md5\n", route="default via bravo")
    uas = t.uas("bravo", called().setup().hung_up(), n=1)

    def login(word):
        s = caller().invite()
        s.maybe(100)._recv('response="401" auth="true"')
        s.ack_failure().invite(extra=[f"[authentication username=alice password={word}]"])
        return s
    wrong = t.uac(login("guess").maybe(100).recv(401).ack_failure())
    wrong.wait()
    s = login("wonder").maybe(100).recv(180).recv(200).ack().pause(100).hang_up()
    t.uac(s).wait()
    uas.wait()
    t.eq("counted", (t.stat("login_challenged"), t.stat("login_failed"), t.stat("login_ok")), (3, 1, 1))
    t.cdr(code=200)
