# SPDX-License-Identifier: BSD-2-Clause
"""Tandem between SIPp carriers on loopback: configuration, processes, readings.

Used by scripts/loadtest and scripts/demo-run. Everything lives in one /16 of 127.0.0.0/8 (--net N: 127.N.0.0/16), so that
two runs on one machine only need different numbers: the switch is 127.N.0.1, carriers are 127.N.1.x and 127.N.2.x.
"""

import csv
import glob
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SCENARIOS = os.path.join(ROOT, "scripts", "scenarios")
SIP_PORT = 5060
UAC_PORT = 5070
MEDIA_PORTS = (10000, 30998)  # outside the kernel's ephemeral range
RTP_FIRST = 12000  # carriers' own RTP ports; their addresses are not the switch's
PROBE_PAIRS = 8192  # what rtpprobe can open
TALK_MARGIN_MS = 300  # the voices stop so long before the BYE: what was sent must arrive
RELAY_CALLS = 4900  # 20,000 descriptors of the relay at four a call, less what it needs itself


class Trouble(Exception):
    """Something that the user can put right; shown without a traceback."""


def say(text=""):
    print(text, flush=True)


def seconds(text):
    """'5s', '500ms', '2m' or a bare number of seconds."""
    found = re.fullmatch(r"([0-9.]+)(ms|s|m|h)?", text)
    if not found:
        raise ValueError(text)
    return float(found[1]) * {"ms": 0.001, "s": 1, None: 1, "m": 60, "h": 3600}[found[2]]


def percent(text):
    value = float(text.rstrip("%"))
    if not 0 <= value <= 100:
        raise ValueError(text)
    return value


def quantile(values, q):
    if not values:
        return float("nan")
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * q))]


# ---- what the machine must offer ------------------------------------------------------------------------------------

def build_dir(build=True):
    """Directory with the built programs: $TANDEM_BUILD or build/ in the tree; made if it is not there."""
    path = os.environ.get("TANDEM_BUILD") or os.path.join(ROOT, "build")
    if build and not os.path.exists(os.path.join(path, "tests", "bench", "rtpprobe")):
        say(f"building in {path}")
        if subprocess.run([os.path.join(ROOT, "scripts", "build"), path], check=False).returncode:
            raise Trouble(f"the build in {path} failed")
    return os.path.abspath(path)


def programs(path, with_switch):
    found = {"sipp": shutil.which("sipp"), "rtpprobe": os.path.join(path, "tests", "bench", "rtpprobe")}
    if with_switch:
        for name in ("tandemd", "tandem-media", "tandemctl"):
            found[name] = os.path.join(path, "daemon", name)
    if not found["sipp"]:
        raise Trouble("sipp is missing: apt-get install sip-tester (or scripts/deps --install test)")
    for name, file in found.items():
        if not os.access(file, os.X_OK):
            raise Trouble(f"{name} is not built: {file}\n  scripts/build {path}, or set TANDEM_BUILD to a built tree")
    return found


def check_machine(descriptors):
    """Refuse what cannot work, warn of what spoils the figures; always say how to put it right."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < descriptors:
        raise Trouble(f"{descriptors} descriptors are needed, the limit is {hard}: ulimit -Hn {descriptors} as root, "
                      "or fewer calls at once")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with open("/proc/sys/net/core/rmem_max", encoding="ascii") as f:
        rmem = int(f.read())
    if rmem < 4 << 20:
        say(f"warning: net.core.rmem_max is {rmem}; bursts will be lost: sysctl -w net.core.rmem_max=8388608")


def free_address(ip, port, kind=socket.SOCK_DGRAM):
    with socket.socket(socket.AF_INET, kind) as s:
        if kind == socket.SOCK_STREAM:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of a run before may be in TIME_WAIT
        try:
            s.bind((ip, port))
        except OSError as e:
            raise Trouble(f"{ip}:{port} cannot be had ({e.strerror}): another run? --net N takes other addresses") from e


# ---- processes --------------------------------------------------------------------------------------------------------

def descriptors(path):
    """Open sockets, timers and the like; files do not count: the first CDR opens one, and it stays."""
    found = 0
    for fd in os.listdir(path):
        try:
            found += not os.readlink(f"{path}/{fd}").startswith("/")
        except FileNotFoundError:
            pass
    return found


def proc_read(pid):
    """CPU [us], memory [KiB], descriptors and threads of a process; None if it is gone."""
    base = f"/proc/{pid}"
    try:
        cpu = 0
        for task in os.listdir(base + "/task"):
            try:
                with open(f"{base}/task/{task}/schedstat", encoding="ascii") as f:
                    cpu += int(f.read().split()[0])
            except FileNotFoundError:
                pass
        with open(base + "/status", encoding="utf-8", errors="replace") as f:
            rss = int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])
        return {"cpu_us": cpu / 1000, "rss_kb": rss, "fds": descriptors(base + "/fd"),
                "threads": len(os.listdir(base + "/task"))}
    except (FileNotFoundError, ProcessLookupError, TypeError):
        return None


class Process:
    """A child of ours: its output in a file, its end by its own pid."""

    all = []

    def __init__(self, name, args, cwd, out):
        self.name, self.args, self.cwd = name, args, cwd
        self.out = os.path.join(cwd, out) if out else None  # None: straight to our own
        with open(os.path.join(cwd, "commands.txt"), "a", encoding="utf-8") as f:
            f.write(" ".join(args) + "\n")
        f = open(self.out, "ab") if out else None
        self.child = subprocess.Popen(args, cwd=cwd, stdin=subprocess.DEVNULL, stdout=f, stderr=f)
        if f:
            f.close()
        self.pid = self.child.pid
        Process.all.append(self)

    def alive(self):
        return self.child.poll() is None

    def text(self):
        with open(self.out, encoding="utf-8", errors="replace") as f:
            return f.read()

    def tail(self, lines=15):
        return "\n".join("    " + line for line in self.text().splitlines()[-lines:])

    def wait(self, limit):
        try:
            return self.child.wait(max(limit, 0.01))
        except subprocess.TimeoutExpired:
            return None

    def wait_text(self, pattern, limit):
        until = time.monotonic() + limit
        while not re.search(pattern, self.text()):
            if not self.alive():
                raise Trouble(f"{self.name} ended at once (exit {self.child.returncode}):\n{self.tail()}")
            if time.monotonic() > until:
                raise Trouble(f"{self.name} is not ready after {limit} s:\n{self.tail()}")
            time.sleep(0.02)

    def tell(self, sig):
        if self.alive():
            self.child.send_signal(sig)

    def stop(self, limit=10, signals=(signal.SIGTERM, signal.SIGTERM, signal.SIGKILL)):
        for sig in signals:
            if not self.alive():
                break
            self.child.send_signal(sig)
            self.wait(limit)
        return self.child.returncode


def stop_all():
    for process in reversed(Process.all):
        process.stop(limit=2)


# ---- the switch -------------------------------------------------------------------------------------------------------

class Carrier:
    """A trunk of the switch and the SIPp processes behind it."""

    def __init__(self, name, ip, prefix=None, media="main", inactivity="60s", **more):
        self.name, self.ip, self.prefix, self.media, self.inactivity = name, ip, prefix, media, inactivity
        self.transport = more.get("transport", "udp")  # udp; tcp: one connection; tcpn: one a call
        self.lines = more.get("lines", ())  # further lines of its trunk
        self.then = None  # a carrier that is tried behind this one
        self.rtp_next = RTP_FIRST
        self.cp_next = 8800

    def rtp_ports(self, pairs):
        first = self.rtp_next
        self.rtp_next += 2 * pairs
        if self.rtp_next > 65000:
            raise Trouble(f"{self.name}: not enough RTP ports for so many calls at once")
        return first

    def control_port(self):
        self.cp_next += 1
        return self.cp_next

    def proto(self):
        return self.transport[:3]

    def sipp_mode(self):
        return {"udp": "u1", "tcp": "t1", "tcpn": "tn"}[self.transport]


CONFIG = """# written by scripts/testbed.py
global
  node            {node}
  run-dir         {dir}/run
  state-dir       {dir}/state
  media-socket    {dir}/run/media.sock
  workers         {workers}
  limit           {calls}calls
realm local
  address         {ip}
listen public
  realm           local
  unknown         403
  udp             {ip}:{port}
{tcp}{media}{extra}{trunks}route default-route
{routes}cdr main
  file            {dir}/cdr/%Y%m%d-%H.json rotate 1h
  format          json
"""

MEDIA = f"""media main
  realm           local
  ports           {MEDIA_PORTS[0]}-{MEDIA_PORTS[1]}
"""

TRUNK = """trunk {c.name}
  listen          public
  media           {c.media}
  peer            {c.ip}:{port} {proto}
  accept          {c.ip}/32
  options         off
  media-inactivity {c.inactivity}
  routes          default-route
{lines}"""


class Switch:
    """Both daemons, from the build tree, with a configuration of their own."""

    def __init__(self, tools, ip, work, carriers, **settings):
        self.tools, self.ip, self.work = tools, ip, work
        self.inside = settings.pop("inside", ())  # command that brings the daemons into another network
        self.relay_words = settings.pop("relay_words", ())  # further options of tandem-media
        for name in ("run", "state", "cdr"):
            os.makedirs(os.path.join(work, name), exist_ok=True)
        self.config = os.path.join(work, "tandem.conf")
        self.write_config(carriers, settings)
        self.daemons = {}

    def write_config(self, carriers, settings):
        trunks = "".join(TRUNK.format(c=c, port=SIP_PORT, proto=c.proto(), lines="".join(f"  {line}\n" for line in c.lines)) for c in carriers)
        routes = "".join(f"  prefix {c.prefix:<8} via {c.name}{f' then {c.then.name}' if c.then else ''}\n" for c in carriers if c.prefix)
        tcp = f"  tcp             {self.ip}:{SIP_PORT}\n" if any(c.proto() == "tcp" for c in carriers) else ""
        # a media section that nobody uses would still bound the calls by its ports
        media = MEDIA if any(c.media == "main" for c in carriers) else ""
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(CONFIG.format(dir=self.work, ip=self.ip, port=SIP_PORT, tcp=tcp, media=media, trunks=trunks, routes=routes,
                                  extra=settings.get("extra", ""),
                                  node=settings.get("node", "loadtest"), workers=settings.get("workers", 1),
                                  calls=settings.get("calls", 1000)))

    def start(self, relay=True):
        if not self.inside:
            free_address(self.ip, SIP_PORT)
        if relay:
            self.start_relay()
        control = Process("tandemd", [*self.inside, self.tools["tandemd"], "-c", self.config], self.work, "tandemd.log")
        control.wait_text(r"\bev=ready\b", 10)
        self.daemons["tandemd"] = control

    def start_relay(self):
        path = os.path.join(self.work, "run", "media.sock")
        relay = Process("tandem-media", [*self.inside, self.tools["tandem-media"], "--socket", path, *self.relay_words], self.work,
                        "tandem-media.log")
        until = time.monotonic() + 5
        while relay.alive() and not os.path.exists(path):
            if time.monotonic() > until:
                raise Trouble(f"tandem-media makes no socket:\n{relay.tail()}")
            time.sleep(0.02)
        if not relay.alive():
            raise Trouble(f"tandem-media ended at once:\n{relay.tail()}")
        self.daemons["tandem-media"] = relay

    def read(self):
        return {name: proc_read(self.daemons[name].pid) for name in ("tandemd", "tandem-media") if name in self.daemons}

    def ctl(self, *words):
        """Answer of tandemctl as JSON; None if it gives none."""
        args = [self.tools["tandemctl"], "-s", os.path.join(self.work, "run", "tandemd.sock"), "--json", *words]
        try:
            done = subprocess.run(args, capture_output=True, text=True, timeout=10, check=False)
            return json.loads(done.stdout) if done.returncode == 0 else None
        except (subprocess.TimeoutExpired, ValueError):
            return None

    def stop(self):
        """SIGTERM drains; the controller first, the relay serves it to its end. Exit codes by name."""
        return {name: self.daemons[name].stop(limit=15) for name in ("tandemd", "tandem-media") if name in self.daemons}

    def flushed(self, calls, limit=5):
        """Wait for the writer thread: records of calls, as many as there were, or as there will be."""
        until = time.monotonic() + limit
        while time.monotonic() < until and sum(record_kind(r) == "call" for r in self.records()) < calls:
            time.sleep(0.1)

    def records(self):
        """All CDRs, in order of files."""
        found = []
        for file in sorted(glob.glob(os.path.join(self.work, "cdr", "*"))):
            with open(file, encoding="utf-8") as f:
                found += [json.loads(line) for line in f if line.strip()]
        return found


def record_kind(record):
    """'call', 'attempt' or 'interim'."""
    return record.get("type")


def media_packets(records, leg):
    """Packets that the relay received from a leg, over all records; None if the records do not say."""
    found = [r[f"{leg}_packets"] for r in records if r.get(f"{leg}_packets") is not None]
    return sum(found) if found else None


# ---- SIPp -------------------------------------------------------------------------------------------------------------

class Flow:
    """Calls from one carrier to another: a SIPp UAC and a SIPp UAS."""

    def __init__(self, name, src, dst, rate, calls, hold, voices, kind=None, first=None):
        self.name, self.src, self.dst, self.rate, self.calls, self.hold, self.voices = name, src, dst, rate, calls, hold, voices
        self.kind = kind  # of scripts/mixes.py; None: the plain call of scripts/scenarios
        self.lossy = False  # is the network bad
        self.first = first  # the carrier that is asked before dst, in vain
        self.uac = self.uas = self.vain = None
        # twice the calls that stand, and those of the last second: a port rests before its next call
        self.pairs = int(min(rate * (hold + 2) * 2 + 20, calls + 1)) if voices else 0

    def ports(self, carrier):
        return f"{carrier.ip}:{self.rtp_first[carrier.name]}-{self.rtp_first[carrier.name] + 2 * self.pairs - 1}"

    def sides(self):
        return [("uac", self.src), ("uas", self.dst)] + ([("first", self.first)] if self.first else [])

    def prepare(self, work, serial):
        self.dir = {}
        for side, carrier in self.sides():
            self.dir[side] = os.path.join(work, f"{self.name}-{side}")
            os.makedirs(self.dir[side])
            open(os.path.join(self.dir[side], "rtp.log"), "w", encoding="ascii").close()
            if self.kind:
                with open(os.path.join(self.dir[side], "scenario.xml"), "w", encoding="ascii") as f:
                    f.write(getattr(self.kind, side))
        self.rtp_first = {c.name: c.rtp_ports(self.pairs) for c in (self.src, self.dst)}
        with open(os.path.join(self.dir["uac"], "calls.csv"), "w", encoding="ascii") as f:
            f.write("SEQUENTIAL\n")
            f.writelines(f"{(self.first or self.dst).prefix}{serial * 100000 + i:07d};{self.rtp_first[self.src.name] + 2 * i}\n"
                         for i in range(self.pairs))
        with open(os.path.join(self.dir["uas"], "calls.csv"), "w", encoding="ascii") as f:
            f.write("SEQUENTIAL\n")
            f.writelines(f"{self.rtp_first[self.dst.name] + 2 * i}\n" for i in range(self.pairs))

    def sipp(self, tools, side, carrier, port, more):
        scenario = os.path.join(SCENARIOS, f"{side}-media.xml" if self.voices else f"{side}.xml")
        if self.kind:
            scenario = os.path.join(self.dir[side], "scenario.xml")
        control = carrier.control_port()
        args = [tools["sipp"], "-sf", scenario, "-t", carrier.sipp_mode(), "-i", carrier.ip, "-p", str(port),
                "-mi", carrier.ip, "-mp", str(6000 + 10 * (control - 8800)), "-ci", carrier.ip, "-cp", str(control), "-nostdin",
                "-trace_stat", "-stf", "stat.csv", "-fd", "1", "-trace_err", "-error_file", "errors.log",
                "-buff_size", "4194304", "-m", str(self.calls),
                # room for the calls of a switch that is late: SIPp must not hold back, and takes no more than descriptors
                "-l", str(min(19000, int(self.rate * (self.hold + 35)) + 100))]
        if self.lossy and side != "uac":
            args += ["-pause_msg_ign"]  # what comes again while SIPp pauses does not end its call
        if carrier.transport == "tcpn":
            args += ["-max_socket", "10000"]  # below its descriptors, or it does not start
        if self.voices:
            args += ["-inf", "calls.csv", "-trace_logs", "-log_file", "rtp.log"]
        return Process(f"sipp {self.name} {side}", args + more, self.dir[side], "screen.txt")

    def start_uas(self, tools):
        for carrier in (self.dst, self.first):
            if carrier:
                free_address(carrier.ip, SIP_PORT, socket.SOCK_STREAM if carrier.proto() == "tcp" else socket.SOCK_DGRAM)
        self.uas = self.sipp(tools, "uas", self.dst, SIP_PORT, [])
        if self.first:
            self.vain = self.sipp(tools, "first", self.first, SIP_PORT, ["-key", "other", f"{self.dst.ip}:{SIP_PORT}"])

    def called(self):
        return [p for p in (self.uas, self.vain) if p]

    def start_uac(self, tools, target):
        limit = self.calls / self.rate + self.hold + 70  # Timer B, and the BYE's
        self.uac = self.sipp(tools, "uac", self.src, UAC_PORT,
                             ["-r", f"{self.rate:g}", "-d", str(int(self.hold * 1000)), "-trace_rtt", "-rtt_freq", "1",
                              "-timeout", f"{int(limit)}s", "-key", "caller", "+12125550123",
                              "-key", "prefix", (self.first or self.dst).prefix, target])

    def counters(self, side):
        """Last line of SIPp's statistics."""
        try:
            with open(os.path.join(self.dir[side], "stat.csv"), encoding="utf-8", errors="replace") as f:
                rows = list(csv.DictReader(f, delimiter=";"))
        except FileNotFoundError:
            rows = []
        if not rows:
            return None
        last = rows[-1]

        def number(key):
            return int(last.get(key) or 0)

        return {"created": number("TotalCallCreated"), "good": number("SuccessfulCall(C)"), "failed": number("FailedCall(C)"),
                "unexpected": number("FailedUnexpectedMessage(C)"), "astray": number("OutOfCallMsgs(C)") + number("DeadCallMsgs(C)"),
                "retransmissions": number("Retransmissions(C)"),
                "seconds": float(last["CurrentTime"].split()[-1]) - float(last["StartTime"].split()[-1]),
                "most": max(int(r.get("CurrentCall") or 0) for r in rows)}

    def pdd_ms(self):
        found = []
        for file in glob.glob(os.path.join(self.dir["uac"], "*_rtt.csv")):
            with open(file, encoding="ascii", errors="replace") as f:
                for line in f:
                    part = line.rstrip("\n").split(";")
                    if len(part) == 3 and part[2] == "1":
                        found.append(float(part[1]))
        return found

    def errors(self, lines=6):
        found = []
        for side, _ in self.sides():
            try:
                with open(os.path.join(self.dir[side], "errors.log"), encoding="utf-8", errors="replace") as f:
                    found += [f"    {self.name} {side}: {line.rstrip()[:200]}" for line in f if line.strip()][:lines]
            except FileNotFoundError:
                pass
        return found


class Probe:
    """rtpprobe over all flows that have voices."""

    def __init__(self, tools, flows, work, interval_ms=20, margin_ms=TALK_MARGIN_MS):
        self.process, self.report = None, os.path.join(work, "probe.json")
        voiced = [f for f in flows if f.voices]
        if not voiced:
            return
        if sum(2 * f.pairs for f in voiced) > PROBE_PAIRS:
            raise Trouble(f"rtpprobe can hold {PROBE_PAIRS} port pairs; this needs {sum(2 * f.pairs for f in voiced)}: "
                          "a smaller rate, hold time or --media")
        args = [tools["rtpprobe"], "--talk", str(int(voiced[0].hold * 1000) - margin_ms), "--interval", str(interval_ms),
                "--json", self.report]
        for f in voiced:
            args += ["--pool", f.ports(f.src), "--pool", f.ports(f.dst)]
            args += ["--log", os.path.join(f.dir["uac"], "rtp.log"), "--log", os.path.join(f.dir["uas"], "rtp.log")]
        self.process = Process("rtpprobe", args, work, "probe.log")
        try:
            os.setpriority(os.PRIO_PROCESS, self.process.pid, -15)  # what the witness is too slow for looks like loss
        except PermissionError:
            pass
        self.process.wait_text(r"^ready", 20)

    def finish(self):
        """The probe's findings, or None if there were no voices."""
        if not self.process:
            return None
        self.process.stop(limit=10)
        try:
            with open(self.report, encoding="utf-8") as f:
                return json.load(f)
        except (FileNotFoundError, ValueError) as e:
            raise Trouble(f"rtpprobe gave no report:\n{self.process.tail()}") from e


class Run:
    """One run: flows through a switch (or straight, without one), with readings before, during and after."""

    def __init__(self, tools, work, flows, switch, ip):
        self.tools, self.work, self.flows, self.switch, self.ip = tools, work, flows, switch, ip
        self.before, self.after, self.peak_rss = {}, {}, {}
        self.until_empty = False

    def go(self, progress):
        if self.switch and not self.switch.daemons:
            self.switch.start()
        for i, flow in enumerate(self.flows):
            flow.prepare(self.work, i + 1)
        probe = Probe(self.tools, self.flows, self.work)
        for flow in self.flows:
            flow.start_uas(self.tools)
        time.sleep(0.5)  # SIPp says nowhere that it listens
        for flow in self.flows:
            for uas in flow.called():
                if not uas.alive():
                    raise Trouble(f"{uas.name} ended at once:\n" + "\n".join(flow.errors()) + "\n" + uas.tail())
        self.before = self.switch.read() if self.switch else {}
        self.started = time.monotonic()
        for flow in self.flows:
            flow.start_uac(self.tools, f"{self.ip if self.switch else flow.dst.ip}:{SIP_PORT}")
        self.watch(progress)
        self.voices = probe.finish()
        self.settle()

    def watch(self, progress):
        limit = max(f.calls / f.rate + f.hold for f in self.flows) + 90
        told = 0
        while any(f.uac.alive() for f in self.flows):
            elapsed = time.monotonic() - self.started
            for name, reading in (self.switch.read() if self.switch else {}).items():
                if reading is None:
                    raise Trouble(f"{name} died under load:\n{self.switch.daemons[name].tail()}")
                self.peak_rss[name] = max(self.peak_rss.get(name, 0), reading["rss_kb"])
            if elapsed > limit:
                raise Trouble(f"SIPp does not end after {limit:.0f} s")
            if elapsed - told >= 1:
                told = elapsed
                progress(elapsed, self)
            time.sleep(0.25)
        for uas in (p for flow in self.flows for p in flow.called()):  # their last BYE's retransmissions are waited for
            if uas.wait(8) is None:
                uas.tell(signal.SIGUSR1)
                uas.wait(6)
                uas.stop(limit=2)

    def settle(self):
        """Wait for the switch to be empty; what it still holds then is a leak."""
        if not self.switch:
            return
        until = time.monotonic() + 40  # Timer H and J (32 s), and the quarantine of ports
        while True:
            self.after = self.switch.read()
            back = all(self.after[n] and self.after[n]["fds"] <= self.before[n]["fds"] for n in self.before)
            if back or time.monotonic() > until:
                break
            time.sleep(0.5)
        self.status = self.audited()
        self.relay = self.switch.ctl("show", "relay")
        self.stats = self.switch.ctl("stats")

    def audited(self):
        """Status of the switch after its auditor (each 10 s) has counted once more: what it found under load is history.

        Between identical runs the transactions are waited for too: the next run must find their memory free.
        """
        limit = 50 if self.until_empty else 15  # Timers H and J (32 s), and an audit
        if any(f.lossy for f in self.flows):
            limit = 150  # an 18x that nobody goes on with (60 s), its CANCEL or BYE to a party that has gone (32 s), the timers
        first = status = self.switch.ctl("status")
        until = time.monotonic() + limit
        while status and time.monotonic() < until:
            audit = status.get("audit", {})
            if audit.get("runs", 0) > first.get("audit", {}).get("runs", 0) and not (
                    self.until_empty and audit.get("transactions", 0) + audit.get("dialogs", 0)):
                break
            time.sleep(0.5)
            status = self.switch.ctl("status")
        return status

    def achieved_cps(self):
        """Calls that went well, over the time in which they were started."""
        def took(flow, seconds):
            return flow.calls / flow.rate if flow.kind and flow.kind.lasts else max(seconds - flow.hold, 0.001)
        found = [(c["good"], took(f, c["seconds"])) for f in self.flows if (c := f.counters("uac"))]
        return sum(good / time_s for good, time_s in found)

    def total(self, side, key):
        return sum((f.counters(side) or {}).get(key, 0) for f in self.flows)

    def pdd_ms(self):
        return [v for f in self.flows for v in f.pdd_ms()]


def work_dir(prefix):
    return tempfile.mkdtemp(prefix=prefix)


def on_signals():
    def leave(sig, _):
        raise SystemExit(128 + sig)
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, leave)


def main(body):
    """Run a script's body; children are ended whatever happens."""
    sys.dont_write_bytecode = True
    on_signals()
    try:
        code = body()
    except Trouble as e:
        print(f"{os.path.basename(sys.argv[0])}: {e}", file=sys.stderr)
        code = 2
    finally:
        stop_all()
    sys.exit(code)
