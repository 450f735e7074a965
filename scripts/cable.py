# SPDX-License-Identifier: BSD-2-Clause
"""A cable with the kernel path at its far end: the daemons in one network namespace, this process and the carriers in another.

scripts/killtest --fast-path calls it. The cable is a pair of veth; native XDP forwards what comes in at the far end back out of it. It
ends with the process: namespaces have no names, and pins are on a mount of their own.
"""

import ctypes
import os
import re
import subprocess
import sys

from wire import _ip, _unshare

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "netns"))
import netns  # noqa: E402

CLONE_NEWNET = 0x40000000


class NoCable(Exception):
    """Why there can be none here."""


class Cable:
    """base: the first two numbers of a /16. The daemons have base.0.0/24, the carriers base.1.0/24 and base.2.0/24."""

    def __init__(self, base, media, work):
        if os.geteuid() != 0:
            raise NoCable("not root: network namespaces and BPF need it")
        self.media, self.pins = media, os.path.join(work, "bpf")
        self.has_pins = False
        _unshare()
        self.there = os.open("/proc/self/ns/net", os.O_RDONLY)
        _ip("link", "set", "lo", "up")
        _ip("link", "add", "there", "type", "veth", "peer", "name", "here")
        _ip("addr", "add", f"{base}.0.1/16", "dev", "there")
        _ip("link", "set", "there", "up")
        _unshare()
        here = os.open("/proc/self/ns/net", os.O_RDONLY)
        self._enter(self.there)
        _ip("link", "set", "here", "netns", f"/proc/{os.getpid()}/fd/{here}")
        self._enter(here)
        _ip("link", "set", "lo", "up")
        for network in (f"{base}.1.0/24", f"{base}.2.0/24"):
            _ip("route", "add", "local", network, "dev", "lo")
        _ip("link", "set", "here", "up")
        _ip("route", "add", f"{base}.0.0/16", "dev", "here")
        netns.set_offloads("here")
        self._enter(self.there)
        netns.set_offloads("there")
        self._enter(here)
        os.close(here)
        self.setup()

    @staticmethod
    def _enter(fd):
        if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET):
            raise NoCable(f"setns: {os.strerror(ctypes.get_errno())}")

    def inside(self):
        """Command that starts a program at the far end."""
        return ["nsenter", f"--net=/proc/{os.getpid()}/fd/{self.there}"]

    def words(self):
        """Options of tandem-media."""
        return ["--pins", os.path.join(self.pins, "tandem")]

    def setup(self):
        os.makedirs(self.pins)
        done = subprocess.run(["mount", "-t", "bpf", "bpf", self.pins], capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoCable(f"no bpffs: {done.stderr.strip()}")
        self.has_pins = True
        done = subprocess.run([*self.inside(), self.media, "--setup", *self.words(), "--config", "/dev/null", "--interface", "there:native"],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            self.stop()
            raise NoCable(f"--setup: {(done.stderr or done.stdout).strip()}")

    def drops(self):
        """Frames that the parties' sockets, the processors' queues and both ends of the cable did not take, by name."""
        with open("/proc/net/snmp", encoding="ascii") as f:
            names, values = (line.split() for line in f if line.startswith("Udp:"))
        found = {"probe: sockets full": int(values[names.index("RcvbufErrors")])}
        with open("/proc/net/softnet_stat", encoding="ascii") as f:  # of the machine: others' too
            found["softnet: dropped"] = sum(int(line.split()[1], 16) for line in f)
        for end, prefix in (("here", []), ("there", self.inside())):
            told = subprocess.run([*prefix, "ethtool", "-S", end], capture_output=True, text=True, check=False).stdout
            for line in told.splitlines():
                name, _, n = line.strip().rpartition(":")
                if n.strip().isdigit() and name.endswith(("_drops", "_errors")):
                    key = f"{end}: {re.sub('_[0-9]+', '', name)}"
                    found[key] = found.get(key, 0) + int(n)
        return found

    def stop(self):
        if not self.has_pins:
            return
        subprocess.run([*self.inside(), self.media, "--teardown", *self.words()], capture_output=True, check=False)
        subprocess.run(["umount", "-l", self.pins], capture_output=True, check=False)
        self.has_pins = False
