# SPDX-License-Identifier: BSD-2-Clause
"""A bad network between two network namespaces: packets are lost, doubled and overtaken by others.

scripts/loadtest --loss calls it: the carriers stay in this process's namespace, the daemons live in another. The cable is a pair of
tun devices with a thread between them, so it needs no kernel module (netem is one) and it knows what it did. It cannot see SIP.
"""

import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import threading
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
LATE_S = (0.02, 0.06)  # an overtaken packet comes so much later: several messages of a call's set-up pass it


class NoWire(Exception):
    """Why there can be none here."""


def _unshare():
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        raise NoWire(f"no network namespace of our own: {os.strerror(ctypes.get_errno())}")


def _ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=10, check=False)
    if done.returncode:
        raise NoWire(f"ip {' '.join(words)}: {done.stderr.strip()}")


def _tun(name):
    try:
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    except OSError as e:
        raise NoWire(f"/dev/net/tun: {e.strerror}") from e
    return fd


class Wire:
    """The cable. loss, dup and late are shares of the packets of each direction, in percent."""

    def __init__(self, base, loss, dup, late, seed):
        self.base, self.shares = base, (loss / 100, dup / 100, late / 100)
        self.random = random.Random(seed)
        self.counts = {"sent": 0, "lost": 0, "doubled": 0, "late": 0}
        self.ends = self._end("there", f"{base}.0.0/24"), None
        self.there = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.ends = self.ends[0], self._end("here", f"{base}.1.0/24", f"{base}.2.0/24", f"{base}.3.0/24")
        self.queue, self.serial, self.ending = [], 0, False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def inside(self):
        """Command that starts a program at the far end."""
        return ["nsenter", f"--net=/proc/{os.getpid()}/fd/{self.there}"]

    def stop(self):
        self.ending = True
        self.thread.join(2)

    def _end(self, name, *networks):
        _unshare()
        fd = _tun(name)
        _ip("link", "set", "lo", "up")
        for network in networks:
            _ip("route", "add", "local", network, "dev", "lo")
        _ip("link", "set", name, "up")
        _ip("route", "add", f"{self.base}.0.0/16", "dev", name)
        return fd

    def _pass(self, to, packet):
        """One packet: its fate, and its place in the queue."""
        lost, dup, late = (self.random.random() < share for share in self.shares)
        self.counts["sent"] += 1
        if lost:
            self.counts["lost"] += 1
            return
        self.counts["doubled"] += dup
        self.counts["late"] += late
        for copy in range(1 + dup):
            self.serial += 1
            wait = self.random.uniform(*LATE_S) if late and not copy else 0
            heapq.heappush(self.queue, (time.monotonic() + wait, self.serial, to, packet))

    def _run(self):
        other = {self.ends[0]: self.ends[1], self.ends[1]: self.ends[0]}
        while not self.ending:
            wait = max(0, self.queue[0][0] - time.monotonic()) if self.queue else 0.2
            for fd in select.select(self.ends, [], [], min(wait, 0.2))[0]:
                try:
                    self._pass(other[fd], os.read(fd, 65536))
                except BlockingIOError:
                    pass
            while self.queue and self.queue[0][0] <= time.monotonic():
                to, packet = heapq.heappop(self.queue)[2:]
                try:
                    os.write(to, packet)
                except OSError:
                    self.counts["lost"] += 1
