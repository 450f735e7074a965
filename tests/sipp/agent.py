# SPDX-License-Identifier: BSD-2-Clause
"""
A carrier made by hand, for what SIPp cannot do: several requests without awaiting answers, ACKs that are lost.
The cases call it. It writes the same message trace as SIPp, so that the topology check reads it too.
"""
import socket
import time

import harness
from scenario import sdp

REASON = {100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 202: "Accepted", 481: "Gone", 486: "Busy Here", 491: "Request Pending", 503: "Service Unavailable"}


class Message:
    """One received message."""

    def __init__(self, text):
        self.text = text
        self.head, _, self.body = text.partition("\r\n\r\n")
        lines = self.head.split("\r\n")
        self.first = lines[0]
        self.fields = {}
        self.vias = []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.fields.setdefault(name.strip().lower(), value.strip())
            if name.strip().lower() in ("via", "v"):
                self.vias.append(value.strip())
        self.call_id = self.fields["call-id"]
        number, self.method = self.fields["cseq"].split()
        self.cseq = int(number)
        self.is_response = self.first.startswith("SIP/2.0")
        self.what = self.first.split()[1] if self.is_response else self.method

    def uri(self, name):
        value = self.fields[name]
        return value[value.index("<") + 1:value.index(">")] if "<" in value else value


class Call:
    """What the calling side keeps of a dialog."""

    def __init__(self, call_id, number, tag):
        self.call_id, self.number, self.tag = call_id, number, tag
        self.cseq = self.invite_cseq = 1
        self.to, self.target, self.local = None, None, None

    def answered(self, ok):
        self.to, self.target = ok.fields["to"], ok.uri("contact")


class Rtp:
    """A party's RTP socket: says what it heard, and from where."""

    def __init__(self, agent, port):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((agent.ip, port))
        self.port, self.seq = port, 0
        self.ssrc = (agent.port << 16 | port).to_bytes(4, "big")
        self.payload = f"{agent.side} says from {port}".encode().ljust(160, b".")
        agent.rtps.append(self)

    def say(self, to, count=1):
        for _ in range(count):
            self.seq += 1
            head = b"\x80\x00" + self.seq.to_bytes(2, "big") + (self.seq * 160).to_bytes(4, "big") + self.ssrc
            self.sock.sendto(head + self.payload, to)

    def hear(self, seconds=2.0):
        """(payload, source) of the next packet, or None."""
        self.sock.settimeout(seconds)
        try:
            data, source = self.sock.recvfrom(2048)
        except socket.timeout:
            return None
        return data[12:].rstrip(b".").decode(), source

    def hear_all(self):
        """What has come so far."""
        out = []
        while True:
            one = self.hear(0.001)
            if not one:
                return out
            out.append(one)


def media_of(m):
    """(address, port) of a message's SDP."""
    host = port = None
    for line in m.body.split("\r\n"):
        if line.startswith("c="):
            host = line.split()[-1]
        elif line.startswith("m="):
            port = int(line.split()[1])
    return host, port


class Agent:
    """One socket at the carrier's address."""

    proto, params = "UDP", ""  # of Via and Contact

    def __init__(self, case, side):
        self.case, self.side = case, side
        self.ip = case.ip(side)
        self.port = harness.CARRIER
        self.peer = (case.ip("west" if side == "alpha" else "east"), harness.SIP)
        self.sock = self._open()
        self.trace_path = case.path(f"{side}-agent.msg")
        self.trace = open(self.trace_path, "w", encoding="latin-1", newline="")
        case.sides.setdefault(side, []).append(self.trace_path)
        case.agents.append(self)
        self.rtps = []
        self.first = self.last = None
        self.waiting, self.calls, self.serial, self.version = [], {}, 0, 0

    def _open(self):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # A burst of a whole case must fit: what a full buffer drops would look like the switch's loss.
        for option in (socket.SO_RCVBUF, 33):  # 33: SO_RCVBUFFORCE, for root
            try:
                sock.setsockopt(socket.SOL_SOCKET, option, 8 << 20)
            except OSError:
                pass
        sock.bind((self.ip, self.port))
        return sock

    def _note(self, text, sent):
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        self.trace.write(f"{'-' * 47} {now}.{time.time_ns() // 1000 % 1000000:06}\n"
                         f"{self.proto} message {'sent' if sent else 'received'} [{len(text)}] bytes:\n\n{text}\n")

    def again(self):
        """The last message once more."""
        self._send(self.last)

    def again_first(self):
        """The first message once more."""
        self._send(self.first)

    def _send(self, text):
        self.first = self.first or text
        self.last = text
        self._note(text, True)
        self.sock.sendto(text.encode("latin-1"), self.peer)

    def sdp(self, port=29000, **kw):
        self.version += 1
        text = sdp(self.side, port=port, version=self.version, **kw).replace("[pid]7[call_number]", f"77{self.port}123")
        return text.replace("[media_ip_type]", "4").replace("[media_ip]", self.ip).replace("\n", "\r\n")

    def _request(self, call, method, target, to, body, via, extra=""):
        kind = "Content-Type: application/sdp\r\n" if body else ""
        self._send(f"{method} {target} SIP/2.0\r\nVia: SIP/2.0/{self.proto} {self.ip}:{self.port};branch={via}\r\n"
                   f"From: {call.local or f'<sip:+12125550100@{self.ip}:{self.port}>;tag={call.tag}'}\r\nTo: {to}\r\nCall-ID: {call.call_id}\r\n"
                   f"CSeq: {call.invite_cseq if method == 'ACK' else call.cseq} {method}\r\n"
                   f"Contact: <sip:{self.side}contact@{self.ip}:{self.port}{self.params}>\r\nMax-Forwards: 70\r\n{extra}{kind}"
                   f"Content-Length: {len(body)}\r\n\r\n{body}")

    def _branch(self):
        self.serial += 1
        return f"z9hG4bK{self.side}agent{self.serial}"

    def invite(self, number, body=None, extra=""):
        branch = self._branch()
        call = Call(f"{self.side}call{self.serial}@{self.ip}", number, f"{self.side}A{self.serial}tag")
        self.calls[call.call_id] = call
        target = f"sip:{number}@{self.peer[0]}:{self.peer[1]}"
        self._request(call, "INVITE", target, f"<{target}>", body or self.sdp(), branch, extra)
        return call

    def request(self, call, method, body="", extra=""):
        """Inside the dialog; nothing is repeated: loopback loses nothing."""
        if method != "ACK":
            call.cseq += 1
        if method == "INVITE":
            call.invite_cseq = call.cseq
        self._request(call, method, call.target, call.to, body, self._branch(), extra)

    def reply(self, m, code, body="", fork=""):
        to = m.fields["to"]
        if ";tag=" not in to and code > 100:
            to += self._to_tag(m) + fork
        vias = "".join(f"Via: {v}\r\n" for v in m.vias)
        kind = "Content-Type: application/sdp\r\n" if body else ""
        self._answer(m, f"SIP/2.0 {code} {REASON[code]}\r\n{vias}From: {m.fields['from']}\r\nTo: {to}\r\nCall-ID: {m.call_id}\r\n"
                   f"CSeq: {m.fields['cseq']}\r\nContact: <sip:{self.side}contact@{self.ip}:{self.port}{self.params}>\r\n{kind}"
                   f"Content-Length: {len(body)}\r\n\r\n{body}")

    def _answer(self, m, text):
        self._send(text)

    def call_back(self, inv):
        """The dialog of an INVITE that this side answered, to ask in."""
        call = Call(inv.call_id, "", "")
        call.cseq = 0
        call.local = inv.fields["to"] + self._to_tag(inv)
        call.to, call.target = inv.fields["from"], inv.uri("contact")
        return call

    def _to_tag(self, m):
        return f";tag={self.side}S{m.call_id[:8]}tag"

    def call_of(self, ok):
        """The call that this 200 answers."""
        call = self.calls[ok.call_id]
        call.answered(ok)
        return call

    def _receive(self, seconds):
        self.sock.settimeout(max(0.0005, seconds))
        try:
            text = self.sock.recv(65536).decode("latin-1")
        except socket.timeout:
            return False
        self._note(text, False)
        self.waiting.append(Message(text))
        return True

    def _take(self, what, method):
        for i, m in enumerate(self.waiting):
            if m.what == what and (method is None or m.method == method):
                return self.waiting.pop(i)
        return None

    def wait(self, what, method=None, seconds=10):
        """The first message not yet taken that is this request, or this response (to method); others stay for later."""
        end = time.monotonic() + seconds * self.case.scale
        while True:
            m = self._take(what, method)
            if m:
                return m
            if time.monotonic() > end:
                got = [f"{m.first} ({m.fields['cseq']})" for m in self.waiting]
                raise harness.Failure(f"{self.side}: no {what} {method or ''} within {seconds} s; waiting: {got[:8]}")
            self._receive(end - time.monotonic())

    def pump(self):
        """Take in what has come, so that no buffer fills."""
        while self._receive(0):
            pass

    def all(self, what):
        """What has come of this kind and was not taken."""
        found = [m for m in self.waiting if m.what == what]
        self.waiting = [m for m in self.waiting if m.what != what]
        return found

    def rest(self, what):
        """First lines of what came and nobody asked for."""
        self.pump()
        return [m.first for m in self.waiting if m.what == what]

    def close(self):
        if not self.trace.closed:
            self.trace.close()
        for rtp in self.rtps:
            rtp.sock.close()
        self.sock.close()
