# SPDX-License-Identifier: BSD-2-Clause
"""A small name server for tests: A, AAAA, SRV and NAPTR of a zone given as text, over UDP and TCP, and all that servers get wrong.

It is a thread; what it does is changed while it runs by `mode`: answer, silent, servfail, nxdomain, refused, truncate (UDP answers
say TC, TCP answers whole), wrong-id, garbage. `asked` counts the questions.
"""
import select
import socket
import struct
import threading

TYPES = {"A": 1, "CNAME": 5, "AAAA": 28, "SRV": 33, "NAPTR": 35}


def name_bytes(name):
    out = b""
    for label in name.strip(".").split("."):
        if label:
            out += bytes([len(label)]) + label.encode()
    return out + b"\0"


def text_bytes(text):
    return bytes([len(text)]) + text.encode()


def record_data(kind, words):
    if kind == "A":
        return socket.inet_aton(words[0])
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, words[0])
    if kind == "CNAME":
        return name_bytes(words[0])
    if kind == "SRV":
        return struct.pack("!HHH", *map(int, words[:3])) + name_bytes(words[3])
    order, preference, flags, service, *rest = words  # REPLACEMENT, or REGEXP and "."
    regexp, replacement = rest if len(rest) == 2 else ("", rest[0])
    return struct.pack("!HH", int(order), int(preference)) + text_bytes(flags) + text_bytes(service) + text_bytes(regexp) + name_bytes(replacement)


class NameServer:
    """zone: lines "NAME TTL TYPE DATA...". Threads end with close()."""

    def __init__(self, ip, port, zone):
        self.mode, self.asked, self.lock = "answer", 0, threading.Lock()
        self.set_zone(zone)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((ip, port))
        self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp.bind((ip, port))
        self.tcp.listen(8)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def set_zone(self, zone):
        found = {}
        for line in zone.strip().splitlines():
            name, ttl, kind, *words = line.split()
            found.setdefault((name.lower(), TYPES[kind]), []).append((int(ttl), record_data(kind, words)))
        with self.lock:
            self.zone = found

    def close(self):
        self.stop.set()
        self.thread.join(5)
        self.udp.close()
        self.tcp.close()

    def run(self):
        while not self.stop.is_set():
            ready, _, _ = select.select([self.udp, self.tcp], [], [], 0.2)
            try:
                if self.udp in ready:
                    question, peer = self.udp.recvfrom(4096)
                    answer = self.answer(question, 1232)
                    if answer:
                        self.udp.sendto(answer, peer)
                if self.tcp in ready:
                    self.serve_stream(self.tcp.accept()[0])
            except (OSError, ValueError, IndexError, struct.error):
                pass

    def serve_stream(self, s):
        with s:
            s.settimeout(1)
            size = struct.unpack("!H", s.recv(2))[0]
            answer = self.answer(s.recv(size), 65535)
            if answer:
                s.sendall(struct.pack("!H", len(answer)) + answer)

    def answer(self, question, room):
        """One response, as the mode has it; None: none."""
        self.asked += 1
        if self.mode == "silent":
            return None
        if self.mode == "garbage":
            return bytes(range(64))
        ident, at, labels = question[:2], 12, []
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode("latin-1"))
            at += 1 + question[at]
        kind = struct.unpack("!H", question[at + 1:at + 3])[0]
        asked = question[12:at + 5]
        name = ".".join(labels).lower()
        with self.lock:
            found = list(self.zone.get((name, kind), []))
        rcode = {"servfail": 2, "nxdomain": 3, "refused": 5}.get(self.mode, 0)
        if rcode:
            found = []
        body = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data for ttl, data in found)
        flags = 0x8180 | rcode
        if len(body) + 64 > room or (self.mode == "truncate" and room < 65535):
            flags, found, body = flags | 0x0200, [], b""
        if self.mode == "wrong-id":
            ident = bytes([ident[0] ^ 0xff, ident[1]])
        return ident + struct.pack("!HHHHH", flags, 1, len(found), 0, 0) + asked + body
