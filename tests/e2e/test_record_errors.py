"""Each way to call evtape-record wrongly, once: the message, which is one line, and the
exit code."""

import os

import evtest
import feed

URL = "ws://127.0.0.1:1/"


class Errors(feed.FeedCase):
    def refused(self, code, pattern, *args, env=None, stdin=b""):
        with self.subTest(pattern):
            clean = {k: v for k, v in os.environ.items() if k != "EVTAPE_CREDENTIAL" and
                     not k.lower().endswith("_proxy")}
            done = evtest.run("evtape-record", *args, check=None, env=dict(clean, **(env or {})), stdin=stdin)
            words = done.stderr.decode()
            self.assertRegex(words, pattern)
            self.assertEqual(done.returncode, code, words)
            self.assertEqual(words.count("\n"), 1, words)
            self.assertTrue(words.startswith("evtape-record: "), words)
            self.assertEqual(done.stdout, b"")

    def test_urls(self):
        for pattern, url in (
                (r"'http2://x/' is not the URL of a feed: begin it with ws://", "http2://x/"),
                (r"'' is not the URL of a feed", ""),
                (r"contains a user name or password: use a header", "ws://me:secret@host/"),
                (r"has no host", "ws:///path"),
                (r"is not a host name", "ws://a_b!c/"),
                (r"port must be a whole number from 1 to 65535, not '99999'", "ws://host:99999/"),
                (r"port is not a number from 1 to 65535", "ws://host:123456789/"),
                (r"lacks its '\]'", "ws://[::1/"),
                (r"unexpected text after the '\]' of the URL", "ws://[::1]x/"),
                (r"'::g' is not an IPv6 address", "ws://[::g]/"),
                (r"has a fragment \('#'\)", "ws://host/#a"),
                (r"the byte 0x20: write it percent-encoded, as %20", "ws://host/a b")):
            self.refused(2, pattern, url, "-o", self.tape, "--profile", "raw")
        # A message about a refused password must not show it.
        done = evtest.run("evtape-record", "ws://me:secret@host/", "-o", self.tape, check=2)
        self.assertNotIn(b"secret", done.stderr)

    def test_options(self):
        raw = [URL, "-o", self.tape, "--profile", "raw"]
        for pattern, args in (
                (r"no tape is given: -o TAPE", ["-"]),
                (r"URL\|- -o TAPE|missing", ["-o", self.tape]),
                (r"--profile is navixy or raw, not 'bogus'", [URL, "-o", self.tape, "--profile", "bogus"]),
                (r"--format is full or compact, not 'x'", [URL, "-o", self.tape, "--format", "x"]),
                (r"--request-form is new or old, not 'x'", [URL, "-o", self.tape, "--request-form", "x"]),
                (r"--on-logout is reconnect or stop, not 'x'", [URL, "-o", self.tape, "--on-logout", "x"]),
                (r"need --profile navixy", [*raw, "--events", "state"]),
                (r"--send needs --profile raw", [URL, "-o", self.tape, "--send", "x"]),
                (r"--rate-limit takes a time like 5s, not 'x'", [URL, "-o", self.tape, "--rate-limit", "x"]),
                (r"--header takes 'Name: value'", [*raw, "--header", "no colon"]),
                (r"--header takes 'Name: value'", [*raw, "--header", ": x"]),
                (r"--header 'X' holds a control character", [*raw, "--header", "X: a\r\nY: b"]),
                (r"--header Host: the program sets this header itself", [*raw, "--header", "host: x"]),
                (r"--max-message is from 1 to 256MiB", [*raw, "--max-message", "0"]),
                (r"--max-message is from 1 to 256MiB", [*raw, "--max-message", "257MiB"]),
                (r"--queue is from 64KiB to 1GiB", [*raw, "--queue", "1k"]),
                (r"--block-size is from 1KiB to 64MiB", [*raw, "--block-size", "1"]),
                (r"--ping-interval is at least 100ms", [*raw, "--ping-interval", "1ms"]),
                (r"--level.*1.*19", ["-", "-o", self.tape, "--level", "99"]),
                (r"--duration.*soon", ["-", "-o", self.tape, "--duration", "soon"]),
                (r"--frames.*'0'|number of frames", ["-", "-o", self.tape, "--frames", "0"]),
                (r"--sync.*never", ["-", "-o", self.tape, "--sync", "never"]),
                (r"--max-size.*big", ["-", "-o", self.tape, "--max-size", "big"]),
                (r"bad path 'no-slash': .*; write /event or /data/\*/id",
                 ["-", "-o", self.tape, "--source-path", "no-slash"]),
                (r"--tracker-list-every needs --tracker-list", [*raw, "--tracker-list-every", "1h"]),
                (r"--tracker-list-every is at least 1s", [*raw, "--tracker-list", "f", "--tracker-list-every", "1ms"]),
                (r"--tracker-list needs a feed: lines from stdin have no platform",
                 ["-", "-o", self.tape, "--tracker-list", "f"]),
                (r"--tracker-list takes an http:// or https:// URL, or a file, not ftp://",
                 [*raw, "--tracker-list", "ftp://x/y"]),
                (r"--tracker-list takes an http:// or https:// URL, .* not wss://", [*raw, "--tracker-list", "wss://x/y"]),
                (r"--tracker-list: the URL has no host", [*raw, "--tracker-list", "http:///x"]),
                (r"--tracker-list: the URL's port must be", [*raw, "--tracker-list", "https://h:99999/x"]),
                (r"--tracker-list: leave \$\{CREDENTIAL\} out of the URL: .* sent in the request's body",
                 [*raw, "--tracker-list", "https://h/x?hash=${CREDENTIAL}"]),
                (r"--tracker-list: the file name is empty", [*raw, "--tracker-list", ""]),
                (r"--no-such-option", ["-", "-o", self.tape, "--no-such-option"])):
            self.refused(2, pattern, *args)
        self.assertFalse(os.path.exists(self.tape))

    def test_subscriptions(self):
        ask = [URL, "-o", self.tape, "--credential-file", self.secret]
        for pattern, args in (
                (r"unknown event 'bogus': use state, state_batch", ["--events", "bogus"]),
                (r"a tracker id.*x|'x'.*tracker id", ["--trackers", "x"]),
                (r"event 'state' needs a list of trackers", ["--events", "state"]),
                (r"cannot be asked for alone", ["--events", "logout"]),
                (r"the old request form needs a list of trackers", ["--request-form", "old"])):
            self.refused(2, pattern, *ask, *args)
        self.assertFalse(os.path.exists(self.tape))

    def test_credentials(self):
        ask = [URL, "-o", self.tape]
        nowhere = self.path("nowhere")
        self.refused(2, r"a session hash, and there is no credential: give --credential-file FILE, or set EVTAPE_CREDENTIAL", *ask)
        self.refused(1, r"cannot read the credential from .*nowhere: No such file", *ask, "--credential-file", nowhere)
        self.refused(1, r"cannot read the credential from .*: Is a directory", *ask, "--credential-file", self.dir)
        for pattern, content in ((r"contains no credential", b" \n"), (r"has 3 bytes: it must have 8 to", b"abc\n"),
                                 (r"contains a NUL byte", b"abcdefghij\0k"),
                                 (r"several lines or a control character", b"abcdefgh\nijklmnop"),
                                 (r"has \d+ bytes: it must have 8 to", b"x" * 100000)):
            self.refused(2, pattern, *ask, "--credential-file", self.write("bad", content))
        self.refused(2, r"the environment has more than \d+ bytes", *ask, env={"EVTAPE_CREDENTIAL": "x" * 100000})
        raw = [*ask, "--profile", "raw"]
        for args in (["--header", "X-Token: ${CREDENTIAL}"], ["--send", self.write("send", "${CREDENTIAL}")]):
            self.refused(2, r"\$\{CREDENTIAL\} is used, but there is no credential", *raw, *args)
        self.refused(2, r"\$\{CREDENTIAL\} is used, but there is no credential", URL + "?k=${CREDENTIAL}", *raw[1:])
        self.refused(2, r"a tracker list from a URL needs a session hash, and there is no credential: give --credential-file", *raw,
                     "--tracker-list", "https://h/x")
        self.assertFalse(os.path.exists(self.tape))

    def test_files(self):
        raw = [URL, "-o", self.tape, "--profile", "raw"]
        nowhere = self.path("nowhere")
        os.mkdir(self.path("other"))
        file = self.write("other/file", "x")
        self.refused(1, r"other holds other things than a tape; name a new folder", "-", "-o", self.path("other"))
        self.refused(1, r"file is not a tape: a tape is a folder|cannot make the folder .*file", "-", "-o", file)
        self.refused(1, r"cannot make the folder .*: No such file", "-", "-o", self.path("no/such/parent"))
        self.refused(1, r"cannot read the messages to send from .*nowhere: No such file", *raw, "--send", nowhere)
        self.refused(1, r"cannot read the messages to send from ", *raw, "--send", self.dir)
        tls = ["wss://127.0.0.1:1/", *raw[1:]]
        self.refused(1, r"cannot read CA certificates from .*nowhere: .*PEM", *tls, "--ca", nowhere)
        self.refused(1, r"cannot read CA certificates from .*file: .*PEM", *tls, "--ca", file)
        lists = [*raw, "--credential-file", self.secret, "--tracker-list", "https://127.0.0.1:1/"]
        self.refused(1, r"cannot read CA certificates from .*nowhere: .*PEM", *lists, "--ca", nowhere)
        self.refused(2, r"proxy in the environment does not have the form http://host:port", "ws://feed.invalid/", *raw[1:],
                     env={"http_proxy": "socks5://x:1"})

    def test_warnings(self):
        """Not errors, but bad practice: the recorder warns and continues."""
        for pattern, args in (
                (rb"warning: the value of 'hash' in the URL is visible in the process list",
                 [URL + "?hash=" + feed.HASH]),
                (rb"warning: the value of --header 'Authorization' is visible",
                 [URL, "--header", "Authorization: Bearer " + feed.HASH]),
                (rb"warning: --tracker-list: the value of 'hash' in the URL is visible in the process list",
                 [URL, "--credential-file", self.secret, "--tracker-list", "http://127.0.0.1:1/?hash=" + feed.HASH]),
                (rb"warning: --tracker-list: http:// sends the credential unencrypted",
                 [URL, "--credential-file", self.secret, "--tracker-list", "http://platform.invalid/"]),
                (rb"warning: --insecure: the server's certificate is NOT checked", [URL, "--insecure"])):
            with self.subTest(pattern):
                p = self.start("evtape-record", *args, "-o", self.tape, "--profile", "raw")
                p.wait_for(pattern)
                p.wait_for(rb"(?m)^(?!.*tracker list).*retrying in")  # of the feed
                p.finish(evtest.SIGTERM, check=3)  # it never got a connection
                self.assertNotIn(feed.HASH.encode(), p.err)
                self.assertNotIn(feed.HASH.encode(), evtest.run("evtape", "cat", self.tape).stdout)


if __name__ == "__main__":
    evtest.unittest.main()
