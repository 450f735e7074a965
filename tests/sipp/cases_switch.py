# SPDX-License-Identifier: BSD-2-Clause
"""What the switch does of its own: who may call, limits, health probes, reload, drain, several workers."""
import glob
import os
import signal
import socket
import time

import harness
from agent import Agent
from cases_call import called, caller, reinvite, reinvited
from scenario import Scenario


def case_unknown_403(t):
    """[3.5 Security] 'unknown 403': a source that is nobody's trunk gets 403, and no state is made."""
    t.start(unknown="403")
    s = Scenario("uac", "stranger").invite().recv(403).ack_failure()
    t.uac(s, side="stranger", toward="west", n=3).wait()
    t.until("counted", lambda: t.stat("gate_403") >= 3)
    t.eq("transactions made", t.stat("txn_server_new"), 0)
    t.eq("records", len(t.records()), 0)


def case_unknown_drop(t):
    """[3.5 Security] 'unknown drop': nothing comes back, whatever is sent."""
    t.start(unknown="drop")
    ip = t.ip("stranger")
    for method in ("INVITE", "OPTIONS", "REGISTER"):
        msg = (f"{method} sip:1@{t.ip('west')} SIP/2.0\r\nVia: SIP/2.0/UDP {ip}:{harness.CARRIER};branch=z9hG4bK{method}\r\n"
               f"From: <sip:x@{ip}>;tag=1\r\nTo: <sip:1@{t.ip('west')}>\r\nCall-ID: {method}1\r\nCSeq: 1 {method}\r\n"
               "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n").encode()
        before = t.stat("gate_dropped")
        got = harness.send_udp(ip, msg, (t.ip("west"), harness.SIP), wait=0.3)
        t.eq(f"answer to {method}", got, None)
        t.until("counted as dropped", lambda: t.stat("gate_dropped") > before)
    t.eq("transactions made", t.stat("txn_server_new"), 0)


def case_unknown_flood(t):
    """[3.5 Security] Thousands of INVITEs a second from strangers beside 100 calls of a carrier: no call fails, the strangers get nothing."""
    t.start(unknown="drop")
    t.uas("bravo", called().setup().hung_up())
    uac = t.uac(caller().setup().pause(500).hang_up(), n=100, rate=50)
    ip, sent = t.ip("stranger"), 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((ip, harness.CARRIER))
        end = time.monotonic() + 2
        while time.monotonic() < end:
            for _ in range(100):
                sent += 1
                s.sendto((f"INVITE sip:1@{t.ip('west')} SIP/2.0\r\nVia: SIP/2.0/UDP {ip}:{harness.CARRIER};branch=z9hG4bK{sent}\r\n"
                          f"From: <sip:x@{ip}>;tag={sent}\r\nTo: <sip:1@{t.ip('west')}>\r\nCall-ID: {sent}\r\nCSeq: 1 INVITE\r\n"
                          "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n").encode(), (t.ip("west"), harness.SIP))
            time.sleep(0.01)
        uac.wait()
        s.setblocking(False)
        try:
            t.true(f"strangers got {s.recv(2048)!r}", False)
        except BlockingIOError:
            pass
    t.eq("all answered", {r["code"] for r in t.cdrs(100)}, {200})
    dropped = t.stat("gate_dropped")
    t.true(f"{dropped} of {sent} counted as dropped", dropped >= sent * 0.95)
    t.note = f"{sent} datagrams of strangers"


def case_restart_forgets_cleanly(t):
    """[RFC 3261 §12.2.2] After a kill and the loss of the journal, requests of the former calls get 481 and leave nothing behind."""
    t.start(media=False)
    t.ignore |= {t.ip("alpha"), t.ip("bravo")}
    alpha, bravo = Agent(t, "alpha"), Agent(t, "bravo")
    call = alpha.invite("12125550000")
    inv = bravo.wait("INVITE")
    bravo.reply(inv, 200, body=bravo.sdp())
    call.answered(alpha.wait("200", "INVITE"))
    alpha.request(call, "ACK")
    bravo.wait("ACK")
    back = bravo.call_back(inv)
    t.kill("tandemd")
    journals = glob.glob(t.path("run/calls.*"))
    t.true("journals", journals)
    for path in journals:
        os.unlink(path)
    t.start_tandemd()
    alpha.request(call, "BYE")
    alpha.wait("481", "BYE")
    bravo.request(back, "INVITE", body=bravo.sdp())
    bravo.wait("481", "INVITE")
    bravo.request(back, "ACK")
    new = alpha.invite("12125550001")
    inv = bravo.wait("INVITE")
    bravo.reply(inv, 200, body=bravo.sdp())
    new.answered(alpha.wait("200", "INVITE"))
    alpha.request(new, "ACK")
    bravo.wait("ACK")
    alpha.request(new, "BYE")
    bravo.reply(bravo.wait("BYE"), 200)
    alpha.wait("200", "BYE")


def case_requests_again(t):
    """[RFC 3261 §17.2.2] Each request of a call is sent twice: every answer comes twice, nothing happens twice."""
    t.start()
    alpha, bravo = Agent(t, "alpha"), Agent(t, "bravo")
    call = alpha.invite("12125550000")
    alpha.again()
    inv = bravo.wait("INVITE")
    bravo.reply(inv, 180)
    alpha.wait("180")
    alpha.again_first()
    alpha.wait("180")
    bravo.reply(inv, 200, body=bravo.sdp())
    call.answered(alpha.wait("200", "INVITE"))
    alpha.request(call, "ACK")
    alpha.again()
    bravo.wait("ACK")
    alpha.request(call, "INFO")
    alpha.again()
    info = bravo.wait("INFO")
    bravo.reply(info, 200)
    alpha.wait("200", "INFO")
    alpha.again()
    alpha.wait("200", "INFO")
    alpha.request(call, "BYE")
    alpha.again()
    bravo.reply(bravo.wait("BYE"), 200)
    alpha.wait("200", "BYE")
    alpha.wait("200", "BYE")
    t.cdr(code=200, attempts=1)
    for what in ("INVITE", "INFO", "BYE"):
        t.eq(f"{what} at bravo a second time", bravo.rest(what), [])


def case_reinvites_cross(t):
    """[RFC 3261 §14.1] [RFC 5407 §3.3.1] re-INVITEs of both sides at once (RFC 3261 14.1): 491 for one or both, the call stands."""
    t.start()
    alpha, bravo = Agent(t, "alpha"), Agent(t, "bravo")
    call = alpha.invite("12125550000")
    inv = bravo.wait("INVITE")
    bravo.reply(inv, 200, body=bravo.sdp())
    call.answered(alpha.wait("200", "INVITE"))
    alpha.request(call, "ACK")
    bravo.wait("ACK")
    back = bravo.call_back(inv)
    alpha.request(call, "INVITE", body=alpha.sdp())
    theirs = bravo.wait("INVITE")
    bravo.request(back, "INVITE", body=bravo.sdp())
    bravo.wait("491", "INVITE")
    bravo.request(back, "ACK")
    bravo.reply(theirs, 491)
    bravo.wait("ACK")
    alpha.wait("491", "INVITE")
    alpha.request(call, "ACK")
    alpha.request(call, "BYE")
    bravo.reply(bravo.wait("BYE"), 200)
    alpha.wait("200", "BYE")
    t.cdr(code=200)


def case_forked_downstream(t):
    """[3.5 Early media] Two early dialogs of one carrier, the second one answers: one call, ACK and BYE in the dialog that answered."""
    t.start()
    t.no_calls_after = 40  # the other one may still answer until Timer M, and would get ACK and BYE
    alpha, bravo = Agent(t, "alpha"), Agent(t, "bravo")
    call = alpha.invite("12125550000")
    inv = bravo.wait("INVITE")
    bravo.reply(inv, 183, body=bravo.sdp(port=29000), fork="one")
    alpha.wait("183")
    bravo.reply(inv, 180, fork="two")
    alpha.wait("180")
    bravo.reply(inv, 200, body=bravo.sdp(port=29010), fork="two")
    call.answered(alpha.wait("200", "INVITE"))
    alpha.request(call, "ACK")
    ack = bravo.wait("ACK")
    t.true(f"ACK in the dialog that answered: {ack.fields['to']}", ack.fields["to"].endswith("two"))
    alpha.request(call, "BYE")
    bye = bravo.wait("BYE")
    t.true("BYE there too", bye.fields["to"].endswith("two"))
    bravo.reply(bye, 200)
    alpha.wait("200", "BYE")
    t.cdr(code=200, attempts=1)


def case_emergency_is_never_capped(t):
    """[3.5 Emergency] 911 with all limits full: it goes through, by its own route line."""
    t.start(alpha="  limit in 1calls\n", route="emergency via charlie\n  default via bravo")
    t.uas("bravo", called().setup().hung_up())
    charlie = t.uas("charlie", called("charlie").setup().hung_up(), n=1)
    held = t.uac(caller().setup().pause(2000).hang_up())
    t.until("the limit is full", lambda: t.ctl("status")["calls_up"] == 1)
    t.uac(refused_503(1), port=harness.CARRIER + 2, local=t.ip("alpha")).wait()
    t.uac(caller().setup().pause(100).hang_up(), numbers=["911"], port=harness.CARRIER + 4, local=t.ip("alpha")).wait()
    charlie.wait()
    held.wait()
    t.eq("classes", sorted((r["class"], r["code"]) for r in t.cdrs(3)), [("emergency", 200), ("ordinary", 200), ("ordinary", 503)])


def refused_503(n):
    return Scenario("uac", "alpha").invite().maybe(100).recv(503).ack_failure()


def split_by_code(uac):
    """Calls by the first final response to their INVITE."""
    codes = {}
    for m in uac.received("SIP/2.0 "):
        code = int(m.split()[1])
        head = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in m.split("\r\n"))}
        if code >= 200 and "INVITE" in head.get("cseq", ""):
            codes.setdefault(head["call-id"], (code, head))
    return list(codes.values())


def case_limit_calls(t):
    """[3.5 Basic call] 5 of 12 calls at a time: exactly 7 get 503 with Retry-After."""
    t.start(alpha="  limit in 5calls\n")
    t.uas("bravo", called().setup().hung_up())
    held = t.uac(caller().setup().pause(3000).hang_up(), n=5, rate=50)
    t.until("5 calls are up", lambda: t.ctl("status")["calls_up"] == 5)
    more = t.uac(refused_503(7), n=7, rate=50, port=harness.CARRIER + 2, local=t.ip("alpha"))
    more.wait()
    held.wait()
    t.eq("refusals", [c for c, _ in split_by_code(more)], [503] * 7)
    t.true("Retry-After in each", all("retry-after" in h for _, h in split_by_code(more)))
    codes = sorted(r["code"] for r in t.cdrs(12))
    t.eq("records", codes, [200] * 5 + [503] * 7)
    row = t.trunk("alpha")
    t.eq("refused at alpha", row["refused_in"], 7)


def case_limit_cps(t):
    """[3.5 Capacity] A burst of 30 against 'limit in 5cps burst 5': 5 to 6 pass, the others get 503 with Retry-After."""
    t.start(alpha="  limit in 5cps burst 5\n")
    t.uas("bravo", called().setup().hung_up())
    s = caller().invite().maybe(100)
    s.steps.append('  <recv response="503" optional="true" next="refused"/>')
    s.recv(180).recv(200).ack().pause(500).hang_up()
    s.steps.append('  <nop next="end"/>\n  <label id="refused"/>')
    s.ack_failure()
    s.steps.append('  <label id="end"/>\n  <nop/>')
    uac = t.uac(s, n=30, rate=1000)
    uac.wait()
    got = [c for c, _ in split_by_code(uac)]
    ok = got.count(200)
    t.true(f"{ok} calls of 30 passed, 5 to 7 may", 5 <= ok <= 7)
    t.eq("refused", got.count(503), 30 - ok)
    t.true("Retry-After in each", all("retry-after" in h for c, h in split_by_code(uac) if c == 503))
    t.eq("records refused", [r["code"] for r in t.cdrs(30)].count(503), 30 - ok)


def case_limit_out_advances(t):
    """[3.5 Failover] The first carrier's limit is full: the call goes to the second one."""
    t.start(trunks={"bravo": "  limit out 2calls\n", "charlie": ""})
    bravo = t.uas("bravo", called().setup().hung_up())
    charlie = t.uas("charlie", called("charlie").setup().hung_up())
    t.uac(caller().setup().pause(2000).hang_up(), n=5, rate=5).wait()
    t.eq("calls at bravo and charlie", (len(bravo.received("INVITE")), len(charlie.received("INVITE"))), (2, 3))
    t.eq("records", sorted(r["trunk_out"] for r in t.cdrs(5)), ["bravo"] * 2 + ["charlie"] * 3)


def case_options_answered(t):
    """[RFC 3261 §11.2] [3.5 Keep-alive] OPTIONS of a carrier: 200 with Allow."""
    t.start()
    uac = t.uac(caller().options().recv(200), n=3)
    uac.wait()
    t.true("Allow", all("Allow:" in m for m in uac.received("SIP/2.0 200")))


def answer_options(side="bravo"):
    return Scenario("uas", side).recv_request("OPTIONS").reply(200, "OK", retrans=False)


def case_options_health(t):
    """[3.5 Keep-alive] Health probes: a carrier that stops answering goes down and gets no calls, and comes back."""
    t.start(each="  options every 1s down-after 2 up-after 2\n  trying-timeout 1s\n")
    charlie_port = harness.CARRIER
    bravo = t.uas("bravo", answer_options())
    t.uas("charlie", answer_options("charlie"), port=charlie_port)
    alpha = t.sipp("alpha-uas", "alpha", answer_options("alpha"), n=None, port=harness.CARRIER)
    t.until("bravo is probed", lambda: t.trunk("bravo")["peers"][0]["probes"] >= 2)
    t.eq("bravo", t.trunk("bravo")["state"], "up")
    bravo.stop()
    t.until("bravo is down", lambda: t.trunk("bravo")["state"] == "down", 20)
    t.eq("charlie", t.trunk("charlie")["state"], "up")
    alpha.stop()
    bravo = t.uas("bravo", answer_options())
    t.until("bravo is up again", lambda: t.trunk("bravo")["state"] == "up", 20)
    for s in t.sipps:
        s.judged = True
    t.config()
    t.ctl("reload")  # without probes, so that the last transaction can be waited for


def case_down_trunk_is_skipped(t):
    """[3.5 Keep-alive] A trunk that is down is not tried: the call goes to the next one at once."""
    t.start(trunks={"bravo": "  options every 1s down-after 1 up-after 1\n", "charlie": ""})
    t.uas("charlie", called("charlie").setup().hung_up(), n=1)
    t.until("bravo is down", lambda: t.trunk("bravo")["state"] == "down", 45)
    t.uac(caller().setup().pause(100).hang_up()).wait()
    rec = t.cdr(attempts=1, code=200, trunk_out="charlie")
    t.true(f"set up in {rec['setup_ms']} ms", rec["setup_ms"] < 1000 * t.scale)
    t.config()
    t.ctl("reload")


def case_reload_under_load(t):
    """[3.5 Failover] SIGHUP and tandemctl reload while 150 calls come and go: none fails."""
    t.start()
    t.uas("bravo", called().setup().hung_up())
    uac = t.uac(caller().setup().pause(700).hang_up(), n=150, rate=50)
    gen = t.ctl("status")["generation"]
    for i in range(8):
        t.config(each=f"  ring-timeout {30 + i}s\n")
        if i % 2:
            t.procs["tandemd"].send_signal(signal.SIGHUP)
            t.until(f"reload {i + 1} is done", lambda want=gen + i + 1: t.ctl("status")["generation"] == want)
        else:
            t.ctl("reload")
        time.sleep(0.2)
    uac.wait()
    t.eq("generation", t.ctl("status")["generation"], gen + 8)
    calls = t.cdrs(150)
    t.eq("all answered", {r["code"] for r in calls}, {200})
    t.true("records of several generations", len({r["generation"] for r in calls}) >= 3)
    t.until("all workers took the last one", lambda: {w["generation"] for w in t.ctl("status")["workers"]} == {gen + 8})


def case_reload_removes_trunk(t):
    """[3.5 Failover] The trunk of a standing call is taken out: re-INVITE from both sides and BYE still work, new calls do not come."""
    t.start()
    uas = t.uas("bravo", reinvited(reinvite(called().setup().pause(1500))).hung_up(), n=1)
    uac = t.uac(reinvite(reinvited(caller().setup()).pause(300)).pause(200).hang_up())
    t.until("the call is up", lambda: t.ctl("status")["calls_up"] == 1)
    t.config(trunks={"charlie": ""}, route="default via charlie")
    t.ctl("reload")
    t.eq("trunks now", [r["trunk"] for r in t.ctl("show", "trunks")], ["alpha", "charlie"])
    uac.wait()
    uas.wait()
    t.cdr(code=200, trunk_out="bravo", release="in")


def case_reload_removes_both_trunks(t):
    """Both trunks of a standing call are renamed: BYE from the carrier still ends it on both sides."""
    t.start()
    uas = t.uas("bravo", called().setup().pause(1500).hang_up(), n=1)
    uac = t.uac(caller().setup().hung_up())
    t.until("the call is up", lambda: t.ctl("status")["calls_up"] == 1)
    conf = t.config()
    with open(conf, encoding="utf-8") as f:
        text = f.read()
    t.write("tandem.conf", text.replace("trunk alpha", "trunk alpine").replace("trunk bravo", "trunk bravissimo").replace("via bravo", "via bravissimo"))
    t.ctl("reload")
    uac.wait()
    uas.wait()
    t.cdr(code=200, trunk_in="alpha", trunk_out="bravo", release="out")


def case_reload_wrong(t):
    """A configuration with an error changes nothing, by SIGHUP or by tandemctl, and calls go on."""
    t.start()
    t.uas("bravo", called().setup().hung_up())
    uac = t.uac(caller().setup().pause(500).hang_up(), n=20, rate=20)
    gen = t.ctl("status")["generation"]
    with open(t.path("tandem.conf"), "a", encoding="utf-8") as f:
        f.write("\ntrunk broken\n  listn west\n")
    code, _, err = t.ctl_raw("reload")
    t.eq("exit code of the reload", code, 1)
    t.true(f"the error is shown with its place: {err}", "tandem.conf:" in err and "listn" in err and "listen" in err)
    failed = t.ctl("status")["reloads_failed"]
    t.procs["tandemd"].send_signal(signal.SIGHUP)
    t.until("the second one failed too", lambda: t.ctl("status")["reloads_failed"] == failed + 1)
    t.eq("generation", t.ctl("status")["generation"], gen)
    t.eq("trunks", [r["trunk"] for r in t.ctl("show", "trunks")], ["alpha", "bravo", "charlie"])
    uac.wait()
    t.cdrs(20)


def case_reload_beyond_the_ports(t):
    """A limit that the media ports cannot carry: the reload is refused and says why."""
    t.start()
    t.config(limit="20000calls")
    code, _, err = t.ctl_raw("reload")
    t.true(f"exit {code}: {err}", code == 1 and "port pairs" in err)
    t.eq("generation", t.ctl("status")["generation"], 1)


def case_drain(t):
    """[3.5 Keep-alive] SIGTERM: new calls get 503, the standing one goes on to its end, then the daemon exits 0."""
    t.start()
    t.uas("bravo", called().setup().hung_up())
    standing = t.uac(caller().setup().pause(2500).hang_up())
    t.until("the call is up", lambda: t.ctl("status")["calls_up"] == 1)
    t.procs["tandemd"].send_signal(signal.SIGTERM)
    t.until("it drains", lambda: t.ctl("status")["state"] == "draining")
    new = t.uac(refused_503(1), port=harness.CARRIER + 2, local=t.ip("alpha"))
    new.wait()
    t.true("Retry-After", "Retry-After:" in new.received("SIP/2.0 503")[0])
    standing.wait()
    t.eq("exit code", t.procs.pop("tandemd").wait(10 * t.scale), 0)
    t.cdr(code=200)  # what a draining switch refuses has never been a call


def case_second_sigterm(t):
    """A second SIGTERM ends all calls: BYE to both sides, records written, exit 0."""
    t.start()
    uas = t.uas("bravo", called().setup().hung_up(), n=5)
    uac = t.uac(caller().setup().hung_up(), n=5, rate=20)
    t.until("5 calls are up", lambda: t.ctl("status")["calls_up"] == 5)
    daemon = t.procs["tandemd"]
    daemon.send_signal(signal.SIGTERM)
    t.until("it drains", lambda: t.ctl("status")["state"] == "draining")
    daemon.send_signal(signal.SIGTERM)
    uac.wait()
    uas.wait()
    t.procs.pop("tandemd")
    t.eq("exit code", daemon.wait(10 * t.scale), 0)
    t.eq("release", {r["release"] for r in t.cdrs(5)}, {"switch"})


def case_hangup_command(t):
    """[3.5 Basic call] tandemctl hangup: BYE to both sides; show calls and show call before it."""
    t.start()
    uas = t.uas("bravo", called().setup().hung_up(), n=1)
    uac = t.uac(caller().setup().hung_up())
    t.until("the call is up", lambda: t.ctl("status")["calls_up"] == 1)
    row = t.ctl("show", "calls")["calls"][0]
    t.eq("trunks", (row["in"], row["out"], row["state"]), ("alpha", "bravo", "up"))
    t.eq("show call", t.ctl("show", "call", row["uuid"])["called"], row["called"])
    t.ctl("hangup", row["uuid"])
    uac.wait()
    uas.wait()
    t.cdr(code=200, release="switch", uuid=row["uuid"])


def case_four_workers_one_peer(t):
    """[3.5 Capacity] 4 workers and one peer address a side: half the messages change hands, nothing fails, nothing is reordered."""
    t.start(workers=4)
    n, bursts = 60, 6
    alpha, bravo = Agent(t, "alpha"), Agent(t, "bravo")
    calls = [alpha.invite(f"1212555{i:04}") for i in range(n)]
    for _ in calls:
        inv = bravo.wait("INVITE")
        bravo.reply(inv, 180)
        bravo.reply(inv, 200, body=bravo.sdp())
    for _ in calls:
        call = alpha.call_of(alpha.wait("200", "INVITE"))
        alpha.request(call, "ACK")
        for _ in range(bursts):  # one behind the other, no answer awaited
            alpha.request(call, "INFO")
        bravo.pump()
    last = {}
    while sum(last.values()) < n * (bursts + 1):
        info = bravo.wait("INFO")
        bravo.reply(info, 200)
        before = last.get(info.call_id, 1)
        if info.cseq <= before:  # sent again: on a slow machine the answer takes longer than Timer E
            continue
        t.true(f"CSeq {info.cseq} behind {before} in {info.call_id}", info.cseq == before + 1)
        last[info.call_id] = info.cseq
    for _ in range(n * bursts):
        alpha.wait("200", "INFO")
    for call in calls:
        alpha.request(call, "BYE")
    for _ in calls:
        bravo.reply(bravo.wait("BYE"), 200)
        alpha.wait("200", "BYE")
    stats = t.ctl("stats")
    t.true(f"handed over {stats['handover_out']} of {stats['sip_rx']} received", stats["handover_out"] * 2 >= stats["sip_rx"])
    t.eq("taken = handed over", stats["handover_in"], stats["handover_out"])
    t.eq("answered", {r["code"] for r in t.cdrs(n)}, {200})
    t.eq("out of order inside a dialog", stats["dialog_cseq_order"], 0)
    us = stats.get("handover_wait_us", 0) / max(1, stats["handover_in"])
    t.note = f"{stats['handover_out']} of {stats['sip_rx']} messages handed over, {us:.1f} us in the ring each"


def case_customer_limit(t):
    """[3.5 Capacity] A customer's limit over its trunks."""
    t.start(alpha="  customer acme\n", extra="\ncustomer acme\n  account 8831\n  limit in 2calls\n")
    t.uas("bravo", called().setup().hung_up())
    held = t.uac(caller().setup().pause(1500).hang_up(), n=2, rate=50)
    t.until("2 calls are up", lambda: t.ctl("status")["calls_up"] == 2)
    t.uac(refused_503(1), port=harness.CARRIER + 2, local=t.ip("alpha")).wait()
    held.wait()
    t.eq("account in the records", {r["customer_in"] for r in t.cdrs(3)}, {"8831"})
