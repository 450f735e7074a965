# SPDX-License-Identifier: BSD-2-Clause
"""
SIPp scenarios as a list of steps in Python, written out as XML: what a case says is what it is about, not 40 lines of headers.
The cases call it. It knows SIP headers and SIPp keywords, but neither the switch nor its configuration.

Each message carries names of its side where a carrier would show them (hosts below SIDE.example, a second Via, User-Agent,
session name ...): the topology check then looks for them on the other side.
"""

VIA = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]"
ALLOW = "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, PRACK"


def sdp(side, port="[media_port]", version=1, direction="sendrecv", addr=None, extra=()):
    """An offer or answer of this side; addr replaces the address of the c= line."""
    lines = ["v=0",
             f"o={side}user [pid]7[call_number] {version} IN IP[media_ip_type] [media_ip]",
             f"s={side} session",
             f"c=IN IP[media_ip_type] {addr or '[media_ip]'}",
             "t=0 0",
             f"m=audio {port} RTP/AVP 0 101",
             "a=rtpmap:0 PCMU/8000",
             "a=rtpmap:101 telephone-event/8000",
             "a=fmtp:101 0-15",
             "a=ptime:20",
             *extra,
             f"a={direction}"]
    return "\n".join(lines) + "\n"


class Scenario:
    """Steps of one side of a call. role: uac or uas; side: the carrier's name."""

    def __init__(self, role, side, media_port="[media_port]", user="+12125550100", probe=False):
        self.role, self.side, self.media_port, self.user, self.probe = role, side, media_port, user, probe
        self.steps = []
        self.cseq = 0
        self.version = 0
        self.vars = []
        self.invite_cseq = 0
        self.number = "[field0]" if role == "uac" else ""
        self.tag = f"{side}T[pid]x[call_number]"

    # ---- raw XML

    def _send(self, text, retrans=False, lost=None):
        attr = ' retrans="500"' if retrans else ""
        if lost is not None:
            attr += f' lost="{lost}"'
        self.steps.append(f"  <send{attr}>\n    <![CDATA[\n{text}\n]]>\n  </send>")
        return self

    def _recv(self, attr, actions=()):
        body = f"\n    <action>\n      {chr(10).join(actions)}\n    </action>\n  </recv>" if actions else None
        self.steps.append(f"  <recv {attr}>{body}" if body else f"  <recv {attr}/>")
        return self

    def _var(self, name):
        if name not in self.vars:
            self.vars.append(name)
        return name

    def grab(self, regexp, into, header=None, check=True, n=1):
        """An action that keeps a match in variables (into: comma-separated)."""
        for v in into.split(","):
            self._var(v)
        where = f'search_in="hdr" header="{header}"' if header else 'search_in="msg"'
        return f'<ereg regexp="{regexp}" {where} check_it="{str(check).lower()}" assign_to="{into}"/>'

    # ---- parts of messages

    def _body(self, body):
        if not body:
            return "Content-Length: 0\n"
        return f"Content-Type: application/sdp\nContent-Length: [len]\n\n{body}"

    def offer(self, **kw):
        self.version += 1
        kw.setdefault("port", self.media_port)
        return sdp(self.side, version=self.version, **kw)

    def _extra(self, extra):
        return "".join(line + "\n" for line in extra)

    def _contact(self):
        return f"Contact: <sip:{self.side}contact@[local_ip]:[local_port]>"

    # ---- requests

    def invite(self, body=None, extra=(), no_sdp=False):
        """The call's first INVITE."""
        self.cseq += 1
        self.invite_cseq = self.cseq
        body = None if no_sdp else (body or self.offer())
        return self._send(
            f"INVITE sip:{self.number}@[remote_ip]:[remote_port] SIP/2.0\n{VIA}\n"
            f"Via: SIP/2.0/UDP core.{self.side}.example:5070;branch=z9hG4bK{self.side}inner[pid]x[call_number]\n"
            f"From: \"Caller\" <sip:{self.user}@[local_ip]:[local_port]>;tag={self.tag}\n"
            f"To: <sip:{self.number}@[remote_ip]:[remote_port]>\n"
            f"Call-ID: [call_id]\nCSeq: {self.cseq} INVITE\n{self._contact()}\n"
            f"User-Agent: {self.side}-agent/7\nOrganization: {self.side}.example\n"
            f"P-Asserted-Identity: <sip:{self.user}@pbx.{self.side}.example>\n"
            f"Call-Info: <http://www.{self.side}.example/logo>;purpose=icon\n"
            f"Max-Forwards: 70\n{ALLOW}\n{self._extra(extra)}{self._body(body)}", retrans=True)

    def request(self, method, body=None, extra=(), retrans=True, ctype=None):
        """A request inside the dialog; the target is the peer's Contact."""
        if method != "ACK":
            self.cseq += 1
            if method == "INVITE":
                self.invite_cseq = self.cseq
        cseq = self.invite_cseq if method == "ACK" else self.cseq
        if self.role == "uac":
            target = "[next_url]"
            ends = (f"From: \"Caller\" <sip:{self.user}@[local_ip]:[local_port]>;tag={self.tag}\n"
                    f"To: <sip:{self.number}@[remote_ip]:[remote_port]>[peer_tag_param]")
        else:
            target = "[$contact]"
            ends = f"From: [$to];tag={self.tag}\nTo: [$from]"
        part = self._body(body)
        if ctype and body:
            part = f"Content-Type: {ctype}\nContent-Length: [len]\n\n{body}"
        contact = self._contact() + "\n" if method in ("INVITE", "UPDATE") else ""
        return self._send(f"{method} {target} SIP/2.0\n{VIA}\n{ends}\nCall-ID: [call_id]\nCSeq: {cseq} {method}\n"
                          f"{contact}User-Agent: {self.side}-agent/7\nMax-Forwards: 70\n{self._extra(extra)}{part}",
                          retrans=retrans and method != "ACK")

    def ack(self, body=None):
        return self.request("ACK", body=body)

    def bye(self):
        return self.request("BYE")

    def cancel(self):
        """Of the INVITE, after a provisional response."""
        return self._send(
            f"CANCEL sip:{self.number}@[remote_ip]:[remote_port] SIP/2.0\n[last_Via:]\n"
            f"From: \"Caller\" <sip:{self.user}@[local_ip]:[local_port]>;tag={self.tag}\n"
            f"To: <sip:{self.number}@[remote_ip]:[remote_port]>\n"
            f"Call-ID: [call_id]\nCSeq: {self.invite_cseq} CANCEL\nMax-Forwards: 70\nContent-Length: 0\n", retrans=True)

    def ack_failure(self):
        """ACK of the failure received last (hop by hop: its Via and To)."""
        return self._send(
            f"ACK sip:{self.number}@[remote_ip]:[remote_port] SIP/2.0\n[last_Via:]\n[last_From:]\n[last_To:]\n"
            f"Call-ID: [call_id]\nCSeq: {self.invite_cseq} ACK\nMax-Forwards: 70\nContent-Length: 0\n")

    def options(self):
        """Outside of any dialog."""
        self.cseq += 1
        return self._send(
            f"OPTIONS sip:[remote_ip]:[remote_port] SIP/2.0\n{VIA}\n"
            f"From: <sip:{self.user}@[local_ip]:[local_port]>;tag={self.tag}\nTo: <sip:[remote_ip]:[remote_port]>\n"
            f"Call-ID: [call_id]\nCSeq: {self.cseq} OPTIONS\n{self._contact()}\nMax-Forwards: 70\nContent-Length: 0\n", retrans=True)

    # ---- responses

    def reply(self, code, reason, body=None, extra=(), retrans=None, method=None):
        """To the request received last. method: INVITE to answer the first one after something else came."""
        to = "[last_To:]" if self.role == "uac" or self.confirmed else f"[last_To:];tag={self.tag}"
        cseq = f"CSeq: [$cseq] {method}" if method else "[last_CSeq:]"
        via = "Via: [$via]" if method else "[last_Via:]"
        if retrans is None:
            retrans = code >= 200 and (method or self.last_request) == "INVITE"
        return self._send(f"SIP/2.0 {code} {reason}\n{via}\n[last_From:]\n{to}\n[last_Call-ID:]\n{cseq}\n"
                          f"{self._contact()}\nServer: {self.side}-server/7\n{ALLOW}\n{self._extra(extra)}{self._body(body)}",
                          retrans=retrans)

    confirmed = False
    last_request = "INVITE"

    # ---- what is expected

    def recv_invite(self, extra=()):
        """The call's first INVITE: keeps what later requests of this side need."""
        acts = [self.grab(".*", "from", "From:"), self.grab(".*", "to", "To:"),
                self.grab("sip:[^&gt;]+", "contact", "Contact:"), self.grab("[0-9]+", "cseq", "CSeq:"),
                self.grab(".*", "via", "Via:")]
        if self.probe:
            acts += [self.grab("INVITE sip:([^@ ]+)@", "skip1,key"), self.grab("c=IN IP[46] ([0-9a-fA-F.:]+)", "skip2,ip"),
                     self.grab("m=audio ([0-9]+)", "skip3,port")]
        self.last_request = "INVITE"
        return self._recv('request="INVITE" crlf="true"', acts + list(extra))

    def recv_request(self, method, actions=(), timeout=None, optional=False):
        if method != "ACK":
            self.last_request = method
        attr = f'request="{method}"'
        if timeout:
            attr += f' timeout="{timeout}"'
        if optional:
            attr += ' optional="true"'
        if self.role == "uas":
            self.confirmed = self.confirmed or method in ("ACK", "PRACK", "UPDATE", "INFO", "BYE")
        return self._recv(attr, actions)

    def recv(self, code, actions=(), timeout=None, optional=False, rrs=None):
        attr = f'response="{code}"'
        if rrs if rrs is not None else (self.role == "uac" and 180 <= code < 300):
            attr += ' rrs="true"'
        if optional:
            attr += ' optional="true"'
        if timeout:
            attr += f' timeout="{timeout}"'
        return self._recv(attr, actions)

    def maybe(self, *codes):
        for code in codes:
            self.recv(code, optional=True, rrs=False)
        return self

    def pause(self, ms=None):
        self.steps.append(f'  <pause milliseconds="{ms}"/>' if ms else "  <pause/>")
        return self

    def log(self, message):
        self.steps.append(f'  <nop>\n    <action>\n      <log message="{message}"/>\n    </action>\n  </nop>')
        return self

    # ---- RTP by tests/bench/rtpprobe, which reads these lines

    def probe_start(self):
        key = "[field0]" if self.role == "uac" else "[$key]"
        return self.log(f"probe start {self.role} local=[media_ip] {self.media_port} remote=[$ip] [$port] key={key}")

    def probe_stop(self):
        return self.log(f"probe stop {self.role} local=[media_ip] {self.media_port}")

    def probe_grab(self):
        return [self.grab("c=IN IP[46] ([0-9a-fA-F.:]+)", "skip2,ip"), self.grab("m=audio ([0-9]+)", "skip3,port")]

    # ---- whole halves of ordinary calls

    def setup(self, early=(180,), **kw):
        """uac: INVITE to ACK; uas: INVITE to ACK."""
        if self.role == "uac":
            self.invite(**kw).maybe(100)
            for code in early:
                self.recv(code)
            self.recv(200, self.probe_grab() if self.probe else ()).ack()
            return self.probe_start() if self.probe else self
        self.recv_invite()
        for code in early:
            self.reply(code, "Ringing" if code == 180 else "Session Progress")
        self.reply(200, "OK", body=self.offer())
        self.recv_request("ACK")
        if self.probe:  # the relay keeps one packet that comes before its order; a slow machine lets a phone send more
            self.pause(100).probe_start()
        return self

    def hang_up(self):
        """This side ends the call."""
        if self.probe:
            self.probe_stop()
        return self.bye().recv(200, rrs=False)

    def hung_up(self, timeout=None):
        """The other side ends the call."""
        self.recv_request("BYE", timeout=timeout)
        if self.probe:
            self.probe_stop()
        return self.reply(200, "OK")

    def xml(self):
        ref = f'  <Reference variables="{",".join(self.vars)}"/>\n' if self.vars else ""
        return ('<?xml version="1.0" encoding="ISO-8859-1" ?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n'
                f'<scenario name="{self.side} {self.role}">\n' + "\n".join(self.steps) + f"\n{ref}</scenario>\n")
