# SPDX-License-Identifier: BSD-2-Clause
"""Reloads as operators and their mistakes make them: many, at once, with decks that are broken or gone, by themselves, and cut off by a kill."""
import os
import signal
import subprocess
import threading
import time

from cases_call import called, caller

ROWS = 20000
ROUTE = "prefix + 1 2 3 4 5 6 7 8 9 lcr big"


def write_deck(t, rate, rows=ROWS, broken=None):
    """One destination for everything, and many more; broken: the text of one row in the middle."""
    lines = [f"{d},{rate}" for d in range(1, 10)] + [f"99{i:06},0.{i % 9000 + 1000}" for i in range(rows)]
    if broken:
        lines[rows // 2] = broken
    with open(t.path("deck.new"), "w", encoding="ascii") as f:
        f.write("\n".join(["prefix,rate", *lines, ""]))
    os.replace(t.path("deck.new"), t.path("deck.csv"))


def start(t, glob="", **kw):
    write_deck(t, "0.0100")
    t.start(route=ROUTE, glob=glob, extra=f"\nratedeck big trunk bravo\n  file {t.path('deck.csv')}\n  columns prefix rate\n  plan private\n", **kw)


def reload_in_background(t, found):
    thread = threading.Thread(target=lambda: found.append(t.ctl_raw("reload")))
    thread.start()
    return thread


def case_reload_decks_under_load(t):
    """[routing] Twenty reloads with a deck under load, some asked at once, a broken one and one without its file between: no call fails."""
    start(t)
    t.uas("bravo", called().setup().hung_up())
    uac = t.uac(caller().setup().pause(700).hang_up(), n=200, rate=25 // t.scale)
    done = t.ctl("status")["reloads"]
    for i in range(20):
        write_deck(t, f"0.02{i:02}")
        t.ctl("reload")
        if i == 5:
            write_deck(t, "0.0300", broken="4420,O.0123")
            code, _, err = t.ctl_raw("reload")
            t.true(f"file and line of the broken row: {err}", code == 1 and f"deck.csv:{ROWS // 2 + 2}" in err)
        if i == 9:
            os.unlink(t.path("deck.csv"))
            code, _, err = t.ctl_raw("reload")
            t.true(f"the file that is gone is named: {err}", code == 1 and "deck.csv" in err)
        if i == 12:
            found = []
            for thread in [reload_in_background(t, found) for _ in range(6)]:
                thread.join()
            t.eq("those who asked at once", [code for code, _, _ in found], [0] * 6)
    status = t.ctl("status")
    t.true(f"six who ask at once are served by one to three loads: {status['reloads']}", 21 + done <= status["reloads"] <= 26 + done)
    t.eq("failed", status["reloads_failed"], 2)
    t.eq("generation counts what went well", status["generation"], status["reloads"] + 1)
    uac.wait()
    calls = t.cdrs(200)
    t.eq("all answered", {r["code"] for r in calls}, {200})
    t.true("records of several generations", len({r["generation"] for r in calls}) >= 3)
    delays = t.ctl("show", "delays")
    t.true("turns that took a snapshot are counted", all(r["n"] > 0 for r in delays if r["what"] in ("adopt", "publish")))


case_reload_decks_under_load.seconds = 15


def case_reload_new_price(t):
    """[routing] A call behind the answer to a reload is priced by the new deck, one before it by the old; diff says so first."""
    start(t)
    t.uas("bravo", called().setup().hung_up())
    t.eq("nothing differs", t.ctl("diff")["routes"][0]["dearer"], 0)
    t.uac(caller().setup().hang_up()).wait()
    write_deck(t, "0.0400")
    found = t.ctl("diff")
    t.eq("a dearer first choice for each digit", found["routes"][0]["dearer"], 9)
    t.eq("no section differs", found["sections"], [])
    t.eq("diff publishes nothing", t.ctl("status")["generation"], 1)
    t.ctl("reload")
    t.uac(caller().setup().hang_up(), port=5082).wait()
    t.until("both attempts", lambda: len(t.records("attempt")) == 2)
    t.eq("prices", [r["rate_out"] for r in t.records("attempt")], ["0.01", "0.04"])
    t.cdrs(2)


def case_reload_killed(t):
    """[3.5 Failover] kill -9 in the middle of a reload: the next start is as any other."""
    start(t)
    write_deck(t, "0.0500", rows=300000)
    asked = subprocess.Popen([f"{t.build}/daemon/tandemctl", "-s", t.path("run/tandemd.sock"), "reload"], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    time.sleep(0.05)
    t.kill("tandemd", signal.SIGKILL)
    t.eq("who asked is told that nothing came", asked.wait(30 * t.scale), 2)
    t.start_tandemd()
    t.until("the relay is up", lambda: t.ctl("status")["media"] == "up")
    t.uas("bravo", called().setup().hung_up(), n=1)
    t.uac(caller().setup().hang_up()).wait()
    t.cdr(code=200)


def case_reload_ended_by_drain(t):
    """[3.5 Failover] SIGTERM while a reload and a diff are under way: the daemon ends with 0 all the same."""
    start(t)
    write_deck(t, "0.0500", rows=300000)
    found = []
    threads = [reload_in_background(t, found), threading.Thread(target=lambda: t.ctl_raw("diff"))]
    threads[1].start()
    t.eq("exit code", t.kill("tandemd", signal.SIGTERM), 0)
    for thread in threads:
        thread.join()
    t.start_tandemd()
    t.until("the relay is up", lambda: t.ctl("status")["media"] == "up")


def case_reload_by_watch(t):
    """[routing] `watch on`: a changed deck is a reload by itself, a broken one is logged and changes nothing; with `watch off` nothing happens."""
    start(t, glob="  watch on\n")
    write_deck(t, "0.0600")
    t.until("it was taken", lambda: t.ctl("status")["generation"] == 2, 30)
    write_deck(t, "0.0700", broken="4420,nonsense")
    t.until("it was refused", lambda: t.ctl("status")["reloads_failed"] == 1, 30)
    with open(t.path("tandemd.1.log"), encoding="utf-8") as f:
        t.true("the log names the row", f"deck.csv:{ROWS // 2 + 2}" in f.read())
    t.eq("generation", t.ctl("status")["generation"], 2)
    write_deck(t, "0.0800")
    t.until("the mended one was taken", lambda: t.ctl("status")["generation"] == 3, 30)
    conf = t.path("tandem.conf")
    with open(conf, encoding="utf-8") as f:
        text = f.read()
    t.write("tandem.conf", text.replace("watch on", "watch off"))
    t.until("the last one by itself", lambda: t.ctl("status")["generation"] == 4, 30)
    write_deck(t, "0.0900")
    time.sleep(4)  # twice the pause that a watch waits for
    t.eq("generation", t.ctl("status")["generation"], 4)
