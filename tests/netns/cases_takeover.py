# SPDX-License-Identifier: BSD-2-Clause
"""
A successor takes the sockets of the relay that runs, under streams in user space: nothing is lost, doubled or out of order. run calls them.
"""
import ctypes
import os
import re
import signal
import socket
import struct
import subprocess
import time

import netns
from cases_fast import NATIVE, all_in, clean, counted, fast
from cases_steer import NO_FORWARD, steered
from netns import check

CALLS = 200
PPS = 20           # of a party: 8,000 a second in all, what a slow machine carries, too
TAKEOVER = 12      # enum media_type
SUBREAPER = 36     # PR_SET_CHILD_SUBREAPER


class Heir:
    """The successor: its parent has ended, so it is ours. As much of Popen as Bench uses."""

    def __init__(self, pid):
        self.pid, self.returncode = pid, None

    def poll(self):
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout=10):
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("tandem-media", timeout)
            time.sleep(0.02)
        return self.returncode

    def send_signal(self, sig):
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self):
        self.send_signal(signal.SIGKILL)


def successors(bench):
    """Those that served, by the log."""
    with open(bench.log, encoding="utf-8") as f:
        return [int(pid) for pid in re.findall(r"ev=media_start .*pid=(\d+) takeover=1", f.read())]


def takeover(bench, *words):
    """The exit status of tandem-media --takeover; when it is 0 the bench has the new relay."""
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    argv = ["ip", "netns", "exec", bench.ns["r"], bench.media, "--socket", bench.socket, "--takeover", *words]
    if bench.set_up is not None:
        argv += ["--pins", bench.pin_dir]
    with open(bench.log, "a", encoding="utf-8") as f:
        code = subprocess.run(argv, stdout=f, stderr=f, check=False, timeout=30).returncode
    if code == 0:
        old, bench.relay = bench.relay, None
        bench.relay = Heir(successors(bench)[-1])
        check(old.wait(10) == 0, f"the old relay: {old.returncode}")
    return code


def given_us(bench):
    with open(bench.log, encoding="utf-8") as f:
        return [int(n) for n in re.findall(r"ev=media_given .*us=(\d+)", f.read())]


def back(bench, calls):
    bench.until("the controller is back", lambda: bench.ctl("relay").get("sessions") == calls)
    r = bench.ctl("relay")
    check(r["pairs_drift"] == 0 and r["pairs_used"] == 2 * calls, f"after a takeover: {r}")
    return r


def ask(bench, step=0):
    """What a successor says first, with the layout that the journal itself names."""
    with open(os.path.join(bench.dir, "sessions"), "rb") as f:
        layout = struct.unpack("<8xQ", f.read(16))[0]
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(10)
    s.connect(bench.socket)
    s.send(struct.pack("<HHIIIQIiQII", 2, TAKEOVER, 48, 0, 1, 0, 0, 0, layout, step, 0))
    return s


def killed_half_way(bench):
    """Successors that end, or say nothing, after they have got descriptors: the relay goes on."""
    pid = bench.relay.pid
    for waits in (False, True):
        s = ask(bench)
        data, fds, _, _ = socket.recv_fds(s, 4096, 0)
        check(len(data) > 32 and not fds, f"reply: {data}")
        data, fds, _, _ = socket.recv_fds(s, 4096, 253)
        check(fds, f"no descriptors: {data}")
        for fd in fds:
            os.close(fd)
        if waits:
            bench.until("the relay goes on", lambda: "errno=110" in bench.tail())
        s.close()
        bench.until("the relay goes on", lambda: "ev=media_not_given" in bench.tail())
    check(bench.relay.poll() is None and bench.relay.pid == pid, "the relay has ended")


def speaks_on(bench, calls=CALLS, **options):
    """Streams of calls in both directions; twice a successor, and some that fail."""
    bench.open(calls, **options)
    flow = bench.flow(bench.map(calls), pps=PPS)
    time.sleep(0.5)
    n = bench.ctl("relay")
    for _ in range(2):
        check(takeover(bench) == 0, f"takeover: {bench.tail()}")
        r = back(bench, calls)
        check(r["packets_in"] >= n["packets_in"], f"counted again from nothing: {r} after {n}")
        n = r
        time.sleep(0.5)
    silence = flow("peek")["longest_ms"]
    killed_half_way(bench)
    check(takeover(bench, "--journal", os.path.join(bench.dir, "other")) == 1, "another journal")
    time.sleep(0.5)
    flow("pause")
    report = clean(flow("report"), "takeover")
    counted(bench, calls, report, "takeover")
    check(bench.ctl("events")["counts"]["lost"] == 0, "a session was said to be lost")
    bench.ok(f"close 0 {calls}")
    r = bench.ctl("relay")
    check(r["pairs_used"] == r["pairs_drift"] == 0, f"left: {r}")
    return f"{report['sent']} packets, longest silence {silence} ms, given in {given_us(bench)} us"


def case_takeover_sockets(bench):
    """A successor of a relay with a socket for each port."""
    bench.start("--threads", "2")
    bench.pools()
    return speaks_on(bench)


def case_takeover_steered(bench):
    """A successor of a relay that steers packets to its threads."""
    steered(bench, "--threads", "2")
    return speaks_on(bench, flags=NO_FORWARD)


def case_takeover_kernel(bench):
    """A successor while streams are in the kernel: they are promoted again, nothing is lost."""
    fast(bench, NATIVE)
    bench.open(CALLS)
    flow = bench.flow(bench.map(CALLS), pps=PPS)
    all_in(bench, 2 * CALLS)
    check(takeover(bench) == 0, f"takeover: {bench.tail()}")
    bench.until("the controller is back", lambda: bench.ctl("relay").get("sessions") == CALLS)
    all_in(bench, 2 * CALLS)
    flow("pause")
    report = clean(flow("report"), "takeover")
    counted(bench, CALLS, report, "takeover")
    return f"{report['sent']} packets, longest silence {report['longest_ms']} ms, given in {given_us(bench)} us"


def case_takeover_new_maps(bench):
    """A set-up has made larger maps: the programs steer by the old ones until a restart, so a successor with the new ones would get no new call's packets."""
    steered(bench, "--threads", "2")
    bench.open(10, flags=NO_FORWARD)
    flow = bench.flow(bench.map(10), pps=50)
    said = bench.setup("--config", "/dev/null", "--lines", "200000")
    check("maps=new" in said and "waiting" in said, said)
    check(takeover(bench) == 1 and "replaced its pins" in bench.tail(), f"a successor with other maps: {bench.tail()}")
    time.sleep(0.5)
    flow("pause")
    return f"{clean(flow('report'), 'takeover')['sent']} packets"


def child_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as f:
            return int((f.read().split() or ["0"])[0])
    except OSError:
        return 0


def killed_after(bench, seconds):
    """A successor, killed so long after it began. @return whether it was the relay by then"""
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    old, served = bench.relay, len(successors(bench))
    argv = ["ip", "netns", "exec", bench.ns["r"], bench.media, "--socket", bench.socket, "--takeover", "--pins", bench.pin_dir]
    with open(bench.log, "a", encoding="utf-8") as f, subprocess.Popen(argv, stdout=f, stderr=f) as p:
        while not (heir := child_of(p.pid)) and p.poll() is None:
            time.sleep(0.0002)
        if not heir:  # it was done before we looked
            check(p.returncode == 0, f"no successor: {bench.tail()}")
            heir = successors(bench)[served]
        time.sleep(seconds)
        os.kill(heir, signal.SIGKILL)
        p.wait(10)
    os.waitpid(heir, 0)
    # a relay that was asked has given, or says that it has not: half a second at most
    bench.until("the old one ends or serves", lambda: old.poll() is not None or "sessions" in bench.ctl("relay"))
    if old.poll() is None:
        return False
    check(old.returncode == 0, f"the old relay: {old.returncode}")
    return True


def case_takeover_killed(bench):
    """kill -9 of a successor at one point of its way or another: the old one goes on and nothing is lost, or the next takes up all."""
    fast(bench, NATIVE)
    bench.open(CALLS)
    flow = bench.flow(bench.map(CALLS), pps=PPS)
    all_in(bench, 2 * CALLS)
    went_on = ended = 0
    for ms in (0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 60, 100):
        if killed_after(bench, ms / 1000):
            ended += 1
            bench.start()  # what systemd does: up again from the journal
        else:
            went_on += 1
        back(bench, CALLS)
    check(takeover(bench) == 0, f"takeover: {bench.tail()}")
    back(bench, CALLS)
    all_in(bench, 2 * CALLS)
    flow("pause")
    report = flow("report")
    if ended:
        # what a relay had in user space when it was killed, streams not yet promoted again among it, has a gap until the next starts
        check(report["duplicated"] == report["reordered"] == report["foreign"] == 0, f"takeover: {report}")
    else:
        clean(report, "takeover")
        counted(bench, CALLS, report, "takeover")
    bench.ok(f"close 0 {CALLS}")
    r = bench.ctl("relay")
    check(r["pairs_used"] == r["pairs_drift"] == 0, f"left: {r}")
    if not went_on:
        raise netns.Skip("each was the relay before it was killed: too little processor to hit the moment")
    return f"{report['sent']} packets, {went_on} successors killed on their way, {ended} behind it"


def case_takeover_nobody(bench):
    """Without a relay there is nothing to take."""
    bench.start()
    bench.stop()
    check(takeover(bench) == 1 and "no relay is there" in bench.tail(), f"takeover of nobody: {bench.tail()}")
