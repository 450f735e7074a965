# SPDX-License-Identifier: BSD-2-Clause
"""
Steered: sk_lookup brings every port's packets to the threads' sockets, frames go out by the interface. No program forwards here.
"""
import netns
from cases_fast import clean
from netns import check

WHY_STRANGER = 11  # enum why
NO_FORWARD = 64  # MEDIA_EP_SLOW: never into the kernel


def steered(bench, *words):
    """The relay with sk_lookup alone."""
    bench.setup("--config", "/dev/null")
    bench.start(*words)
    bench.pools()
    check("path=sockets" not in bench.tail(), f"not steered: {bench.tail()}")


def speaks(bench, count, seconds=1.5, **options):
    bench.open(count, flags=NO_FORWARD, **options)
    flow = bench.flow(bench.map(count), pps=min(50, 4000 // count))  # 8,000 a second in all: what a slow machine carries, too
    netns.time.sleep(0.5)
    flow("mark")
    netns.time.sleep(seconds)
    flow("pause")
    clean(flow("report"), f"steered {options}")
    n = bench.ctl(f"sum 0 {count}")
    flow("go")
    check(n["a"]["packets"] == n["b"]["sent_packets"] > 0 and n["a"]["unsent"] == 0, f"counters: {n}")
    return flow


def case_steered(bench):
    """No descriptor a call; two threads; ports used again at once."""
    steered(bench, "--threads", "2")
    before = bench.fds()
    for _ in range(3):
        flow = speaks(bench, 200)
        check(bench.fds() <= before + 1, f"descriptors: {bench.fds()} of 200 calls, {before} before")
        flow.end()
        bench.ok("close 0 200")
    check(bench.ctl("relay")["pairs_used"] == 0, "ports left")


def case_steered_ipv6(bench):
    """IPv6 on both sides."""
    steered(bench, "--threads", "1")
    speaks(bench, 20, a=bench.A6, b=bench.B6)


def case_steered_families(bench):
    """IPv6 on one side, IPv4 on the other."""
    steered(bench, "--threads", "1")
    speaks(bench, 20, a=bench.A6)


def case_steered_vlan(bench):
    """The parties of one side are on a VLAN: frames bear its tag."""
    try:
        bench.ip("r", "link", "add", "link", "vb", "name", "vbprobe", "type", "vlan", "id", "41")
    except netns.Failure as e:
        raise netns.Skip(f"no VLAN devices: {e}") from e
    for side, host in (("r", 1), ("b", 2)):
        bench.ip(side, "link", "add", "link", "vb", "name", "vb42", "type", "vlan", "id", "42")
        bench.ip(side, "addr", "add", f"10.98.2.{host}/24", "dev", "vb42")
        bench.ip(side, "link", "set", "vb42", "up")
    bench.R = {**bench.R, "b": "10.98.2.1"}
    steered(bench, "--threads", "1")
    speaks(bench, 10, b="10.98.2.2")


def case_steered_too_long(bench):
    """Packets longer than the way out carries go in fragments, those before and behind them in order."""
    for side in "rb":
        bench.ip(side, "link", "set", "vb", "mtu", "1300")
    steered(bench, "--threads", "1")
    bench.open(5, flags=NO_FORWARD)
    flow = bench.flow(bench.map(5), pps=50, bytes_=1400)
    netns.time.sleep(0.5)
    flow("mark")
    netns.time.sleep(1)
    clean(flow("report"), "too long")


def ports(bench, count, first=0):
    """Our ports of these calls, of both sides."""
    with open(bench.map(count, first), encoding="ascii") as f:
        return [word for line in f for word in line.split()[1::2]]


def case_steered_wider(bench):
    """A pool that is made wider while calls stand: no other call gets their ports, and they go on; so behind a kill with one made narrower."""
    low = netns.PORTS[0]
    steered(bench, "--threads", "2")
    bench.pools(low, low + 39)
    flow = speaks(bench, 10)
    old = ports(bench, 10)
    bench.pools(low, low + 59)
    flow("mark")
    bench.open(20, first=10, flags=NO_FORWARD)
    new = ports(bench, 20, 10)
    check(len(old) == 20 and len(new) == 40, f"ports: {old} {new}")
    check(len(set(old + new)) == 60, f"ports of two calls: {sorted(set(old) & set(new))}")
    netns.time.sleep(0.5)
    clean(flow("report"), "beside a wider pool")
    bench.ok("close 10 20")
    bench.pools(low + 100, low + 139)
    bench.open(1, first=10, flags=NO_FORWARD)
    bench.relay.kill()
    bench.relay.wait()
    bench.start("--threads", "2")
    bench.until("the controller is back", lambda: bench.ctl("relay").get("sessions") == 11)
    netns.time.sleep(0.5)
    flow("mark")
    netns.time.sleep(0.5)
    clean(flow("report"), "on ports that no pool has")
    bench.ok("close 0 11")
    check(bench.ctl("relay")["pairs_used"] == 0, "ports left")


def case_steered_stranger(bench):
    """Once a party is known nobody else reaches its peer: the kernel drops it, and it is counted."""
    steered(bench, "--threads", "1")
    flow = speaks(bench, 5)
    with open(bench.map(5), encoding="ascii") as f:
        host, _, port = f.read().split()[1].rpartition(":")

    def stranger():
        with netns.socket.socket(netns.socket.AF_INET, netns.socket.SOCK_DGRAM) as s:
            for _ in range(50):
                s.sendto(bytes([0x80, 0]) + bytes(170), (host, int(port)))

    flow("mark")
    netns.in_netns(bench.ns["a"], stranger)
    bench.until("strangers counted", lambda: bench.ctl("sum 0 5")["a"]["strangers"] == 50)
    clean(flow("report"), "beside a stranger")
    why = bench.ctl("relay")["fast"]["why"]
    check(why[WHY_STRANGER] >= 50, f"dropped in the kernel: {why}")
