# SPDX-License-Identifier: BSD-2-Clause
"""
Tandem between others' programs: baresip as the phone in the west, Kamailio as the carrier's edge in the east (a record-routing
proxy, over UDP and TLS) with another baresip behind it. Calls both ways with media, hold and resume, BYE from each side.
Then SRTP on one side of it, and what is heard.
"""
import glob
import json
import math
import os
import shutil
import socket
import struct
import subprocess
import time
import wave

from certs import Authority
from harness import CARRIER, SIP, Failure, Skip

TLS = 28001     # the switch's TLS port; Kamailio's is the one above CARRIER
CONTROL = 28444  # of a baresip
MODULES = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib")

BARESIP = """sip_listen {ip}:{port}
net_interface {ip}
audio_source ausine,440
ausrc_srate 48000
ausrc_channels 2
auplay_srate 48000
audio_player aubridge,out
audio_alert aubridge,alert
call_local_timeout 30
call_max_calls 4
rtp_ports {rtp}-{rtp_end}
module_path /usr/lib/baresip/modules
module g711.so
module ausine.so
module aubridge.so
{modules}module_app account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {ip}:{control}
"""

KAMAILIO = """debug=1
log_stderror=yes
children=1
tcp_children=1
auto_aliases=no
listen=udp:{edge}:{port}
{tls_listen}
enable_tls={tls}
tcp_connection_lifetime=600
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
{tls_module}
request_route {{
    if (!mf_process_maxfwd_header("70")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("OPTIONS") && !has_totag()) {{ sl_send_reply("200", "OK"); exit; }}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
        sl_send_reply("404", "Not here");
        exit;
    }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    record_route();
    if (src_ip == {phone}) {{
        $du = "sip:{switch}:{switch_port};transport={transport}";
    }} else {{
        $ru = "sip:" + $rU + "@{phone}:{port}";
        $du = "sip:{phone}:{port};transport=udp";
    }}
    if (!t_relay()) sl_reply_error();
}}
"""

TLS_CFG = """[server:default]
method = TLSv1.2+
private_key = {key}
certificate = {cert}
ca_list = {ca}
verify_certificate = yes
require_certificate = yes
[client:default]
method = TLSv1.2+
private_key = {key}
certificate = {cert}
ca_list = {ca}
verify_certificate = yes
"""


def certificates(t, names):
    """A CA of this case's own, and a certificate for each name; {name: path of PEM with key and certificate}, "ca": its own."""
    ca = Authority(t, "ca")
    made = {"ca": ca.cert}
    for name in names:
        made[name] = ca.issue(name, name)
        made[name + ".key"] = t.path(f"{name}.key")
    return made


class Baresip:
    """A phone that is told what to do over its control port."""

    def __init__(self, t, name, number, ip, proxy, rtp, account="", modules=""):
        exe = shutil.which("baresip")
        if not exe:
            raise Skip("baresip is not installed (apt-get install baresip-core)")
        self.t, self.name, self.ip = t, name, ip
        self.dir = t.path(name)
        os.makedirs(self.dir)
        with open(os.path.join(self.dir, "config"), "w", encoding="ascii") as f:
            f.write(BARESIP.format(ip=ip, port=CARRIER, rtp=rtp, rtp_end=rtp + 20, control=CONTROL, modules=modules.format(dir=self.dir)))
        with open(os.path.join(self.dir, "accounts"), "w", encoding="ascii") as f:
            f.write(f'<sip:{number}@{ip}:{CARRIER};transport=udp>;regint=0;outbound="sip:{proxy};transport=udp"{account}\n')
        with open(os.path.join(self.dir, "contacts"), "w", encoding="ascii"):
            pass
        self.log = open(os.path.join(self.dir, "log"), "wb")
        self.proc = subprocess.Popen([exe, "-f", self.dir], stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT, cwd=self.dir)
        t.agents.append(self)
        self.events, self.rest = [], b""
        self.sock = t.until(f"{name} serves", self.connect)

    def connect(self):
        if self.proc.poll() is not None:
            raise Failure(f"{self.name} ended: {self.t.tail(os.path.join(self.dir, 'log'))}")
        s = socket.create_connection((self.ip, CONTROL), 2)
        s.settimeout(0.2)
        return s

    def close(self):
        if self.proc.poll() is None:
            self.proc.terminate()
            try:
                self.proc.wait(5)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
        self.log.close()

    def tell(self, command, params=""):
        text = json.dumps({"command": command, "params": params, "token": command}).encode()
        self.sock.sendall(b"%d:%s," % (len(text), text))

    def read(self):
        try:
            self.rest += self.sock.recv(65536)
        except (TimeoutError, socket.timeout):
            pass
        while b":" in self.rest:
            n, text = self.rest.split(b":", 1)
            if len(text) <= int(n):
                break
            self.events.append(json.loads(text[:int(n)]))
            self.rest = text[int(n) + 1:]

    def wait(self, kind):
        """The next event of that kind; what came before it is forgotten."""
        def seen():
            self.read()
            for i, e in enumerate(self.events):
                if e.get("type") == kind:
                    self.events = self.events[i + 1:]
                    return e
            return None
        try:
            return self.t.until(f"{self.name} has {kind}", seen, 15)
        except Failure as e:
            raise Failure(f"{e}; it told {[x.get('type', x) for x in self.events]} and {self.rest[:200]!r}") from None


class Edge:
    """Kamailio in front of the carrier's subscriber."""

    def __init__(self, t, transport, certs=None):
        exe = shutil.which("kamailio") or "/usr/sbin/kamailio"
        if not os.access(exe, os.X_OK):
            raise Skip("Kamailio is not installed (apt-get install kamailio kamailio-tls-modules)")
        if certs and not any(os.path.exists(f"{m}/kamailio/modules/tls.so") for m in MODULES):
            raise Skip("Kamailio has no TLS here (apt-get install kamailio-tls-modules)")
        self.t, self.port = t, CARRIER + 1 if certs else CARRIER
        tls_module = ""
        if certs:
            t.write("tls.cfg", TLS_CFG.format(key=certs["edge.example.key"], cert=certs["edge.example"], ca=certs["ca"]))
            tls_module = f'loadmodule "tls.so"\nmodparam("tls", "config", "{t.path("tls.cfg")}")'
        config = t.write("kamailio.cfg", KAMAILIO.format(
            edge=t.ip("bravo"), port=CARRIER, phone=t.ip("delta"), switch=t.ip("east"), switch_port=TLS if certs else SIP,
            transport=transport, tls="yes" if certs else "no", tls_module=tls_module,
            tls_listen=f"listen=tls:{t.ip('bravo')}:{self.port}" if certs else ""))
        self.log = open(t.path("kamailio.log"), "wb")
        self.proc = subprocess.Popen([exe, "-DD", "-E", "-m", "64", "-M", "8", "-f", config, "-w", t.dir, "-Y", t.dir], stdin=subprocess.DEVNULL,
                                     stdout=self.log, stderr=subprocess.STDOUT, cwd=t.dir, start_new_session=True)
        t.agents.append(self)
        t.until("Kamailio serves", self.serves, 20)

    def serves(self):
        if self.proc.poll() is not None:
            raise Failure(f"Kamailio ended: {self.t.tail(self.t.path('kamailio.log'))}")
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            s.bind((self.t.ip("charlie"), CARRIER))
            s.settimeout(0.3)
            s.sendto((f"OPTIONS sip:{self.t.ip('bravo')} SIP/2.0\r\nVia: SIP/2.0/UDP {self.t.ip('charlie')}:{CARRIER};branch=z9hG4bKready\r\n"
                      f"From: <sip:x@y>;tag=1\r\nTo: <sip:x@y>\r\nCall-ID: ready\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 9\r\nContent-Length: 0\r\n\r\n").encode(),
                     (self.t.ip("bravo"), CARRIER))
            return s.recv(2000).startswith(b"SIP/2.0 200")
        finally:
            s.close()

    def close(self):
        if self.proc.poll() is None:
            self.proc.terminate()
            try:
                self.proc.wait(8)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
        self.log.close()


def one_call(t, caller, callee, number, ender):
    """A call with media, hold, resume; its record must have it all."""
    before = len(t.records("call"))
    caller.tell("dial", f"sip:{number}")
    callee.wait("CALL_INCOMING")
    caller.wait("CALL_RINGING")
    callee.tell("accept")
    callee.wait("CALL_ESTABLISHED")
    caller.wait("CALL_ESTABLISHED")
    t.eq("calls up", t.ctl("status")["calls_up"], 1)
    time.sleep(1.2)
    caller.tell("hold")
    time.sleep(0.4)
    caller.tell("resume")
    time.sleep(1.2)
    t.eq("calls up after hold and resume", t.ctl("status")["calls_up"], 1)
    ender.tell("hangup")
    (callee if ender is caller else caller).wait("CALL_CLOSED")
    ender.wait("CALL_CLOSED")
    t.until("the record is written", lambda: len(t.records("call")) == before + 1, 5)
    rec = t.records("call")[-1]
    t.eq("code", rec["code"], 200)
    t.eq("released by", rec["release"], "in" if ender is caller else "out")
    for side in ("in_packets", "out_packets"):
        t.true(f"{side}: {rec.get(side)}, expected 100 and more (2.4 s of speech)", (rec.get(side) or 0) >= 100)
    t.true(f"duration {rec['billable_ms']} ms", 2500 <= rec["billable_ms"] < 6000 * t.scale)


def interop(t, transport):
    certs = certificates(t, ("switch.example", "edge.example")) if transport == "tls" else None
    edge = Edge(t, transport, certs)
    bravo = f"  peer {t.ip('bravo')}:{edge.port} {transport}\n  accept {t.ip('bravo')}/32\n  routes back\n"
    extra = "route back\n  default via alpha\n"
    if certs:
        bravo += "  listen easttls\n  tls-name edge.example\n"
        extra += (f"listen easttls\n  realm east\n  tls {t.ip('east')}:{TLS} cert {certs['switch.example']} ca {certs['ca']} verify require\n")
    t.start(trunks={"bravo": bravo}, route="default via bravo", extra=extra)
    phone = Baresip(t, "phone", "12125551111", t.ip("alpha"), f"{t.ip('west')}:{SIP}", 29200)
    subscriber = Baresip(t, "subscriber", "12125550000", t.ip("delta"), f"{t.ip('bravo')}:{CARRIER}", 29300)
    for caller, callee, number in ((phone, subscriber, f"12125550000@{t.ip('west')}:{SIP}"), (subscriber, phone, f"12125551111@{t.ip('bravo')}:{CARRIER}")):
        for ender in (caller, callee):
            one_call(t, caller, callee, number, ender)
    t.cdrs(4)


def case_interop_udp(t):
    """[3.5 Basic call] baresip, Tandem, Kamailio (record-routing, UDP), baresip: calls both ways, hold, BYE from each side."""
    interop(t, "udp")


def case_interop_tls(t):
    """[3.5 Security] the same with the carrier's edge over mutual TLS."""
    interop(t, "tls")


def heard(phone, hz):
    """How much of what the phone decoded is that tone: 1 all of it, 0 none; silence is 0."""
    files = glob.glob(os.path.join(phone.dir, "dump-*-dec.wav"))
    if not files:
        raise Failure(f"{phone.name} heard nothing: {phone.t.tail(os.path.join(phone.dir, 'log'))}")
    with wave.open(files[-1]) as w:
        rate, channels = w.getframerate(), w.getnchannels()
        raw = w.readframes(w.getnframes())
    v = struct.unpack(f"<{len(raw) // 2}h", raw)[::channels]
    v = v[len(v) // 4:len(v) // 4 + rate]  # a second, past the beginning
    power = sum(x * x for x in v)
    if not v or power < len(v) * 100:
        return 0.0
    c = sum(x * math.cos(2 * math.pi * hz * i / rate) for i, x in enumerate(v))
    s = sum(x * math.sin(2 * math.pi * hz * i / rate) for i, x in enumerate(v))
    return 2 * (c * c + s * s) / (len(v) * power)


def case_interop_srtp(t):
    """[RFC 4568 §5.1] baresip with SRTP, Tandem, baresip with plain RTP: calls both ways, hold, and each hears the other's tone."""
    t.start(alpha="  srtp required AES_CM_128_HMAC_SHA1_80\n",
            trunks={"delta": f"  peer {t.ip('delta')}:{CARRIER} udp\n  accept {t.ip('delta')}/32\n  routes back\n"},
            route="default via delta", extra="route back\n  default via alpha\n")
    dump = "module sndfile.so\nsnd_path {dir}\n"
    phone = Baresip(t, "phone", "12125551111", t.ip("alpha"), f"{t.ip('west')}:{SIP}", 29200, ";mediaenc=srtp-mand", dump + "module srtp.so\n")
    subscriber = Baresip(t, "subscriber", "12125550000", t.ip("delta"), f"{t.ip('east')}:{SIP}", 29300, "", dump)
    for caller, callee, number in ((phone, subscriber, f"12125550000@{t.ip('west')}:{SIP}"), (subscriber, phone, f"12125551111@{t.ip('east')}:{SIP}")):
        one_call(t, caller, callee, number, caller)
        for side in (phone, subscriber):
            share = heard(side, 440)
            t.true(f"{side.name} heard the tone: {share:.2f}, expected 0.8 and more", share >= 0.8)
            for f in glob.glob(os.path.join(side.dir, "dump-*.wav")):
                os.remove(f)
    t.cdrs(2)
