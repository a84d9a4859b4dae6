"""The replayer behind nginx, with the settings that docs/protocols.md names."""

import asyncio
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import urllib.error
import urllib.request

import websockets

import evtest
from test_replay import MS
from test_replay_ws import WsCase

NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")

CONF = """
daemon off; pid %(dir)s/nginx.pid; error_log stderr; worker_processes 1;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path %(dir)s; proxy_temp_path %(dir)s; fastcgi_temp_path %(dir)s;
    uwsgi_temp_path %(dir)s; scgi_temp_path %(dir)s;
    %(http)s
    server {
        listen 127.0.0.1:%(port)d%(ssl)s; server_name tape.example;
        %(location)s
    }
}
"""


@evtest.unittest.skipIf(NGINX is None, "nginx is not installed")
class Nginx(WsCase):
    def documented(self):
        """The example of docs/protocols.md: what stands in the server block, and in
        the http block."""
        with open(os.path.join(evtest.TOP, "docs", "protocols.md"), encoding="utf-8") as f:
            text = f.read()
        location = re.search(r"^location / \{\n.*?^\}\n", text, re.M | re.S).group()
        return location, re.search(r"^map \$http_upgrade .*$", text, re.M).group()

    def proxy(self, *args, location=None, tls=False):
        """A server behind nginx; nginx's port."""
        backend = self.serve(*args, self.states(n=20, step=100 * MS)).split("/")[2]
        documented, http = self.documented()
        self.assertIn("127.0.0.1:8787", documented)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        certs = ""
        if tls:
            cert, key = self.path("cert.pem"), self.path("key.pem")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                            "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=tape.example",
                            "-addext", "subjectAltName=DNS:tape.example"],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
            certs = "ssl_certificate %s; ssl_certificate_key %s;" % (cert, key)
        conf = self.write("nginx.conf", (CONF % {
            "dir": self.dir, "http": http + certs, "port": port, "ssl": " ssl" if tls else "",
            "location": (location or documented).replace("127.0.0.1:8787", backend)}).encode())
        self.nginx = self.spawn([NGINX, "-p", self.dir, "-c", conf])
        self.wait_until("nginx", lambda: self.nginx.popen.poll() is not None or self.listens(port))
        self.port = port
        return port

    def listens(self, port):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    def ask(self, path, method="GET", body=None, **headers):
        """Status and body of an answer through nginx."""
        request = urllib.request.Request("http://127.0.0.1:%d%s" % (self.port, path), data=body, method=method,
                                         headers={k.replace("_", "-"): v for k, v in headers.items()})
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=evtest.DEADLINE) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as e:
            return e.code, e.read()

    def test_as_documented(self):
        """Pages of the proxy's own origin look, change the deck, and follow it."""
        self.proxy("--start-paused", "--allow-origin", "http://tape.example")
        own = {"Host": "tape.example", "Origin": "http://tape.example"}
        self.assertEqual(self.ask("/", Host="tape.example")[0], 200)
        self.assertEqual(self.ask("/api/deck", **own)[0], 200)
        # A header of the proxy grants nothing.
        self.assertEqual(self.ask("/api/deck", Host="evil.example", X_Forwarded_Host="tape.example")[0], 403)
        self.assertEqual(self.ask("/api/deck", Host="tape.example", Origin="http://evil.example")[0], 403)

        async def follow():
            async with websockets.connect("ws://tape.example:%d/control" % self.port, host="127.0.0.1", port=self.port,
                                          origin="http://tape.example:%d" % self.port, **evtest.PATIENT) as ws:
                message = await ws.recv()
                loop = asyncio.get_running_loop()
                status, _ = await loop.run_in_executor(None, lambda: self.ask("/api/deck/play", "POST", b"{}", **own))
                self.assertEqual(status, 200)
                while '"playing":true' not in message:
                    message = await ws.recv()
                await (await ws.ping(b"through nginx"))
        asyncio.run(follow())
        self.nginx.finish(signal.SIGTERM)

    def test_stream(self):
        """Every frame and the close code come through."""
        self.proxy("--allow-origin", "http://tape.example")
        numbers, code = self.get("ws://127.0.0.1:%d/stream" % self.port, "?speed=max")
        self.assertEqual((numbers, code), (list(range(20)), 1000))
        status, body = self.ask("/stream?speed=%zz")
        self.assertEqual(status, 400)
        self.assertIn(b"hexadecimal", body)
        self.nginx.finish(signal.SIGTERM)

    def test_tls_ends_at_the_proxy(self):
        self.proxy("--start-paused", "--allow-origin", "https://tape.example", tls=True)
        tls = ssl.create_default_context(cafile=self.path("cert.pem"))
        with socket.create_connection(("127.0.0.1", self.port), evtest.DEADLINE) as plain, \
                tls.wrap_socket(plain, server_hostname="tape.example") as s:
            s.sendall(b"POST /api/deck/play HTTP/1.1\r\nHost: tape.example\r\nOrigin: https://tape.example\r\n"
                      b"Content-Length: 2\r\nConnection: close\r\n\r\n{}")
            got = b""
            while piece := s.recv(65536):
                got += piece
        self.assertIn(b" 200 ", got.split(b"\r\n")[0])
        self.nginx.finish(signal.SIGTERM)

    def test_host_of_the_upstream(self):
        """nginx's default: the console looks, but changes nothing."""
        self.proxy("--start-paused", "--allow-origin", "http://tape.example", location="location / { proxy_pass http://127.0.0.1:8787; }")
        own = {"Host": "tape.example", "Origin": "http://tape.example"}
        self.assertEqual(self.ask("/api/deck", **own)[0], 200)
        self.assertEqual(self.ask("/api/deck/play", "POST", b"{}", **own)[0], 403)
        self.nginx.finish(signal.SIGTERM)


if __name__ == "__main__":
    evtest.unittest.main()
