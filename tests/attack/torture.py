# SPDX-License-Identifier: BSD-2-Clause
"""Each torture message of RFC 4475 and RFC 5118 to the daemon, over UDP and over TCP: the outcome that tests/data/torture/expected names."""
import os
import re
import select
import socket
import time

import attack
from attack import *

CASES = []
DATA = os.environ.get("TORTURE", os.path.join(os.path.dirname(os.path.abspath(__file__)), "../data/torture"))
LATE_S = 12  # for what is to come: the machine may be busy

TRUNK_CONF = """trunk torture
  listen          public
  media           none
  options         off
  peer            {ip}:5060 udp
  peer            {ip}:5060 tcp
  routes          torture
trunk victim
  listen          public
  media           none
  options         off
  peer            {ip}:5070 udp
route torture
  default via victim
"""


def case(fn):
    CASES.append(fn)
    return fn


def table():
    """(file, section, udp, stream) of each line."""
    rows = []
    with open(os.path.join(DATA, "expected")) as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                rows.append(line.split(None, 4)[:4])
    return rows


def peer_ip():
    """An address beside the switch's own: answers go to the port of a Via, and those are all over the place."""
    head, _, tail = attack.IP.rpartition(".")
    return f"{head}.{int(tail) + 100}"


class Victim:
    """The carrier: refuses each INVITE at once and tells how many there were."""

    def __init__(self):
        self.p = Peer(5070, peer_ip())

    def took(self, wait, late):
        end, n = time.monotonic() + late, 0
        m = self.p.recv(wait)
        while m or (n == 0 and time.monotonic() < end):
            if m and not m.status and m.method == "INVITE":
                n += 1
                self.p.send(self.p.answer(m, 404))
            m = self.p.recv(0.02)
        return n


class Udp:
    def __init__(self, data):
        ports = {5060} | {int(p) for p in re.findall(rb"(?im)^(?:via|v)[ \t]*:[^\r]*?:(\d{4,5})", data) if 1024 < int(p) < 65536}
        self.socks = [Peer(p, peer_ip()) for p in sorted(ports) if p != 5070]
        self.main = next(p for p in self.socks if p.port == 5060)

    def send(self, data):
        self.main.send(data)

    def heard(self, wait, late, data, _to_close):
        end, got = time.monotonic() + max(wait, late), []
        while (left := end - time.monotonic()) > 0:
            ready = select.select([p.s for p in self.socks], [], [], left)[0]
            for p in self.socks:
                if p.s in ready:
                    got.append(p.s.recv(65535).decode("latin-1"))
            if any(is_final(m) and is_of(m, data) for m in got):
                break
        return got, False

    def close(self):
        for p in self.socks:
            p.close()


class Tcp:
    def __init__(self, data):
        self.s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.s.bind((peer_ip(), 0))
        self.s.connect(attack.SIP)  # not the name of this module: use_ip() changes it

    def send(self, data):
        self.s.sendall(data)

    def heard(self, wait, late, data, to_close):
        end, text, closed = time.monotonic() + max(wait, late), b"", False
        while (left := end - time.monotonic()) > 0 and not closed:
            if late and not to_close and re.search(rb"(?m)^SIP/2\.0 [2-6]", text):
                end, late = time.monotonic() + wait, 0  # and what may come behind it
                continue
            if select.select([self.s], [], [], left)[0]:
                try:
                    more = self.s.recv(65536)
                except OSError:
                    more = b""
                closed = not more
                text += more
        return re.split(r"(?m)^(?=SIP/2\.0 )", text.decode("latin-1")), closed

    def close(self):
        self.s.close()


def outcome(way, victim, data, wait, want):
    """As the table writes it."""
    talk = way(data)
    try:
        talk.send(data)
        wants = want.split("|")
        calls = victim.took(wait, LATE_S if all("call" in w for w in wants) else 0)
        late = LATE_S if all(re.search(r"\d|close", w) for w in wants) else 0
        # whole requests in front of what breaks a stream are answered before it ends
        heard, closed = talk.heard(wait, late, data, "close" in want)
        finals = [m[8:11] for m in heard if is_final(m) and is_of(m, data)]
        parts = finals[calls:] if calls and finals[:calls] == ["404"] * calls else [s for s in finals if not calls or s != "404"]
        parts = sorted(set(parts)) + ["call"] * calls
        if way is Tcp and closed:
            parts.append("close")
        elif way is Tcp and not parts:
            parts.append("wait" if is_short(data) else "drop")
        return "+".join(parts) or "drop"
    finally:
        talk.close()


def is_final(m):
    return m.startswith("SIP/2.0 ") and not m.startswith("SIP/2.0 1")


def call_ids(text):
    return {v.strip() for v in re.findall(r"(?im)^(?:call-id|i)[ \t]*:[ \t\r\n]*([^\r\n]*)", text)}


def is_of(m, data):
    """What is repeated of an earlier message (Timer G) is not an answer to this one."""
    asked = call_ids(data.decode("latin-1"))
    return not asked or bool(asked & call_ids(m)) or not call_ids(m)


def is_short(data):
    head, sep, body = data.partition(b"\r\n\r\n")
    n = re.search(rb"(?im)^(?:content-length|l)[ \t]*:[ \t]*(\d+)", head)
    return not sep or bool(n) and int(n.group(1)) > len(body)


def options(sw):
    """Somebody else is served as ever."""
    p = Peer(5060, peer_ip())
    try:
        for _ in range(3):
            p.send(p.request("OPTIONS", ruri=f"sip:{attack.IP}"))
            try:
                p.expect(200, timeout=4, call_id=p.call_id)
                return
            except Failed as e:
                last = e
        sw.check_alive()
        raise last
    finally:
        p.close()


def run(build, way, column):
    """All messages one way, to a switch that has seen none of them: what was answered before is answered from memory."""
    sw = Switch(build, extra=TRUNK_CONF.format(ip=peer_ip())).start()
    victim, wrong = Victim(), []
    try:
        for row in table():
            with open(os.path.join(DATA, row[0]), "rb") as f:
                data = f.read()
            got = outcome(way, victim, data, 0.1, row[column])
            if got not in row[column].split("|"):  # the machine may be busy: once more, with patience
                got = outcome(way, victim, again(data), 0.7, row[column])
            if got not in row[column].split("|"):
                wrong.append(f"{row[0]} §{row[1]} over {way.__name__.upper()}: {got}, not {row[column]}")
            options(sw)
        sw.check_alive()
    finally:
        victim.p.close()
        sw.stop()
    check(not wrong, "\n".join(wrong))


def again(data):
    """The same message of another transaction."""
    return re.sub(rb"z9hG4bK(?=\S)", b"z9hG4bK%d." % (time.monotonic_ns() % 100000), data)


@case
def every_torture_message_is_in_the_table(build):
    files = {os.path.relpath(os.path.join(d, n), DATA) for d, _, names in os.walk(DATA) for n in names} - {"expected"}
    check(files == {r[0] for r in table()}, f"not in the table, or not there: {sorted(files ^ {r[0] for r in table()})}")


@case
def torture_messages_over_udp_get_what_their_rfc_says(build):
    run(build, Udp, 2)


@case
def torture_messages_over_tcp_get_what_their_rfc_says(build):
    run(build, Tcp, 3)
