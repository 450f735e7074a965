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
from cases_fast import NATIVE, fast
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
    bench.until(f"the end of a loop ({latch}, flags {flags}, port +{port})", has_died, 8)
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
