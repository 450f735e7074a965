# SPDX-License-Identifier: BSD-2-Clause
"""
What the kernel path must not do to a stream: lose, double, reorder, misdirect it. run calls them; a Bench is ready.
"""
import netns
from netns import check


def clean(report, what):
    """Nothing went wrong with any packet of the parties."""
    for key in ("lost", "duplicated", "reordered", "foreign", "wrong_source", "corrupt", "silent"):
        check(report[key] == 0, f"{what}: {key} {report[key]} of {report['sent']}: {report}")
    check(report["received"] == report["sent"] > 0, f"{what}: {report}")
    return report


def case_sockets(bench):
    """Two-way calls through sockets of their own: no privilege, no BPF."""
    bench.start("--threads", "2")
    bench.pools()
    bench.open(20)
    flow = bench.flow(bench.map(20), pps=50)
    flow("mark")
    netns.time.sleep(2)
    clean(flow("report"), "sockets")
    n = bench.ctl("sum 0 20")
    check(n["a"]["packets"] == n["b"]["sent_packets"] > 0, f"counters: {n}")
    bench.ok("close 0 20")
    check(bench.ctl("relay")["pairs_used"] == 0, "ports left")


def case_families(bench):
    """IPv6 on one side, IPv4 on the other, through sockets."""
    bench.start("--threads", "1")
    bench.pools()
    bench.open(10, a=bench.A6)
    flow = bench.flow(bench.map(10), pps=50)
    flow("mark")
    netns.time.sleep(1)
    clean(flow("report"), "IPv6 to IPv4")
