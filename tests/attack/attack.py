# SPDX-License-Identifier: BSD-2-Clause
"""Both daemons on loopback, peers that speak just enough SIP, and what must hold after every attack."""
import ctypes
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

BASE = int(os.environ.get("ATTACK_PORT", "33000"))  # SIP ports from here on
IP = os.environ.get("ATTACK_IP", "127.0.33.1")
SIP = (IP, BASE + 60)


def use_ip(ip):
    """What is started from now on lives at another address: two switches at a time."""
    global IP, SIP
    IP, SIP = ip, (ip, BASE + 60)


PEER = {"alpha": BASE + 70, "bravo": BASE + 80, "malpha": BASE + 71, "mbravo": BASE + 81}
RTP = (20000, 28191)

CONF = """global
  node            attacked
  run-dir         {dir}/run
  state-dir       {dir}/state
  media-socket    {dir}/media.sock
  workers         {workers}
  limit           {calls}calls 20000cps
realm local
  address         {ip}
listen public
  realm           local
  unknown         {unknown}
  udp             {ip}:{sip}
  tcp             {ip}:{sip}
media main
  realm           local
  ports           {rtp[0]}-{rtp[1]}
{trunks}route r
  prefix 1        via bravo
  prefix 2        via mbravo
  default via bravo
cdr main
  file            {cdr}/cdr-%Y%m%d.json rotate 1h
  format          json
cdr table
  file            {cdr}/cdr-%Y%m%d.csv rotate 1h
  format          csv
"""
TRUNK = """trunk {name}
  listen          public
  media           {media}
  options         off
  trying-timeout  1s
  ring-timeout    5s
  setup-timeout   8s
  max-duration    180s
  peer            {ip}:{port} udp
  routes          r
"""


class Failed(Exception):
    pass


def check(ok, what):
    if not ok:
        raise Failed(what)


def wait_for(fn, limit, what):
    """Until it is so: at most four times the seconds that a quiet machine may take."""
    limit *= 4
    end = time.monotonic() + limit
    while time.monotonic() < end:
        got = fn()
        if got:
            return got
        time.sleep(0.05)
    raise Failed(f"{what} (waited {limit} s)")


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: a test that breaks off leaves no daemon on the port


class Daemon:
    def __init__(self, name, argv, log):
        self.name, self.log = name, log
        env = dict(os.environ, ASAN_OPTIONS="abort_on_error=0:exitcode=99:detect_leaks=1:" + os.environ.get("ASAN_OPTIONS", ""),
                   UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1:exitcode=98")
        with open(log, "ab") as f:
            self.p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=f, stderr=f, env=env, preexec_fn=die_with_parent)
        self.pid = self.p.pid

    def alive(self):
        return self.p.poll() is None

    def tail(self, n=60):
        with open(self.log, errors="replace") as f:
            return "".join(f.readlines()[-n:])

    def rss_kib(self):
        with open(f"/proc/{self.pid}/status") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))

    def fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_s(self):
        with open(f"/proc/{self.pid}/stat") as f:
            v = f.read().rsplit(")", 1)[1].split()
        return (int(v[11]) + int(v[12])) / os.sysconf("SC_CLK_TCK")

    def end(self, sig=signal.SIGTERM, limit=15):
        if self.alive():
            self.p.send_signal(sig)
            end = time.monotonic() + limit
            while sig == signal.SIGTERM and self.alive() and time.monotonic() < end:
                time.sleep(0.05)
                self.p.send_signal(sig)  # one more at any moment of its end must not hurt
            try:
                self.p.wait(limit)
            except subprocess.TimeoutExpired:
                self.p.kill()
                self.p.wait()
                raise Failed(f"{self.name} did not stop")
        return self.p.returncode


class Switch:
    def __init__(self, build, **conf):
        self.build = build
        self.dir = tempfile.mkdtemp(prefix="attack-")
        self.conf_path = os.path.join(self.dir, "t.conf")
        self.conf = {"unknown": "403", "workers": 2, "calls": 2000, "cdr": self.dir + "/cdr", **conf}
        for d in ("run", "state", "cdr"):
            os.makedirs(os.path.join(self.dir, d), exist_ok=True)
        self.write_conf()
        self.tandemd = self.relay = None

    def write_conf(self, **more):
        c = {**self.conf, **more}
        trunks = "".join(TRUNK.format(ip=IP, name=n, port=p, media="main" if n[0] == "m" else "none") for n, p in PEER.items())
        with open(self.conf_path, "w") as f:
            f.write(CONF.format(ip=IP, dir=self.dir, sip=SIP[1], rtp=RTP, trunks=trunks, **c) + c.get("extra", ""))

    def start_relay(self):
        self.relay = Daemon("tandem-media", [self.build + "/daemon/tandem-media", "--socket", self.dir + "/media.sock", "--threads", "2"],
                            self.dir + "/relay.log")
        wait_for(lambda: os.path.exists(self.dir + "/media.sock") or not self.relay.alive(), 10, "no media socket")

    def start_tandemd(self):
        open(self.dir + "/tandemd.log", "ab").close()
        size = os.path.getsize(self.dir + "/tandemd.log")
        self.tandemd = Daemon("tandemd", [self.build + "/daemon/tandemd", "-c", self.conf_path], self.dir + "/tandemd.log")

        def ready():
            with open(self.dir + "/tandemd.log", "rb") as f:
                f.seek(size)
                return b"ev=ready" in f.read() or not self.tandemd.alive()
        wait_for(ready, 15, "tandemd is not ready")

    def start(self):
        self.start_relay()
        self.start_tandemd()
        self.check_alive()
        wait_for(lambda: self.status()["media"] == "up", 10, "relay not up")
        return self

    def ctl(self, *args, json_=True, timeout=20):
        r = subprocess.run([self.build + "/daemon/tandemctl", "-s", self.dir + "/run/tandemd.sock"] + (["-j"] if json_ else []) + list(args),
                           capture_output=True, text=True, timeout=timeout)
        if r.returncode:
            raise Failed(f"tandemctl {args}: {r.stderr}{r.stdout}")
        return json.loads(r.stdout) if json_ else r.stdout

    def status(self):
        return self.ctl("status")

    def stats(self):
        return self.ctl("stats")

    def check_alive(self):
        for d in (self.tandemd, self.relay):
            if d and not d.alive():
                raise Failed(f"{d.name} died with {d.p.returncode}:\n{d.tail()}")

    def quiet(self, limit=60, pump=None):
        """Nothing is left after quiet time: Timer J or K of the last message, then an audit."""
        self.check_alive()

        first = self.status()["audit"]["runs"]

        def idle():  # as a whole audit, begun after the last attack, has counted it
            self.check_alive()
            if pump:
                pump()
            self.last = s = self.status()
            return (s["audit"]["runs"] > first and s["calls"] == 0 and s["audit"]["transactions"] == 0 and
                    s["audit"]["dialogs"] == 0)
        try:
            wait_for(idle, limit, "not quiet")
        except Failed:
            raise Failed(f"something is left: {json.dumps(self.last)}")
        s = self.status()
        check(s["audit"]["drift_total"] == 0, f"auditor drift: {s['audit']}")

    def stop(self, keep=False):
        codes = {}
        for d in (self.tandemd, self.relay):
            if d:
                codes[d.name] = d.end()
        bad = {n: c for n, c in codes.items() if c != 0}
        logs = "".join(d.tail(80) for d in (self.tandemd, self.relay) if d and d.name in bad)
        if not keep:
            shutil.rmtree(self.dir, ignore_errors=True)
        check(not bad, f"exit codes {bad}\n{logs}")


def parse(data):
    text = data.decode("latin-1")
    head, _, body = text.partition("\r\n\r\n")
    lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
    hdrs = [(k.strip().lower(), v.strip()) for k, _, v in (l.partition(":") for l in lines[1:])]
    return Msg(lines[0], hdrs, body, text)


class Msg:
    def __init__(self, start, hdrs, body, text):
        self.start, self.hdrs, self.body, self.text = start, hdrs, body, text
        self.status = int(start.split()[1]) if start.startswith("SIP/2.0 ") else 0
        self.method = (start if not self.status else " ".join(reversed(self.get("cseq").split()))).split(" ")[0]

    def get(self, name):
        return next((v for k, v in self.hdrs if k == name), "")

    def all(self, name):
        return [v for k, v in self.hdrs if k == name]


def tag_of(v):
    m = re.search(r";\s*tag=([^;>]+)", v)
    return m.group(1) if m else ""


def sdp(ip=None, port=33990, extra=""):
    ip = ip or IP
    return (f"v=0\r\no=user 1234 1 IN IP4 {ip}\r\ns=secret name\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 8\r\n"
            f"a=rtpmap:0 PCMU/8000\r\n{extra}")


_n = [random.randrange(1 << 30)]


def uid():
    _n[0] += 1
    return f"{_n[0]:x}{os.getpid():x}"


class Peer:
    """A UDP socket at a trunk's address, or at a stranger's."""

    def __init__(self, port=0, ip=None):
        ip = ip or IP
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        self.s.bind((ip, port))
        self.ip, self.port = self.s.getsockname()
        self.to = SIP

    def close(self):
        self.s.close()

    def send(self, data, to=None):
        if isinstance(data, str):
            data = data.encode("latin-1", "replace")
        try:
            self.s.sendto(data, to or self.to)
        except OSError:
            return False
        return True

    def recv(self, timeout=2.0):
        self.s.settimeout(timeout)
        try:
            data, self.source = self.s.recvfrom(65535)
        except (socket.timeout, BlockingIOError):
            return None
        return parse(data)

    def expect(self, what, timeout=12.0, call_id=None, ruri=""):
        """Next message that is this method or status; others are passed over."""
        end = time.monotonic() + timeout
        seen = []
        while time.monotonic() < end:
            m = self.recv(max(0.01, end - time.monotonic()))
            if not m:
                break
            if call_id and m.get("call-id") != call_id:
                continue
            if ruri not in m.start:
                continue
            if m.status == what or (not m.status and m.method == what):
                return m
            seen.append(m.start)
        raise Failed(f"port {self.port}: {what} expected, saw {seen[:8]}")

    def told(self, call_id, timeout):
        """All messages of one Call-ID for so long."""
        end, got = time.monotonic() + timeout, []
        while (left := end - time.monotonic()) > 0:
            m = self.recv(left)
            if m and m.get("call-id") == call_id:
                got.append(m)
        return got

    def drain_raw(self):
        """Whatever it is, RTP for one. @return how many"""
        self.s.setblocking(False)
        n = 0
        try:
            while True:
                self.s.recvfrom(65535)
                n += 1
        except OSError:
            return n

    def drain(self):
        n = 0
        while self.recv(0.01):
            n += 1
        return n

    def request(self, method, user="15550001", call_id=None, from_tag=None, to=None, cseq=1, branch=None, extra="", body="", ruri=None,
                frm=None, to_tag=""):
        self.call_id = call_id or f"{uid()}@{self.ip}"
        self.from_tag = from_tag or uid()
        self.branch = branch or "z9hG4bK" + uid()
        to = to or f"<sip:{user}@tandem.test>" + (f";tag={to_tag}" if to_tag else "")
        frm = frm or f'"Al" <sip:15559999@{self.ip}>'
        ctype = "Content-Type: application/sdp\r\n" if body else ""
        return (f"{method} {ruri or f'sip:{user}@{IP}'} SIP/2.0\r\nVia: SIP/2.0/UDP {self.ip}:{self.port};branch={self.branch};rport\r\n"
                f"Max-Forwards: 70\r\nFrom: {frm};tag={self.from_tag}\r\nTo: {to}\r\nCall-ID: {self.call_id}\r\nCSeq: {cseq} {method}\r\n"
                f"Contact: <sip:c@{self.ip}:{self.port}>\r\n{extra}{ctype}Content-Length: {len(body)}\r\n\r\n{body}")

    def answer(self, req, status, reason="Said", to_tag="ttag", extra="", body=""):
        vias = "".join(f"Via: {v}\r\n" for v in req.all("via"))
        to = req.get("to")
        if "tag=" not in to and status > 100:
            to += f";tag={to_tag}"
        ctype = "Content-Type: application/sdp\r\n" if body else ""
        contact = f"Contact: <sip:u@{self.ip}:{self.port}>\r\n" if 100 < status < 300 else ""
        return (f"SIP/2.0 {status} {reason}\r\n{vias}From: {req.get('from')}\r\nTo: {to}\r\nCall-ID: {req.get('call-id')}\r\n"
                f"CSeq: {req.get('cseq')}\r\n{contact}{extra}{ctype}Content-Length: {len(body)}\r\n\r\n{body}")


class Call:
    """An ordinary call from one peer to another: the well-known good case that everything else bends."""

    count = 0

    def __init__(self, a, b, user="1555", body=None, **kw):
        Call.count += 1
        user += f"{Call.count:06}"  # the far side's INVITE is known by it
        self.a, self.b = a, b
        self.invite = a.request("INVITE", user=user, body=sdp() if body is None else body, **kw)
        self.call_id, self.from_tag, self.user, self.cseq = a.call_id, a.from_tag, user, 1
        self.invite_branch = a.branch
        a.send(self.invite)
        self.out = b.expect("INVITE", ruri=user)

    def answer(self, body=None, to_tag=None, **kw):
        self.b_tag = to_tag or uid()
        self.b.send(self.b.answer(self.out, 200, to_tag=self.b_tag, body=sdp() if body is None else body, **kw))
        self.b.expect("ACK", call_id=self.out.get("call-id"))
        self.ok = self.a.expect(200, call_id=self.call_id)
        self.to = self.ok.get("to")
        self.target = re.search(r"<([^>]+)>", self.ok.get("contact")).group(1)
        self.a.send(self.in_dialog("ACK", cseq=1))
        return self

    def in_dialog(self, method, cseq=None, **kw):
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        kw = {"call_id": self.call_id, "from_tag": self.from_tag, "to": self.to, "ruri": self.target, **kw}
        return self.a.request(method, cseq=cseq, **kw)

    def from_b(self, method, cseq=1, **kw):
        o = self.out
        kw = {"call_id": o.get("call-id"), "from_tag": self.b_tag, "frm": re.sub(r";tag=.*", "", o.get("to")), "to": o.get("from"),
              "ruri": re.search(r"<([^>]+)>", o.get("contact")).group(1), **kw}
        return self.b.request(method, cseq=cseq, **kw)

    def bye(self):
        self.a.send(self.in_dialog("BYE"))
        self.a.expect(200, call_id=self.call_id)
        bye = self.b.expect("BYE", call_id=self.out.get("call-id"))
        self.b.send(self.b.answer(bye, 200))
        return self


def good_call(a, b, **kw):
    return Call(a, b, **kw).answer().bye()
