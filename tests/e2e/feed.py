"""Functions that the tests of the recorder share: the simulator, and the frames that it
sent."""

import json
import os
import socket
import subprocess
import threading

import evtest

HASH = "0123456789abcdef0123456789abcdef"


def messages(log):
    """(connection, opcode, payload) of an evtape-sim --log-sent or
    --log-received file."""
    found = []
    if not os.path.exists(log):
        return found
    with open(log, "rb") as f:
        while head := f.readline():
            conn, opcode, length = head.split()
            payload = f.read(int(length))
            if f.read(1) != b"\n":
                break  # it is being written
            found.append((int(conn), int(opcode), payload))
    return found


class FeedCase(evtest.Case):
    """A test with a simulator and recorders of it."""

    def setUp(self):
        super().setUp()
        self.tape = self.path("t.tape")
        self.sent = self.path("sent")
        self.received = self.path("received")
        self.secret = self.write("hash", HASH + "\n")
        os.chmod(self.secret, 0o600)

    def simulate(self, *options):
        """Start a simulator; its process and URL."""
        ready = self.path("ready")
        if os.path.exists(ready):
            os.unlink(ready)
        sim = self.start("evtape-sim", "--ready-file", ready, "--log-sent", self.sent, "--log-received",
                         self.received, *options)
        self.wait_until("the simulator's URL", lambda: os.path.exists(ready))
        with open(ready, encoding="ascii") as f:
            return sim, f.read().strip() + "/event/subscription"

    def record(self, url, *options, secret=True, env=None):
        args = ["--credential-file", self.secret] if secret else []
        return self.start("evtape-record", url, "-o", self.tape, *args, *options, env=env)

    def count(self, **wanted):
        """Frames on the tape whose members are as wanted."""
        if not os.path.exists(os.path.join(self.tape, "journal", "lock")):
            return 0
        return sum(all(f.get(k) == v for k, v in wanted.items()) for f in evtest.frames(self.tape))

    def wait_frames(self, n, **wanted):
        self.wait_until("%d frames with %r" % (n, wanted), lambda: self.count(**wanted) >= n)

    def marks(self, name=None):
        """Payloads of the tape's marks."""
        return [m["payload"] for m in evtest.info(self.tape)["marks"] if name in (None, m["mark"])]

    def payloads(self, *args, tape=None):
        """The payloads of received frames, to the byte, as the replayer
        gives them: length-prefixed records, see docs/protocols.md."""
        raw = evtest.run("evtape-replay", tape or self.tape, "--speed", "max", "-q", "--no-follow", "-o", "binary",
                         *args).stdout
        at, found = 0, []
        while at < len(raw):
            n = int.from_bytes(raw[at:at + 4], "little")
            found.append((raw[at + 35], raw[at + 36:at + 4 + n]))
            at += 4 + n
        return found

    def zstdcat(self):
        names = sorted(n for n in os.listdir(self.tape) if n.endswith(".zst"))
        return subprocess.run(["zstdcat", *names], cwd=self.tape, stdout=subprocess.PIPE, check=True).stdout


class ProxyCase(FeedCase):
    """A proxy of a few lines, for CONNECT alone; it knows one host, feed.invalid,
    which is this machine."""

    def proxy(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        self.proxied = []
        threading.Thread(target=self.accept, args=(listener,), daemon=True).start()
        return "http://me:pass@127.0.0.1:%d" % listener.getsockname()[1]

    def accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            request = b""
            while b"\r\n\r\n" not in request:
                request += near.recv(4096)
            self.proxied.append(request)
            host, port = request.split()[1].decode().rsplit(":", 1)
            if host != "feed.invalid":
                near.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", int(port)))
            self.addCleanup(near.close)
            self.addCleanup(far.close)
            near.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self.pump, args=(a, b), daemon=True).start()

    @staticmethod
    def pump(a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def is_line(payload):
    """Whether a payload may be one of a tape's lines."""
    try:
        json.loads(payload.decode())
    except ValueError:
        return False
    return b"\n" not in payload and b"\r" not in payload
