# SPDX-License-Identifier: BSD-2-Clause
"""
kill -9 under streams in the kernel: it forwards them while nobody is there, and what was counted goes on. run calls them.
"""
import os

import netns
from cases_fast import NATIVE, TC, all_in, clean, fast
from netns import check

AWAY = 1.0  # s in which nobody is there


def kill_relay(bench):
    bench.relay.kill()
    bench.relay.wait()


def kill_controller(bench):
    bench.ctl_.proc.kill()
    bench.ctl_.proc.wait()


def second_fails(bench, streams):
    """Started beside one that lives it ends at once, and nothing of the other's is touched."""
    for words in ((), ("--journal", "")):
        argv = ["ip", "netns", "exec", bench.ns["r"], bench.media, "--socket", bench.socket, "--pins", bench.pin_dir, *words]
        try:
            r = netns.subprocess.run(argv, capture_output=True, timeout=60, check=False)
        except netns.subprocess.TimeoutExpired:
            raise netns.Failure(f"a second relay runs: {words}") from None
        check(r.returncode == 1, f"a second relay {words}: {r}")
    check(bench.promoted() == streams, f"in the kernel after a second relay: {bench.promoted()}")


def killed(bench, mode):
    """The relay, the controller, both: no packet is lost at the parties, the streams go back into the kernel, counters are exact."""
    calls, pps = (1000, 10) if bench.is_long else (100, 20)
    fast(bench, mode)
    bench.open(calls)
    flow = bench.flow(bench.map(calls), pps=pps)
    all_in(bench, 2 * calls)
    flow("mark")
    second_fails(bench, 2 * calls)
    kill_relay(bench)
    netns.time.sleep(AWAY)
    # what is on its way at that moment counts as lost

    def lost():
        r = flow("peek")
        return max(0, r["lost"] - r["dropped"] - r["overflowed"])
    bench.until(f"what was lost while the relay was away: {flow('peek')}", lambda: lost() == 0)
    bench.start("--threads", "2")
    bench.until("the controller is back", lambda: bench.ctl("relay").get("sessions") == calls)
    all_in(bench, 2 * calls)
    flow("pause")
    report = clean(flow("report"), f"kill -9 of the relay ({mode})")
    r = bench.ctl("relay")
    check(r["sessions"] == calls and r["pairs_drift"] == 0, f"sessions: {r}")
    bench.ok(f"close 0 {calls}")
    r = bench.ctl("relay")
    check(r["pairs_used"] == r["pairs_drift"] == r["fast"]["promoted"] == 0, f"left: {r}")
    return f"{report['sent']} packets, longest silence {report['longest_ms']} ms"


def case_kill_xdp(bench):
    """kill -9 of the relay with streams in the kernel: no packet lost, counters exact (XDP)."""
    return killed(bench, NATIVE)


def case_kill_tc(bench):
    """The same by TC."""
    return killed(bench, TC)


def case_kill_calls(bench):
    """Calls of SIPp in the kernel; both daemons killed: nothing lost, hung up by BYE, true records (scripts/killtest)."""
    if not netns.shutil.which("sipp"):
        raise netns.Skip("no sipp (scripts/deps --install test)")
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    argv = [os.path.join(root, "scripts", "killtest"), "--fast-path", "--calls", "1000" if bench.is_long else "20", "--net", "98"]
    argv += ["--rate", "100"] if bench.is_long else ["--only", "both"]
    r = netns.subprocess.run(argv, env={**os.environ, "TANDEM_BUILD": bench.build}, capture_output=True, text=True, check=False)
    if r.returncode == 2:  # nothing was tried: no kernel path here, or too slow for calls to stand at once
        raise netns.Skip(r.stderr.strip())
    check(r.returncode == 0, f"{r.stdout[-2000:]} {r.stderr[-500:]}")
    return "; ".join(line[6:] for line in r.stdout.splitlines() if " lost, " in line)
