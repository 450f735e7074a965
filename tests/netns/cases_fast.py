# SPDX-License-Identifier: BSD-2-Clause
"""
What the kernel path must not do to a stream: lose, double, reorder, misdirect it. run calls them; a Bench is ready.
"""
import hmac
import os
import socket
import struct
import zlib

import netns
from netns import check


def clean(report, what):
    """Nothing went wrong with any packet of the parties but what a full link, or a party's own full socket, says that it has lost."""
    for key in ("duplicated", "reordered", "foreign", "wrong_source", "corrupt", "silent", "bad_sums"):
        check(report[key] == 0, f"{what}: {key} {report[key]} of {report['sent']}: {report}")
    check(report["lost"] <= report["dropped"] + report["overflowed"], f"{what}: lost {report['lost']} of {report['sent']}: {report}")
    check(report["received"] + report["lost"] == report["sent"] > 0, f"{what}: {report}")
    return report


def counted(bench, calls, report, what):
    """What both parties sent is what was counted, in and out, and none of it was counted as lost."""
    n = bench.ctl(f"sum 0 {calls}")
    for x, y in (("a", "b"), ("b", "a")):
        check(n[x]["packets"] == n[y]["sent_packets"] and n[x]["duplicates"] == n[x]["reordered"] == n[x]["strangers"] == 0,
              f"{what}: counters: {n} of {report['sent']}")
        check(n[x]["lost"] <= report["dropped"], f"{what}: counters: {n[x]}")
    packets = n["a"]["packets"] + n["b"]["packets"]
    check(report["sent"] - report["dropped"] <= packets <= report["sent"], f"{what}: counters: {n} of {report['sent']}")
    return n


def case_sockets(bench):
    """Two-way calls through sockets of their own: no privilege, no BPF."""
    bench.start("--threads", "2")
    bench.pools()
    bench.open(20)
    flow = bench.flow(bench.map(20), pps=50)
    flow("mark")
    netns.time.sleep(2)
    flow("pause")
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


NATIVE, GENERIC, TC = "native", "generic", "tc"
NO_FORWARD = 64  # MEDIA_EP_SLOW


def fast(bench, mode, threads=2):
    """The relay with the kernel path on both interfaces."""
    bench.setup("--config", "/dev/null", "--interface", f"va:{mode}", "--interface", f"vb:{mode}")
    bench.start("--threads", str(threads))
    bench.pools()


def demotions(bench):
    return {k: v for k, v in bench.ctl("relay")["fast"]["demotions"].items() if v}


def all_in(bench, streams):
    return bench.until(f"{streams} streams in the kernel", lambda: bench.promoted() == streams)


def switch_over(bench, mode, calls, pps):
    """In, out, in, out by what a controller does, and nothing of it is heard."""
    fast(bench, mode)
    bench.open(calls)
    flow = bench.flow(bench.map(calls), pps=pps)
    for turn in (1, 2):
        all_in(bench, 2 * calls)
        netns.time.sleep(1)
        bench.ok(f"relearn 0 {calls} 0")
        bench.until("streams in user space", lambda turn=turn: sum(demotions(bench).values()) >= 2 * calls * turn)
    all_in(bench, 2 * calls)
    netns.time.sleep(1)
    flow("pause")
    report = clean(flow("report"), f"switch-over by {mode}")
    n = counted(bench, calls, report, f"switch-over by {mode}")
    for x in "ab":
        check(n[x]["fast_packets"] > 0 and n[x]["promotions"] >= 3 * calls and n[x]["demotions"] >= 2 * calls,
              f"promotions: {n[x]} {demotions(bench)}")
    bench.ok(f"close 0 {calls}")
    check(bench.promoted() == 0, "streams left")
    return f"{report['sent']} packets, p50 {report['p50_us']} us, p99 {report['p99_us']} us"


def case_switch_xdp(bench):
    """1,000 two-way calls into the kernel, out and in again: nothing lost, doubled, reordered (XDP)."""
    return switch_over(bench, NATIVE, 1000, 10 if bench.is_long else 5)


def case_switch_tc(bench):
    """The same by TC."""
    return switch_over(bench, TC, 1000, 10 if bench.is_long else 5)


def case_switch_generic(bench):
    """The same by generic XDP."""
    return switch_over(bench, GENERIC, 100, 50)


def case_fast_families(bench):
    """IPv6 to IPv4, and IPv6 on both sides, in the kernel (XDP)."""
    fast(bench, NATIVE)
    bench.open(10, a=bench.A6)
    bench.open(10, first=10, a=bench.A6.replace("::2", "::3"), b=bench.B6)
    flows = [bench.flow(bench.map(10), pps=50)]
    bench.ip("a", "-6", "addr", "add", "fd99:1::3/64", "dev", "va", "nodad")
    flows.append(bench.flow(bench.map(10, first=10), pps=50))
    all_in(bench, 40)
    netns.time.sleep(1)
    for flow in flows:
        clean(flow("report"), "families by XDP")
    n = bench.ctl("sum 0 20")
    check(n["a"]["fast_packets"] > 0 and n["b"]["fast_packets"] > 0, f"counters: {n}")


def case_fast_families_tc(bench):
    """IPv6 to IPv4 in the kernel (TC)."""
    fast(bench, TC)
    bench.open(10, a=bench.A6)
    flow = bench.flow(bench.map(10), pps=50)
    all_in(bench, 20)
    netns.time.sleep(1)
    clean(flow("report"), "families by TC")


def case_fast_dtmf(bench):
    """Telephone-events of promoted streams are counted there, told, and forwarded by the relay in their order."""
    fast(bench, NATIVE)
    bench.open(10, pt="0:1,101:19", flags=16)  # PCMU, EVENT; MEDIA_EP_EVENTS
    flow = bench.flow(bench.map(10), pps=50)
    all_in(bench, 20)
    bench.ctl("events")
    flow("dtmf 10")
    bench.until("events of all parties", lambda: flow("peek")["events_sent"] == 200)
    netns.time.sleep(0.5)  # and audio behind them
    check(bench.promoted() == 20, f"streams left the kernel: {demotions(bench)}")
    flow("pause")
    report = clean(flow("report"), "dtmf")
    if report["lost"]:
        raise netns.Skip(f"the machine is too busy: links have lost {report['lost']}")
    check(report["events_received"] == report["events_sent"] == 200, f"events: {report}")
    told = 0

    def all_told():
        nonlocal told
        told += bench.ctl("events")["counts"]["dtmf"]
        return told >= 20
    bench.until("events told", all_told)
    check(told == 20, f"events told: {told}")
    counted(bench, 10, report, "dtmf")


UFRAG, PWD, PEER = "laiteiceu", "laiteicepasswordlaiteice", "peer"


def check_of(pwd, number):
    """A check as a controlling party sends it (RFC 8445 section 7.1), the even ones with USE-CANDIDATE; a consent check, too (RFC 7675)."""
    def attribute(kind, value):
        return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)

    def message(attributes, more):
        return struct.pack("!HHI", 1, len(attributes) + more, 0x2112a442) + struct.pack("!III", 7, 7, number) + attributes

    body = attribute(6, f"{UFRAG}:{PEER}".encode()) + attribute(0x802a, bytes(8)) + (b"" if number % 2 else attribute(0x25, b""))
    body += attribute(8, hmac.new(pwd.encode(), message(body, 24), "sha1").digest())
    return message(body + attribute(0x8028, struct.pack("!I", zlib.crc32(message(body, 8)) ^ 0x5354554e)), 0)


def consent(bench, local, n, pwd=PWD):
    """n checks from the port that media of the first call comes from; how many are answered with success, and refused."""
    out = os.path.join(bench.dir, "answers")

    def ask():
        host, port = local.rsplit(":", 1)
        got = {0x0101: set(), 0x0111: set()}
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as s:
            s.bind((bench.A4, 0))
            s.settimeout(0.02)
            for k in range(n):
                p = check_of(pwd, k)
                s.sendto(struct.pack("!HHHH", netns.PARTY, int(port), 8 + len(p), 0) + p, (host, 0))
                until = netns.time.monotonic() + 2
                while netns.time.monotonic() < until and k not in got[0x0101] | got[0x0111]:
                    try:
                        b = s.recv(2048)[28:]
                    except socket.timeout:
                        continue
                    if len(b) >= 20 and b[0] < 2:
                        got[struct.unpack("!H", b[:2])[0]].add(struct.unpack("!I", b[16:20])[0])
        with open(out, "w", encoding="ascii") as f:
            f.write(f"{len(got[0x0101])} {len(got[0x0111])}")
    netns.in_netns(bench.ns["a"], ask)
    with open(out, encoding="ascii") as f:
        return tuple(int(x) for x in f.read().split())


def case_fast_ice(bench):
    """A party with ICE is in the kernel, and its consent checks are answered all the while (RFC 7675)."""
    fast(bench, NATIVE)
    bench.open(1)
    bench.ok(f"ice 0 1 0 ufrag={UFRAG} pwd={PWD} remote={PEER}")
    local = bench.ctl("query 0 1")["ep"][0]["local"]
    flow = bench.flow(bench.map(1), pps=50)
    netns.time.sleep(1)
    check(bench.promoted() == 0, "promoted without a nomination")
    check(consent(bench, local, 1) == (1, 0), "the nomination is not answered")
    all_in(bench, 2)
    flow("mark")
    check(consent(bench, local, 40) == (40, 0), "checks are not answered")
    check(bench.promoted() == 2, f"a check took the streams out of the kernel: {demotions(bench)}")
    check(consent(bench, local, 3, "x" * 24) == (0, 3), "a wrong password is not refused")
    netns.time.sleep(0.5)
    flow("pause")
    clean(flow("report"), "ICE")
    check(bench.promoted() == 2, f"streams left the kernel: {demotions(bench)}")
    r = bench.ctl("relay")
    check(r["ice_answered"] == 41 and r["ice_refused"] == 3, f"counters: {r}")
    n = bench.ctl("sum 0 1")
    check(n["a"]["packets"] == n["b"]["sent_packets"] > 0, f"counters: {n}")


def case_watchdog_neighbour(bench):
    """The party's neighbour entry fails: out of the kernel within 200 ms, because of the hop, and back when it answers."""
    fast(bench, NATIVE)
    bench.open(10)
    flow = bench.flow(bench.map(10), pps=50)
    all_in(bench, 20)
    bench.ip("b", "link", "set", "vb", "arp", "off")
    bench.ip("r", "neigh", "del", bench.B4, "dev", "vb")
    took = bench.until("streams out", lambda: bench.promoted() <= 10, 10)
    check(demotions(bench).get("hop", 0) >= 10, f"demotions: {demotions(bench)}")
    bench.ip("b", "link", "set", "vb", "arp", "on")
    all_in(bench, 20)
    flow("mark")
    netns.time.sleep(1)
    clean(flow("report"), "after the neighbour is back")
    return f"out after {took * 1000:.0f} ms"


def case_watchdog_redirect(bench):
    """The interface refuses what is redirected to it: out within 200 ms, and the audio goes on in user space."""
    fast(bench, NATIVE)
    bench.open(10)
    flow = bench.flow(bench.map(10), pps=50)
    all_in(bench, 20)
    # without NAPI at its other end a veth takes no frame of XDP
    netns.in_netns(bench.ns["b"], lambda: netns.set_gro("vb", False))
    took = bench.until("streams out", lambda: demotions(bench).get("redirect", 0) >= 10, 10)
    flow("mark")
    netns.time.sleep(0.5)
    report = flow("report")
    check(report["received"] > 0.5 * report["sent"], f"audio in user space: {report}")
    return f"out after {took * 1000:.0f} ms"


def case_watchdog_detached(bench):
    """The program is taken off an interface: packets come to user space, the streams follow, none is lost."""
    fast(bench, TC)
    bench.open(10)
    flow = bench.flow(bench.map(10), pps=50)
    all_in(bench, 20)
    flow("mark")
    bench.run("r", "tc", "filter", "del", "dev", "va", "ingress", ok=False)
    took = bench.until("streams out", lambda: demotions(bench).get("passed_by", 0) >= 10, 10)
    clean(flow("report"), "program detached")
    return f"out after {took * 1000:.0f} ms"


def case_gateway(bench):
    """Behind a gateway whose MAC changes: followed within a second."""
    fast(bench, NATIVE)
    bench.sysctl("b", "net.ipv4.conf.all.arp_notify", 1)
    bench.ip("b", "addr", "add", "10.98.0.9/32", "dev", "lo")
    bench.ip("r", "route", "add", "10.98.0.0/24", "via", bench.B4)
    bench.open(10, b="10.98.0.9")
    flow = bench.flow(bench.map(10), pps=50)
    all_in(bench, 20)
    flow("mark")
    bench.sysctl("b", "net.ipv4.conf.vb.arp_notify", 1)
    bench.ip("b", "link", "set", "vb", "address", "02:00:00:00:99:01")
    netns.time.sleep(3)
    report = flow("peek")
    check(report["longest_ms"] < 1000 + report["slept_ms"], f"longest silence {report['longest_ms']} ms: {report}")
    flow("mark")
    netns.time.sleep(1)
    clean(flow("report"), "behind the new gateway")
    return f"longest silence {report['longest_ms']} ms"


def case_leaks(bench):
    """Sessions made and ended: no port, line, hop, descriptor or memory is left (sockets, steered, XDP, TC)."""
    total, at_once = (10000, 1000) if bench.is_long else (2000, 500)
    told = []
    for mode in ("sockets", "steered", NATIVE, TC):
        if mode == "sockets":
            bench.start("--threads", "2", "--pins", bench.dir + "/none")
            bench.pools()
        else:
            fast(bench, TC if mode == TC else NATIVE)
        before = None
        for done in range(0, total, at_once):
            bench.open(at_once, flags=NO_FORWARD if mode == "steered" else 0)
            flow = bench.flow(bench.map(at_once), pps=4)
            if mode in (NATIVE, TC):
                all_in(bench, 2 * at_once)
            else:
                netns.time.sleep(0.5)
            flow.end()
            bench.ok(f"close 0 {at_once}")
            if done == at_once:  # the second round: what is kept is there by now
                before = (bench.fds(), bench.rss_kib())
        netns.time.sleep(0.5)
        r = bench.ctl("relay")
        check(mode == "sockets" or (r["fast"]["promotions"] >= 2 * total) == (mode in (NATIVE, TC)), f"{mode}: {r['fast']}")
        check(r["pairs_used"] == r["pairs_drift"] == r["endpoints"] == r["sessions"] == r["fast"]["promoted"] == 0, f"left: {r}")
        check(r["fast"]["hops"] <= 2, f"{mode}: {r['fast']['hops']} next hops of two parties")
        check(bench.lines_on() == 0, f"{mode}: {bench.lines_on()} lines left on")
        fds, rss = bench.fds(), bench.rss_kib()
        check(fds <= before[0], f"{mode}: descriptors {before[0]}, then {fds}")
        # a sanitizer keeps what was freed for a while
        check(bench.is_sanitized() or rss <= before[1] * 1.02 + 512, f"{mode}: memory {before[1]} KiB, then {rss}")
        told.append(f"{mode}: {fds} descriptors, {before[1]} then {rss} KiB")
        bench.leave()
    return "; ".join(told)


def is_judged(report):
    """
    Beside a flood: a party that was silent for 60 ms, for want of a processor, may be replaced by another SSRC; and links that were too
    full for the flood excuse no loss of the parties.
    """
    return report["slept_ms"] < 50 and (report["lost"] == 0 or report["dropped"] == 0)


def injected(bench, mode, calls, seconds, pps):
    """Whatever is thrown at the ports reaches nobody, and no stream loses a packet."""
    fast(bench, mode)
    bench.open(calls)
    path = bench.map(calls)
    flow = bench.flow(path, pps=50)
    all_in(bench, 2 * calls)
    thrown = dropped = 0
    for _ in range(3):
        flow("mark")
        netns.time.sleep(0.2)  # all of them speak again
        thrower = bench.inject(path, pps, seconds)
        out = netns.json.loads(thrower.communicate()[0])
        thrown += sum(v for k, v in out.items() if k != "seconds")
        report = flow("report")
        dropped += report["dropped"]
        if is_judged(report):
            break
    else:
        raise netns.Skip(f"the machine is too busy: parties were silent for {report['slept_ms']} ms, links have dropped {report['dropped']}")
    clean(report, f"injection by {mode}: {out}")
    n = bench.ctl(f"sum 0 {calls}")["a"]
    r = bench.ctl("relay")
    counted = n["strangers"] + n["invalid"] + n["ssrc_refused"] + r["fast"]["why"][14]
    check(0.5 * thrown < counted + dropped and counted <= thrown, f"counted {counted} of {thrown}, links dropped {dropped}: {n} {r['fast']['why']}")
    return f"{thrown} packets in {out['seconds']:.0f} s, {counted} counted, {report['sent']} of the parties none lost"


def case_injection_xdp(bench):
    """Third addresses, wrong ports, second SSRCs, garbage, long, short and broken packets, fragments (XDP)."""
    return injected(bench, NATIVE, 20, 30 if bench.is_long else 4, 0 if bench.is_long else 20000)


def case_injection_tc(bench):
    """The same by TC."""
    return injected(bench, TC, 20, 30 if bench.is_long else 4, 0 if bench.is_long else 20000)
