"""Clients of a replayer that come and go: those that read and leave, slow ones,
those that vanish, those that never read, and those that are no clients at all."""

import asyncio
import collections
import itertools
import random
import re
import socket
import struct
import threading
import urllib.parse

import websockets

PATH = "/event/subscription"
SERIAL = re.compile(rb'"serial":(\d+)}')
UPGRADE = ("GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n")
CALLS = ("/metrics", "/", "/api/tape", "/api/gaps", "/api/marks", "/api/deck", "/api/timeline?buckets=200",
         "/api/sources", "/api/frames?from=-1s&limit=20", "/api/nothing")
PATIENCE = 60.0
BATCH = 65536


class Line:
    """A TCP connection of our own making."""

    def __init__(self, sock):
        self.sock = sock

    @classmethod
    async def open(cls, host, port, receive=None):
        sock = socket.socket()
        if receive:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (host, port))
        return cls(sock)

    async def send(self, text):
        await asyncio.get_running_loop().sock_sendall(self.sock, text if isinstance(text, bytes) else text.encode())

    async def read(self, n=BATCH):
        return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self.sock, n), PATIENCE)

    async def upgrade(self, path):
        """Request a WebSocket; returns the bytes after the head of the answer."""
        await self.send(UPGRADE % path)
        data = b""
        while b"\r\n\r\n" not in data:
            piece = await self.read()
            if not piece:
                raise EOFError("the server hung up on %s" % path)
            data += piece
        head, _, rest = data.partition(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0] + b" ":
            raise ValueError("%s: %s" % (path, head.split(b"\r\n")[0].decode()))
        return rest

    def leave(self, reset=False):
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Visitors:
    """Connects and leaves, on a thread of its own, until it is stopped."""

    def __init__(self, url, trackers, every=0.5, most=24, seed=1):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port, self.url = parts.hostname, parts.port, "ws://%s:%d" % (parts.hostname, parts.port)
        self.trackers, self.every, self.most = trackers, every, most
        self.random = random.Random(seed)
        self.count = collections.Counter()
        self.wrong = []
        self.jumps = []  # (first, last) of the states that a reader of all did not get
        self.here = 0
        self.visits = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.come_and_go()))

    def start(self):
        self.thread.start()

    def stop(self):
        self.stopping.set()
        self.thread.join()

    async def come_and_go(self):
        kinds = [self.reader, self.whole, self.slow, self.vanishing, self.deaf, self.half, self.caller, self.standin,
                 self.historian]
        tasks = set()
        # Each in its turn, so that one minute is like another.
        for kind in itertools.cycle(kinds):
            if self.stopping.is_set():
                break
            if len(tasks) < self.most:
                task = asyncio.create_task(self.visit(kind))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            await asyncio.sleep(self.every)  # the pace of visits
        # Those that wait for a state would wait for the recorder's next connection.
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def visit(self, kind):
        self.here += 1
        self.visits += 1
        self.count[kind.__name__] += 1
        try:
            await kind()
        except Exception as e:  # any failure is reported at the end
            self.wrong.append("%s: %s: %s" % (kind.__name__, type(e).__name__, e))
        finally:
            self.here -= 1

    async def stay(self, seconds):
        """Do nothing for a while, but leave with the rest."""
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end and not self.stopping.is_set():
            await asyncio.sleep(0.1)

    def some_sources(self):
        return ",".join(str(10000 + self.random.randint(1, self.trackers)) for _ in range(5))

    async def take(self, line, data, least):
        """Read so many bytes and check that states come in order."""
        last, got = None, len(data)
        while got < least and not self.stopping.is_set():
            end = 0
            for m in SERIAL.finditer(data):
                last, end = self.next_state(last, int(m.group(1))), m.end()
            piece = await line.read()
            if not piece:
                raise EOFError("the server ended a stream")
            got += len(piece)
            # A number may be cut in two at the end of the bytes read.
            data = data[end:][-64:] + piece
        self.count["bytes"] += got

    def next_state(self, last, serial):
        if last is not None and serial <= last:
            self.wrong.append("whole: state %d came behind %d" % (serial, last))
        elif last is not None and serial != last + 1:
            self.jumps.append((last + 1, serial - 1))
        self.count["states"] += 1
        return serial

    # ---- the kinds ----

    async def hear(self, ws, most):
        """Take up to so many messages."""
        for _ in range(self.random.randint(1, most)):
            if self.stopping.is_set():
                break
            await asyncio.wait_for(ws.recv(), PATIENCE)
            self.count["messages"] += 1

    def connect(self, path):
        return websockets.connect(self.url + path, max_size=None, ping_interval=None, close_timeout=2)

    async def reader(self):
        """An ordinary client that reads some and leaves with a close."""
        async with self.connect("/stream?from=-5s&source=" + self.some_sources()) as ws:
            await self.hear(ws, 300)

    async def whole(self):
        """Reads everything from the last second on, and misses only what the tape
        misses."""
        line = await Line.open(self.host, self.port)
        try:
            await self.take(line, await line.upgrade("/stream?from=-1s"), self.random.randint(1 << 16, 1 << 21))
        finally:
            line.leave()

    async def slow(self):
        """Reads less than is sent, through a small window."""
        line = await Line.open(self.host, self.port, receive=4096)
        try:
            await line.upgrade("/stream?from=-2s&speed=max")
            for _ in range(self.random.randint(5, 20)):
                await line.read(2048)
                await self.stay(0.2)
        finally:
            line.leave(reset=self.random.random() < 0.5)

    async def vanishing(self):
        """Leaves in the middle of a frame."""
        line = await Line.open(self.host, self.port)
        try:
            await line.upgrade("/stream?from=-2s&speed=max")
            await line.read(self.random.randint(1, BATCH))
        finally:
            line.leave(reset=True)

    async def deaf(self):
        """Asks for everything and never reads."""
        line = await Line.open(self.host, self.port, receive=4096)
        try:
            await line.upgrade("/stream?from=%2B0s&speed=max")
            await self.stay(self.random.uniform(1, 6))
        finally:
            line.leave(reset=True)

    async def half(self):
        """Connects and says little or nothing."""
        line = await Line.open(self.host, self.port)
        try:
            await line.send((UPGRADE % "/stream")[:self.random.randint(0, 120)])
            await self.stay(self.random.uniform(0, 2))
        finally:
            line.leave(reset=self.random.random() < 0.5)

    async def caller(self):
        """A dashboard: the calls of the API."""
        for call in self.random.sample(CALLS, 4):
            line = await Line.open(self.host, self.port)
            try:
                await line.send("GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n" % call)
                data = await line.read()
                status = data.split(b" ", 2)[1:2]
                if status != ([b"404"] if call.endswith("nothing") else [b"200"]):
                    self.wrong.append("caller: %s: %r" % (call, data[:200]))
                while data:
                    data = await line.read()
            finally:
                line.leave()

    async def standin(self):
        """A client of the platform; some leave without a word."""
        async with self.connect(PATH) as ws:
            await ws.send('{"action":"subscribe","hash":"0","requests":[{"type":"state","trackers":[%s]}]}' %
                          self.some_sources())
            await self.hear(ws, 30)
            if self.random.random() < 0.5:
                ws.transport.abort()

    async def historian(self):
        """Begins where the ring is dropping."""
        async with self.connect("/stream?from=%2B0s&speed=20&source=" + self.some_sources()) as ws:
            await self.hear(ws, 500)
