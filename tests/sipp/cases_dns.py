# SPDX-License-Identifier: BSD-2-Clause
"""Carriers known by name: a name server of our own that answers, is silent, or lies (RFC 3263, 2782, 8767)."""
import os
import sys

from cases_call import called, caller, refusing
from harness import CARRIER

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts"))
from nameserver import NameServer  # noqa: E402

DNS = 28053
NAME = "carrier.test"


class Named:
    """A trunk "bravo" whose name leads to bravo's address first and to charlie's behind it; ends its server with the case."""

    def __init__(self, t, zone=None, mode="answer", **kw):
        self.t = t
        ip = f"{t.net}.53"
        self.server = NameServer(ip, DNS, zone or self.zone(t))
        self.server.mode = mode
        t.ignore.add(NAME)  # both carriers are told it: it is theirs
        kw.setdefault("trunks", {"bravo": f"  peer {NAME} udp\n  trying-timeout 1s\n"})
        t.start(route="default via bravo", glob=f"  dns {ip}:{DNS}\n", **kw)

    @staticmethod
    def zone(t):
        return (f"_sip._udp.{NAME} 5 SRV 10 1 {CARRIER} a.{NAME}\n_sip._udp.{NAME} 5 SRV 20 1 {CARRIER} b.{NAME}\n"
                f"a.{NAME} 5 A {t.ip('bravo')}\nb.{NAME} 5 A {t.ip('charlie')}\n")

    def located(self, n=2):
        self.t.until(f"{n} targets", lambda: len(self.t.trunk("bravo")["peers"]) == n, 15)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.close()


def call(t, attempts=1):
    t.uac(caller().setup().pause(100).hang_up()).wait()
    return t.cdr(code=200, attempts=attempts)


def case_dns_srv_failover(t):
    """[RFC 3263 §4.3] A trunk by SRV name: the first server says 503, the second one takes the call; each attempt has its record."""
    with Named(t) as named:
        named.located()
        first = t.uas("bravo", refusing("bravo", 503, "Service Unavailable"), n=1)
        t.uas("charlie", called("charlie").setup().hung_up(), n=1)
        call(t, attempts=2)
        first.wait()
        t.eq("next target", t.stat("hunt_targets"), 1)
        t.true("the Request-URI has the domain", f"@{NAME}" in first.received("INVITE")[0].split("\n")[0])


def case_dns_dead_server(t):
    """[RFC 3263 §4.3] The first server of a name is not there: the second one takes the call after the trying-timeout."""
    with Named(t) as named:
        named.located()
        t.uas("charlie", called("charlie").setup().hung_up(), n=1)
        call(t, attempts=2)
    t.no_calls_after = 40  # our INVITE waits there for Timer B


case_dns_dead_server.seconds = 35


def case_dns_stops(t):
    """[RFC 8767 §5] The name server stops answering: calls go on, the trunk's name is stale, and it is found again."""
    with Named(t) as named:
        named.located()
        uas = t.uas("bravo", called().setup().hung_up(), n=20)
        named.server.mode = "silent"
        t.until("stale", lambda: t.trunk("bravo")["names"][0]["state"] == "stale", 60)
        uac = t.uac(caller().setup().pause(100).hang_up(), n=20, rate=10)
        uac.wait()
        uas.wait()
        t.cdrs(20, attempts=20)
        t.true("questions were answered stale", t.stat("dns_stale") > 0)
        named.server.mode = "answer"
        t.ctl("resolve")
        t.until("fresh", lambda: t.trunk("bravo")["names"][0]["state"] == "ok", 20)


case_dns_stops.seconds = 30


def case_dns_lies(t):
    """Answers with wrong ids, garbage, SERVFAIL, NXDOMAIN and REFUSED locate nothing and break nothing; a good one does."""
    with Named(t, mode="garbage") as named:
        t.uac(caller().invite().maybe(100).recv(503).ack_failure()).wait()
        for mode in ("wrong-id", "servfail", "refused", "nxdomain"):
            named.server.mode = mode
            asked = named.server.asked
            t.ctl("resolve")
            t.until(f"asked while {mode}", lambda: named.server.asked > asked, 20)
            t.eq("targets", len(t.trunk("bravo")["peers"]), 0)
        named.server.mode = "answer"
        t.until("located", lambda: t.ctl("resolve") and len(t.trunk("bravo")["peers"]) == 2, 40)
        t.uas("bravo", called().setup().hung_up(), n=1)
        t.uac(caller().setup().pause(100).hang_up()).wait()
        t.eq("records", sorted(r["code"] for r in t.cdrs(2)), [200, 503])


case_dns_lies.seconds = 30


def case_dns_64_records(t):
    """[RFC 2782] 64 SRV records: the answer is too long for UDP and comes by TCP; all of them are targets."""
    zone = "".join(f"_sip._udp.{NAME} 60 SRV {i} 1 {CARRIER} h{i}.{NAME}\nh{i}.{NAME} 60 A {t.net}.{100 + i}\n" for i in range(1, 64))
    zone += f"_sip._udp.{NAME} 60 SRV 0 1 {CARRIER} h0.{NAME}\nh0.{NAME} 60 A {t.ip('bravo')}\n"
    with Named(t, zone=zone) as named:
        named.located(64)
        t.uas("bravo", called().setup().hung_up(), n=1)
        call(t)
