# SPDX-License-Identifier: BSD-2-Clause
"""Live state of trunks: limits at 110 %, what the operator says of a trunk, breakers, quality."""
import datetime
import os
import time

from cases_call import called, caller
from cases_switch import split_by_code


def passing_or_503():
    """A call that is answered, or refused by a limit."""
    s = caller().invite().maybe(100)
    s.steps.append('  <recv response="503" optional="true" next="refused"/>')
    s.recv(180).recv(200).ack().pause(300).hang_up()
    s.steps.append('  <nop next="end"/>\n  <label id="refused"/>')
    s.ack_failure()
    s.steps.append('  <label id="end"/>\n  <nop/>')
    return s


def bucket(starts, cps, burst):
    """What a token bucket admits of calls that begin at these moments [s]."""
    full_at, passed = 0.0, 0
    for at in starts:
        after = max(full_at, at) + 1 / cps
        if after <= at + burst / cps + 0.001:
            full_at, passed = after, passed + 1
    return passed


def moment(record):
    return datetime.datetime.fromisoformat(record["start"].replace("Z", "+00:00")).timestamp()


def case_limit_cps_at_110(t):
    """[3.5 Capacity] 'limit in 40cps burst 4' offered 44 a second: exactly what the bucket admits passes, 503 for the rest; then it is free at once."""
    t.start(alpha="  limit in 40cps burst 4\n")
    t.uas("bravo", called().setup().hung_up())
    uac = t.uac(passing_or_503(), n=264, rate=44)
    uac.wait()
    got = [c for c, _ in split_by_code(uac)]
    # a worker that had to wait for the machine sheds what is stale, without a record: 503 too
    t.until("264 calls have a record, or were shed", lambda: len(t.records("call")) + t.stat("gate_shed") >= 264)
    records, shed = t.records("call"), t.stat("gate_shed")
    want = bucket(sorted(moment(r) for r in records), 40, 4)
    passed = sum(r["code"] == 200 for r in records)
    t.true(f"{passed} calls of {len(records)} passed, the bucket admits {want} (2 more or less: records have whole milliseconds)",
           abs(passed - want) <= 2)
    t.eq("refused with 503", got.count(503), 264 - passed)
    t.true("Retry-After is a second, unless it was shed", sum(h.get("retry-after") in ("1", ["1"]) for c, h in split_by_code(uac) if c == 503)
           >= 264 - passed - shed)
    time.sleep(0.2)
    t.uac(caller().setup().hang_up(), n=4, rate=20).wait()
    t.eq("all pass behind it", [r["code"] for r in t.cdrs(len(records) + 4)].count(200), passed + 4)
    t.note = f"{passed} passed, the bucket admits {want}"


def case_trunk_drain_is_kept(t):
    """[routing] A drained trunk stays so over kill -9 and a restart; a broken file of states is put aside and said."""
    t.start()
    t.uas("bravo", called().setup().hung_up())
    t.uas("charlie", called("charlie").setup().hung_up())
    t.uac(caller().setup().hang_up()).wait()
    t.eq("the first goes to bravo", t.cdrs(1)[0]["trunk_out"], "bravo")
    said = t.ctl("trunk", "bravo", "drain")
    t.eq("said", (said["name"], said["state"]), ("bravo", "drain"))
    since = t.trunk("bravo")["admin_since"]
    t.uac(caller().setup().hang_up()).wait()
    t.eq("then to charlie", t.cdrs(2)[1]["trunk_out"], "charlie")
    t.kill("tandemd")
    t.start_tandemd()
    t.until("the relay is up", lambda: t.ctl("status")["media"] == "up")
    row = t.trunk("bravo")
    t.eq("still drained, since then", (row["admin"], row["admin_since"]), ("drain", since))
    t.uac(caller().setup().hang_up()).wait()
    t.eq("still to charlie", t.cdrs(3)[2]["trunk_out"], "charlie")
    code, _, err = t.ctl_raw("trunk", "bravo", "sideways")
    t.true(f"another word is refused: {err}", code == 1 and "usage" in err)
    _, _, err = t.ctl_raw("trunk", "bravp", "down")
    t.true(f"the nearest name is told: {err}", "did you mean 'bravo'" in err)
    code, _, err = t.ctl_raw("trunk", "nobody", "down")
    t.true(f"another name is refused: {err}", code == 1 and "no trunk" in err)
    state = t.path("state/trunks.json")
    t.kill("tandemd")
    with open(state, "w", encoding="utf-8") as f:
        f.write("{ not json")
    t.start_tandemd()
    row = t.until("it answers again", lambda: t.trunk("bravo"))
    t.eq("up", row["admin"], "up")
    t.true("the broken file is kept", os.path.exists(state + ".bad") and not os.path.exists(state))


def case_trunk_end_calls(t):
    """[routing] 'trunk bravo down end-calls': both sides get BYE with a Reason, the record says administrative; 'up' and it serves again."""
    t.start()
    bravo = t.uas("bravo", called().setup().recv_request("BYE").reply(200, "OK"), n=3)
    alpha = t.uac(caller().setup().recv_request("BYE").reply(200, "OK"), n=3, rate=50)
    t.until("3 calls are up", lambda: t.ctl("status")["calls_up"] == 3)
    said = t.ctl("trunk", "bravo", "down", "end-calls")
    t.eq("calls ended", said["ended"], 3)
    alpha.wait()
    bravo.wait()
    records = t.cdrs(3)
    t.eq("records", {(r["code"], r["reason"], r["release"]) for r in records}, {(200, "administrative", "switch")})
    t.eq("up", t.ctl("trunk", "bravo", "up")["state"], "up")
    t.uas("bravo", called().setup().hung_up(), n=1)
    t.uac(caller().setup().hang_up()).wait()
    t.eq("and serves again", t.cdrs(4)[3]["trunk_out"], "bravo")


def case_quality_and_breaker_shown(t):
    """[routing] show quality and show breakers say what calls have met; a breaker closes by its trial call."""
    t.start(trunks={"bravo": "  breaker trip 50% of 4 in 10s retry 1s\n", "charlie": ""})
    bad = called()
    bad.recv_invite().reply(503, "Out").recv_request("ACK")
    out = t.uas("bravo", bad, n=4)
    t.uas("charlie", called("charlie").setup().hung_up())
    t.uac(caller().setup().hang_up(), n=4, rate=5).wait()
    out.wait()
    row = t.ctl("show", "breakers")[0]
    t.true(f"the breaker is open: {row}", row["state"] in ("open", "half-open") and row["trips"] == 1)
    quality = {r["trunk"]: r for r in t.ctl("show", "quality")}
    t.eq("bravo: no answer of four", (quality["bravo"]["seizures"], quality["bravo"]["asr_ppm"]), (4, 0))
    t.eq("charlie: four of four", (quality["charlie"]["seizures"], quality["charlie"]["asr_ppm"]), (4, 1000000))
    t.until("charlie's calls have ended", lambda: [r for r in t.ctl("show", "quality", "charlie") if r["destination"] == "all"][0]["ended"] == 4)
    t.uas("bravo", called().setup().hung_up())
    t.until("half-open", lambda: t.ctl("show", "breakers")[0]["state"] == "half-open")
    t.uac(caller().setup().hang_up()).wait()
    t.eq("closed by the trial", t.ctl("show", "breakers")[0]["state"], "closed")
    t.eq("which bravo served", t.cdrs(5)[4]["trunk_out"], "bravo")
