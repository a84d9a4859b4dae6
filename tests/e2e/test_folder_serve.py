"""A server of a folder of tapes: the list, the search, and opening another tape."""

import asyncio
import http.client
import json
import os
import socket
import unittest
import urllib.parse

import evtest
import websockets
from test_folder import FolderCase
from tooltest import T0


class Serve(FolderCase):
    def serve(self, *args):
        ready = self.path("ready")
        self.server = self.start("evtape-replay", "--listen", "0", "--ready-file", ready, *args)
        self.wait_until("the ready file", lambda: os.path.exists(ready) or self.server.popen.poll() is not None)
        with open(ready, encoding="ascii") as f:
            self.url = f.read().strip()
        self.port = urllib.parse.urlsplit(self.url).port

    def call(self, path, body=None, status=200, **headers):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=evtest.DEADLINE)
        try:
            c.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body),
                      {k.replace("_", "-"): v for k, v in headers.items()})
            answer = c.getresponse()
            text = answer.read()
        finally:
            c.close()
        self.assertEqual(answer.status, status, text)
        return json.loads(text) if text.startswith(b"{") else text.decode()

    def tape(self):
        """The path of the tape that is served; None: nobody listens at the moment."""
        try:
            return self.call("/api/tape")["tapes"][0]["path"]
        except (ConnectionError, http.client.HTTPException):
            return None

    def served(self, name):
        self.wait_until(name, lambda: (self.tape() or "").endswith("/" + name))

    def open(self, name, **more):
        self.assertEqual(self.call("/api/open", {"name": name}, **more), {"open": name})
        self.served(name)
        self.assertEqual(self.call("/api/tapes")["open"], name)

    def test_lists_what_the_command_lists(self):
        folder = self.folder()
        self.serve(folder)
        want = self.json("info", "--json", folder)
        got = self.call("/api/tapes")
        self.assertEqual(got.pop("open"), "2023/late/c.tape")
        self.assertEqual(got, want)
        for query, args in (("label=VAN", ("--label", "VAN")), ("mark=gate", ("--mark", "gate")),
                            ("source=10008,77", ("--source", "10008,77")), ("label=boat", ("--label", "boat")),
                            ("from=2023-11-15&to=2023-11-16", ("--day", "2023-11-15"))):
            self.assertEqual([t["name"] for t in self.call("/api/tapes?" + query)["tapes"]], self.names(*args, folder), query)
        self.assertIn("a relative time needs a tape", self.call("/api/tapes?from=%2B1m", status=400)["error"])

    def test_opens_one_after_the_other(self):
        self.serve(self.folder())
        self.served("c.tape")
        self.open("a.tape")
        self.assertEqual(self.call("/api/tape")["sources"], 2)
        self.open("2023/late/c.tape")
        self.open("b.tape")
        self.open("b.tape")
        self.assertEqual(self.call("/api/tape")["first_ns"], T0)
        self.server.finish(15)

    def test_clients_are_closed_and_come_back(self):
        self.serve(self.folder())

        async def first():
            async with websockets.connect("ws://127.0.0.1:%d/control" % self.port) as ws:
                await asyncio.wait_for(ws.recv(), evtest.DEADLINE)
                await asyncio.to_thread(self.call, "/api/open", {"name": "b.tape"})
                try:
                    while True:
                        await asyncio.wait_for(ws.recv(), evtest.DEADLINE)
                except websockets.ConnectionClosed as e:
                    return e.rcvd.code

        self.assertEqual(asyncio.run(first()), 1001)
        self.served("b.tape")

        async def frame():
            async with websockets.connect("ws://127.0.0.1:%d/stream?speed=max" % self.port) as ws:
                return json.loads(await asyncio.wait_for(ws.recv(), evtest.DEADLINE))
        self.assertEqual(asyncio.run(frame())["data"], {"source_id": 10001, "n": 0})

    def test_opens_nothing_but_listed_names(self):
        folder = self.folder()
        outside = self.states("outside.tape")
        os.symlink(outside, os.path.join(folder, "link"))
        self.serve(folder)
        for name in ("x", "", ".", "../outside.tape", "link", outside, "./a.tape", "a.tape/", "2023", "2023/../a.tape", "A.TAPE",
                     "a.tape\n"):
            self.assertIn("there is no tape", self.call("/api/open", {"name": name}, 404)["error"], name)
        for body in ({}, {"name": 1}, {"name": None}, {"name": ["a.tape"]}, {"tape": "a.tape"}):
            self.assertIn("give the name of a tape", self.call("/api/open", body, 400)["error"], body)
        self.assertIn("NUL", self.call("/api/open", {"name": "a.tape\0"}, 400)["error"])
        self.assertIn("must be a JSON object", self.call("/api/open", ["a.tape"], 400)["error"])
        self.served("c.tape")

    def test_who_may_open(self):
        """The rules of the other calls that change something."""
        self.serve(self.folder())
        self.call("/api/open", status=405)
        self.call("/api/open", {"name": "a.tape"}, 403, Origin="https://maps.example")
        self.call("/api/open", {"name": "a.tape"}, 403, Sec_Fetch_Site="cross-site")
        self.call("/api/open", {"name": "a.tape"}, 403, Host="maps.example")
        self.served("c.tape")
        self.open("a.tape", Origin="http://127.0.0.1:%d" % self.port, Host="127.0.0.1:%d" % self.port)

    def test_a_tape_that_cannot_be_read(self):
        folder = self.folder()
        os.remove(self.segment(os.path.join(folder, "a.tape")))
        os.symlink("/etc/passwd", self.segment(os.path.join(folder, "a.tape")))
        self.serve(folder)
        self.call("/api/open", {"name": "a.tape"}, 500)
        self.served("c.tape")
        self.open("b.tape")

    def test_a_tape_that_does_not_fit_the_options(self):
        """The tape before is served again."""
        folder = self.folder()
        evtest.run("evtape", "mark", os.path.join(folder, "2023/late/c.tape"), "begin", "--at", "+1s")
        self.serve(folder, "--from", "mark:begin")
        self.call("/api/open", {"name": "a.tape"})
        self.server.wait_for(b"no bookmark 'begin'")
        self.served("c.tape")
        self.open("2023/late/c.tape")

    def test_a_server_of_tapes_has_no_folder(self):
        self.serve(os.path.join(self.folder(), "a.tape"))
        for path, body in (("/api/tapes", None), ("/api/open", {"name": "a.tape"})):
            self.assertIn("not a folder of tapes", self.call(path, body, 404)["error"])

    def test_a_folder_needs_a_server(self):
        done = evtest.run("evtape-replay", self.folder(), check=2)
        self.assertRegex(done.stderr.decode(), r"^evtape-replay: .* is a folder of tapes: name one of them, or serve them with --listen")

    def test_one_that_asks_and_stays(self):
        """A connection that is never closed does not keep the other tape waiting."""
        self.serve(self.folder())
        with socket.create_connection(("127.0.0.1", self.port)) as idle:
            self.call("/api/open", {"name": "a.tape"})
            self.served("a.tape")
            idle.close()


if __name__ == "__main__":
    unittest.main()
