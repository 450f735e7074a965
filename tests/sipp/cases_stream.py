# SPDX-License-Identifier: BSD-2-Clause
"""Calls over TCP: both ways, between transports and address families, and what connections do that datagrams cannot."""
import harness
from cases_call import called, caller, needs_v6


def basic(t, n=3, **kw):
    t.start(**kw)
    v6 = kw.get("v6", ())
    uas = t.uas("bravo", called().setup().hung_up(), n=n, v6="east" in v6)
    uac = t.uac(caller().setup().pause(200).hang_up(), n=n, v6="west" in v6)
    uac.wait()
    uas.wait()
    for r in t.cdrs(n, attempts=n):
        t.eq("code", r["code"], 200)
        t.eq("release", r["release"], "in")
    return uac, uas


def case_tcp_basic(t):
    """Calls over TCP on both sides: our Via and Contact say TCP, one connection carries all calls."""
    _, uas = basic(t, tcp=("west", "east"))
    invite = uas.received("INVITE")[0]
    t.true("the INVITE's Via says TCP", "Via: SIP/2.0/TCP " in invite)
    t.true("its Contact says TCP", ";transport=tcp>" in invite)
