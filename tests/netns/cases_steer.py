# SPDX-License-Identifier: BSD-2-Clause
"""
Steered: sk_lookup brings every port's packets to the threads' sockets, frames go out by the interface. No program forwards here.
"""
import os

import netns
from cases_fast import clean
from netns import check

NO_FORWARD = 64  # MEDIA_EP_SLOW: never into the kernel


def steered(bench, *words):
    """The relay with sk_lookup alone."""
    bench.setup("--config", "/dev/null")
    bench.start(*words)
    bench.pools()


def speaks(bench, count, seconds=1.5, **options):
    bench.open(count, flags=NO_FORWARD, **options)
    flow = bench.flow(bench.map(count), pps=50)
    netns.time.sleep(0.5)
    flow("mark")
    netns.time.sleep(seconds)
    clean(flow("report"), f"steered {options}")
    n = bench.ctl(f"sum 0 {count}")
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
