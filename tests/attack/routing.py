# SPDX-License-Identifier: BSD-2-Clause
"""Attacks on routing: files that are no files or change meanwhile, the commands that ask about it, dips, numbers in disguise. Each makes its own switch."""
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time

import attack
from attack import *
from cases import World
import harsh

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts"))
from nameserver import NameServer  # noqa: E402

CASES = []
NS = 33053

# Every kind of file that routing names; {x} is where each of them lies.
EXTRA = """numbers plan
  911             -> keep  class emergency
  NXXNXXXXXX      -> +1{{*}}
  011.            -> +{{3-}}
  +.              -> keep
trunk cust
  listen          public
  media           none
  options         off
  peer            {ip}:{cust} udp
  numbers         plan
  numbers caller  plan
  numbers redirecting plan
  caller-allow    {dir}/own.txt
  default-caller  +12125550199
  routes          guard
ratedeck deck     trunk bravo
  file            {dir}/deck.csv
  columns         prefix rate
lnp lrn
  {lnp}
group pair
  member          alpha bravo
  order           round-robin
  limit out       900calls
route guard
  lnp             dip lrn timeout {timeout} on-fail route-on-dialled
  block           prefix-file {dir}/blocked.txt
  prefix +1       lcr deck then pair
  prefix +33      via pair
"""
FILES = {"own.txt": "+12125550100\n+1646555*\n", "deck.csv": "+1,0.01\n+1212,0.02\n", "blocked.txt": "+1900\n+4479\n", "lrn.csv": "+12125550001,+13105550000\n"}
CUST = attack.BASE + 90


def case(fn):
    harsh.case(fn)
    CASES.append(harsh.CASES.pop())
    return fn


def put(sw, name, text):
    """As an editor does: the new file takes the old one's place."""
    with open(f"{sw.dir}/{name}.new", "w") as f:
        f.write(text)
    os.replace(f"{sw.dir}/{name}.new", f"{sw.dir}/{name}")


def start(sw, lnp=None, timeout="1s", more="", **conf):
    for name, text in FILES.items():
        put(sw, name, text)
    sw.conf["extra"] = EXTRA.format(ip=attack.IP, cust=CUST, dir=sw.dir, lnp=lnp or f"csv {sw.dir}/lrn.csv", timeout=timeout) + more
    sw.conf.update(conf)
    sw.write_conf()
    sw.start()
    return World(sw)


def raw_ctl(sw, *args, timeout=30):
    return subprocess.run([sw.build + "/daemon/tandemctl", "-s", sw.dir + "/run/tandemd.sock", *args], capture_output=True, text=True,
                          errors="replace", timeout=timeout)


def invite(p, b, user, extra="", frm=None, wait=2.0):
    """What becomes of one INVITE: the status, or the request line and text that the other side got; it is refused there."""
    p.send(p.request("INVITE", user=user, body=sdp(), extra=extra, frm=frm))
    call_id, end = p.call_id, time.monotonic() + 4 * wait  # as wait_for() has it
    out = None
    while time.monotonic() < end:
        m = b.recv(0.02)
        if m and m.method == "INVITE" and not m.status and not out:
            out = m
            b.send(b.answer(m, 486))
        r = p.recv(0.02)
        if r and r.status >= 200 and r.get("call-id") == call_id and "INVITE" in r.get("cseq"):
            p.send(p.request("ACK", user=user, call_id=call_id, from_tag=p.from_tag, branch=p.branch, to=r.get("to"), frm=frm))
            return r.status, out
    raise Failed(f"no answer to {user!r}")


# ---- files ----

def no_files(d):
    """Things that stand where a file should: (name, make)."""
    def fifo(p):
        os.mkfifo(p)

    def link(to):
        return lambda p: os.symlink(to, p)

    def sparse(p):
        with open(p, "wb") as f:
            f.truncate(1 << 40)

    def text(data):
        def make(p):
            with open(p, "wb") as f:
                f.write(data)
        return make
    return (("a FIFO", fifo), ("a directory", os.mkdir), ("a device", link("/dev/zero")), ("a link to itself", link(d + "/loop")),
            ("/proc/kcore", link("/proc/kcore")), ("/proc/self/mem", link("/proc/self/mem")), ("nothing", lambda p: None), ("1 TB without a line", sparse),
            ("NULs", text(b"\0" * 5000 + b"\n")), ("100,000 errors", text(b"\xff\x1b]0;x\x07,\0\n" * 100000)),
            ("quotes and one long line", text(b'"' + b"1" * 3_000_000)))


@case
def what_is_no_file_is_refused_and_nobody_waits_for_it(sw):
    w = start(sw)
    os.symlink(sw.dir + "/loop", sw.dir + "/loop")
    for name in FILES:
        path = f"{sw.dir}/{name}"
        for what, make in no_files(sw.dir):
            os.unlink(path)
            make(path)
            t = time.monotonic()
            r = raw_ctl(sw, "reload", timeout=60)
            took = time.monotonic() - t
            sw.check_alive()
            check(r.returncode, f"{name}: {what} was taken: {r.stdout[:300]}")
            check(len(r.stderr) + len(r.stdout) < 200000, f"{name}: {what}: {len(r.stderr)} bytes of messages")
            check("\x1b" not in r.stderr + r.stdout and "\0" not in r.stderr + r.stdout, f"{name}: {what}: control characters go to the terminal")
            check(took < 30, f"{name}: {what} took {took:.1f} s")
            if os.path.isdir(path) and not os.path.islink(path):
                os.rmdir(path)
            elif os.path.lexists(path):
                os.unlink(path)
            put(sw, name, FILES[name])
    sw.ctl("reload")
    check(invite(Peer(CUST), w.b, "2025550187")[0] == 486, "what was loaded holds")
    w.close()


@case
def a_database_that_is_cut_or_broken_kills_nobody(sw):
    if subprocess.run(["which", "mdb_load"], capture_output=True).returncode:
        return
    mdb = sw.dir + "/lrn.mdb"
    rows = "VERSION=3\nformat=print\ntype=btree\nmapsize=16777216\nHEADER=END\n" + "".join(f" +1212{n:07}\n +13105550000\n" for n in range(20000)) + "DATA=END\n"

    def load():
        os.makedirs(mdb, exist_ok=True)
        subprocess.run(["mdb_load", mdb], input=rows, text=True, check=True, timeout=30)
    load()
    w = start(sw, lnp=f"lmdb {mdb}")
    c = Peer(CUST)

    def ask():
        for n in range(5):
            status, out = invite(c, w.b, f"212{random.randrange(2000000, 2020000):07}", wait=5)
            check(status == 486, f"a call while the database is {what}: {status}")
        sw.check_alive()
    what = "whole"
    ask()
    what = "cut to two pages in place"
    os.truncate(mdb + "/data.mdb", 8192)
    ask()
    what = "empty"
    os.truncate(mdb + "/data.mdb", 0)
    ask()
    raw_ctl(sw, "reload")
    ask()
    what = "gone"
    os.rename(mdb, mdb + ".old")
    ask()
    raw_ctl(sw, "reload")
    ask()
    what = "a FIFO"
    os.mkdir(mdb)
    os.mkfifo(mdb + "/data.mdb")
    check(raw_ctl(sw, "reload", timeout=20).returncode, "a FIFO for a database was taken")
    ask()
    os.unlink(mdb + "/data.mdb")
    what = "back"
    load()
    sw.ctl("reload")
    ask()
    check(sw.ctl("show", "lnp")[0]["state"] == "ok", f"show lnp: {sw.ctl('show', 'lnp')}")
    c.close()
    w.close()


# ---- the control socket ----

def ask_raw(sw, line, limit=40):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(limit)
    s.connect(sw.dir + "/run/tandemd.sock")
    try:
        s.sendall(line)
        out = b""
        while got := s.recv(65536):
            out += got
        return out
    except (BrokenPipeError, ConnectionResetError):
        return b""
    finally:
        s.close()


WORDS = ("--from", "--called", "--caller", "--time", "--seed", "--rn", "--down", "--full", "--source", "--pai", "--json", "--at", "--class", "cust", "alpha", "nobody",
         "+12025550187", "911", "x" * 1500, "%s%n%s", "\x1b[2J", "\xff\xfe", "-1", "99999999999999999999", "2026-13-45T99:99", "--", "-", "=", "--from=cust", "\"", "'", "\\",
         "+" + "1" * 64, "*", "inter", "up", "drain", "end-calls", "a;rn=+1;npdi", "4294967296", "0", "--assume", "down", "::1", "127.0.0.1:99999")


@case
def commands_about_routing_bear_abuse(sw):
    w = start(sw)
    rnd = random.Random(int(os.environ.get("ATTACK_SEED", "1")))
    for n in range(600):
        cmd = rnd.choice(("explain", "explain --from cust --called", "diff", "diff --at", "show quality", "show breakers", "show groups", "show limits", "trunk", "group pair",
                          "trunk nobody", "show lnp"))
        words = " ".join(rnd.choice(WORDS) for _ in range(rnd.choice((0, 1, 2, 3, 8, 60))))
        out = ask_raw(sw, f"{rnd.choice(('text', 'json'))} {cmd} {words}\n".encode("latin-1"))
        check(out == b"" or out.startswith((b"ok\n", b"error\n")), f"{cmd} {words[:200]!r}: {out[:200]!r}")
        sw.check_alive()
    for name in PEER:
        sw.ctl("trunk", name, "up")
    sw.ctl("group", "pair", "up")
    slow = []
    for n in range(24):  # they ask for much and do not read
        s = socket.socket(socket.AF_UNIX)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        s.connect(sw.dir + "/run/tandemd.sock")
        s.sendall(b"json diff\n" if n % 2 else b"json explain --from cust --called 2025550187\n")
        slow.append(s)
    check(invite(Peer(CUST), w.b, "2025550187")[0] == 486, "a call meanwhile")
    sw.ctl("status")
    for s in slow:
        s.close()
    w.close()


@case
def explain_touches_nothing_and_keeps_nothing(sw):
    w = start(sw)
    c = Peer(CUST)
    for n in range(3):
        invite(c, w.b, "2025550187")
    wait_for(lambda: sw.status()["calls"] == 0, 5, "calls are left")

    def figures():
        return {k: sw.ctl(*k.split()) for k in ("stats", "show groups", "show limits", "show breakers", "show quality", "show lnp", "show trunks")}

    def told(f, at=""):
        """Every figure with its place; clocks and what goes on by itself (timers of transactions, audits, records on their way) aside."""
        if isinstance(f, dict):
            return {k: v for n, x in f.items() for k, v in told(x, f"{at}/{n}").items()}
        if isinstance(f, list):
            return {k: v for n, x in enumerate(f) for k, v in told(x, f"{at}/{n}").items()}
        own = at.startswith("/stats/") and not at.startswith(("/stats/calls", "/stats/dips", "/stats/lnp", "/stats/attempt"))
        return {} if own or re.search(r"(_ms|_us|since|ago|age|answer_s|_s)$", at) else {at: f}
    before = figures()

    def many(n):
        for k in range(n):
            out = ask_raw(sw, f"json explain --from cust --called {'202555%04d' % (k % 10000)}\n".encode())
            check(out.startswith(b"ok\n"), out[:300])
    many(200)
    rss, fds = sw.tandemd.rss_kib(), sw.tandemd.fds()
    threads = [threading.Thread(target=many, args=(int(os.environ.get("ATTACK_EXPLAINS", "400")) // 4,)) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    after = figures()
    was, now = told(before), told(after)
    check(was == now, f"explain changed: {[(k, was.get(k), now.get(k)) for k in {**was, **now} if was.get(k) != now.get(k)]}")
    grown = sw.tandemd.rss_kib() - rss  # under ASan what is freed stays in quarantine (256 MiB): its growth is no leak, and leaks are told at the end
    check(grown < 300000, f"{grown} KiB more")
    check(sw.tandemd.fds() <= fds + 2, f"descriptors {fds} -> {sw.tandemd.fds()}")
    c.close()
    w.close()


# ---- reloads ----

@case
def reloads_asked_and_killed_at_random(sw):
    w = start(sw, more="", watch="")
    rnd = random.Random(7)
    stop = threading.Event()
    path = sw.dir + "/deck.csv"

    def rewrite():
        """In place, as cp does, a thousand times a second."""
        n = 0
        while not stop.wait(0.001):
            n += 1
            with open(path, "w") as f:
                f.write("+1,0.01\n")
                f.flush()
                f.write("".join(f"+1{200 + k},0.0{n % 9 + 1}\n" for k in range(300)))
    t = threading.Thread(target=rewrite)
    t.start()
    c = Peer(CUST)
    end, n, running = time.monotonic() + 6, 0, []
    while time.monotonic() < end:
        cmd = rnd.choice((["reload"], ["diff"], ["reload"], ["explain", "--from", "cust", "--called", "2025550187"], ["show", "trunks"], ["check", sw.conf_path]))
        running.append(subprocess.Popen([sw.build + "/daemon/tandemctl", "-s", sw.dir + "/run/tandemd.sock", *cmd], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        if n % 3 == 0:
            running[rnd.randrange(len(running))].kill()
        if n % 7 == 0:
            os.kill(sw.tandemd.pid, 1)
        if n % 5 == 0:
            status, _ = invite(c, w.b, "2025550187", wait=5)
            check(status in (486, 503), f"a call meanwhile: {status}")  # 503: so much else is run that load is shed
        n += 1
        running = [p for p in running if p.poll() is None][-40:]
        sw.check_alive()
    stop.set()
    t.join()
    for p in running:
        p.kill()
        p.wait()
    put(sw, "deck.csv", FILES["deck.csv"])
    wait_for(lambda: raw_ctl(sw, "reload").returncode == 0, 30, "no reload")
    sw.tandemd.p.send_signal(1)
    sw.tandemd.end(9)  # in the middle of it
    sw.start_tandemd()
    check(invite(c, w.b, "2025550187", wait=5)[0] == 486, "a call after it")
    c.close()
    w.close()


SHAPES = (  # the same words are other kinds of things from one generation to the next
    "trunk shape\n  listen public\n  media none\n  options off\n  peer {ip}:{one} udp\n  limit out 50calls\ngroup other\n  member shape bravo\n  limit out 60calls\n"
    "customer firm\n  limit in 70calls\nroute s\n  default via other\n",
    "group shape\n  member bravo\n  limit out 40calls\ntrunk other\n  listen public\n  media none\n  options off\n  peer {ip}:{one} udp\nroute s\n  default via shape then other\n",
    "route s\n  default via bravo\ncustomer shape\n  limit in 9calls\n",
    "trunk firm\n  listen public\n  media none\n  options off\n  peer {ip}:{one} udp\n  limit in 5calls\ngroup shape\n  member firm bravo\n  limit out 90calls\nroute s\n  default via shape\n",
    "",
)


@case
def calls_outlive_the_names_they_were_made_with(sw):
    w = start(sw)
    one, p = Peer(attack.BASE + 94), Peer(attack.BASE + 96)
    base = sw.conf["extra"]
    held = []
    for turn in range(10):
        shape = SHAPES[turn % len(SHAPES)]
        more = shape.format(ip=attack.IP, one=one.port) + ("trunk asker\n  listen public\n  media none\n  options off\n  peer {}:{} udp\n  routes s\n".format(
            attack.IP, attack.BASE + 96) if shape else "")
        for owner in ("firm", "shape"):
            if f"customer {owner}\n" in shape:
                more = more.replace("trunk asker\n", f"trunk asker\n  customer {owner}\n")
        sw.conf["extra"] = base + more
        sw.write_conf()
        r = raw_ctl(sw, "reload")
        check(r.returncode == 0, f"shape {turn}: {r.stderr}{r.stdout}")
        if not shape:
            continue
        callee = one if "member shape" in shape or "member firm" in shape else w.b
        held += [Call(p, callee, user="1555").answer() for _ in range(3)]
        w.drain()
        one.drain()
        for what in ("groups", "limits", "trunks"):
            sw.ctl("show", what)
    check(sw.status()["calls_up"] == len(held), f"{len(held)} calls stood: {sw.status()}")
    for call in sw.ctl("show", "calls", "1000")["calls"]:
        raw_ctl(sw, "hangup", call["uuid"])
    end = time.monotonic() + 40
    while time.monotonic() < end and sw.status()["calls"]:
        for q in (w.a, w.b, one, p):
            m = q.recv(0.02)
            if m and not m.status and m.method in ("BYE", "CANCEL"):
                q.send(q.answer(m, 200))
    for g in sw.ctl("show", "limits"):
        for k, v in g.items():
            check(not (k in ("calls", "in", "out") and isinstance(v, int) and v), f"something is counted still: {g}")
    check(sw.status()["audit"]["drift_total"] == 0, f"drift: {sw.status()['audit']}")
    one.close()
    p.close()
    w.close()


# ---- dips ----

@case
def calls_that_wait_for_a_dip_end_in_every_way(sw):
    ns = NameServer(attack.IP, NS, "")
    try:
        w = start(sw, lnp=f"enum e164.example\n  server {attack.IP}:{NS}", timeout="3s")
        c = Peer(CUST)
        for mode in ("garbage", "wrong-id", "servfail", "truncate", "refused", "nxdomain"):
            ns.mode = mode
            status, _ = invite(c, w.b, f"202555{random.randrange(10000):04}", wait=8)
            check(status == 486, f"{mode}: {status}")
        ns.mode = "silent"
        for n in range(1500):  # more than may wait
            c.send(c.request("INVITE", user=f"+1212{n + 2000000}", body=sdp()))
            if n % 3 == 0:
                c.send(c.request("CANCEL", user=f"+1212{n + 2000000}", call_id=c.call_id, from_tag=c.from_tag, branch=c.branch))
            if n % 250 == 0:
                sw.check_alive()
                raw_ctl(sw, "reload")
        sw.ctl("trunk", "cust", "down")
        for call in sw.ctl("show", "calls", "200")["calls"]:
            raw_ctl(sw, "hangup", call["uuid"]) if random.random() < .1 else None
        sw.ctl("trunk", "cust", "up")
        ns.mode = "answer"  # late
        end = time.monotonic() + 48
        while time.monotonic() < end and sw.status()["calls"]:
            for q in (w.b, c):
                while m := q.recv(0.002):
                    if not m.status and m.method == "INVITE":
                        q.send(q.answer(m, 486))
                    elif not m.status and m.method != "ACK":
                        q.send(q.answer(m, 200))
        check(invite(c, w.b, "2025550187", wait=8)[0] == 486, "a call after it")
        check(sw.status()["audit"]["drift_total"] == 0, f"drift: {sw.status()['audit']}")
        c.close()
        w.close()
    finally:
        ns.close()


# ---- the file of administrative states ----

@case
def a_broken_file_of_trunk_states_stops_nobody(sw):
    w = start(sw)
    path = sw.dir + "/state/trunks.json"
    sw.ctl("trunk", "alpha", "drain")
    with open(path) as f:
        good = f.read()
    sw.tandemd.end(9)
    for what, text in (("cut", good[:len(good) // 2]), ("empty", ""), ("deep", "[" * 100000), ("of another kind", "[1,2]"), ("NULs", "\0" * 4096),
                       ("no state", good.replace("drain", "fly")), ("huge numbers", good.replace('"since": ', '"since": 99999999999999999999')),
                       ("20,000 names", '{"version":1,"trunks":{' + ",".join(f'"t{n}":{{"state":"down","since":1,"seen":{int(time.time() * 1000)}}}' for n in range(20000)) + "}}")):
        with open(path, "w") as f:
            f.write(text)
        sw.start_tandemd()
        sw.check_alive()
        check(invite(Peer(CUST), w.b, "2025550187", wait=5)[0] == 486, f"a call after a file that is {what}")
        sw.tandemd.end(9)
    if os.path.exists(path):
        os.unlink(path)
    os.mkfifo(path)
    sw.start_tandemd()
    sw.check_alive()
    w.close()
