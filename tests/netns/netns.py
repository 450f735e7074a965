# SPDX-License-Identifier: BSD-2-Clause
"""
Three network namespaces A - relay - B joined by veth, tandem-media in the middle, a controller and parties that speak RTP.
The cases use it: a Bench is made, used and removed by `with`. It knows how to look at tandem-media from outside only.
"""
import array
import ctypes
import fcntl
import json
import mmap
import os
import platform
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

PORTS = (20000, 49999)  # the relay's, in a namespace that is the test's own; on four addresses they have lines enough
PARTY = 10000           # first port of the parties
LINE = 192              # bytes of struct line; its state comes first, 0: off
ETHTOOL = 0x8946        # SIOCETHTOOL
ETHTOOL_SGRO = 0x2c
ETHTOOL_STXCSUM = 0x17
START_LIMIT = 60        # s; for what hangs
REPORTS = re.compile(r"ERROR: (?:Address|Leak|Thread|Undefined)Sanitizer|WARNING: ThreadSanitizer|runtime error:|Assertion .* failed")


class Failure(Exception):
    """Something is not as the case says it must be."""


class Skip(Exception):
    """The case cannot run here; the text says why."""


def check(condition, text):
    if not condition:
        raise Failure(text)


def sh(*words, ok=True):
    """Run a command; its output, or Failure."""
    r = subprocess.run(words, capture_output=True, text=True, check=False)
    if ok and r.returncode != 0:
        raise Failure(f"{' '.join(words)}: {r.stderr.strip() or r.stdout.strip()}")
    return r.stdout


def why_not():
    """Why nothing of this can run here; None: it can."""
    if os.geteuid() != 0:
        return "not root: network namespaces need it"
    if not shutil.which("ip"):
        return "no ip command (iproute2)"
    name = f"tnprobe-{os.getpid()}"
    try:
        sh("ip", "netns", "add", name)
    except Failure as e:
        return f"no network namespaces: {e}"
    sh("ip", "netns", "del", name, ok=False)
    return None


def in_netns(name, fn):
    """Call fn in a child that is in the namespace; Failure if it raises."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            fd = os.open(f"/run/netns/{name}", os.O_RDONLY)
            if ctypes.CDLL(None, use_errno=True).setns(fd, 0x40000000) == 0:
                fn()
                code = 0
        finally:
            os._exit(code)
    if os.waitpid(pid, 0)[1] != 0:
        raise Failure(f"in namespace {name}")


def set_offloads(device):
    """
    GRO: without it veth refuses what XDP redirects to it; only the change counts, and only while the link is up. TX checksums:
    on a wire each packet has its own, but between veths that is left out, and behind a redirect nobody knows of it any more.
    """
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for command, on in ((ETHTOOL_STXCSUM, 0), (ETHTOOL_SGRO, 0), (ETHTOOL_SGRO, 1)):
        value = array.array("B", struct.pack("II", command, on))
        ifreq = struct.pack("16sP", device.encode(), value.buffer_info()[0])
        fcntl.ioctl(s, ETHTOOL, ifreq)


def set_gro(device, on):
    """On or off alone."""
    value = array.array("B", struct.pack("II", ETHTOOL_SGRO, int(on)))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, ETHTOOL, struct.pack("16sP", device.encode(), value.buffer_info()[0]))


def map_read(path):
    """The memory of a pinned array map that may be mapped."""
    number = {"x86_64": 321, "aarch64": 280}.get(platform.machine())
    if number is None:
        raise Skip(f"bpf() has another number on {platform.machine()}")
    name = ctypes.create_string_buffer(path.encode())
    libc = ctypes.CDLL(None, use_errno=True)
    what = (ctypes.c_uint64 * 16)(ctypes.addressof(name))
    fd = libc.syscall(number, 7, what, 128)  # BPF_OBJ_GET
    if fd < 0:
        raise Failure(f"{path}: {os.strerror(ctypes.get_errno())}")
    try:
        with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as f:
            n = {k: int(v) for k, v in re.findall(r"^(value_size|max_entries):\s+(\d+)", f.read(), re.M)}
        with mmap.mmap(fd, n["value_size"] * n["max_entries"], mmap.MAP_SHARED, mmap.PROT_READ) as m:
            return m[:]
    finally:
        os.close(fd)


class Talker:
    """A program that answers each line with a line of JSON."""

    def __init__(self, argv, log):
        self.argv, self.log = argv, open(log, "a", encoding="utf-8")
        self.proc = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, bufsize=1,
                                     preexec_fn=lambda: os.nice(-15))
        first = self.proc.stdout.readline().strip()
        if first != "ready":
            self.end()
            raise Failure(f"{os.path.basename(argv[0])} did not start: {first} ({log})")

    def __call__(self, line):
        self.proc.stdin.write(line + "\n")
        self.proc.stdin.flush()
        text = self.proc.stdout.readline()
        if not text:
            raise Failure(f"{os.path.basename(self.argv[0])} ended at: {line}")
        return json.loads(text)

    def end(self):
        if self.proc.poll() is None:
            try:
                self.proc.stdin.write("quit\n")
                self.proc.stdin.close()
            except OSError:
                pass
            try:
                self.proc.wait(5)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
        self.log.close()


class Flow(Talker):
    """rtpflow; its reports say also what the links between it and the relay have lost, full as they were."""

    def __init__(self, bench, argv, log):
        self.bench = bench
        self.look()  # before it speaks: what is lost of its first packets counts
        super().__init__(argv, log)

    def look(self):
        self.before, self.bad = self.bench.links_dropped(), self.bench.bad_sums()

    def __call__(self, line):
        if line == "mark":
            self.look()  # the parties speak again as soon as it has answered
        r = super().__call__(line)
        if line in ("report", "peek"):
            r["dropped"] = self.bench.links_dropped() - self.before
            r["bad_sums"] = self.bench.bad_sums() - self.bad
        return r


class Bench:
    """
    Namespaces NAME-a, NAME-r and NAME-b. The relay has 10.99.1.1 and fd99:1::1 towards A (device va), 10.99.2.1 and fd99:2::1
    towards B (device vb); the parties have .2 / ::2 on both sides, and .66 / ::66 is free for who is none.
    """
    A4, B4, A6, B6 = "10.99.1.2", "10.99.2.2", "fd99:1::2", "fd99:2::2"
    R = {"a": "10.99.1.1", "b": "10.99.2.1", "a6": "fd99:1::1", "b6": "fd99:2::1"}

    def __init__(self, build, name=None, keep=False):
        self.build = os.path.abspath(build)
        self.name = name or f"tn{os.getpid() % 100000}"
        self.dir = tempfile.mkdtemp(prefix=f"td-{self.name}-", dir="/tmp")
        self.keep = keep
        self.ns = {x: f"{self.name}-{x}" for x in "arb"}
        self.relay = self.ctl_ = None
        self.pins = os.path.join(self.dir, "bpf")
        self.has_pins = False
        self.set_up = None      # words of the --setup that is to be undone
        self.talkers = []
        self.epoch = int(time.time()) & 0x3fffffff

    # -- links

    def __enter__(self):
        try:
            self.links()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None and kind is not Skip:
            self.keep = True
        self.close()

    def ip(self, side, *words, ok=True):
        return sh("ip", "-n", self.ns[side], *words, ok=ok)

    def run(self, side, *words, ok=True):
        return sh("ip", "netns", "exec", self.ns[side], *words, ok=ok)

    def sysctl(self, side, key, value):
        def write():
            with open("/proc/sys/" + key.replace(".", "/"), "w", encoding="ascii") as f:
                f.write(str(value))
        in_netns(self.ns[side], write)

    def links(self):
        for ns in self.ns.values():
            sh("ip", "netns", "del", ns, ok=False)
            sh("ip", "netns", "add", ns)
        for side, net in (("a", 1), ("b", 2)):
            dev = "v" + side
            sh("ip", "-n", self.ns["r"], "link", "add", dev, "type", "veth", "peer", "name", dev, "netns", self.ns[side])
            for where, host in (("r", 1), (side, 2)):
                self.sysctl(where, f"net.ipv6.conf.{dev}.accept_dad", 0)
                self.ip(where, "addr", "add", f"10.99.{net}.{host}/24", "dev", dev)
                self.ip(where, "-6", "addr", "add", f"fd99:{net}::{host}/64", "dev", dev, "nodad")
                self.ip(where, "link", "set", dev, "up")
                self.ip(where, "link", "set", "lo", "up")
            self.ip(side, "route", "add", "default", "via", f"10.99.{net}.1")
            self.ip(side, "-6", "route", "add", "default", "via", f"fd99:{net}::1")
        for side in "ab":
            for where in ("r", side):
                in_netns(self.ns[where], lambda dev="v" + side: set_offloads(dev))
        self.sysctl("r", "net.ipv4.ip_forward", 0)
        for side in "ab":   # a neighbour is there before the first packet needs it
            in_netns(self.ns[side], lambda side=side: self.greet(side))

    def greet(self, side):
        for host, family in ((self.R[side], socket.AF_INET), (self.R[side + "6"], socket.AF_INET6)):
            with socket.socket(family, socket.SOCK_DGRAM) as s:
                s.sendto(b"", (host, 9))

    def mac(self, side, dev=None):
        """The address of a side's device (of its end, not the relay's)."""
        return json.loads(self.ip(side, "-j", "link", "show", dev or "v" + side))[0]["address"]

    # -- the relay

    def mount_pins(self):
        if not self.has_pins:
            os.makedirs(self.pins, exist_ok=True)
            try:
                sh("mount", "-t", "bpf", "bpf", self.pins)
            except Failure as e:
                raise Skip(f"no bpffs: {e}") from e
            self.has_pins = True

    @property
    def media(self):
        return os.path.join(self.build, "daemon/tandem-media")

    def setup(self, *words):
        """tandem-media --setup with pins of our own; Skip when this machine cannot. words: as the program takes them."""
        self.mount_pins()
        r = subprocess.run(["ip", "netns", "exec", self.ns["r"], self.media, "--setup", "--pins", self.pin_dir, *words],
                           capture_output=True, text=True, check=False)
        with open(os.path.join(self.dir, "setup.log"), "a", encoding="utf-8") as f:
            f.write(r.stdout + r.stderr)
        if r.returncode != 0:
            raise Skip(f"--setup {' '.join(words)}: {(r.stderr or r.stdout).strip().splitlines()[-1:]}")
        self.set_up = words
        return r.stderr + r.stdout

    @property
    def pin_dir(self):
        return os.path.join(self.pins, "tandem")

    def teardown(self):
        if self.set_up is not None:
            subprocess.run(["ip", "netns", "exec", self.ns["r"], self.media, "--teardown", "--pins", self.pin_dir],
                           capture_output=True, check=False)
            self.set_up = None

    @property
    def socket(self):
        return os.path.join(self.dir, "media.sock")

    def start(self, *words):
        """tandem-media in the middle. words: its further options. It uses the pins if setup() has been called."""
        argv = ["ip", "netns", "exec", self.ns["r"], self.media, "--socket", self.socket, *words]
        if self.set_up is not None and "--pins" not in words:
            argv += ["--pins", self.pin_dir]
        self.log = os.path.join(self.dir, "media.log")
        with open(self.log, "a", encoding="utf-8") as f:
            self.relay = subprocess.Popen(argv, stdout=f, stderr=f, preexec_fn=lambda: os.nice(-5))
            begin = f.tell()
        end = time.monotonic() + START_LIMIT
        while not self.serves(begin):
            if self.relay.poll() is not None or time.monotonic() > end:
                raise Failure(f"tandem-media did not start: {self.tail()}")
            time.sleep(0.02)

    def serves(self, begin):
        """It listens before it has its pins and sessions; what it has said since `begin` tells that it has them."""
        with open(self.log, "rb") as f:
            f.seek(begin)
            return b"ev=media_start " in f.read() and self.accepts()

    def accepts(self):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            s.connect(self.socket)
            return True
        except OSError:
            return False
        finally:
            s.close()

    def tail(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()[-600:]

    def stop(self, sig=signal.SIGTERM):
        """End the relay; its exit status."""
        if not self.relay:
            return None
        if self.relay.poll() is None:
            self.relay.send_signal(sig)
            try:
                time.sleep(0.1)
                if self.relay.poll() is None:
                    self.relay.send_signal(sig)  # the second one does not wait for sessions
                self.relay.wait(10)
            except subprocess.TimeoutExpired:
                self.relay.kill()
                self.relay.wait()
        code = self.relay.returncode
        self.relay = None
        return code

    def lines_on(self):
        """Of the kernel's table of lines, those that are not off; 0 without a table."""
        path = os.path.join(self.pin_dir, "lines")
        if self.set_up is None:
            return 0
        table = map_read(path)
        return sum(state != 0 for state in table[::LINE])

    def fds(self):
        return len(os.listdir(f"/proc/{self.relay.pid}/fd"))

    def is_sanitized(self):
        """Was tandem-media built with a sanitizer of memory?"""
        with open(self.media, "rb") as f:
            return b"__asan_init" in f.read()

    def rss_kib(self):
        with open(f"/proc/{self.relay.pid}/status", encoding="ascii") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))

    # -- controller and parties

    def ctl(self, line=None):
        """The controller; with a line, its answer to it."""
        if not self.ctl_:
            self.epoch += 1
            self.ctl_ = self.talker("tests/netns/mediactl", self.socket, str(self.epoch))
        return self.ctl_(line) if line else self.ctl_

    def ok(self, line):
        """The controller's answer; Failure if something was refused."""
        r = self.ctl(line)
        check(not r.get("failed") and not r.get("status"), f"{line}: {r}")
        return r

    def links_dropped(self):
        """Packets that a device could not hand to its other end, whose queue was full: nobody there had a processor."""
        n = 0
        for where, dev in (("a", "va"), ("b", "vb"), ("r", "va"), ("r", "vb")):
            n += json.loads(self.ip(where, "-s", "-j", "link", "show", dev))[0]["stats64"]["tx"]["dropped"]
        return n

    def bad_sums(self):
        """UDP packets with wrong checksums that the parties got: their sockets count them as dropped, too."""
        n = 0
        for side in "ab":
            text = sh("ip", "netns", "exec", self.ns[side], "cat", "/proc/net/snmp", "/proc/net/snmp6")
            names, values = [line.split() for line in text.splitlines() if line.startswith("Udp: ")]
            n += int(values[names.index("InCsumErrors")])
            n += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Udp6InCsumErrors"))
        return n

    def talker(self, program, *words):
        t = Talker([os.path.join(self.build, program), *words], os.path.join(self.dir, os.path.basename(program) + ".log"))
        self.talkers.append(t)
        return t

    def pools(self, lo=PORTS[0], hi=PORTS[1], quarantine=100):
        """One pool for each side, with addresses of both families."""
        for side in "ab":
            self.ok(f"pool {side} {lo}-{hi} quarantine={quarantine} {self.R[side]} {self.R[side + '6']}")

    def open(self, count, first=0, a=None, b=None, **options):
        """Calls between A and B: a and b are the parties' first addresses (two ports a call)."""
        words = {"pool-a": "a", "pool-b": "b", "a": f"{a or self.A4}:{PARTY}", "b": f"{b or self.B4}:{PARTY}", **options}
        for k in ("a", "b"):
            host, _, port = words[k].rpartition(":")
            if ":" in host and not host.startswith("["):
                words[k] = f"[{host}]:{port}"
        return self.ok(f"open {first} {count} " + " ".join(f"{k.replace('_', '-')}={v}" for k, v in words.items()))

    def map(self, count, first=0):
        path = os.path.join(self.dir, f"map.{first}")
        self.ok(f"map {first} {count} {path}")
        return path

    def flow(self, path, pps=50, bytes_=172, pt=0, event_pt=101, only=""):
        """Both parties of the calls of a map, speaking."""
        argv = [os.path.join(self.build, "tests/netns/rtpflow"), self.ns["a"], self.ns["b"], path, str(pps), str(bytes_), str(pt), str(event_pt)]
        t = Flow(self, argv + ([only] if only else []), os.path.join(self.dir, "rtpflow.log"))
        self.talkers.append(t)
        return t

    def inject(self, path, pps, seconds, kinds="all", side="a"):
        return subprocess.Popen([os.path.join(self.build, "tests/netns/inject"), self.ns[side], path, str(pps), str(seconds), kinds],
                                stdout=subprocess.PIPE, text=True)

    def until(self, what, fn, seconds=40.0):
        """Wait until fn() is true; Failure with what was waited for. @return seconds waited"""
        start = time.monotonic()
        while True:
            last = fn()
            if last:
                return time.monotonic() - start
            if time.monotonic() - start > seconds:
                raise Failure(f"waited {seconds} s in vain: {what} ({last})")
            time.sleep(0.02)

    def promoted(self):
        return self.ctl("relay")["fast"]["promoted"]

    # -- end

    def leave(self):
        """Without parties, controller, relay and programs: another start may follow."""
        for t in reversed(self.talkers):
            t.end()
        self.talkers = []
        self.ctl_ = None
        self.stop()
        self.teardown()

    def close(self):
        self.leave()
        if self.has_pins:
            sh("umount", "-l", self.pins, ok=False)
            self.has_pins = False
        for ns in self.ns.values():
            sh("ip", "netns", "del", ns, ok=False)
        reports = ""
        if os.path.exists(os.path.join(self.dir, "media.log")):
            with open(os.path.join(self.dir, "media.log"), encoding="utf-8", errors="replace") as f:
                reports = "\n".join(line for line in f if REPORTS.search(line))
        if not self.keep and not reports:
            shutil.rmtree(self.dir, ignore_errors=True)
        if reports:
            raise Failure(f"sanitizer: {reports} ({self.dir})")
