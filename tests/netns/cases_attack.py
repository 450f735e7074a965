# SPDX-License-Identifier: BSD-2-Clause
"""
What somebody who means harm, or bad luck, does to the relay: files bent while it was away, media sent round in a circle. run calls them.
"""
import os
import random
import signal
import socket
import struct

import netns
from cases_fast import NATIVE, TC, clean, fast, is_judged
from netns import check


def rtp(seq, ssrc=7, pt=0, size=160):
    return struct.pack("!BBHII", 0x80, pt, seq & 0xffff, seq * 160 & 0xffffffff, ssrc) + b"x" * size


def journal(bench):
    return os.path.join(bench.dir, "sessions")


def bent(rnd, data):
    """As a disk, a full one, or a fool leaves a file; most of it is right, so that one looks inside."""
    data = bytearray(data)
    kind = rnd.randrange(6)
    if kind == 0:
        return bytes(data[:rnd.randrange(len(data))])
    for _ in range(rnd.choice((1, 20, 400))):
        at = rnd.randrange(40, len(data)) if kind < 4 else rnd.randrange(40, min(40000, len(data)))
        n = rnd.choice((1, 1, 2, 4, 8))
        data[at:at + n] = rnd.choice((os.urandom(n), b"\xff" * n, b"\0" * n, b"\x7f" * n))
    return bytes(data)


def case_journal_bent(bench):
    """A journal with wrong bytes anywhere: the next relay takes up what can be read, or nothing, and serves."""
    words = ("--threads", "2", "--journal", journal(bench))
    bench.start(*words)
    bench.pools()
    bench.open(40, pt="0:1,101:19", flags=16)
    flow = bench.flow(bench.map(40), pps=50)
    netns.time.sleep(0.5)
    flow("pause")
    bench.relay.send_signal(signal.SIGKILL)
    bench.relay.wait()
    with open(journal(bench), "rb") as f:
        good = f.read()
    rnd = random.Random(5)
    for i in range(400 if bench.is_long else 25):
        os.unlink(journal(bench))
        with open(journal(bench), "wb") as f:
            f.write(bent(rnd, good))
        bench.start(*words)
        bench.until(f"an answer in round {i}", lambda: bench.relay.poll() is not None or bench.ctl("relay").get("pairs_drift") == 0)
        flow("go")
        netns.time.sleep(0.2)
        flow("pause")
        check(bench.relay.poll() is None, f"round {i}: the relay ended: {bench.tail()}")
        bench.relay.send_signal(signal.SIGKILL)
        bench.relay.wait()
    bench.relay = None


def loop(bench, latch, flags=0, port=0):
    """Each party is at the other leg's port of ours: what comes in once must not go round for ever."""
    bench.ok(f"open 0 2 pool-a=a pool-b=b a={bench.A4}:10000 b={bench.A4}:11000 latch={latch} flags={flags}")
    at = [[ep["local"] for ep in bench.ok(f"query {i} 1")["ep"]] for i in (0, 1)]
    # of one call, and by way of two: A1 - B1 -> A2 - B2 -> A1
    bench.ok(f"remote 0 1 1 addr={at[1][0]}")
    bench.ok(f"remote 1 1 0 addr={at[0][1]}")
    bench.ok(f"remote 1 1 1 addr={at[0][0]}")
    host, into = at[0][0].rsplit(":", 1)

    def send():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((bench.A4, 10000 + port))
            for i in range(50):
                s.sendto(b"\x80\xc8\0\1" + b"\0" * 4 if port else rtp(i), (host, int(into) + port))
    bench.ok(f"remote 0 1 0 addr={at[1][1]}")
    netns.in_netns(bench.ns["a"], send)

    def has_died():
        before = bench.ctl("relay")["packets_in"]
        netns.time.sleep(0.3)
        return bench.ctl("relay")["packets_in"] == before
    bench.until(f"the end of a loop ({latch}, flags {flags}, port +{port})", has_died)
    n = bench.ctl("relay")["packets_in"]
    bench.ok("close 0 2")
    return n


def case_loop_sockets(bench):
    """Media in a circle through two calls dies within a second: RTP, RTCP, what is no RTP."""
    bench.start("--threads", "2")
    bench.pools()
    n = [loop(bench, latch, flags, port) for latch in ("learn-once", "follow") for flags, port in ((0, 0), (0, 1), (2, 0))]
    check(n[-1] > 2000, f"nothing went round: {n}")
    return f"packets {n}"


def case_loop_fast(bench):
    """The same beside the kernel path, which never takes such a stream."""
    fast(bench, NATIVE)
    return f"packets {loop(bench, 'learn-once')}"


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Thrower:
    """Frames as no kernel would send them, from a party's own address and port, at our port for it."""

    def __init__(self, bench, path, seed):
        self.rnd = random.Random(seed)
        mac = netns.json.loads(bench.ip("r", "-j", "link", "show", "va"))[0]["address"]
        self.to, self.by = (bytes.fromhex(m.replace(":", "")) for m in (mac, bench.mac("a")))
        self.ours = []
        self.calls = []
        with open(path, encoding="ascii") as f:
            for line in f:
                a, for_a, _, for_b = ((h, int(p)) for h, p in (w.rsplit(":", 1) for w in line.split()))
                self.calls.append((a, for_a))
                self.ours += [for_a, for_b]

    def frame(self, source, at, payload, **kw):
        udp = struct.pack("!HHHH", source[1], at[1], kw.get("udp_len", 8 + len(payload)), 0) + payload
        pseudo = socket.inet_aton(source[0]) + socket.inet_aton(at[0]) + struct.pack("!BBH", 0, 17, len(udp))
        udp = udp[:6] + struct.pack("!H", kw.get("sum", checksum(pseudo + udp) or 0xffff)) + udp[8:]
        options = kw.get("options", b"")
        ip = struct.pack("!BBHHHBBH4s4s", 0x40 | kw.get("ihl", 5), 0, kw.get("ip_len", 20 + len(options) + len(udp)), self.rnd.randrange(65536),
                         kw.get("fragment", 0), kw.get("ttl", 64), 17, 0, socket.inet_aton(source[0]), socket.inet_aton(at[0]))
        ip = ip[:10] + struct.pack("!H", checksum(ip + options)) + ip[12:]
        return kw.get("to", self.to) + self.by + kw.get("kind", b"\x08\0") + ip + options + udp + bytes(kw.get("padding", 0))

    def one(self):
        rnd = self.rnd
        source, at = rnd.choice(self.calls)
        payload = rtp(rnd.choice((0, 1, 30000, 30001, rnd.randrange(65536))), ssrc=rnd.randrange(4), size=rnd.randrange(1400))
        payload = bytes([rnd.choice((0x80, 0x8f, 0x90, 0x9f, 0xa0, 0x40, 0))]) + payload[1:]
        payload = payload[:rnd.randrange(len(payload) + 1)] if rnd.random() < .3 else payload
        if rnd.random() < .2:  # our own addresses as source
            source = rnd.choice(self.ours)
        any16 = rnd.randrange(65536)
        return self.frame(source, at, payload, **rnd.choice((
            {}, {"ttl": rnd.randrange(2)}, {"sum": rnd.choice((0, any16))}, {"udp_len": any16}, {"ip_len": any16}, {"padding": any16 % 60},
            {"kind": b"\x81\0" + struct.pack("!H", any16) + b"\x08\0"}, {"kind": b"\x88\xa8\0\x05\x81\0\0\x06\x08\0"},
            {"to": rnd.choice((b"\xff" * 6, b"\x01\0\x5e\0\0\x01"))}, {"ihl": rnd.choice((0, 4, 6, 15)), "options": rnd.choice((b"", b"\x01" * 4))},
            {"fragment": rnd.choice((1, 0x2000, 0x3fff, 0x4000, 0x8000))})))

    def throw(self, seconds):
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
            s.bind(("va", 0))
            end = netns.time.monotonic() + seconds
            while netns.time.monotonic() < end:
                for _ in range(20):
                    try:
                        s.send(self.one())
                    except OSError:  # longer than the device takes
                        pass
                netns.time.sleep(0.002)


def frames(bench, mode):
    """Checked streams lose nothing by them, none reaches a party, and the controller is answered all the while."""
    fast(bench, mode)
    bench.open(10, pt="0:1,101:19", flags=16)
    path = bench.map(10)
    flow = bench.flow(path, pps=50)
    bench.until("streams in the kernel", lambda: bench.promoted() == 20)
    thrower = Thrower(bench, path, 3)
    for _ in range(3):
        flow("mark")
        netns.time.sleep(0.2)
        before = bench.ctl("relay")["fast"]["demotions"]
        netns.in_netns(bench.ns["a"], lambda: thrower.throw(20 if bench.is_long else 3))
        report = flow("report")
        if is_judged(report):
            break
    else:
        raise netns.Skip(f"the machine is too busy: parties were silent for {report['slept_ms']} ms, links have dropped {report['dropped']}")
    clean(report, mode)
    check(bench.ctl("relay")["fast"]["demotions"] == before, "streams left the kernel for it")


def case_frames_xdp(bench):
    """Odd frames from a party's own address: TTL, checksums, lengths, tags, options, fragments, groups, our own source (XDP)."""
    frames(bench, NATIVE)


def case_frames_tc(bench):
    """The same by TC."""
    frames(bench, TC)
