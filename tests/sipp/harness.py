# SPDX-License-Identifier: BSD-2-Clause
"""
One case: its directory, addresses, configuration, both daemons, SIPp processes, and what must be true of each at the end.
run makes one for each case; the cases call it. It knows how to look at Tandem from outside, never how it works inside.
"""
import collections
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import topology

SIP = 28000        # the switch's port on each of its addresses
SIPS = 28001       # and over TLS
CARRIER = 28010    # and a carrier's
MEDIA = (28020, 29019)
REPORTS = re.compile(r"ERROR: (?:Address|Leak|Thread|Undefined)Sanitizer|WARNING: ThreadSanitizer|runtime error:|Assertion .* failed")
# Counters that must stay at 0 whatever a case does: each is a bug, or a loss.
NEVER = ("bridge_impossible", "legs_impossible", "txn_impossible", "txn_no_room", "cdr_lost", "cdr_write_errors",
         "udp_overflow", "udp_truncated", "handover_refused", "stack_no_memory")


class Failure(Exception):
    """Something is not as the case says it must be."""


class Broken(Failure):
    """What no slowness of the machine explains: a daemon's end, a sanitizer's report, something left, lost or leaked."""


class Skip(Exception):
    """The case cannot run here; the text says why."""


def bound_udp(proto="udp"):
    """{port} of IPv4 sockets as (address, port), from the kernel; IPv6 ones as ("6", port). proto tcp: those that listen."""
    out = set()
    for path in (f"/proc/net/{proto}", f"/proc/net/{proto}6"):
        try:
            with open(path, encoding="ascii") as f:
                lines = f.read().split("\n")[1:]
        except OSError:
            continue
        for line in lines:
            part = line.split()
            if len(part) < 4 or (proto == "tcp" and part[3] != "0A"):
                continue
            host, port = part[1].split(":")
            ip = ".".join(str(b) for b in bytes.fromhex(host)[::-1]) if len(host) == 8 else "6"
            out.add((ip, int(port, 16)))
    return out


class Sipp:
    """One SIPp process."""

    def __init__(self, case, name, side, proc, base):
        self.case, self.name, self.side, self.proc, self.base = case, name, side, proc, base
        self.trace, self.errors, self.stats_file = base + ".msg", base + ".err", base + ".csv"
        self.judged = False

    def wait(self, timeout=60, ok=True):
        """Wait for its end; all of its calls must have succeeded (unless ok is False)."""
        try:
            code = self.proc.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failure(f"sipp {self.name} still runs after {timeout} s{self.why()}") from None
        self.judged = True
        if ok and code != 0:
            raise Failure(f"sipp {self.name} ended with {code}{self.why()}")
        return code

    def why(self):
        """What it says went wrong."""
        try:
            with open(self.errors, encoding="latin-1") as f:
                text = [line.strip() for line in f if line.strip()]
        except OSError:
            return ""
        return "".join(f"\n    | {line[:300]}" for line in text[:12])

    def stats(self):
        """The last line of its statistics."""
        try:
            with open(self.stats_file, encoding="latin-1") as f:
                rows = [line.rstrip("\n").split(";") for line in f if line.strip()]
        except OSError:
            return {}
        return dict(zip(rows[0], rows[-1])) if len(rows) > 1 else {}

    def failed(self):
        return int(self.stats().get("FailedCall(C)", 0) or 0)

    def succeeded(self):
        return int(self.stats().get("SuccessfulCall(C)", 0) or 0)

    def messages(self):
        return topology.read_trace(self.trace)

    def received(self, what=""):
        """Messages received whose text begins so."""
        return [m.text for m in self.messages() if not m.sent and m.text.startswith(what)]

    def stop(self):
        """End a side that serves for ever: no new calls, then its end."""
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGUSR1)
            try:
                self.proc.wait(4)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()


class Case:
    """What a case function gets."""

    def __init__(self, name, build, root, index, net, scale, keep):
        self.name, self.build, self.root, self.index, self.scale, self.keep = name, build, root, index, scale, keep
        self.net = f"127.{net}.{index + 1}"
        self.block6 = None
        self.dir = os.path.join(root, name)
        os.makedirs(self.dir)
        self.procs, self.sipps, self.logs = {}, [], []
        self.n = collections.Counter()
        self.sides = {}
        self.tcp = ()
        self.probes = []
        self.agents = []
        self.note = ""
        self.no_calls_after = 8  # s
        self.linger = 50 * scale
        self.ignore = set()

    @property
    def port6(self):
        """First of 50 ports of ::1: the only IPv6 address of many machines, so all cases of all runs share its ports."""
        end = time.monotonic() + 120
        while self.block6 is None:
            for block in range(19):
                lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                try:
                    lock.bind(f"\0tandem-sipp-ip6-{block}")
                    if any(("6", 29020 + 50 * block + i) in bound_udp() for i in range(50)):
                        raise OSError("somebody else's")
                    self.block6 = (29020 + 50 * block, lock)
                    break
                except OSError:
                    lock.close()
            else:
                if time.monotonic() > end:
                    raise Failure("all IPv6 ports are taken by other runs")
                time.sleep(0.5)
        return self.block6[0]

    # ---- places

    def ip(self, who):
        """Each party has addresses of its own: what leaks is seen."""
        return f"{self.net}.{ {'west': 1, 'east': 2, 'westrtp': 3, 'eastrtp': 4, 'alpha': 11, 'stranger': 99, 'bravo': 21, 'charlie': 22, 'delta': 23}[who]}"

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(name)

    # ---- configuration

    def config(self, trunks=None, workers=2, media=True, unknown="drop", route="default via bravo then charlie", alpha="", extra="", limit="300calls",
               each="", v6=(), glob="", tcp=(), tls=None, listen=""):
        """
        The ordinary configuration: alpha calls from the west, bravo and charlie are called in the east.
        trunks: {name: lines} replaces the carriers of the east; alpha, each, extra, glob: further lines; v6: sides on IPv6; tcp: sides
        whose carriers are reached over TCP (the switch listens on both there); tls: {side: words behind the address of its tls line}, whose carriers are reached over TLS; listen:
        further lines of both listens.
        """
        self.tcp, tls = tcp, tls or {}
        p6 = self.port6 if v6 else 0
        trunks = {"bravo": "", "charlie": ""} if trunks is None else trunks
        west = f"[::1]:{p6}" if "west" in v6 else f"{self.ip('west')}:{SIP}"
        east = f"[::1]:{p6 + 2}" if "east" in v6 else f"{self.ip('east')}:{SIP}"
        if v6:
            limit = "4calls"  # what eight port pairs carry
        out = [f"global\n  node test{self.index}\n  workers {workers}\n  limit {limit}\n  run-dir {self.path('run')}\n"
               f"  state-dir {self.path('state')}\n  media-socket {self.path('media.sock')}\n{glob}"]
        for side, sip, rtp in (("west", west, self.ip("westrtp")), ("east", east, self.ip("eastrtp"))):
            is6 = side in v6
            realm = "west" if is6 and len(v6) == 2 else side  # an address belongs to one realm, and ::1 is the only one
            if realm == side:
                out.append(f"realm {side}\n  address {'::1' if is6 else self.ip(side) + ' ' + rtp}\n")
            out.append(f"listen {side}\n  realm {realm}\n  udp {sip}\n{f'  tcp {sip}' if side in tcp else ''}\n"
                       f"{f'  tls {self.ip(side)}:{SIPS} {tls[side]}' if side in tls else ''}\n  unknown {unknown}\n{listen}")
            if media and realm == side:
                ports = f"{p6 + 10}-{p6 + 25}" if is6 else f"{MEDIA[0]}-{MEDIA[1]}"
                own = "" if is6 else f"  address {rtp}\n"
                out.append(f"media {side}\n  realm {side}\n{own}  ports {ports}\n")
        common = ("" if "options " in each else "  options off\n") + ("" if media else "  media none\n") + each
        out.append(f"profile common\n{common}")
        for name, lines in [("alpha", "  routes main\n" + alpha), *trunks.items()]:
            side = "west" if name == "alpha" else "east"
            own = lines if "peer " in lines else f"  peer {self.carrier(name, v6)} {'tls' if side in tls else 'tcp' if side in tcp else 'udp'}\n{lines}"
            if name == "alpha" and "west" not in v6:
                own += f"  accept {self.ip('alpha')}/32\n"  # whatever its port
            out.append(f"trunk {name}\n  from common\n  listen {side}\n{own}")
        out.append(f"route main\n  {route}\n")
        out.append(f"cdr main\n  file {self.path('cdr.json')} rotate off\n  format json\n{extra}")
        return self.write("tandem.conf", "\n".join(out))

    def carrier(self, name, v6=()):
        side = "west" if name == "alpha" else "east"
        if side in v6:
            return f"[::1]:{self.port6 + {'alpha': 30, 'bravo': 32, 'charlie': 34, 'delta': 36}[name]}"
        return f"{self.ip(name)}:{CARRIER}"

    # ---- daemons

    def spawn(self, name, argv):
        """Start a daemon and wait for the line on stderr that says it serves."""
        self.n[name] += 1
        log = self.path(f"{name}.{self.n[name]}.log")
        self.logs.append(log)
        env = {k: v for k, v in os.environ.items() if not k.startswith(("NOTIFY_", "WATCHDOG_", "JOURNAL_"))}
        with open(log, "wb") as f:
            proc = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=f, stderr=subprocess.STDOUT, cwd=self.dir, env=env)
        self.procs[name] = proc
        end = time.monotonic() + 20 * self.scale
        while time.monotonic() < end:
            if any(line in open(log, "rb").read() for line in (b"ev=ready ", b"ev=media_start ")):
                return proc
            if proc.poll() is not None:
                raise Broken(f"{name} ended with {proc.returncode} before it was ready: {self.tail(log)}")
            time.sleep(0.02)
        raise Failure(f"{name} is not ready: {self.tail(log)}")

    @staticmethod
    def tail(path, lines=12):
        with open(path, encoding="utf-8", errors="replace") as f:
            return "".join(f"\n    | {line.rstrip()[:400]}" for line in f.read().split("\n")[-lines:] if line.strip())

    def start_media(self):
        return self.spawn("tandem-media", [f"{self.build}/daemon/tandem-media", "--socket", self.path("media.sock")])

    def start_tandemd(self):
        return self.spawn("tandemd", [f"{self.build}/daemon/tandemd", "-c", self.path("tandem.conf")])

    def start(self, **kw):
        """Configuration and both daemons; media is waited for."""
        self.media = kw.get("media", True)
        self.config(**kw)
        if self.media:
            self.start_media()
        self.start_tandemd()
        if self.media:
            self.until("the relay is up", lambda: self.ctl("status")["media"] == "up")

    def ctl_raw(self, *words):
        r = subprocess.run([f"{self.build}/daemon/tandemctl", "-s", self.path("run/tandemd.sock"), "--json", *words],
                           capture_output=True, text=True, timeout=30 * self.scale, check=False)
        return r.returncode, r.stdout, r.stderr

    def ctl(self, *words):
        """What tandemctl answers, as JSON."""
        code, out, err = self.ctl_raw(*words)
        if code != 0:
            raise Failure(f"tandemctl {' '.join(words)}: exit {code}: {err.strip()}")
        return json.loads(out)

    def ctl_text(self, *words):
        """What tandemctl prints for people, and metrics for Prometheus."""
        r = subprocess.run([f"{self.build}/daemon/tandemctl", "-s", self.path("run/tandemd.sock"), *words],
                           capture_output=True, text=True, timeout=30 * self.scale, check=False)
        if r.returncode != 0:
            raise Failure(f"tandemctl {' '.join(words)}: exit {r.returncode}: {r.stderr.strip()}")
        return r.stdout

    def stat(self, name):
        return self.ctl("stats").get(name, 0)

    def trunk(self, name):
        for row in self.ctl("show", "trunks"):
            if row["trunk"] == name:
                return row
        raise Failure(f"no trunk {name} in show trunks")

    def kill(self, name, sig=signal.SIGKILL):
        proc = self.procs.pop(name)
        proc.send_signal(sig)
        proc.wait(20 * self.scale)
        return proc.returncode

    # ---- waiting and judging

    def until(self, what, test, timeout=10.0):
        """Poll until it is so; what it was last is told when it never is."""
        end, last = time.monotonic() + timeout * self.scale, None
        while True:
            try:
                last = test()
            except (OSError, ValueError, subprocess.TimeoutExpired) as e:
                last = e
            if last and not isinstance(last, Exception):
                return last
            if time.monotonic() > end:
                raise Failure(f"after {timeout * self.scale:.0f} s still not: {what} (last: {last})")
            time.sleep(0.05)

    @staticmethod
    def eq(what, got, want):
        if got != want:
            raise Failure(f"{what}: {got!r}, expected {want!r}")

    @staticmethod
    def true(what, got):
        if not got:
            raise Failure(what)

    # ---- SIPp

    def sipp(self, name, side, scenario, args=(), n=1, rate=None, hold=None, fields=None, v6=False, port=None, timeout=60, local=None):
        """Start a SIPp; see uac and uas."""
        self.n[name] += 1
        if ("west" if side == "alpha" else "east") in self.tcp and "-t" not in args:
            args = [*args, "-t", "t1"]
        base = self.path(f"{name}{self.n[name] if self.n[name] > 1 else ''}")
        with open(base + ".xml", "w", encoding="latin-1") as f:
            f.write(scenario.xml())
        argv = ["sipp", *args, "-sf", base + ".xml", "-i", "::1" if v6 else (local or self.ip(side)), "-p", str(port), "-nostdin",
                "-trace_msg", "-message_file", base + ".msg", "-message_overwrite", "true", "-trace_err", "-error_file", base + ".err",
                "-trace_stat", "-stf", base + ".csv", "-fd", "1", "-trace_logs", "-log_file", base + ".log",
                "-timeout", f"{int(timeout * self.scale)}s", "-timeout_error", "-recv_timeout", str(int(min(timeout, 40) * 1000 * self.scale)),
                "-mp", str(self.port6 + 40 + 4 * len(self.sipps) if v6 else 29100 + 10 * len(self.sipps))]
        if n:
            argv += ["-m", str(n)]
        if scenario.role == "uac":
            argv += ["-r", str(rate or 10), "-l", "1000"]
        if hold is not None:
            argv += ["-d", str(hold)]
        if fields:
            with open(base + ".inf", "w", encoding="ascii") as f:
                f.write("SEQUENTIAL\n" + "".join(f"{';'.join(map(str, row))};\n" for row in fields))
            argv += ["-inf", base + ".inf"]
        out = open(base + ".out", "wb")
        proc = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=self.dir)
        out.close()
        s = Sipp(self, name, side, proc, base)
        self.sipps.append(s)
        self.sides.setdefault(side, []).append(s.trace)
        return s

    def uas(self, side, scenario, n=None, v6=False, port=None, **kw):
        """A called carrier; n calls, or for ever. Returns when it listens."""
        port = port or (int(self.carrier(side, ("east", "west")).rsplit(":", 1)[1]) if v6 else CARRIER)
        s = self.sipp(f"{side}-uas", side, scenario, n=n, v6=v6, port=port, **kw)
        ip = "6" if v6 else (kw.get("local") or self.ip(side))
        self.until(f"{s.name} listens", lambda: (ip, port) in bound_udp("tcp" if "-t" in s.proc.args else "udp") or s.proc.poll() is not None)
        if s.proc.poll() is not None and n != 0 and s.proc.returncode != 0:
            raise Failure(f"sipp {s.name} did not start: {self.tail(s.base + '.out')}{s.why()}")
        return s

    def uac(self, scenario, side="alpha", v6=False, port=None, numbers=None, toward=None, fields=None, n=1, **kw):
        """A calling carrier; numbers: called ones in turn (default 1212555nnnn)."""
        port = port or (int(self.carrier(side, ("east", "west")).rsplit(":", 1)[1]) if v6 else CARRIER)
        where = toward or ("east" if side in ("bravo", "charlie", "delta") else "west")
        to = f"[::1]:{self.port6 + (0 if where == 'west' else 2)}" if v6 else f"{self.ip(where)}:{SIP}"
        fields = fields or [(num,) for num in (numbers or [f"1212555{i:04}" for i in range(n)])]
        return self.sipp(f"{side}-uac", side, scenario, args=[to, *kw.pop("args", ())], n=n, v6=v6, port=port, fields=fields, **kw)

    def probe(self, pools, logs, talk_ms):
        """rtpprobe on these (address, low port, high port), reading these SIPps' logs."""
        exe = f"{self.build}/tests/bench/rtpprobe"
        if not os.access(exe, os.X_OK):
            raise Skip("tests/bench/rtpprobe is not built")
        report = self.path("probe.json")
        argv = [exe, "--talk", str(talk_ms), "--json", report, "--max-time", "300"]
        for ip, lo, hi in pools:
            argv += ["--pool", f"{ip}:{lo}-{hi}"]
        for log in logs:
            argv += ["--log", log]
        with open(self.path("probe.out"), "wb") as f:
            proc = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=f, stderr=subprocess.STDOUT, cwd=self.dir)
        self.probes.append(proc)
        self.until("the probe is ready", lambda: b"ready" in open(self.path("probe.out"), "rb").read())
        return proc

    def probe_end(self, proc, ok=True):
        """Its report; everything sent must have been heard."""
        proc.terminate()
        code = proc.wait(30 * self.scale)
        if ok and code != 0:
            raise Failure(f"rtpprobe ended with {code}: {self.tail(self.path('probe.out'), 30)}")
        with open(self.path("probe.json"), encoding="utf-8") as f:
            return json.load(f)

    # ---- records

    def records(self, kind=None):
        out = []
        if os.path.exists(self.path("cdr.json")):
            with open(self.path("cdr.json"), encoding="utf-8") as f:
                for line in f:
                    if line.endswith("\n"):
                        out.append(json.loads(line))
        return [r for r in out if kind in (None, r["type"])]

    def cdrs(self, n, attempts=None):
        """Exactly n records of calls (and so many of attempts), once they are written."""
        self.until(f"{n} call records", lambda: len(self.records("call")) >= n, 5)
        calls = self.records("call")
        self.eq("call records", len(calls), n)
        if attempts is not None:
            self.eq("attempt records", len(self.records("attempt")), attempts)
        return calls

    def cdr(self, attempts=None, **want):
        """The one call record, with these values."""
        rec = self.cdrs(1, attempts)[0]
        for key, value in want.items():
            self.eq(f"record's {key}", rec.get(key), value)
        return rec

    # ---- the end

    def no_calls(self, timeout=None):
        timeout = timeout or self.no_calls_after
        self.until("no calls are left", lambda: self.ctl("status")["calls"] == 0, timeout)
        if self.media and "tandem-media" in self.procs:
            self.until("no relay session is left", lambda: self.relay_is_empty(), timeout)

    def shared(self, one, other, token):
        """Our own addresses of a realm are shown to every carrier of that realm."""
        if token in self.ignore:
            return True
        if (one == "alpha") != (other == "alpha"):
            return False
        ours = [self.ip(who) for who in ("east", "eastrtp")]
        return any(token == ip or token.startswith(ip + ":") for ip in ours)

    def relay_is_empty(self):
        r = self.ctl("show", "relay")
        return r["sessions"] == 0 and r["pairs_used"] == 0 and r["pairs_drift"] == 0 and r["endpoints"] == 0

    def finish_active(self):
        """All that can be judged at once: SIPp's own verdicts, calls and sessions gone, nothing of one side shown to another."""
        for s in self.sipps:
            s.stop()
        for s in self.sipps:
            if not s.judged and s.failed():
                raise Failure(f"sipp {s.name}: {s.failed()} calls failed{s.why()}")
        if "tandemd" in self.procs:
            self.no_calls()
        for agent in self.agents:
            agent.close()
        leaks = topology.check(self.sides, self.shared)
        if leaks:
            raise Broken(f"topology: {len(leaks)} leaks" + "".join(f"\n    | {line}" for line in leaks[:12]))

    def finish_linger(self):
        """Transactions and dialogs end by their own timers (up to 32 s) and the auditor counts every 10 s."""
        if "tandemd" in self.procs:
            def empty():
                a = self.ctl("status")["audit"]
                return a["runs"] > 0 and a["transactions"] == 0 and a["dialogs"] == 0
            end = time.monotonic() + self.linger
            while not empty():
                if time.monotonic() > end:
                    raise Failure(f"left over after {self.linger:.0f} s: {self.ctl('status')['audit']}")
                time.sleep(0.5)
            status = self.ctl("status")
            self.eq("audit drift", status["audit"]["drift_total"], 0)
            self.eq("calls", status["calls"], 0)
            self.eq("records lost", status["cdr"]["lost"], 0)
            stats = self.ctl("stats")
            for name in NEVER:
                self.eq(f"counter {name}", stats.get(name, 0), 0)
            for row in self.ctl("show", "limits"):
                self.eq(f"calls held at limit {row['name']} {row['dir']}", row["calls"], 0)
        for name in ("tandemd", "tandem-media"):
            if name in self.procs:
                self.eq(f"exit code of {name} after SIGTERM", self.kill(name, signal.SIGTERM), 0)
        self.no_reports()

    def ended(self):
        """A daemon that the case did not end itself: None, or which one and how."""
        for name, proc in self.procs.items():
            if proc.poll() is not None:
                return f"{name} ended with {proc.returncode}"
        return None

    def no_reports(self):
        for log in self.logs:
            with open(log, encoding="utf-8", errors="replace") as f:
                text = f.read()
            m = REPORTS.search(text)
            if m:
                start = text.rfind("\n", 0, m.start()) + 1
                raise Broken(f"{os.path.basename(log)}: " + "".join(f"\n    | {x[:300]}" for x in text[start:].split("\n")[:40]))

    def clean_up(self, failed):
        """End what this case started, by its own handles."""
        for agent in self.agents:
            agent.close()
        for proc in [*self.procs.values(), *self.probes, *(s.proc for s in self.sipps)]:
            if proc.poll() is None:
                proc.kill()
                proc.wait()
        if self.block6:
            self.block6[1].close()
        if not self.keep and not failed:
            shutil.rmtree(self.dir, ignore_errors=True)


def send_udp(ip, data, to, wait=0.0):
    """One datagram from an address of its own; what comes back within so long, or None."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((ip, CARRIER))
    s.sendto(data, to)
    s.settimeout(wait or 0.01)
    try:
        return s.recvfrom(65536)[0]
    except OSError:
        return None
    finally:
        s.close()
