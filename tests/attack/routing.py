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
    call_id, end = p.call_id, time.monotonic() + wait
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
