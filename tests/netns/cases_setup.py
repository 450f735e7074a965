# SPDX-License-Identifier: BSD-2-Clause
"""
How the kernel path comes to be, survives and goes: --setup, --teardown, the relay's user, tandemctl doctor. run calls them.
"""
import json
import os
import pwd
import signal
import subprocess
import time

import netns
from cases_fast import clean
from netns import check

CONFIG = """\
realm a
 address {a} {a6}
realm b
 address {b} {b6}
listen sip
 realm a
 udp {a}:5060
media a
 realm a
 ports 20000-29999
{path}media b
 realm b
 ports 20000-29999
{path}trunk in
 listen sip
 accept 10.99.1.2/32
 media a
 routes all
trunk out
 listen sip
 peer 10.99.1.3 udp
 media a
route all
 default via out
"""


def config(bench, path=None):
    name = os.path.join(bench.dir, "tandem.conf")
    with open(name, "w", encoding="ascii") as f:
        f.write(CONFIG.format(path=f" path {path}\n" if path else "", **bench.R))
    return name


def start_as_nobody(bench, caps="+net_raw"):
    """The relay as the unit starts it: no root, one capability or none."""
    nobody = pwd.getpwnam("nobody")
    os.chown(bench.dir, nobody.pw_uid, nobody.pw_gid)
    bench.log = os.path.join(bench.dir, "media.log")
    argv = ["ip", "netns", "exec", bench.ns["r"], "setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups",
            "--inh-caps", f"-all,{caps}" if caps else "-all", "--ambient-caps", f"-all,{caps}" if caps else "-all",
            "--bounding-set", f"-all,{caps}" if caps else "-all", "--no-new-privs",
            bench.media, "--socket", bench.socket, "--pins", bench.pin_dir]
    with open(bench.log, "a", encoding="utf-8") as f:
        bench.relay = subprocess.Popen(argv, stdout=f, stderr=f)
    end = time.monotonic() + 15
    while not bench.accepts():
        if bench.relay.poll() is not None:
            raise netns.Skip(f"nobody cannot run it: {bench.tail()}")
        check(time.monotonic() < end, f"did not start: {bench.tail()}")
        time.sleep(0.02)
    bench.until("the relay says its path", lambda: "ev=media_start" in bench.tail())


def stop(bench, sig=signal.SIGTERM):
    bench.ctl_ = None
    bench.stop(sig)


def setup_as_nobody(bench, *words):
    return bench.setup("--user", "nobody", *words)


def teardown(bench, result=None):
    env = dict(os.environ)
    env.pop("SERVICE_RESULT", None)
    if result:
        env["SERVICE_RESULT"] = result
    subprocess.run(["ip", "netns", "exec", bench.ns["r"], bench.media, "--teardown", "--pins", bench.pin_dir], env=env, check=True,
                   capture_output=True)


def link(bench, dev):
    return bench.ip("r", "link", "show", dev)


def doctor(bench, conf):
    r = subprocess.run(["ip", "netns", "exec", bench.ns["r"], os.path.join(bench.build, "daemon/tandemctl"), "doctor", "media", "--config", conf,
                        "--pins", bench.pin_dir, "--json"], capture_output=True, text=True, check=False)
    found = {}
    for f in json.loads(r.stdout):
        found.setdefault((f["area"], f["subject"]), []).append(f)
    return r.returncode, found


def case_setup_user(bench):
    """Set up as root, relayed by nobody with CAP_NET_RAW alone, which it gives up; killed, the pins are there; a clean stop removes all."""
    setup_as_nobody(bench, "--interface", "va:generic", "--interface", "vb:generic")
    check("xdpgeneric" in link(bench, "va"), link(bench, "va"))
    start_as_nobody(bench)
    check("path=xdp_generic" in bench.tail(), bench.tail())
    with open(f"/proc/{bench.relay.pid}/status", encoding="ascii") as f:
        status = f.read()
    for key in ("CapPrm", "CapEff", "CapAmb"):
        check(f"{key}:\t0000000000000000" in status, f"capabilities are kept: {status}")
    pins = sorted(os.listdir(bench.pin_dir))
    stop(bench, signal.SIGKILL)
    teardown(bench, "signal")
    check(sorted(os.listdir(bench.pin_dir)) == pins, "a crash removed pins")
    setup_as_nobody(bench, "--interface", "va:generic", "--interface", "vb:generic")
    check(sorted(os.listdir(bench.pin_dir)) == pins, "the second set-up made others")
    start_as_nobody(bench)
    check("path=xdp_generic" in bench.tail(), bench.tail())
    stop(bench)
    teardown(bench, "success")
    check(not os.path.exists(bench.pin_dir), "pins are left")
    check("xdp" not in link(bench, "va") + link(bench, "vb"), "a program is left")
    teardown(bench)  # nothing there: no error


def case_setup_nothing(bench):
    """Without pins, and without the capability: sockets, with the reason."""
    start_as_nobody(bench)
    check("path=sockets" in bench.tail() and "not set up" in bench.tail(), bench.tail())
    stop(bench)
    setup_as_nobody(bench)
    start_as_nobody(bench, caps="")
    check("path=sockets reason=\"no CAP_NET_RAW" in bench.tail(), bench.tail())
    bench.pools()
    bench.open(5)
    flow = bench.flow(bench.map(5), pps=50)
    flow("mark")
    time.sleep(1)
    clean(flow("report"), "as nobody")


def case_setup_config(bench):
    """Interfaces and lines by the configuration; one that cannot be read leaves all as it is; path sockets detaches."""
    conf = config(bench)
    bench.setup("--config", conf)
    check("xdpgeneric" in link(bench, "va") and "xdpgeneric" in link(bench, "vb"), "auto on veth is generic")
    check("lines=131072" in bench.setup("--config", conf, "--interface", "va:tc"), "lines")
    check("xdp" not in link(bench, "va"), "still generic")
    check("clsact" in bench.run("r", "tc", "qdisc", "show", "dev", "va"), "no clsact")
    said = bench.setup("--config", "/nowhere")
    check("as they are" in said, said)
    check("clsact" in bench.run("r", "tc", "qdisc", "show", "dev", "va"), "a broken configuration detached va")
    bench.setup("--config", config(bench, "sockets"))
    check("clsact" not in bench.run("r", "tc", "qdisc", "show", "dev", "va"), "our clsact is left")
    check("xdp" not in link(bench, "vb"), "still attached")
    bench.run("r", "tc", "qdisc", "add", "dev", "vb", "clsact")
    bench.setup("--interface", "vb:tc")
    teardown(bench)
    check("clsact" in bench.run("r", "tc", "qdisc", "show", "dev", "vb"), "somebody else's clsact was removed")
    check("relay" not in bench.run("r", "tc", "filter", "show", "dev", "vb", "ingress"), "our filter is left")


def case_setup_half(bench):
    """A set-up that fails half way leaves what was there; one interface that is not there does not take another one's program."""
    words = ("--interface", "va:native")
    first = bench.setup(*words)
    check("maps=new" in first, first)
    said = bench.setup("--interface", "nosuch:native", *words)
    check("no_such_interface" in said and "maps=kept" in said, said)
    check("xdp" in link(bench, "va"), "va's program went")
    steer = os.path.join(bench.pin_dir, "steer")
    os.unlink(steer)
    os.mkdir(steer)  # nothing can be pinned by that name
    try:
        said = bench.setup(*words, "--lines", "200000")
        check("path=sockets" in said and "sk_lookup" in said, said)
    finally:
        os.rmdir(steer)
    said = bench.setup(*words)
    check("maps=kept" in said and "lines=131072" in said and "waiting" not in said, f"new maps were left without all of their programs: {said}")
    check("xdp" in link(bench, "va"), "va's program went")


def case_setup_qdisc(bench):
    """Our clsact, and somebody else's filter at it by now: it stays, with the filter. Without: nothing is left."""
    bench.setup("--interface", "vb:tc")
    teardown(bench)
    check("clsact" not in bench.run("r", "tc", "qdisc", "show", "dev", "vb"), "our clsact is left")
    bench.setup("--interface", "vb:tc")
    program = next(name for name in os.listdir(bench.pin_dir) if name.startswith("tc_"))
    bench.run("r", "tc", "filter", "add", "dev", "vb", "egress", "pref", "99", "bpf", "direct-action", "pinned", os.path.join(bench.pin_dir, program))
    bench.setup("--config", config(bench, "sockets"))
    check("pref 99" in bench.run("r", "tc", "filter", "show", "dev", "vb", "egress"), "somebody else's filter was removed")
    check("relay" not in bench.run("r", "tc", "filter", "show", "dev", "vb", "ingress"), "our filter is left")
    # one that has our preference: it is said to be that, not the driver
    bench.run("r", "tc", "filter", "add", "dev", "vb", "ingress", "pref", "7", "protocol", "ip", "u32", "match", "u32", "0", "0", "flowid", "1:1", ok=False)
    if "pref 7 u32" not in bench.run("r", "tc", "filter", "show", "dev", "vb", "ingress"):
        return  # this kernel has no such classifier
    said = bench.setup("--interface", "vb:tc")
    check("path=steered" in said and "another filter has our preference" in said, f"at a filter of somebody else's: {said}")
    teardown(bench)
    check("pref 7 u32" in bench.run("r", "tc", "filter", "show", "dev", "vb", "ingress"), "somebody else's filter was removed")


def case_setup_version(bench):
    """Maps of another size: the old programs forward what stands until the relay has taken the new maps over; then they are replaced."""
    words = ("--interface", "va:native", "--interface", "vb:native")
    bench.setup(*words)
    bench.start("--threads", "2")
    bench.pools()
    bench.open(50)
    flow = bench.flow(bench.map(50), pps=50)
    bench.until("streams are promoted", lambda: bench.promoted() >= 100)
    flow("mark")
    stop(bench, signal.SIGKILL)
    said = bench.setup(*words, "--lines", "200000")
    check("maps=new" in said and "waiting" in said, said)
    time.sleep(1)
    clean(flow("report"), "at the change")
    bench.start("--threads", "2")
    time.sleep(0.5)
    flow("mark")
    said = bench.setup(*words)
    time.sleep(1)
    clean(flow("report"), "programs replaced")
    check("maps=kept" in said and "programs_replaced=0" not in said and "waiting" not in said, said)
    said = bench.setup(*words)
    check("programs_replaced=0" in said, said)


def relays():
    """All of this machine's: doctor looks at the first, which may be another test's."""
    return subprocess.run(["pgrep", "-x", "tandem-media"], capture_output=True, text=True, check=False).stdout.split()


def case_doctor(bench):
    """What tandemctl doctor media says of known facts, with and without pins and relay."""
    conf = config(bench)
    code, found = doctor(bench, conf)
    check(code == 1, "no pins, no relay: that is BAD")
    check(found["path", "va"][0]["verdict"] == "BAD" and "--setup" in found["path", "va"][0]["fix"], f"{found}")
    bench.setup("--config", conf, "--interface", "vb:tc")
    bench.start()
    bench.sysctl("r", "net.ipv4.ip_local_port_range", "25000 60999")
    _, found = doctor(bench, conf)
    check(found["path", "va"][0]["text"].startswith("xdp_generic"), f"{found['path', 'va']}")
    check(found["path", "vb"][0]["text"].startswith("tc"), f"{found['path', 'vb']}")
    check(found["interface", "va"][0]["text"].startswith("driver veth, generic XDP"), f"{found['interface', 'va']}")
    check(found["ports", "a"][0]["verdict"] == "WARN" and "20000-29999" in found["ports", "a"][0]["fix"], f"{found['ports', 'a']}")
    bench.sysctl("r", "net.ipv4.ip_local_reserved_ports", "8080,40000-40100")
    _, found = doctor(bench, conf)
    check(found["ports", "a"][0]["fix"].endswith("=8080-8080,40000-40100,20000-29999"), f"what others reserved is lost: {found['ports', 'a']}")
    bench.sysctl("r", "net.ipv4.ip_local_reserved_ports", "20000-29999")
    _, found = doctor(bench, conf)
    check(found["ports", "a"][0]["verdict"] == "OK", f"{found['ports', 'a']}")
    check(found["pins", bench.pin_dir][0]["verdict"] == "OK", f"{found}")
    check(("relay", "user") in found, "the relay is not seen")
    check(("relay", "path") not in found or len(relays()) > 1, f"it sends by the interface: {found.get(('relay', 'path'))}")
    stop(bench)
    bench.start("--pins", bench.dir + "/none")
    _, found = doctor(bench, conf)
    check(len(relays()) > 1 or found["relay", "path"][0]["verdict"] == "BAD", f"by sockets in spite of the pins: {found}")
