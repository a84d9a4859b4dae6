"""A TCP relay that shows the bytes that pass and can cut connections: a network that
fails. It also keeps a server's address while the server is restarted."""

import socket
import struct
import threading


class Relay:
    """Listens on a free port of 127.0.0.1 and carries each connection to the target.
    While there is no target, connections wait."""

    def __init__(self, port=None):
        self.lock = threading.Condition()
        self.target = port
        self.links = []
        self.closed = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def point_at(self, port):
        with self.lock:
            self.target = port
            self.lock.notify_all()

    def cut(self):
        """Reset every connection, to both sides, without a word."""
        with self.lock:
            links = list(self.links)
        for link in links:
            link.reset()

    def close(self):
        with self.lock:
            self.closed = True
            self.lock.notify_all()
        self.listener.close()
        self.cut()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client):
        with self.lock:
            while self.target is None and not self.closed:
                self.lock.wait()
            if self.closed:
                client.close()
                return
            try:
                link = Link(client, socket.create_connection(("127.0.0.1", self.target)))
            except OSError:
                client.close()
                return
            self.links.append(link)
        link.start()


class Link:
    """A connection that is carried, and all bytes that passed: up (from the client) and
    down."""

    def __init__(self, client, server):
        self.client, self.server = client, server
        self.up, self.down = bytearray(), bytearray()

    def start(self):
        for args in ((self.client, self.server, self.up), (self.server, self.client, self.down)):
            threading.Thread(target=self._pump, args=args, daemon=True).start()

    @staticmethod
    def _pump(source, sink, kept):
        try:
            while True:
                piece = source.recv(65536)
                kept += piece
                if not piece:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(piece)
        except OSError:
            return

    def reset(self):
        for s in (self.client, self.server):
            try:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                s.shutdown(socket.SHUT_RD)  # wakes the thread that reads it
            except OSError:
                pass
            s.close()

    def request(self):
        """The first line of the client's request."""
        return bytes(self.up).split(b"\r\n", 1)[0].decode()

    def sent(self):
        """The payloads of the client's whole data frames."""
        return frames_of(bytes(self.up))

    def got(self):
        """Those of the server's."""
        return frames_of(bytes(self.down))


def frames_of(data):
    """The payloads of the text and binary frames after an HTTP head."""
    out, at = [], data.find(b"\r\n\r\n") + 4
    while at >= 4 and at + 2 <= len(data):
        opcode, n, at = data[at] & 15, data[at + 1], at + 2
        mask, n = n & 0x80, n & 0x7f
        if n >= 126:
            size = 2 if n == 126 else 8
            n, at = int.from_bytes(data[at:at + size], "big"), at + size
        key = data[at:at + 4] if mask else b"\0\0\0\0"
        at += 4 if mask else 0
        payload, at = data[at:at + n], at + n
        if at <= len(data) and opcode in (0, 1, 2):
            out.append(bytes(b ^ key[i % 4] for i, b in enumerate(payload)) if mask else payload)
    return out
