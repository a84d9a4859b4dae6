"""evtape-record with servers that we did not write: Node's ws and Python's websockets;
and plain sockets for bytes that neither of them would send."""

import asyncio
import base64
import hashlib
import json
import os
import re
import socket
import struct
import threading
import urllib.parse

import websockets

import evtest
import feed


class Peers(feed.FeedCase):
    def raw(self, url, *options):
        return self.start("evtape-record", url, "-o", self.tape, "--profile", "raw", *options)

    def node(self, scenario):
        port = self.path("port")
        self.spawn(["node", os.path.join(evtest.HERE, "ws_server.js"), port, scenario], env=evtest.NODE_ENV)
        self.wait_until("the port of Node's server", lambda: os.path.exists(port))
        with open(port, encoding="ascii") as f:
            return "ws://127.0.0.1:%s/" % f.read()

    def wait_payload(self, payload):
        self.wait_until("%r" % payload, lambda: os.path.exists(os.path.join(self.tape, "journal", "lock")) and
                        payload in [p for _, p in self.payloads()])


class NodeWs(Peers):
    def test_every_kind_of_message(self):
        p = self.raw(self.node("kinds"), "--send", self.write("send", "hello\n"))
        self.wait_payload(b'{"last":true}')
        self.wait_payload(b'"pong"')
        self.wait_payload(b"echo hello")
        p.finish(evtest.SIGTERM)
        text, binary = 1, 2
        got = [f for f in self.payloads() if f[1] not in (b'"pong"', b"echo hello")]
        self.assertEqual(got, [
            (text, b'{"a":1}'), (text, b"plain text"), (text, b""), (binary, b""), (binary, b"\x00\x01\x02\xff"),
            (text, '{"\u00e9":"\U0001f600"}'.encode()), (text, b'{\n  "pretty": true\n}'),
            (text, b'{"fragments":3}'), (binary, b"binary"), (text, b'"' + b"x" * (1 << 20) + b'"'),
            (binary, b"\xa5" * ((1 << 20) + 7)), (text, b'{"last":true}')])
        self.assertEqual([line for line in self.zstdcat().split(b"\n") if line not in (b"", b'"pong"')],
                         [p for op, p in got if op == text and feed.is_line(p)])

    def test_close_codes(self):
        p = self.raw(self.node("codes"), "--header", "X-Test: yes")
        self.wait_payload(b'{"last":true}')
        p.finish(evtest.SIGTERM, check=3)
        self.assertEqual([m["code"] for m in self.marks("disconnected")], [1000, 1001, 1011, 4000, 1000])
        self.assertIn("4000", self.marks("disconnected")[3]["reason"])
        first = [p for _, p in self.payloads()][0]
        # Compression is not offered: the library would loop on it.
        self.assertEqual(first, b'{"n":0,"header":"yes","extensions":null}')

    def test_too_long_a_message_costs_itself(self):
        p = self.raw(self.node("kinds"), "--max-message", "100k")
        self.wait_payload(b'{"last":true}')
        p.finish(evtest.SIGTERM, check=3)
        gaps = self.marks("gap")
        self.assertEqual([g["bytes"] for g in gaps], [(1 << 20) + 2, (1 << 20) + 7])
        self.assertEqual([g["frames"] for g in gaps], [1, 1])
        self.assertEqual(len(self.marks("connected")), 1)


class PythonWebsockets(Peers):
    def test_kinds_and_echo(self):
        """A server in this process, on a thread of its own."""
        ready, address, stop = threading.Event(), [], []
        sent = ["{}", "", b"", b"\x00\xff", "\u20ac" * 1000, b"z" * (1 << 20), '{"last":1}']

        async def handler(ws):
            for message in sent:
                await ws.send(message)
            await ws.send(["{", '"parts"', ":[1,2]}"])
            async for message in ws:
                await ws.send(message)

        async def main():
            done = asyncio.get_running_loop().create_future()
            stop.append((asyncio.get_running_loop(), done))
            async with websockets.serve(handler, "127.0.0.1", 0, max_size=None) as server:
                address.append(server.sockets[0].getsockname()[1])
                ready.set()
                await done
        thread = threading.Thread(target=lambda: asyncio.run(main()))
        thread.start()
        self.assertTrue(ready.wait(evtest.DEADLINE))
        try:
            p = self.raw("ws://127.0.0.1:%d/any/path?x=1" % address[0], "--send", self.write("send", '{"echo":1}\n'))
            self.wait_payload(b'{"echo":1}')
            p.finish(evtest.SIGTERM)
        finally:
            loop, done = stop[0]
            loop.call_soon_threadsafe(done.set_result, None)
            thread.join()
        want = [(1, m.encode()) if isinstance(m, str) else (2, m) for m in sent]
        self.assertEqual(self.payloads(), [*want, (1, b'{"parts":[1,2]}'), (1, b'{"echo":1}')])


class BareSocket(Peers):
    """A small server that sends the given bytes, whatever they are."""

    def serve(self, *scripts):
        """One connection a script: bytes to send after the handshake, then
        the connection is reset ("reset"), closed, or held open ("hold");
        "http": the bytes are the answer to the handshake."""
        self.requests = []
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        threading.Thread(target=self.accept, args=(listener, scripts), daemon=True).start()
        return "ws://127.0.0.1:%d/" % listener.getsockname()[1]

    def accept(self, listener, scripts):
        for data, end in scripts:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            request = b""
            while b"\r\n\r\n" not in request:
                request += peer.recv(4096)
            self.requests.append(request)
            if end == "http":
                peer.sendall(data)
                peer.close()
                continue
            key = re.search(rb"(?i)sec-websocket-key: (\S+)", request).group(1)
            accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + data)
            if end == "hold":
                self.addCleanup(peer.close)
                continue
            if end == "reset":
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()

    def test_text_that_is_not_utf8_is_kept(self):
        p = self.raw(self.serve((b"\x81\x02\xff\xfe" + b"\x81\x02{}", "hold")))
        self.wait_payload(b"{}")
        p.finish(evtest.SIGTERM)
        self.assertEqual(self.payloads(), [(1, b"\xff\xfe"), (1, b"{}")])
        self.assertEqual(self.zstdcat(), b"{}\n")

    def test_a_connection_that_breaks_off_in_a_message(self):
        url = self.serve((b"\x81\x02{}" + b"\x81\x7e\x10\x00" + b"x" * 100, "close"),
                         (b"\x01\x03abc" + b"\x00\x05d", "close"), (b"\x81\x01" + b"1", "reset"),
                         (b"\x81\x01" + b"2", "hold"))
        p = self.raw(url)
        self.wait_payload(b"2")
        p.finish(evtest.SIGTERM, check=3)
        got = [f[1] for f in self.payloads()]
        self.assertEqual([got[0], got[-1]], [b"{}", b"2"])
        self.assertEqual({m["code"] for m in self.marks("disconnected")[:2]}, {1006})
        self.assertIsNone(self.marks("gap")[0]["frames"])
        self.assertIn("; 100 bytes of an unfinished message are lost", self.marks("gap")[0]["reason"])
        self.assertIn("; 4 bytes of an unfinished message are lost", self.marks("gap")[1]["reason"])

    def test_close_frames(self):
        """Codes of other programs, a code that libwebsockets does not know, an
        undefined code, no code, a reason that is not UTF-8."""
        for frame, code, reason in (
                (b"\x88\x04" + struct.pack(">H", 1012) + b"ok", 1012, "code 1012 (ok)"),
                (b"\x88\x02" + struct.pack(">H", 1006), 1002, "code 1006, which is invalid"),
                (b"\x88\x02" + struct.pack(">H", 3000), 3000, "code 3000"),
                (b"\x88\x02" + struct.pack(">H", 4999), 4999, "code 4999"),
                (b"\x88\x00", 1005, "without a close code"),
                (b"\x88\x04" + struct.pack(">H", 4001) + b"\xff\x01", 4001, "code 4001 (")):
            with self.subTest(code):
                self.tape = self.path("%d.tape" % code)
                p = self.raw(self.serve((b"\x81\x01" + b"1" + frame, "close")))
                p.wait_for(rb"connection lost: ")
                p.finish(evtest.SIGTERM, check=3)
                mark = self.marks("disconnected")[0]
                self.assertEqual((mark["code"], mark["frames"]), (code, 1))
                self.assertIn(reason, mark["reason"])

    def test_a_dead_peer_is_noticed_by_ping(self):
        """The connection is open and pings get no answer; a silence alone does not end it."""
        p = self.raw(self.serve((b"\x81\x01" + b"1", "hold"), (b"\x81\x01" + b"2", "hold")),
                     "--ping-interval", "100ms", "--idle-timeout", "0")
        p.wait_for(rb"connection lost: the server does not answer pings \(for 300ms\); retrying in")
        self.wait_payload(b"2")
        p.finish(evtest.SIGTERM, check=3)

    def test_answers_that_are_no_websocket(self):
        page = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
        bad = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n")
        for answer, words in ((page, rb"HTTP 200: there is no WebSocket at this path"),
                              (bad, rb"the server's handshake is invalid \("),
                              (b"SSH-2.0-x\r\n", rb"closed the connection during the handshake, or it is not a WebSocket server"),
                              (b"", rb"closed the connection during the handshake, or it is not a WebSocket server")):
            with self.subTest(answer):
                p = self.raw(self.serve((answer, "http")))
                p.wait_for(rb"cannot connect: .*" + words + rb".*; retrying in")
                p.finish(evtest.SIGTERM, check=3)

    def test_a_credential_in_the_subprotocol(self):
        """As browsers' clients have to send a token."""
        url = self.serve((b"\x81\x01" + b"1", "hold"))
        p = self.raw(url, "--header", "Sec-WebSocket-Protocol: token-${CREDENTIAL}", "--header", "X-Other: a",
                     "--credential-file", self.secret)
        p.wait_for(rb"connected|trying again")
        p.finish(evtest.SIGTERM, check=None)
        self.assertIn(b"token-" + feed.HASH.encode(), self.requests[0])
        self.assertIn(b"\r\nX-Other: a\r\n", self.requests[0])
        self.assertIn(b"\r\nUser-Agent: evtape-record/", self.requests[0])
        self.assertNotIn(feed.HASH.encode(), p.err)

    def test_secrets_in_fragments(self):
        """The credential, and literal secrets of URL and headers, come back in messages whose
        fragments end within them, and in the reason of the close."""
        secrets = ["in/the+query=0", "in the header 1", "0123456789-in-a-cookie", "user:in-basic-auth", feed.HASH]
        basic = base64.b64encode(secrets[3].encode()).decode()
        frames, n = b"", 0
        for secret in secrets:
            for text in (secret, urllib.parse.quote(secret, safe=""), json.dumps(secret).replace("/", "\\/"),
                         base64.b64encode(secret.encode()).decode()):
                for size in (1, 5, 7):
                    parts = ["<" + text[:1]] + [text[i:i + size] for i in range(1, len(text), size)] + [">"]
                    for i, part in enumerate(parts):
                        frames += bytes([(i == 0) | (i == len(parts) - 1) << 7, len(part)]) + part.encode()
                        frames += b"\x89\x00" if i % 3 == 1 else b""
                    n += 1
        frames += b"\x88" + bytes([2 + 14]) + struct.pack(">H", 4001) + secrets[0].encode()
        url = self.serve((frames, "close"), (b"\x81\x04last", "hold"))
        p = self.raw(url + "?token=in%2fthe%2Bquery%3d0&x=1", "--header", "X-Api-Key: " + secrets[1],
                     "--header", "Cookie: a=b; sid=" + secrets[2], "--header", "Authorization: Basic " + basic,
                     "--credential-file", self.secret, "--send", self.write("send", "${CREDENTIAL}\n"))
        self.wait_payload(b"last")
        p.finish(evtest.SIGTERM, check=3)
        got = [f[1].decode() for f in self.payloads() if f[1] != b"last"]
        self.assertEqual(len(got), n)
        for text in got:
            self.assertRegex(text, r'^<"?\*+=?=?"?>$')
        self.assertEqual(self.marks("disconnected")[0]["code"], 4001)
        self.assertNotRegex(json.dumps(self.marks("disconnected") + self.marks("gap") + self.marks("connected")), "query=0|query%3d0")
        self.assertNotIn(b"query=0", p.err)

    def test_frames_that_break_the_protocol(self):
        """An unknown opcode: the recorder closes the connection and reconnects."""
        url = self.serve((b"\x83\x00", "hold"), (b"\x81\x01" + b"3", "hold"))
        p = self.raw(url)
        self.wait_payload(b"3")
        p.finish(evtest.SIGTERM, check=3)
        self.assertEqual(len(self.marks("connected")), 2)


if __name__ == "__main__":
    evtest.unittest.main()
