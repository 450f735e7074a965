# SPDX-License-Identifier: BSD-2-Clause
"""Attacks on what is around the calls: control sockets, the relay's ports, processes that die, disks that fill. Each makes its own switch."""
import fcntl
import os
import random
import signal
import socket
import struct
import threading
import time

import attack
from attack import *
from cases import World, answer_all

CASES = []


def case(fn):
    def run(build):
        use_ip("127.0.33.2")
        sw = w = None
        try:
            sw = Switch(build, **fn.conf)
            fn(sw)
        except BaseException:
            for d in (sw and sw.tandemd, sw and sw.relay):
                if d and d.alive():
                    d.p.kill()
                    d.p.wait()
            raise
        else:
            sw.stop(keep=bool(os.environ.get("ATTACK_KEEP")))
    fn.conf = getattr(fn, "conf", {})
    run.__name__ = fn.__name__
    CASES.append(run)
    return run


def rtp(seq, ssrc=1, version=2, pt=0, size=160):
    return struct.pack("!BBHII", version << 6, pt, seq & 0xFFFF, seq * 160 & 0xFFFFFFFF, ssrc) + b"x" * size


def media_port(body):
    return int(re.search(r"m=audio (\d+)", body).group(1))


def connected(s, path):
    try:
        s.connect(path)
        return True
    except BlockingIOError:  # the backlog is full for a moment
        return False


# ---- the control socket of tandemd ----

@case
def control_socket_bears_abuse(sw):
    sw.start()
    w = World(sw)
    path = sw.dir + "/run/tandemd.sock"
    calls = [Call(w.a, w.b).answer() for _ in range(20)]

    def dial():
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(3)
        wait_for(lambda: connected(s, path), 5, "no connection to the control socket")
        return s
    rnd = random.Random(3)
    for data in (b"", b"\n", b"text", b"text \n", b"x" * (1 << 20), b"text status" + b"\x00" * 50 + b"\n", bytes(range(256)) * 8, b"json " + b"a " * 600 + b"\n",
                 b"text show calls 99999999999999999999\n", b"text show calls -1\n", b"text hangup " + b"%s%n" * 20 + b"\n", b"json show call \xff\xfe\n",
                 b"text log nonsense\n", b"json explain\n",
                 b"json explain --from in --called " + b"9" * 3900 + b"\n", b"text explain --from %n --called %s%s\n", b"text explain --called\n",
                 b"json explain --source [::1]:99999 --called \xff\xfe\n", b"text explain " + b"--diversion 1 " * 24 + b"\n",
                 b"text explain --source 127.0.0.1 --called \"\" --caller ';<>' --rn @ --privacy \x01\n", b"text help\ntext help\n", b"text status\r\n"):
        s = dial()
        try:
            s.sendall(data)
            s.settimeout(0.2)
            s.recv(65536)
        except OSError:
            pass
        s.close()
    held = []
    for n in range(100):  # more than it serves at once: silent ones, half a line each
        s = socket.socket(socket.AF_UNIX)
        s.setblocking(False)
        try:
            s.connect(path)
            s.send(b"text sta")
        except OSError:
            pass
        held.append(s)
    good_call(w.a, w.b)
    for s in held:
        s.close()
    for n in range(200):  # gone while the workers are asked
        s = dial()
        s.sendall(b"json show calls 1000\n")
        s.close()
    slow = []
    for n in range(5):
        s = dial()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        s.sendall(b"json show calls 100000\n")
        slow.append(s)
    good_call(w.a, w.b)
    check(len(sw.ctl("show", "calls", "1000")["calls"]) == 20, "calls are shown")
    for s in slow:
        s.close()
    fds = sw.tandemd.fds()
    for n in range(50):
        sw.ctl("status")
    wait_for(lambda: sw.tandemd.fds() <= fds, 5, f"descriptors {fds} -> {sw.tandemd.fds()}")
    for c in calls:
        c.bye()
    w.close()


@case
def control_socket_refuses_others(sw):
    sw.start()
    if os.geteuid() != 0:
        return
    os.chmod(sw.dir, 0o755)

    def as_nobody(path, kind):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                s = socket.socket(socket.AF_UNIX, kind)
                s.settimeout(2)
                s.connect(path)
                s.send(b"text status\n")
                code = 0 if s.recv(100) else 1
            except OSError:
                code = 1
            os._exit(code)
        return os.WEXITSTATUS(os.waitpid(pid, 0)[1])
    ctl, media = sw.dir + "/run/tandemd.sock", sw.dir + "/media.sock"
    check(as_nobody(ctl, socket.SOCK_STREAM) != 0, "nobody was served")
    check(as_nobody(media, socket.SOCK_SEQPACKET) != 0, "nobody was served by the relay")
    os.chmod(ctl, 0o777)  # widened by hand: credentials count
    os.chmod(media, 0o777)
    check(as_nobody(ctl, socket.SOCK_STREAM) != 0, "nobody was served by a socket of mode 777")
    check(as_nobody(media, socket.SOCK_SEQPACKET) != 0, "nobody was served by the relay's socket of mode 777")


# ---- the relay ----

@case
def strangers_get_nothing_through_the_relay(sw):
    sw.start()
    w = World(sw)
    pa, pb, evil = Peer(), Peer(), Peer()
    c = Call(w.ma, w.mb, user="2555", body=sdp(port=pa.port))
    out_port = media_port(c.out.body)
    for port in range(out_port - 4, out_port + 6):  # before anybody has latched
        for k in range(5):
            evil.send(rtp(k, ssrc=666), (attack.IP, port))
    c.answer(body=sdp(port=pb.port))
    in_port = media_port(c.ok.body)

    pa.drain_raw()
    for port in (in_port, out_port):  # first after the answer: it must not keep the port from the party
        for k in range(5):
            evil.send(rtp(k, ssrc=777), (attack.IP, port))
        time.sleep(0.05)
    pa.send(rtp(0, ssrc=1), (attack.IP, in_port))
    pb.send(rtp(0, ssrc=2), (attack.IP, out_port))
    time.sleep(0.1)
    for p in (pa, pb, evil):
        p.drain_raw()

    def both_ways(n, first=0):
        got = [0, 0]
        for k in range(n):
            pa.send(rtp(first + k, ssrc=1), (attack.IP, in_port))
            pb.send(rtp(first + k, ssrc=2), (attack.IP, out_port))
            evil.send(rtp(first + k, ssrc=777), (attack.IP, in_port))
            evil.send(rtp(first + k, ssrc=777), (attack.IP, out_port))
            evil.send(rtp(k, version=1), (attack.IP, in_port))
            evil.send(b"\x80", (attack.IP, in_port))
            evil.send(b"\x80\xc8\x00\x06" + b"y" * 24, (attack.IP, in_port + 1))
            time.sleep(0.002)
        for i, p in enumerate((pa, pb)):
            end = time.monotonic() + 12
            while True:  # what is missing may be late, what is too much comes soon
                p.s.settimeout(max(0.01, end - time.monotonic()) if got[i] < n else 0.2)
                try:
                    data, _ = p.s.recvfrom(2000)
                except OSError:
                    break
                check(struct.unpack("!I", data[8:12])[0] == 2 - i, "a stranger's packet")
                got[i] += first <= struct.unpack("!H", data[2:4])[0] < first + n  # not those before, late
        return got
    time.sleep(0.1)
    got = both_ways(100, 1)
    check(got == [100, 100], f"packets {got} of 100, 100")
    evil.s.settimeout(0.1)
    check(evil.recv(0.1) is None, "the stranger was sent something")
    # what the relay is told of calls survives what others tell it
    garbage_to_the_relay(sw)
    got = both_ways(50, 500)
    check(got == [50, 50], f"packets {got} of 50, 50 beside garbage on the socket")
    c.bye()
    time.sleep(0.3)
    for k in range(20):  # the port is in quarantine
        evil.send(rtp(k), (attack.IP, in_port))
        pa.send(rtp(k), (attack.IP, in_port))
    check(pb.recv(0.2) is None, "a packet after the end")
    rows = wait_for(lambda: [r for r in cdrs(sw) if r["type"] == "call" and r["trunk_in"] == "malpha"], 5, "no record")
    check(len(rows) == 1 and rows[0]["in_strangers"] >= 150 and rows[0]["out_strangers"] >= 150, f"record {rows}")
    w.close()


def cdrs(sw):
    rows = []
    for f in os.listdir(sw.conf["cdr"]):
        if f.endswith(".json"):
            with open(os.path.join(sw.conf["cdr"], f)) as fh:
                rows += [json.loads(l) for l in fh if l.strip()]
    return rows


def garbage_to_the_relay(sw):
    rnd = random.Random(5)

    def dial():
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.settimeout(1)
        wait_for(lambda: connected(s, sw.dir + "/media.sock"), 5, "no connection to the relay's socket")
        return s

    for n in range(300):
        s = dial()
        try:
            s.send(bytes(rnd.randrange(256) for _ in range(rnd.choice((0, 1, 7, 8, 31, 32, 40, 48, 64, 200, 4000, 60000)))))
            s.settimeout(0.005)
            s.recv(65536)
        except OSError:
            pass
        s.close()
    held = [dial() for _ in range(50)]
    for s in held:
        s.close()


@case
def second_controller_cannot_touch_the_first_ones_sessions(sw):
    """A controller of another name: hello, then modify, close, query of sessions that are not its own, and bent copies of all."""
    lib = media_messages()
    sw.start()
    w = World(sw)
    c = Call(w.ma, w.mb, user="2555").answer()
    rnd = random.Random(11)
    session = int(sw.ctl("show", "calls")["calls"][0]["id"])
    for n in range(400):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.settimeout(0.05)
        wait_for(lambda: connected(s, sw.dir + "/media.sock"), 5, "no connection to the relay's socket")
        try:
            if rnd.random() < .9:
                s.send(lib["hello"](node=b"evil%d" % (n % 3)))
                s.recv(65536)
            for k in range(20):
                m = bytearray(lib[rnd.choice(("close", "query", "list", "relay", "open", "modify"))](session=session, index=rnd.choice((0, 1, 2, 0xFFFFFFFF))))
                if rnd.random() < .6:
                    for _ in range(rnd.choice((1, 2, 5))):
                        m[rnd.randrange(len(m))] = rnd.randrange(256)
                if rnd.random() < .1:
                    m = m[:rnd.randrange(len(m))]
                s.send(bytes(m))
            for k in range(5):
                s.recv(65536)
        except OSError:
            pass
        s.close()
    sw.check_alive()
    check(len(sw.ctl("show", "calls")["calls"]) == 1, "the call is gone")
    c.bye()
    w.still_serves()
    w.close()


def media_op(rnd, kind=None, endpoint=None):
    """An operation that is right as a message, of any kind; whether it fits the session is another question."""
    ADD, REMOVE, REMOTE, SET, RELEARN, CONNECT, DISCONNECT, CRYPTO, ICE, PLAY, STOP, DTMF = range(12)
    kind = rnd.choice((REMOVE, REMOTE, SET, SET, RELEARN, CONNECT, DISCONNECT, CRYPTO, PLAY, PLAY, STOP, DTMF, DTMF)) if kind is None else kind
    endpoint = rnd.choice((0, 0, 0, 1, 1, 1, 2)) if endpoint is None else endpoint
    peer = 0

    def addr(port=None):  # 16 bytes, port, family, pad
        return bytes((127, 0, 33, 9)) + bytes(12) + struct.pack("<HBB", port or rnd.choice((1, 20000, 20001, 65535)), 4, 0)
    if kind == CONNECT:
        peer = 0 if endpoint else 1
    if kind in (ADD, SET, REMOTE, CONNECT, RELEARN, DISCONNECT, REMOVE):
        pts = [(rnd.choice((0, 8, 101, 127)), rnd.randrange(21)) for _ in range(8)]
        body = struct.pack("<IBBBBBBBBII", fnv(b"evil"), endpoint, 4, rnd.randrange(256) & ~1, rnd.randrange(3), rnd.randrange(4), rnd.randrange(64), rnd.randrange(256),
                           rnd.randrange(9), rnd.choice((0, 1, 1000, 86400000)), rnd.choice((0, 1000, 8000, 48000, 1000000)))
        body += bytes(20) + rnd.choice((addr(), bytes(20))) + rnd.choice((addr(), bytes(20))) + b"".join(struct.pack("BB", *x) for x in pts)
    elif kind == CRYPTO:
        rx, tx = rnd.randrange(5), rnd.randrange(5)
        size = (0, 30, 30, 28, 44)
        body = struct.pack("<IBBBB", 0, endpoint, rx, tx, 0) + b"".join(os.urandom(size[x]).ljust(48, b"\0") for x in (rx, tx))
    elif kind == DTMF:
        body = struct.pack("<IBBB", rnd.choice((40, 100, 5000)), endpoint, rnd.randrange(17), rnd.randrange(64))
    else:
        body = struct.pack("<IBB2xI", rnd.choice((1, 2, 3)), endpoint, rnd.randrange(4), rnd.choice((0, 1, 20, 86400000)))
    return struct.pack("<BB6x", kind, peer) + body.ljust(104, b"\0")[:104]


def media_messages():
    """The control channel's messages as lib/media/media_proto.h lays them out."""
    hdr = struct.Struct("<HHIIIQIi")
    VERSION, HELLO, POOL, POOLS_END, OPEN, MODIFY, CLOSE, QUERY, LIST, RELAY, SOUND, SOUNDS_END = 2, *range(1, 12)
    rnd = random.Random(3)

    def pack(kind, payload=b"", session=0, index=0xFFFFFFFF):
        return hdr.pack(VERSION, kind, hdr.size + len(payload), 77, random.randrange(1, 1 << 31), session, index, 0) + payload

    def ops(kinds=None):
        all_ = [media_op(rnd, *k) for k in kinds] if kinds else [media_op(rnd) for _ in range(rnd.choice((1, 1, 1, 2, 3, 32)))]
        return struct.pack("<IIII", 0, 0, len(all_), 0) + b"".join(all_)
    return {"hdr": hdr, "hello": lambda node=b"evil", **k: pack(HELLO, struct.pack("<64sIIII", node, 0, 0, 0, 0)),
            "close": lambda session, index: pack(CLOSE, b"", session, index), "query": lambda session, index: pack(QUERY, b"", session, index),
            "list": lambda **k: pack(LIST, struct.pack("<II", 0, 0)), "relay": lambda **k: pack(RELAY),
            "open": lambda session, index: pack(OPEN, ops(rnd.choice((((0, 0),), ((0, 0), (0, 1), (5, 0)), ((0, 0), (9, 0)), ((0, 0), (0, 1), (7, 0), (5, 1), (9, 1))))), session, index),
            "modify": lambda session, index: pack(MODIFY, ops(), session, index),
            "sound": lambda sound=1, samples=800, generation=1, **k: pack(SOUND, struct.pack("<QII", generation, sound, samples)),
            "sounds_end": lambda generation=1, **k: pack(SOUNDS_END, struct.pack("<Q", generation)),
            "pool": lambda name=b"evil", addr="127.0.33.1", ports=(29000, 29399), generation=1 << 40, **k: pack(
                POOL, struct.pack("<QII64s16sHHHHII", generation, fnv(name), 10, name, b"", *ports, 0, 0, 1, 0) +
                (socket.inet_aton(addr) + bytes(12) + struct.pack("<HBB", 0, 4, 0)).ljust(16 * 20, b"\0"))}


def fnv(name):
    h = 2166136261
    for c in name:
        h = (h ^ c) * 16777619 & 0xFFFFFFFF
    return h


def sound_file(kind, samples=800):
    """What a controller that has gone mad hands over for samples."""
    if kind == "pipe":
        r, w = os.pipe()
        os.close(w)
        return r
    if kind == "socket":
        return socket.socket(socket.AF_UNIX).detach()
    if kind == "directory":
        return os.open("/tmp", os.O_RDONLY)
    fd = os.memfd_create("sound", os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, {"empty": 0, "short": samples * 2 - 2, "long": samples * 2 + 2}.get(kind, samples * 2))
    if kind != "unsealed":
        fcntl.fcntl(fd, 1033, 2 | 4 | (0 if kind == "writable" else 8))  # F_ADD_SEALS: SHRINK, GROW, WRITE
    return fd


SOUNDS = ("right", "right", "pipe", "socket", "directory", "empty", "short", "long", "unsealed", "writable", "none", "many")


def sounds_of_all_kinds(s, lib, rnd):
    kind = rnd.choice(SOUNDS)
    fds = [sound_file("right") for _ in range(rnd.choice((2, 60, 200)))] if kind == "many" else [] if kind == "none" else [sound_file(kind)]
    try:
        m = lib["sound"](sound=rnd.choice((1, 2, 3)), samples=800 if rnd.random() < .9 else rnd.choice((0, 1, 1 << 23, 0xFFFFFFFF)), generation=rnd.randrange(1, 1 << 20))
        socket.send_fds(s, [m * rnd.choice((1, 1, 3))], fds)
    finally:
        for fd in fds:
            os.close(fd)


@case
def relay_bears_mad_controllers(sw):
    """Two controllers that own sessions, with right and bent operations of every kind, sounds that are none, and packets to all ports meanwhile."""
    lib = media_messages()
    rnd = random.Random(17)
    sw.start_relay()
    fds, opened = sw.relay.fds(), [0]
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def connect(k):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        s.settimeout(3)
        wait_for(lambda: connected(s, sw.dir + "/media.sock"), 5, "no connection to the relay's socket")
        s.send(lib["hello"](node=b"evil%d" % k))
        s.send(lib["pool"](name=b"evil", addr=attack.IP))
        return s

    def drain(s):
        s.settimeout(0)
        try:
            while True:
                data = s.recv(65536)
                if not data:
                    return False
                opened[0] += struct.unpack_from("<H", data, 2)[0] == 0x104 and struct.unpack_from("<i", data, 28)[0] == 0
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            s.settimeout(3)
    links = [connect(k) for k in range(2)]
    end = time.monotonic() + float(os.environ.get("ATTACK_FUZZ_S", "5"))
    while time.monotonic() < end:
        for k in range(2):
            s = links[k]
            try:
                for _ in range(20):
                    if rnd.random() < .1:
                        sounds_of_all_kinds(s, lib, rnd)
                        continue
                    kind = rnd.choice(("open", "open", "modify", "modify", "modify", "modify", "modify", "query", "close", "list", "relay", "sounds_end"))
                    m = bytearray(lib[kind](session=rnd.randrange(1, 40), index=rnd.choice((0, 1, 2, 0xFFFFFFFF)), name=b"evil", generation=rnd.randrange(1 << 20)) if kind in
                                  ("sounds_end",) else lib[kind](session=rnd.randrange(1, 40), index=rnd.choice((0, 1, 2, 0xFFFFFFFF))))
                    if kind != "pool" and rnd.random() < .1:
                        m[rnd.randrange(32, len(m)) if len(m) > 32 else 12] = rnd.randrange(256)
                    s.send(bytes(m))
                for _ in range(40):
                    data = rtp(rnd.randrange(1 << 16), ssrc=rnd.choice((1, 2)), pt=rnd.choice((0, 8, 101, 127)), size=rnd.choice((0, 4, 160, 1400)))
                    udp.sendto(data[:rnd.randrange(len(data))] if rnd.random() < .3 else data, (attack.IP, 29000 + rnd.randrange(400)))
                check(sw.relay.alive(), f"the relay ended:\n{sw.relay.tail()}")
                if not drain(s):
                    raise OSError
            except (OSError, socket.timeout):
                check(sw.relay.alive(), f"the relay ended:\n{sw.relay.tail()}")
                s.close()
                links[k] = connect(k)
    check(opened[0] > 10, f"only {opened[0]} sessions were opened: what is tried is not the relay")
    for link in links:
        link.close()  # the last packet may have been its end
    udp.close()

    def all_closed():
        # Again and again: what waits in a link that is closed may be read after what comes by the next one.
        for k in range(2):
            s = connect(k)
            for session in range(1, 40):
                s.send(lib["close"](session=session, index=0xFFFFFFFF))
            time.sleep(0.2)
            drain(s)
            s.close()
        time.sleep(0.1)
        return sw.relay.fds() <= fds
    wait_for(all_closed, 20, "descriptors are left")
    print(f"  # {opened[0]} sessions opened")


# ---- processes ----

def restart_checked(sw, w):
    sw.check_alive()
    wait_for(lambda: sw.status()["media"] == "up", 10, "relay not up again")
    w.still_serves()


@case
def tandemd_killed_in_every_phase(sw):
    sw.start()
    w = World(sw)
    for phase in range(5):
        c = Call(w.ma, w.mb, user="2555")
        if phase >= 1:
            w.mb.send(w.mb.answer(c.out, 183, to_tag="x", body=sdp()))
        if phase >= 2:
            c.answer()
        if phase >= 3:
            w.ma.send(c.in_dialog("INVITE", body=sdp()))
        if phase >= 4:
            w.ma.send(c.in_dialog("BYE", cseq=9))
        sw.tandemd.p.kill()
        sw.tandemd.p.wait()
        sw.start_tandemd()
        restart_checked(sw, w)
    w.close()


@case
def relay_killed_in_every_phase(sw):
    sw.start()
    w = World(sw)
    for phase in range(5):
        pa, pb = Peer(), Peer()
        c = Call(w.ma, w.mb, user="2555", body=sdp(port=pa.port))
        if phase >= 1:
            w.mb.send(w.mb.answer(c.out, 183, to_tag="x", body=sdp(port=pb.port)))
        if phase >= 2:
            c.answer(body=sdp(port=pb.port))
        sw.relay.p.kill()
        sw.relay.p.wait()
        if phase >= 3:
            w.ma.send(w.ma.request("INVITE", user="2555777", body=sdp()))
            new = w.ma.call_id  # calls of earlier phases get their 408 in the meantime
            r = wait_for(lambda: next((m for m in [w.ma.recv(0.1)] if m and m.status >= 300 and m.get("call-id") == new), None), 3,
                         "no final answer without a relay")
            check(r.status == 503, f"{r.start} without a relay")
        if phase == 4:
            w.ma.send(c.in_dialog("BYE", cseq=9))
            w.ma.expect(200, call_id=c.call_id)
        sw.start_relay()
        restart_checked(sw, w)
        if phase in (2, 3):  # the call that stood has its media again, at the same ports
            seq, heard = 0, set()

            def hear_both():
                nonlocal seq
                seq += 1
                pa.send(rtp(seq, ssrc=1), (attack.IP, media_port(c.ok.body)))
                pb.send(rtp(seq, ssrc=2), (attack.IP, media_port(c.out.body)))
                heard.update(p for p in (pa, pb) if p.drain_raw())
                return len(heard) == 2
            wait_for(hear_both, 3, f"phase {phase}: no RTP after the relay came back")
            w.ma.send(c.in_dialog("BYE", cseq=99))
        pa.close()
        pb.close()
    w.close()


@case
def tandemd_stopped_for_a_while(sw):
    sw.start()
    w = World(sw)
    c = Call(w.ma, w.mb, user="2555").answer()
    os.kill(sw.tandemd.pid, signal.SIGSTOP)
    for n in range(500):
        w.a.send(w.a.request("INVITE", user=f"1888{n}", body=sdp()))
        w.stranger.send(w.stranger.request("INVITE"))
    time.sleep(3)
    os.kill(sw.tandemd.pid, signal.SIGCONT)
    answer_all(w.b)
    restart_checked(sw, w)
    c.bye()
    os.kill(sw.relay.pid, signal.SIGSTOP)
    time.sleep(2.5)
    good_call(w.a, w.b)  # needs no relay
    os.kill(sw.relay.pid, signal.SIGCONT)
    restart_checked(sw, w)
    w.close()


@case
def a_second_tandemd_on_the_same_address_does_not_start(sw):
    sw.start()
    w = World(sw)
    second = Daemon("tandemd", [sw.build + "/daemon/tandemd", "-c", sw.conf_path], sw.dir + "/second.log")
    check(second.p.wait(40) == 1, "it runs")
    check("in use" in second.tail(), second.tail())
    w.still_serves()
    sw.status()
    w.close()


@case
def socket_files_deleted(sw):
    sw.start()
    w = World(sw)
    os.unlink(sw.dir + "/media.sock")
    good_call(w.ma, w.mb, user="2555")
    os.unlink(sw.dir + "/run/tandemd.sock")
    good_call(w.a, w.b)
    sw.tandemd.end()
    sw.relay.end()
    sw.start()
    w.still_serves()
    w.close()


@case
def sighup_storm_with_good_and_bad_configurations(sw):
    sw.start()
    w = World(sw)
    bad = ["trunk x\n  peer nonsense\n", "garbage {{{\n", "trunk alpha\n  peer 1.2.3.4:5060 udp\n", "route r\n  prefix 9 via nobody\n"]
    calls = [Call(w.ma, w.mb, user="2555").answer() for _ in range(10)]
    stop = []

    def storm():
        n = 0
        while not stop:
            n += 1
            with open(sw.conf_path, "rb") as f:
                good = f.read()
            if n % 2:
                with open(sw.conf_path, "ab") as f:
                    f.write(bad[n // 2 % len(bad)].encode())
            for _ in range(5):
                sw.tandemd.p.send_signal(signal.SIGHUP)
                time.sleep(0.004)
            if n % 2:
                with open(sw.conf_path + ".new", "wb") as f:
                    f.write(good)
                os.rename(sw.conf_path + ".new", sw.conf_path)
    t = threading.Thread(target=storm)
    t.start()
    def turned():
        s = sw.status()
        return s["reloads"] > 3 and s["reloads_failed"] > 3
    try:
        end, n = time.monotonic() + 60, 0
        while n < 60 or (not turned() and time.monotonic() < end):  # SIGHUPs that come while one is served are one
            good_call(w.a, w.b)
            good_call(w.ma, w.mb, user="2555")
            n += 1
    finally:
        stop.append(1)
        t.join()
    for c in calls:
        c.bye()
    sw.ctl("reload")
    s = sw.status()
    check(s["reloads"] > 3 and s["reloads_failed"] > 3, f"reloads {s['reloads']}, failed {s['reloads_failed']}")
    w.still_serves()
    w.close()


# ---- disks ----

@case
def records_with_a_full_disk(sw):
    if os.geteuid() != 0:
        return
    mnt = sw.dir + "/small"
    os.makedirs(mnt)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", mnt], capture_output=True).returncode:
        return  # no right to mount here
    try:
        sw.conf["cdr"] = mnt
        sw.write_conf()
        sw.start()
        w = World(sw)
        for n in range(100):
            good_call(w.a, w.b)
        wait_for(lambda: sw.status()["cdr"]["failing"] and sw.status()["cdr"]["write_errors"] > 0, 5, f"no alarm: {sw.status()['cdr']}")
        for n in range(20):
            good_call(w.a, w.b)
        subprocess.run(["mount", "-o", "remount,size=8m", mnt], check=True)
        wait_for(lambda: not sw.status()["cdr"]["failing"] and sw.status()["cdr"]["backlog"] == 0, 15, "records are not written after room came")
        calls = [r["uuid"] for r in cdrs(sw) if r["type"] == "call"]
        check(len(calls) == 120 == len(set(calls)), f"{len(calls)} records, {len(set(calls))} calls of 120")
        w.close()
        sw.tandemd.end()
    finally:
        if sw.tandemd and sw.tandemd.alive():
            sw.tandemd.p.kill()
            sw.tandemd.p.wait()
        subprocess.run(["umount", "-l", mnt])


# ---- resources ----

@case
def memory_and_descriptors_stay(sw):
    sw.start()
    w = World(sw)

    def round_(n):
        for k in range(n):
            kind = k % 6
            p, q, u = ((w.a, w.b, "1555"), (w.ma, w.mb, "2555"))[k % 2]
            if kind < 2:
                good_call(p, q, user=u)
                continue
            c = Call(p, q, user=u)
            if kind == 2:
                q.send(q.answer(c.out, 486))
            elif kind == 3:
                q.send(q.answer(c.out, 180))
                p.send(p.request("CANCEL", call_id=c.call_id, from_tag=c.from_tag, branch=c.invite_branch, user=c.user))
                q.send(q.answer(q.expect("CANCEL"), 200))
                q.send(q.answer(c.out, 487))
            elif kind == 4:
                q.send(q.answer(c.out, 503))
            else:
                p.send(p.request("INVITE", body="v=0"))
                q.send(q.answer(c.out, 404))
            p.drain()
            q.drain()
    n = int(os.environ.get("ATTACK_SOAK", "60"))
    round_(n)
    fds = (sw.tandemd.fds(), sw.relay.fds())
    rss = []
    for _ in range(3):
        round_(n)
        rss.append((sw.tandemd.rss_kib(), sw.relay.rss_kib()))
    w.drain()
    check(abs(sw.tandemd.fds() - fds[0]) <= 2, f"descriptors of tandemd {fds[0]} -> {sw.tandemd.fds()}")
    print(f"  # rss {rss} fds {fds} -> {sw.tandemd.fds()}, {sw.relay.fds()}")
    w.close()
