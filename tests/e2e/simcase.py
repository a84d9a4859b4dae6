"""Functions that the tests of evtape-sim share: clients, and their messages."""

import asyncio
import base64
import json
import os
import socket
import struct
import unittest

import evtest
import websockets

ATMO = ("X-Atmosphere-tracking-id=%s&X-Atmosphere-Framework=2.3.9&X-Atmosphere-Transport=websocket"
        "&Content-Type=application/json&X-atmo-protocol=true")
PATH = "/event/subscription"
HASH = "0123456789abcdef0123456789abcdef"


def old(trackers, **more):
    return json.dumps(dict({"action": "subscribe", "hash": HASH, "events": ["state"],
                            "trackers": trackers}, **more))


def new(*requests, **more):
    return json.dumps(dict({"action": "subscribe", "hash": HASH, "requests": list(requests)}, **more))


ALL = {"type": "all"}
STATES = {"type": "state", "target": ALL}


class SimCase(evtest.Case, unittest.IsolatedAsyncioTestCase):
    """A test with a simulator."""

    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)

    async def patiently_async(self, attempt, *settings):
        """evtest's patiently() for an attempt that is a coroutine."""
        for setting in settings:
            if await attempt(setting):
                return
        self.fail("the machine was too slow, even with " + str(settings[-1]))

    def raw(self, *args):
        client = Raw(*args)
        self.addCleanup(client.close)
        return client

    def sim(self, *args, stdin=None):
        self.proc = self.start("evtape-sim", *args, **({"stdin": stdin} if stdin else {}))
        return self.proc.wait_for(rb"listening on (wss?://\S+)\n").group(1).decode()

    def connect(self, url, path=PATH, **more):
        return websockets.connect(url + path, max_size=None, max_queue=None, **dict(evtest.PATIENT, **more))

    async def recv(self, ws):
        return await asyncio.wait_for(ws.recv(), evtest.DEADLINE)

    async def recv_json(self, ws):
        return json.loads(await self.recv(ws))

    async def drain(self, ws):
        """Read up to the close; returns the messages and the close code (None: no close
        frame)."""
        got = []
        while True:
            try:
                got.append(await self.recv(ws))
            except websockets.ConnectionClosed as e:
                return got, e.rcvd.code if e.rcvd else None

    async def subscribed(self, ws, request):
        """Subscribe; the response."""
        await ws.send(request)
        answer = await self.recv_json(ws)
        self.assertEqual(answer["type"], "response", answer)
        return answer


class Raw:
    """A WebSocket client that shows every frame as it came."""

    def __init__(self, url, path=PATH):
        host, port = url.split("//")[1].rsplit(":", 1)
        self.sock = socket.create_connection((host.strip("[]"), int(port)), evtest.DEADLINE)
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall(("GET %s HTTP/1.1\r\nHost: sim\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n" % (path, key)).encode())
        self.data = b""
        while b"\r\n\r\n" not in self.data:
            piece = self.sock.recv(65536)
            if not piece:
                break
            self.data += piece
        self.head, _, self.data = self.data.partition(b"\r\n\r\n")
        self.at = 0
        self.status = int(self.head.split()[1])

    def send(self, text):
        payload = text.encode()
        head = struct.pack("!BB", 0x81, 0x80 | len(payload)) if len(payload) < 126 else \
            struct.pack("!BBH", 0x81, 0x80 | 126, len(payload))
        self.sock.sendall(head + b"\0\0\0\0" + payload)

    def _need(self, n):
        while len(self.data) - self.at < n:
            piece = self.sock.recv(1 << 20)
            if not piece:
                raise EOFError
            self.data = self.data[self.at:] + piece
            self.at = 0

    def frame(self):
        """(fin, opcode, payload)"""
        self._need(2)
        n, skip = self.data[self.at + 1] & 0x7f, 2
        if n == 126:
            self._need(4)
            n, skip = struct.unpack_from("!H", self.data, self.at + 2)[0], 4
        elif n == 127:
            self._need(10)
            n, skip = struct.unpack_from("!Q", self.data, self.at + 2)[0], 10
        self._need(skip + n)
        first, start = self.data[self.at], self.at + skip
        self.at = start + n
        return first >> 7, first & 15, self.data[start:start + n]

    def all(self):
        """Every frame to the end, and how it ended: "eof" or "reset". A close
        is answered."""
        got, end = [], None
        while end is None:
            try:
                got.append(self.frame())
                if got[-1][1] == 8:
                    self.sock.sendall(b"\x88\x82\0\0\0\0" + got[-1][2][:2])
            except EOFError:
                end = "eof"
            except ConnectionResetError:
                end = "reset"
        self.close()
        return got, end

    def close(self):
        self.sock.close()


def http(url, path, headers=""):
    """Status, headers and body of a GET."""
    host, port = url.split("//")[1].split(":")
    with socket.create_connection((host, int(port)), evtest.DEADLINE) as s:
        s.sendall(("GET %s HTTP/1.1\r\nHost: sim\r\n%s\r\n" % (path, headers)).encode())
        answer = b""
        while True:
            piece = s.recv(65536)
            if not piece:
                break
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), head, body


UPGRADE = ("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
           "Sec-WebSocket-Version: 13\r\n")
