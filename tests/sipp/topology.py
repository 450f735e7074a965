# SPDX-License-Identifier: BSD-2-Clause
"""
Topology hiding, judged by every byte: nothing that names one side of the switch may be in what another side received.
The runner calls it for each case with SIPp's message traces. It trusts nobody's idea of which headers matter: names are
taken from wherever one side shows them (hosts, tags, branches, Call-IDs, o= tokens ...) and searched for everywhere.
"""
import os
import re

MARK = re.compile(r"^-{20,} \d{4}-\d\d-\d\d[ T][\d:.]+[^\n]*\n(?:UDP|TCP) message (sent|received) [^\n]*\n\n?", re.M)
HEADER_TOKENS = re.compile(r";\s*(?:tag|branch)=([^;,>\s\r]+)")
HOST = re.compile(r"(?:sips?:|@|SIP/2\.0/\w+ |https?://)(\[[0-9A-Fa-f:.]+\](?::\d+)?|[A-Za-z0-9.-]+(?::\d+)?)")
WORD = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
SHORTEST = 5  # bytes; what is shorter names nobody


class Message:
    __slots__ = ("file", "line", "sent", "text")

    def __init__(self, file, line, sent, text):
        self.file, self.line, self.sent, self.text = file, line, sent, text


def read_trace(path):
    """All messages of a SIPp -trace_msg file, in order."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="latin-1", newline="") as f:
        text = f.read()
    out, marks, line, at = [], list(MARK.finditer(text)), 1, 0
    for i, m in enumerate(marks):
        line += text.count("\n", at, m.end())
        at = m.end()
        end = marks[i + 1].start() if i + 1 < len(marks) else len(text)
        out.append(Message(path, line, m.group(1) == "sent", text[m.end():end]))
    return out


def _host_tokens(text):
    """host and host:port as written; a bare IPv6 host is only telling with its port (all of a machine share ::1)."""
    for host in HOST.findall(text):
        if host.startswith("["):
            if not host.endswith("]"):
                yield host
            continue
        if "." in host:
            yield host
            yield host.rsplit(":", 1)[0]


def tokens_of(messages):
    """{token: what it is} of all messages that one side sent and received."""
    found = {}

    def add(token, what):
        token = token.strip()
        if len(token) >= SHORTEST:
            found.setdefault(token, what)

    for m in messages:
        head, _, body = m.text.replace("\r\n", "\n").partition("\n\n")
        for line in head.split("\n"):
            name, _, value = line.partition(":")
            name = name.strip().lower()
            if name in ("call-id", "i"):
                add(value, "Call-ID")
                add(value.rpartition("@")[2], "host of a Call-ID")
            for token in HEADER_TOKENS.findall(line):
                add(token, "tag or branch")
            for token in _host_tokens(line):
                add(token, "host")
            if name in ("user-agent", "server", "organization", "warning"):
                add(value, name)
        for line in body.split("\n"):
            if line.startswith("o="):
                part = line[2:].split()
                if len(part) == 6 and part[0] != "-":
                    add(part[0], "o= user")
                if len(part) == 6:
                    add(part[1], "o= session id")
                    add(part[5], "o= address")
            elif line.startswith("s=") and line[2:].strip() not in ("", "-"):
                add(line[2:], "s= name")
            elif line.startswith("c="):
                add(line.split()[-1], "c= address")
    # "::1" is everybody's on a machine with one IPv6 address.
    return {t: w for t, w in found.items() if t not in ("::1", "[::1]", "0.0.0.0")}


def _is_bounded(text, at, token):
    before = text[at - 1] if at else "\n"
    after = text[at + len(token)] if at + len(token) < len(text) else "\n"
    after2 = text[at + len(token) + 1] if at + len(token) + 1 < len(text) else "\n"
    if before in WORD or after in WORD:
        return False
    if token[0].isdigit() and before == ".":
        return False
    return not (after == "." and after2.isdigit() and token[-1].isdigit())


def find_leaks(shown, received, names, shared=None):
    """
    shown: {token: what} of one side; received: messages another side got; names: (of the one, of the other);
    shared(one, other, token): both may know it.
    Returns lines saying file, line, header and token; empty if nothing leaked.
    """
    whole = "\n".join(m.text for m in received)
    leaks = []
    for token, what in shown.items():
        if token not in whole or (shared and shared(*names, token)):
            continue
        for m in received:
            at = m.text.find(token)
            while at >= 0:
                if _is_bounded(m.text, at, token):
                    start = m.text.rfind("\n", 0, at) + 1
                    header = m.text[start:].split("\n", 1)[0].strip()
                    line = m.line + m.text.count("\n", 0, at)
                    leaks.append(f"{os.path.basename(m.file)}:{line}: {names[1]} was shown {names[0]}'s {what} '{token}' in: {header}")
                    break
                at = m.text.find(token, at + 1)
            else:
                continue
            break
    return leaks


def check(sides, shared=None):
    """sides: {name: [trace files]}. Each against each."""
    traces = {name: [m for path in paths for m in read_trace(path)] for name, paths in sides.items()}
    shown = {name: tokens_of(ms) for name, ms in traces.items()}
    leaks = []
    for one in traces:
        for other in traces:
            if one != other:
                received = [m for m in traces[other] if not m.sent]
                leaks += find_leaks(shown[one], received, (one, other), shared)
    return leaks


def self_test(write):
    """Plant each kind of leak in a clean pair of traces; write(name, text) makes a file. Returns what went unseen."""
    mark = "----------------------------------------------- 2026-01-01 00:00:00.000000\nUDP message %s bytes:\n\n"
    alpha = ("INVITE sip:100@127.9.1.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 127.9.1.11:5060;branch=z9hG4bK-a1\r\n"
             "From: <sip:1@127.9.1.11:5060>;tag=alphaTag1\r\nTo: <sip:100@127.9.1.1:5060>\r\nCall-ID: 1-77@127.9.1.11\r\n"
             "CSeq: 1 INVITE\r\nContact: <sip:a@pbx.alpha.example:5099>\r\nUser-Agent: alpha-agent/7\r\n\r\n"
             "v=0\r\no=alphauser 88771 1 IN IP4 127.9.1.12\r\ns=alpha session\r\nc=IN IP4 127.9.1.13\r\n")
    bravo = ("INVITE sip:100@127.9.1.21:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 127.9.1.2:5060;branch=z9hG4bKown\r\n"
             "From: <sip:1@127.9.1.2>;tag=own\r\nTo: <sip:100@127.9.1.21>\r\nCall-ID: owncallid\r\nCSeq: 1 INVITE\r\n"
             "%sContact: <sip:127.9.1.2:5060>\r\n\r\nv=0\r\no=- 4242 1 IN IP4 127.9.1.4\r\ns=-\r\nc=IN IP4 127.9.1.4\r\n%s")
    plants = {"host": "Via: SIP/2.0/UDP 127.9.1.11:5060;branch=z9hG4bKx\r\n", "branch": "X-Note: z9hG4bK-a1\r\n",
              "tag": "X-Note: was alphaTag1\r\n", "Call-ID": "X-Note: (1-77@127.9.1.11)\r\n",
              "Contact": "Warning: 399 pbx.alpha.example \"no\"\r\n", "agent": "X-Via: alpha-agent/7\r\n",
              "address of our other side": "P-Note: <sip:127.9.1.1>\r\n"}
    bodies = {"o= session id": "a=x:88771\r\n", "o= user": "a=by:alphauser\r\n", "o= address": "a=rtcp:1 IN IP4 127.9.1.12\r\n",
              "c= address": "a=candidate:1 1 UDP 1 127.9.1.13 9 typ host\r\n", "s= name": "i=alpha session\r\n"}
    a = write("selftest_alpha.msg", mark % "sent (1)" + alpha)
    unseen = []
    for name, header, line in [(k, v, "") for k, v in plants.items()] + [(k, "", v) for k, v in bodies.items()] + [("nothing", "", "")]:
        b = write("selftest_bravo.msg", mark % "received [1]" + bravo % (header, line))
        leaks = check({"alpha": [a], "bravo": [b]})
        if bool(leaks) == (name == "nothing"):
            unseen.append(f"planted {name}: said {leaks}")
    return unseen
