# SPDX-License-Identifier: BSD-2-Clause
"""What parties hear from the switch itself, sample by sample, and their digits in RTP and INFO."""
import json
import math
import socket
import struct

from agent import Agent, Rtp, media_of
from cases_interop import Baresip
from cases_media import answered, both_ways, hang_up, reinvite
from harness import CARRIER, SIP

EVENT = 101  # as in scenario.sdp


def alaw(code):
    """ITU-T G.711 table 1, as 16 bits."""
    code ^= 0x55
    exp, man = code >> 4 & 7, code & 15
    v = (man << 4) + 8 if exp == 0 else ((man << 4) + 0x108) << (exp - 1)
    return v if code & 0x80 else -v


def ulaw(code):
    """ITU-T G.711 table 2, as 16 bits."""
    code = ~code & 0xff
    v = ((((code & 15) << 3) + 0x84) << (code >> 4 & 7)) - 0x84
    return -v if code & 0x80 else v


def ulaw_step(code):
    """How far a code may be off: half of its step; 14 bits go in."""
    return (4 << (~code >> 4 & 7)) + 3


def share(samples, hz, rate=8000):
    """How much of it is that sine: 1 all, 0 none."""
    power = sum(v * v for v in samples)
    if power < 100 * len(samples):
        return 0.0
    c = sum(v * math.cos(2 * math.pi * hz * i / rate) for i, v in enumerate(samples))
    s = sum(v * math.sin(2 * math.pi * hz * i / rate) for i, v in enumerate(samples))
    return 2 * (c * c + s * s) / (len(samples) * power)


class Heard:
    """One packet."""

    def __init__(self, data, source):
        self.source = source
        self.pt, self.marker = data[1] & 0x7f, bool(data[1] & 0x80)
        self.seq, self.ts, self.ssrc = struct.unpack(">HII", data[2:12])
        self.body = data[12:]


class Ear(Rtp):
    """A party's RTP socket that keeps headers, too."""

    def __init__(self, agent, port):
        super().__init__(agent, port)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)

    def packet(self, seconds=2.0):
        self.sock.settimeout(seconds)
        try:
            return Heard(*self.sock.recvfrom(2048))
        except socket.timeout:
            return None

    def packets(self, n, seconds=2.0):
        """The next n, or those that came before so long a silence."""
        out = []
        while len(out) < n:
            p = self.packet(seconds)
            if not p:
                break
            out.append(p)
        return out

    def quiet(self):
        """A silence of ten packets' time, however much came before it is waited for."""
        return self.packet(0.2) is None

    def press(self, to, digit, steps=5):
        """RFC 4733 section 2.5.1: one event, its end three times; a key is held while speech stands still."""
        self.seq += 1
        first = self.seq
        ts = 160 * first
        for i in range(1, steps + 3):
            end = i >= steps
            head = bytes((0x80, EVENT | (0x80 if i == 1 else 0))) + self.seq.to_bytes(2, "big") + ts.to_bytes(4, "big") + self.ssrc
            self.sock.sendto(head + struct.pack(">BBH", digit, (0x80 if end else 0) | 10, 160 * min(i, steps)), to)
            self.seq += 1
        self.seq += steps


def judge_speech(t, packets, decode, pcm, tolerance):
    """Each packet is the file's samples at its timestamp; all of one stream, and nearly all of the file came."""
    t.eq("streams", len({p.ssrc for p in packets}), 1)
    t.true("marked as the first", packets[0].marker)
    first = packets[0]
    def fits(p, at):
        want = pcm[at:at + len(p.body)]
        want += [0] * (len(p.body) - len(want))
        return all(abs(decode(c) - v) <= tolerance(c) for c, v in zip(p.body, want))
    # a relay that was away for 100 ms leaves out what is late: the first that came need not be the first of the file
    start = next((at for at in range(0, len(pcm), 160) if fits(first, at)), None)
    t.true("the first packet is the file's", start is not None)
    for p in packets:
        at = start + (p.ts - first.ts & 0xffffffff)
        t.true(f"samples {at} and on are the file's", fits(p, at))
    t.true(f"{len(packets)} packets of {len(pcm) // 160}", len(packets) >= len(pcm) // 160 * (0.95 if t.scale == 1 else 0.5))


def tone_of(packets):
    return [ulaw(c) for p in packets for c in p.body]


def refused(t, offer, sound, alpha="", route="default cause 404"):
    """A call that is refused with a sound; what the caller heard until the 404."""
    t.start(alpha=alpha, route=route, extra=f"sound vacant\n  file {sound}\n")
    alpha = Agent(t, "alpha")
    ear = Ear(alpha, 26000)
    alpha.invite("12125550000", body=offer(alpha))
    early = alpha.wait("183")
    t.eq("our address", media_of(early)[0], t.ip("westrtp"))
    no = alpha.wait("404", "INVITE")
    alpha._request(alpha.calls[no.call_id], "ACK", f"sip:12125550000@{alpha.peer[0]}:{alpha.peer[1]}", no.fields["to"], "", no.vias[0].split("branch=")[1])
    packets = ear.packets(1000, 0.2)
    t.eq("from", {p.source for p in packets}, {media_of(early)})
    t.cdr(code=404, release="switch", announcement="vacant")
    t.eq("counted", (t.stat("announcements"), t.stat("announce_failed")), (1, 0))
    return packets


def case_announcement_alaw(t):
    """[RFC 3960 §3] A refused caller hears a file of A-law in the 183's early media, each byte of it, then the 404."""
    data = bytes((i * 73 + i // 256 * 31) % 256 for i in range(8000))
    path = t.path("vacant.al")
    with open(path, "wb") as f:
        f.write(data)
    packets = refused(t, lambda a: a.sdp(port=26000).replace("RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000", "RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000"), path,
                      alpha="  announce 404 vacant\n")
    t.eq("payload type", {p.pt for p in packets}, {8})
    judge_speech(t, packets, alaw, [alaw(b) for b in data], lambda code: 0)


def case_announcement_wav(t):
    """[RFC 3960 §3] The same of a WAV of 16 bits to a caller of µ-law, named by the route line: each sample within half a step of G.711."""
    pcm = [int(9000 * math.sin(i * i / 9e4) + 6000 * math.sin(i / 3.7) + 40 * (i % 50)) for i in range(8000)]
    path, data = t.path("vacant.wav"), struct.pack("<8000h", *pcm)
    with open(path, "wb") as f:
        f.write(struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16, b"data", len(data)) + data)
    packets = refused(t, lambda a: a.sdp(port=26000), path, route="default announce vacant cause 404")
    said = t.ctl("explain", "--called", "+12125550000", "--from", "alpha")
    t.true(f"explain names the sound: {said}", '"announcement": "vacant"' in json.dumps(said))
    t.eq("payload type", {p.pt for p in packets}, {0})
    judge_speech(t, packets, ulaw, pcm, ulaw_step)


def case_ringback_until_answer(t):
    """[RFC 3960 §3] 180 without media: the caller hears the US ring-back, 440 and 480 Hz; at the answer it is gone and speech is there."""
    t.start(alpha="  ringback ring\n", extra="sound ring\n  tone us ring-back\n", route="default via bravo")
    alpha, bravo = Agent(t, "alpha"), Agent(t, "bravo")
    ear, rtp_b = Ear(alpha, 26000), Rtp(bravo, 26000)
    call = alpha.invite("12125550000", body=alpha.sdp(port=26000))
    inv = bravo.wait("INVITE")
    bravo.reply(inv, 180)
    early = alpha.wait("183")
    packets = ear.packets(50)
    t.eq("packets of ours", (len(packets), {p.source for p in packets}, {p.pt for p in packets}), (50, {media_of(early)}, {0}))
    parts = [round(share(tone_of(packets), hz), 2) for hz in (440, 480, 425)]
    t.true(f"440 and 480 Hz, each half, and no 425: {parts}", abs(parts[0] - 0.5) < 0.03 and abs(parts[1] - 0.5) < 0.03 and parts[2] < 0.03)
    bravo.reply(inv, 200, body=bravo.sdp(port=26000))
    ok = alpha.wait("200", "INVITE")
    call.answered(ok)
    alpha.request(call, "ACK")
    bravo.wait("ACK")
    t.until("ring-back is gone", ear.quiet)
    both_ways(t, ear, media_of(ok), rtp_b, media_of(inv))
    hang_up(alpha, bravo, call)
    t.cdr(code=200)
    t.eq("counted", (t.stat("ringbacks"), t.stat("announce_failed")), (1, 0))


def case_hold_music_heard(t):
    """[RFC 3264 §8.4] Who is held hears 1000 Hz of ours until it is resumed; who holds hears nothing."""
    t.start(trunks={"bravo": "  hold-music waltz\n"}, extra="sound waltz\n  tone custom 1000 1s level -20dBm0\n", route="default via bravo")
    alpha, bravo = Agent(t, "alpha"), Agent(t, "bravo")
    rtp_a, ear = Rtp(alpha, 26000), Ear(bravo, 26000)
    call, _, to_a, to_b = answered(t, alpha, bravo, rtp_a, ear)
    both_ways(t, rtp_a, to_a, ear, to_b)
    reinvite(alpha, bravo, call, port=26000, asked_port=26000, direction="sendonly")
    packets = ear.packets(50)
    t.eq("packets of ours", (len(packets), {p.source for p in packets}), (50, {to_b}))
    music = tone_of(packets)
    t.true(f"1000 Hz: {share(music, 1000):.3f}", share(music, 1000) > 0.98)
    level = 10 * math.log10(sum(v * v for v in music) / len(music) / (22660 ** 2 / 2))
    t.true(f"level {level:.1f} dBm0, asked for -20", abs(level + 20) < 0.5)
    t.eq("alpha hears", rtp_a.hear_all(), [])
    reinvite(alpha, bravo, call, port=26000, asked_port=26000)
    t.until("music is gone", ear.quiet)
    both_ways(t, rtp_a, to_a, ear, to_b)
    hang_up(alpha, bravo, call)
    t.cdr(code=200)
    t.eq("counted", t.stat("hold_music"), 1)


def case_digits_between_rtp_and_info(t):
    """[RFC 4733 §2.5] alpha's telephone-events become bravo's INFO, bravo's INFO alpha's telephone-events; the record counts them."""
    t.start(alpha="  dtmf rfc4733\n", trunks={"bravo": "  dtmf info\n"}, route="default via bravo")
    alpha, bravo = Agent(t, "alpha"), Agent(t, "bravo")
    ear, rtp_b = Ear(alpha, 26000), Ear(bravo, 26000)
    call, back, to_a, to_b = answered(t, alpha, bravo, ear, rtp_b)
    both_ways(t, ear, to_a, rtp_b, to_b)
    for digit, name in ((5, "5"), (11, "#"), (0, "0")):
        ear.press(to_a, digit)
        info = bravo.wait("INFO")
        t.true(f"INFO: {info.body!r}", f"Signal={name}\r\nDuration=100\r\n" == info.body and info.fields["content-type"] == "application/dtmf-relay")
        bravo.reply(info, 200)
    t.eq("bravo's events", [p for p in rtp_b.packets(100, 0.1) if p.pt == EVENT], [])
    for digit, name in ((7, "7"), (10, "*")):
        send_info(bravo, back, f"Signal={name}\r\nDuration=100\r\n")
        bravo.wait("200", "INFO")
        events = []
        def ended():
            p = ear.packet(0.1)
            if p and p.pt == EVENT:
                events.append(p)
            return sum(1 for e in events if e.body[1] & 0x80) == 3
        t.until(f"three ends of digit {name}", ended)
        t.eq("one event", ({e.body[0] for e in events}, len({e.ts for e in events}), events[0].marker, [e.marker for e in events].count(True)), ({digit}, 1, True, 1))
        t.eq("its duration", struct.unpack(">H", events[-1].body[2:4])[0], 800)
    both_ways(t, ear, to_a, rtp_b, to_b)
    hang_up(alpha, bravo, call)
    rec = t.cdr(code=200)
    t.eq("digits in the record", (rec["in_dtmf"], rec.get("out_dtmf") or 0), (3, 0))
    t.eq("counted", (t.stat("dtmf_info_in"), t.stat("dtmf_info_out")), (2, 3))


def send_info(agent, call, body):
    """An INFO with a digit, inside the dialog."""
    call.cseq += 1
    agent._send(f"INFO {call.target} SIP/2.0\r\nVia: SIP/2.0/{agent.proto} {agent.ip}:{agent.port};branch={agent._branch()}\r\n"
                f"From: {call.local or f'<sip:+12125550100@{agent.ip}:{agent.port}>;tag={call.tag}'}\r\nTo: {call.to}\r\nCall-ID: {call.call_id}\r\n"
                f"CSeq: {call.cseq} INFO\r\nContact: <sip:{agent.side}contact@{agent.ip}:{agent.port}>\r\nMax-Forwards: 70\r\n"
                f"Content-Type: application/dtmf-relay\r\nContent-Length: {len(body)}\r\n\r\n{body}")


def case_digits_with_baresip(t):
    """[RFC 4733 §2.5] baresip's telephone-events become INFO, and INFO is heard by baresip as telephone-events."""
    t.start(alpha="  dtmf rfc4733\n", trunks={"bravo": "  dtmf info\n"}, route="default via bravo")
    bravo = Agent(t, "bravo")
    ear = Ear(bravo, 26000)
    phone = Baresip(t, "phone", "12125551111", t.ip("alpha"), f"{t.ip('west')}:{SIP}", 29200)
    phone.tell("dial", f"sip:12125550000@{t.ip('west')}:{SIP}")
    inv = bravo.wait("INVITE")
    answer = bravo.sdp(port=26000)
    bravo.reply(inv, 200, body=answer)
    bravo.wait("ACK")
    back = bravo.call_back(inv)
    phone.wait("CALL_ESTABLISHED")
    t.true("baresip is heard", ear.packet())
    for key in "59":
        phone.tell("sndcode", key)
        info = bravo.wait("INFO")
        t.true(f"INFO: {info.body!r}", info.body.startswith(f"Signal={key}\r\n"))
        bravo.reply(info, 200)
        phone.tell("sndcode", "\x04")
    send_info(bravo, back, "Signal=7\r\nDuration=160\r\n")
    bravo.wait("200", "INFO")
    t.eq("baresip heard", phone.wait("CALL_DTMF_START").get("param"), "7")
    phone.tell("hangup")
    bravo.reply(bravo.wait("BYE"), 200)
    rec = t.cdr(code=200)
    t.eq("counted", (rec["in_dtmf"], t.stat("dtmf_info_in"), t.stat("dtmf_info_out")), (2, 1, 2))


def case_digits_to_baresip_by_info(t):
    """The other way round: a caller's telephone-events reach baresip as INFO."""
    t.start(alpha="  dtmf rfc4733\n", trunks={"delta": f"  peer {t.ip('delta')}:{CARRIER} udp\n  accept {t.ip('delta')}/32\n  dtmf info\n"},
            route="default via delta")
    alpha = Agent(t, "alpha")
    ear = Ear(alpha, 26000)
    phone = Baresip(t, "subscriber", "12125550000", t.ip("delta"), f"{t.ip('east')}:{SIP}", 29300)
    call = alpha.invite("12125550000", body=alpha.sdp(port=26000))
    phone.wait("CALL_INCOMING")
    phone.tell("accept")
    ok = alpha.wait("200", "INVITE")
    call.answered(ok)
    alpha.request(call, "ACK")
    phone.wait("CALL_ESTABLISHED")
    t.true("baresip is heard", ear.packet())
    ear.say(media_of(ok))
    for digit, key in ((4, "4"), (10, "*")):
        ear.press(media_of(ok), digit)
        t.eq("baresip heard", phone.wait("CALL_DTMF_START").get("param"), key)
    alpha.request(call, "BYE")
    alpha.wait("200", "BYE")
    rec = t.cdr(code=200)
    t.eq("counted", (rec["in_dtmf"], t.stat("dtmf_info_out")), (2, 2))
