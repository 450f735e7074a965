# SPDX-License-Identifier: BSD-2-Clause
"""
A carrier made by hand over TCP or TLS: connections it opens, connections it accepts, messages cut as a case wants them.
The cases of cases_stream.py and cases_tls.py call it; certs.py makes its certificates.
"""
import selectors
import socket
import ssl
import threading
import time

import harness
from agent import Agent, Message


class Conn:
    """One connection of an agent."""

    def __init__(self, sock):
        self.sock, self.data, self.open, self.raw = sock, b"", True, b""

    def send(self, data):
        self.sock.settimeout(5)
        self.sock.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))

    def read(self):
        """Bytes that have come; an end is kept in self.open."""
        if not self.open:
            return
        self.sock.setblocking(False)
        try:
            while self.open:
                got = self.sock.recv(65536)
                self.open = bool(got)
                self.data += got
                self.raw += got
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        except OSError:
            self.open = False

    def messages(self):
        out = []
        while True:
            self.data = self.data.lstrip(b"\r\n")
            head, sep, rest = self.data.partition(b"\r\n\r\n")
            if not sep:
                return out
            n = next((int(line.partition(b":")[2]) for line in head.split(b"\r\n") if line.lower().startswith((b"content-length:", b"l:"))), 0)
            if len(rest) < n:
                return out
            out.append((head + sep + rest[:n]).decode("latin-1"))
            self.data = rest[n:]

    def ended(self, seconds):
        """True once the other side has closed it."""
        end = time.monotonic() + seconds
        while self.open and time.monotonic() < end:
            self.read()
            if self.open:
                time.sleep(0.001)
        return not self.open

    def close(self):
        self.sock.close()
        self.open = False


class StreamAgent(Agent):
    """tls: (server context, client context) of certs.py; listens at the carrier's port unless told not to."""

    def __init__(self, case, side, tls=None, listen=True):
        self.tls, self.listens = tls, listen
        self.proto = "TLS" if tls else "TCP"
        self.params = f";transport={self.proto.lower()}"
        self.conns, self.thread = [], None
        super().__init__(case, side)

    def _open(self):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.listens:
            sock.bind((self.ip, self.port))
            sock.listen(64)
            self.thread = threading.Thread(target=self._accept, args=(sock,), daemon=True)
            self.thread.start()
        return sock

    def deaf(self):
        """Nobody listens any more: connections are refused."""
        self.listens = False
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        self.thread.join(5)

    def listen(self):
        """Listen again."""
        self.listens = True
        self.sock = self._open()

    def connect(self, local=None, hostname="switch.example", port=None):
        """A connection to the switch."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.settimeout(5)
        sock.bind((local or self.ip, 0))
        sock.connect((self.peer[0], port or self.peer[1]))
        if self.tls:
            sock = self.tls[1].wrap_socket(sock, server_hostname=hostname)
        conn = Conn(sock)
        self.conns.append(conn)
        return conn

    def _accept(self, listener):
        """In a thread of its own: a handshake must not wait until a case looks here."""
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            if self.tls:
                sock.settimeout(3)
                try:
                    sock = self.tls[0].wrap_socket(sock, server_side=True)
                except OSError:  # the switch did not want us
                    self.case.n[f"{self.side} handshakes failed"] += 1
                    continue
            self.case.n[f"{self.side} accepted"] += 1
            self.conns.append(Conn(sock))

    def out(self):
        """The connection for requests: the newest that stands, else a new one."""
        for conn in reversed(self.conns):
            conn.read()
            if conn.open:
                return conn
        return self.connect()

    def _send(self, text, conn=None):
        self.first = self.first or text
        self.last = text
        self._note(text, True)
        (conn or self.out()).send(text)

    def _answer(self, m, text):
        self._send(text, m.conn if m.conn.open else None)

    def _receive(self, seconds):
        sel = selectors.DefaultSelector()
        for conn in self.conns:
            if conn.open:
                sel.register(conn.sock, selectors.EVENT_READ)
        waits = any(c.open and self.tls and c.sock.pending() for c in self.conns)
        ready = waits or sel.select(max(0.0005, min(seconds, 0.02)))  # a new one may come meanwhile
        sel.close()
        before = len(self.waiting)
        for conn in self.conns:
            conn.read()
            for text in conn.messages():
                self._note(text, False)
                m = Message(text)
                m.conn = conn
                self.waiting.append(m)
        return bool(ready) and len(self.waiting) > before

    def pump(self):
        end = time.monotonic() + 0.2
        while time.monotonic() < end:
            self._receive(0.01)

    def gone(self, what, seconds=3):
        """All connections have been closed by the switch."""
        for conn in self.conns:
            if not conn.ended(seconds * self.case.scale):
                raise harness.Failure(f"{self.side}: {what}: a connection still stands")

    def close(self):
        if self.listens:
            self.deaf()
        for conn in self.conns:
            conn.close()
        super().close()
