# SPDX-License-Identifier: BSD-2-Clause
"""Peers that die, daemons that are killed: calls end where they must and go on where they can."""
import re
import signal
import time

import harness
from cases_call import called, caller
from scenario import Scenario


def case_ack_never_comes(t):
    """[RFC 3261 §13.3.1.4] No ACK to the 200: after 64*T1 both sides get BYE."""
    t.start()
    uas = t.uas("bravo", called().setup().hung_up(timeout=45000), n=1, timeout=60)
    s = caller().invite().maybe(100).recv(180).recv(200).recv_request("BYE", timeout=45000).reply(200, "OK")
    uac = t.uac(s, timeout=60)
    uac.wait(70 * t.scale)
    oks = [m for m in uac.received("SIP/2.0 200") if "CSeq: 1 INVITE" in m]
    t.true(f"200 was repeated: {len(oks)} in all", len(oks) >= 8)
    t.cdr(release="switch")


case_ack_never_comes.seconds = 34


def case_callee_is_dead_at_bye(t):
    """[RFC 3261 §15.1.1] The caller hangs up and the carrier is dead: the caller gets its 200 at once, the rest ends by Timer F."""
    t.start()
    uas = t.uas("bravo", called().setup().recv_request("BYE").pause(1000), n=1)
    t.uac(caller().setup().pause(300).hang_up()).wait(10 * t.scale)
    t.cdr(code=200, release="in")
    uas.stop()
    uas.judged = True
    t.until("no calls are left", lambda: t.ctl("status")["calls"] == 0, 45)


case_callee_is_dead_at_bye.seconds = 33


def case_callee_is_dead_at_reinvite(t):
    """A re-INVITE that the carrier never answers: 408, and the call ends on the caller's side too."""
    t.start()
    s = called().setup().recv_request("INVITE").pause(100)
    uas = t.uas("bravo", s, n=1, timeout=60)
    u = caller().setup().pause(200)
    u.request("INVITE", body=u.offer()).maybe(100).recv(408, timeout=45000)
    u._send(f"ACK [next_url] SIP/2.0\n[last_Via:]\n[last_From:]\n[last_To:]\nCall-ID: [call_id]\nCSeq: {u.cseq} ACK\nMax-Forwards: 70\nContent-Length: 0\n")
    u.recv_request("BYE", timeout=20000).reply(200, "OK")
    t.uac(u, timeout=60).wait(70 * t.scale)
    uas.stop()
    uas.judged = True
    t.cdr(code=408, release="out")
    t.until("no calls are left", lambda: t.ctl("status")["calls"] == 0, 45)


case_callee_is_dead_at_reinvite.seconds = 70


def media_calls(t, n, hold_ms, talk_ms, first=26000, tag=""):
    """n calls with RTP both ways, started; returns the probe and both SIPps."""
    pair = [first + 2 * i for i in range(n)]
    uas_s = called(media_port="[field0]", probe=True).setup()
    uac_s = caller(media_port="[field1]", probe=True).setup()
    uas = t.uas("bravo", uas_s.hung_up(timeout=120000), n=None, fields=[(p,) for p in pair], timeout=150)
    probe = t.probe([(t.ip("alpha"), first, first + 2 * n - 1), (t.ip("bravo"), first, first + 2 * n - 1)],
                    [t.path("alpha-uac.log"), uas.base + ".log"], talk_ms)
    uac = t.uac(uac_s.pause(hold_ms).hang_up(), n=n, rate=50, fields=[(f"1212555{i:04}", p) for i, p in enumerate(pair)], timeout=150)
    return probe, uac, uas


def hung_up(t, n, probe, uac, uas, ok=True):
    """The parties hang up: BYE finds every call, and each has its record."""
    uac.wait(60)
    t.probe_end(probe, ok=ok)
    calls = t.cdrs(n)
    t.eq("calls that were hung up", [(r["code"], r["release"], r["estimated"]) for r in calls], [(200, "in", False)] * n)
    t.true("their media was counted", all(r["in_packets"] > 100 and r["out_packets"] > 100 for r in calls))
    t.until("no session is left", lambda: t.relay_is_empty(), 5)


def case_controller_killed(t):
    """[3.5 Failover] kill -9 of tandemd under 30 calls with RTP: no packet is lost, the calls go on and are hung up by BYE, new ones work."""
    t.start()
    n = 30
    probe, uac, uas = media_calls(t, n, 9000, 7000)
    t.until(f"{n} calls are up", lambda: t.ctl("status")["calls_up"] == n, 20)
    t.until("all streams are latched", lambda: t.ctl("show", "relay")["packets_out"] > 2 * n * 20)
    t.kill("tandemd", signal.SIGKILL)
    time.sleep(2)  # the time in which RTP must go on without a controller
    t.start_tandemd()
    t.eq("calls that were taken up", t.ctl("status")["calls_up"], n)
    t.until("the relay is up", lambda: t.ctl("status")["media"] == "up")
    t.eq("sessions that the relay kept", t.ctl("show", "relay")["sessions"], n)
    new_uas = t.uas("charlie", called("charlie").setup().hung_up(), n=5)
    t.config(route="default via charlie")
    t.ctl("reload")
    new = t.uac(caller().setup().pause(300).hang_up(), n=5, port=harness.CARRIER + 2, local=t.ip("alpha"))
    new.wait()
    new_uas.wait()
    t.eq("records of new calls", len([r for r in t.cdrs(5) if r["code"] == 200]), 5)
    uac.wait(60)
    t.probe_end(probe)
    calls = t.cdrs(n + 5)
    t.eq("calls that were hung up", [(r["code"], r["release"], r["estimated"]) for r in calls], [(200, "in", False)] * (n + 5))
    t.until("no session is left", lambda: t.relay_is_empty(), 5)


case_controller_killed.seconds = 35


def case_killed_while_calls_end(t):
    """[3.5 Failover] kill -9 of tandemd in the middle of 150 calls' ends, those of the last milliseconds with it: one record a call, none twice."""
    t.start()
    n = 150
    uas = t.uas("bravo", called().setup().hung_up(timeout=30000), timeout=60)
    uac = t.uac(caller().setup().pause(2500 * t.scale).hang_up(), n=n, rate=100 // t.scale, timeout=60)
    t.until("calls are ending", lambda: t.ctl("status")["cdr"]["written"] >= n, 20)  # an attempt and a call each: half of them
    t.kill("tandemd", signal.SIGKILL)
    t.start_tandemd()
    # a BYE whose 200 went with the process comes again, to a process for which the call is over: 481, and SIPp calls that a failure
    t.until("all calls have ended", lambda: uac.proc.poll() is not None, 40)
    uas.stop()
    uac.judged = uas.judged = True
    calls = t.cdrs(n, attempts=n)
    t.eq("calls of their own", len({r["uuid"] for r in calls}), n)
    t.true("each was answered", all(r["code"] == 200 for r in calls))


case_killed_while_calls_end.seconds = 15


def case_both_killed(t):
    """[3.5 Failover] kill -9 of both daemons at once under 20 calls with RTP: they go on and are hung up by BYE."""
    t.start(route="default via bravo")
    n = 20
    probe, uac, uas = media_calls(t, n, 11000, 10000)
    t.until(f"{n} calls are up", lambda: t.ctl("status")["calls_up"] == n, 20)
    t.until("RTP flows", lambda: t.ctl("show", "relay")["packets_out"] > 2 * n * 20)
    t.kill("tandemd", signal.SIGKILL)
    t.kill("tandem-media", signal.SIGKILL)
    t.start_media()
    t.start_tandemd()
    t.until("the relay is up", lambda: t.ctl("status")["media"] == "up")
    r = t.ctl("show", "relay")
    t.eq("calls, sessions, drift", (t.ctl("status")["calls_up"], r["sessions"], r["pairs_drift"]), (n, n, 0))
    hung_up(t, n, probe, uac, uas, ok=False)


case_both_killed.seconds = 30


def unexposed(text):
    """Lines that the text format does not allow: each family has its HELP, its TYPE and then all its samples, once."""
    wrong, done, family = [], set(), None
    for line in text:
        head = re.fullmatch(r"# (HELP|TYPE) ([a-z_][a-z0-9_]*) (.+)", line)
        sample = re.fullmatch(r'([a-z_][a-z0-9_]*)(\{[a-z]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z]+="(?:[^"\\\n]|\\["\\n])*")*\})? -?[0-9]+', line)
        if head and head[1] == "HELP":
            ok = head[2] not in done
            family = [head[2], None]
            done.add(head[2])
        elif head:
            ok = family == [head[2], None] and head[3] == ("counter" if head[2].endswith("_total") else "gauge")
            family = [head[2], head[3]]
        else:
            ok = sample and family and family[1] and family[0] == sample[1]
        if not ok:
            wrong.append(line)
    return wrong


def case_relay_killed(t):
    """[3.5 Failover] The relay is killed: new calls with media get 503; after its restart the running ones have RTP again."""
    t.start(route="default via bravo")
    n = 10
    probe, uac, uas = media_calls(t, n, 14000, 13000)
    t.until(f"{n} calls are up", lambda: t.ctl("status")["calls_up"] == n, 20)
    t.until("RTP flows", lambda: t.ctl("show", "relay")["packets_out"] > 2 * n * 20)
    t.kill("tandem-media", signal.SIGKILL)
    t.until("tandemd knows", lambda: t.ctl("status")["media"] == "down")
    new = t.uac(caller().invite().maybe(100).recv(503).ack_failure(), port=harness.CARRIER + 2, local=t.ip("alpha"), n=3)
    new.wait()
    t.eq("calls still up", t.ctl("status")["calls_up"], n)
    scrape = t.ctl("metrics")["switch"]
    t.eq("what a scrape is told", (scrape["gauges"]["relay_up"], scrape["gauges"]["calls_up"], scrape["counters"]["calls_answered"]), (0, n, n))
    t.start_media()
    t.until("the relay is up", lambda: t.ctl("status")["media"] == "up")
    t.until("sessions are installed again", lambda: t.ctl("show", "relay")["sessions"] == n)
    text = t.ctl_text("metrics").splitlines()
    t.eq("what is no exposition of Prometheus", unexposed(text), [])
    used = [int(line.split()[1]) for line in text if line.startswith("tandem_media_pool_used{")]
    t.eq("the relay's numbers again", ("tandem_relay_up 1" in text, sum(used)), (True, 2 * n))
    t.until("sessions are installed again", lambda: t.ctl("show", "relay")["sessions"] == n)
    before = t.ctl("show", "relay")["packets_out"]
    t.until("RTP flows again", lambda: t.ctl("show", "relay")["packets_out"] > before + 2 * n * 50)
    uac.wait(60)
    t.probe_end(probe, ok=False)
    calls = t.cdrs(n + 3)
    t.eq("codes", sorted(r["code"] for r in calls), [200] * n + [503] * 3)


case_relay_killed.seconds = 25


def case_media_inactivity(t):
    """[3.5 Timers] RTP stops on both sides: the call is ended with its own cause."""
    t.start(each="  media-inactivity 5s\n")
    probe, uac, uas = None, None, None
    pair = [26000]
    uas = t.uas("bravo", called(media_port="[field0]", probe=True).setup().hung_up(timeout=30000), n=1, fields=[(26000,)])
    probe = t.probe([(t.ip("alpha"), 26000, 26001), (t.ip("bravo"), 26000, 26001)], [t.path("alpha-uac.log"), uas.base + ".log"], 1500)
    s = caller(media_port="[field1]", probe=True).setup().hung_up(timeout=30000)
    uac = t.uac(s, fields=[("12125550000", pair[0])])
    uac.wait(40)
    uas.wait(10)
    t.probe_end(probe)
    r = t.cdr(release="switch")
    t.true("answered", r["answer_ms"])
    t.true(f"ended about 5 s after the last packet: {r['billable_ms']} ms", 5000 <= r["billable_ms"] <= 12000 * t.scale)
    t.eq("counter", t.stat("calls_media_inactive"), 1)


def case_max_duration(t):
    """[3.5 Timers] max-duration ends the call: BYE to both sides."""
    t.start(each="  max-duration 2s\n")
    uas = t.uas("bravo", called().setup().hung_up(), n=1)
    t.uac(caller().setup().hung_up()).wait()
    uas.wait()
    r = t.cdr(code=200, release="switch")
    t.true(f"billable {r['billable_ms']} ms", 1900 <= r["billable_ms"] <= 3500 * t.scale)


def case_setup_timeout(t):
    """[RFC 3261 §13.3.1.1] setup-timeout ends the hunt over all carriers."""
    t.start(alpha="  setup-timeout 2s\n")
    u = called().recv_invite().reply(180, "Ringing").recv_request("CANCEL").reply(200, "OK")
    t.uas("bravo", u.reply(487, "Request Terminated", method="INVITE").recv_request("ACK"), n=1)
    s = Scenario("uac", "alpha").invite().maybe(100).recv(180)
    uac = t.uac(s.recv(408).ack_failure())
    uac.wait(20, ok=False)
    uac.judged = True
    code = int(uac.received("SIP/2.0 4")[0].split()[1])
    t.true(f"final response {code} is 408 or 480", code in (408, 480))
    t.cdr(code=code, release="switch")
