# SPDX-License-Identifier: BSD-2-Clause
"""
Portability asked for real: a table in memory, an LMDB environment, ENUM by a name server of our own that answers and is silent.
run calls the cases. A ported number leads to charlie, others to bravo; both are told what was found (RFC 4694).
"""
import os
import shutil
import subprocess
import sys

import harness
from cases_call import called, caller

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts"))
from nameserver import NameServer  # noqa: E402

DNS = 28054
PORTED, HOME, OTHER = "+12125551234", "+12125551235", "+12125551236"
RN = "+13105550000"
ROUTE = "lnp dip lrn timeout {timeout}\n  prefix +1 via bravo\n  prefix +1310555 via charlie"


def start(t, source, timeout="5s", glob=""):
    t.start(route=ROUTE.format(timeout=timeout), extra=f"lnp lrn\n  {source}\n", glob=glob)


def ask(t, side, number):
    """One call to that number, answered at that side. The Request-URI that came there."""
    uas = t.uas(side, called(side).setup().hung_up(), n=1)
    t.uac(caller().setup().pause(100).hang_up(), numbers=[number]).wait()
    uas.wait()
    return uas.received("INVITE")[0].split(" ")[1]


def row(t):
    return t.ctl("show", "lnp")[0]


def ported_and_not(t):
    t.true("npdi and rn are told", f"{PORTED};npdi;rn={RN}@" in ask(t, "charlie", PORTED))
    t.true("npdi is told", f"{HOME};npdi@" in ask(t, "bravo", HOME))
    found = {r["called_normalised"]: (r["code"], r["lrn"], r["dip"], r["trunk_out"]) for r in t.cdrs(2, attempts=2)}
    t.eq("records", found, {PORTED: (200, RN, "ported", "charlie"), HOME: (200, "", "not-ported", "bravo")})
    t.eq("show lnp", [row(t)[k] for k in ("asked", "ported", "not_ported", "failed", "timeout", "state")], [2, 1, 1, 0, 0, "ok"])


def case_lnp_csv(t):
    """[RFC 4694 §5] [routing] A table of ported numbers in memory: calls go by the routing number, a reload changes it."""
    with open(t.path("ported.csv"), "w", encoding="ascii") as f:
        f.write(f"number,lrn\n{PORTED},{RN}\n{HOME},\n")
    start(t, "csv ported.csv", timeout="1ms")
    ported_and_not(t)
    t.eq("rows", row(t)["rows"], 2)
    with open(t.path("ported.csv"), "a", encoding="ascii") as f:
        f.write(f"{OTHER},{RN}\n")
    t.ctl("reload")
    t.true("another number is ported now", f";rn={RN}@" in ask(t, "charlie", OTHER))
    with open(t.path("ported.csv"), "a", encoding="ascii") as f:
        f.write("+1212555O000,+13105550000\n")
    code, _, err = t.ctl_raw("reload")
    t.true("a bad row refuses the reload, with file and line", code != 0 and "ported.csv:5" in err)
    t.true("what was loaded holds", f";rn={RN}@" in ask(t, "charlie", OTHER))


def mdb_load(t, rows):
    tool = shutil.which("mdb_load")
    if not tool:
        raise harness.Skip("no mdb_load (Debian package lmdb-utils)")
    os.makedirs(t.path("lrn.mdb"), exist_ok=True)
    text = "VERSION=3\nformat=print\ntype=btree\nmapsize=1048576\nHEADER=END\n"
    text += "".join(f" {number}\n {rn}\n" for number, rn in rows) + "DATA=END\n"
    subprocess.run([tool, t.path("lrn.mdb")], input=text, text=True, check=True, timeout=20)


def case_lnp_lmdb(t):
    """[RFC 4694 §5] [routing] An LMDB environment: read by the dip thread, and what is written to it is seen without a reload."""
    mdb_load(t, [(PORTED, RN)])
    start(t, f"lmdb {t.path('lrn.mdb')}")
    ported_and_not(t)
    t.eq("rows", row(t)["rows"], 1)
    mdb_load(t, [(OTHER, RN)])
    t.true("a number written meanwhile is ported", f";rn={RN}@" in ask(t, "charlie", OTHER))
    t.ctl("reload")
    t.true("a reload keeps the environment", f"{PORTED};npdi;rn={RN}@" in ask(t, "charlie", PORTED))


def naptr(number, answer):
    return f"{'.'.join(reversed(number[1:]))}.e164.test 1 NAPTR 10 100 u E2U+pstn:tel !^.*$!tel:{number};npdi{answer}! .\n"


def case_lnp_enum(t):
    """[RFC 4769 §4] [RFC 6116] [RFC 8767] ENUM: ported, not ported, unknown; a silent server costs the dip its time, known answers hold."""
    ip = f"{t.net}.53"
    server = NameServer(ip, DNS, naptr(PORTED, f";rn={RN}") + naptr(HOME, ""))
    try:
        start(t, f"enum e164.test\n  server {ip}:{DNS}")
        ported_and_not(t)
        t.true("a number without records is not ported", f"{OTHER};npdi@" in ask(t, "bravo", OTHER))
        t.true("it was asked for", server.asked >= 3)
        server.mode = "silent"
        # Its second is over: the servers are asked again, nothing comes, and what was known is given.
        t.until("the answer is out of date", lambda: f";rn={RN}@" in ask(t, "charlie", PORTED) and t.stat("lnp_stale") > 0, 20)
        t.true("a number that is not known goes as dialled", "+12125551299@" in ask(t, "bravo", "+12125551299"))
        t.true("its dip has failed", t.stat("dips_failed") + t.stat("dips_timeout") >= 1)
        server.mode = "answer"
        t.true("the server is back", f"{HOME};npdi@" in ask(t, "bravo", HOME))
    finally:
        server.close()


def case_lnp_timeout(t):
    """[routing] A name server that never answers: calls wait their 80 ms and go as dialled; none is lost."""
    ip = f"{t.net}.53"
    server = NameServer(ip, DNS, "")
    server.mode = "silent"
    try:
        start(t, f"enum e164.test\n  server {ip}:{DNS}", timeout="80ms")
        uas = t.uas("bravo", called().setup().hung_up(), n=20)
        t.uac(caller().setup().pause(100).hang_up(), numbers=[f"+1212555{i:04}" for i in range(20)], n=20, rate=20).wait()
        uas.wait()
        for r in t.cdrs(20, attempts=20):
            t.eq("record", (r["code"], r["dip"], r["lrn"]), (200, "timeout", ""))
            t.true(f"dip_ms {r['dip_ms']}", 70 <= r["dip_ms"] <= 1000 * t.scale)  # the loop's clock is of the turn's begin
        t.eq("show lnp", row(t)["timeout"], 20)
    finally:
        server.close()
