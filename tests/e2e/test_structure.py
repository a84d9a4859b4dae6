"""The structure that docs/architecture.md promises: which folder may include which,
where a name belongs, and which words a library must not use. A table lists the
exceptions from a rule, each with its reason."""

import collections
import glob
import os
import re
import subprocess
import unittest

import evtest

LIBRARIES = "format", "record", "replay"
LAYERS = LIBRARIES + ("tools",)

# Each line may include itself and the lines above it in its table; what is on one
# line with it may not, unless it says so. A name is a folder, or a file (without
# its ending) of a folder whose other files are further down.
TABLES = (
    (("format/evtape",), ("format/base",), ("format/wire",), ("format/keys",), ("format/mark",), ("format/navixy",),
     ("format/store",), ("format/index",), ("format/read",), ("format/find",), ("format/series",), ("format/write",)),
    (("record/heartbeat", "record/status", "record/receive_clock"), ("record/supervisor",), ("record/net",),
     ("record/feed", "record/tape"), ("record",)),
    (("replay/play",), ("replay/standin",), ("replay/serve",)),
    (("tools",), ("tools/evtape/tool",), ("tools/evtape/command",), ("tools/evtape-record", "tools/evtape-replay", "tools/evtape-sim",
                                          "tools/sqlite", "tools/evtape/lib"),
     ("tools/evtape/export", "tools/evtape/import", "tools/evtape/scrub", "tools/evtape/diff", "tools/evtape/stats",
      "tools/evtape/ctl", "tools/evtape/find"), ("tools/evtape/commands",), ("tools/evtape",)),
)
# A library may include these of others.
LOWER = {"format": (), "record": ("format",), "replay": ("format",), "tools": ("format", "record", "replay")}
# Allowed exceptions from the table.
BESIDE = {
    ("record/feed", "record/tape/queue.h"): "a session puts what it receives into the queue",
}
# Folders that have no C sources.
NO_SOURCES = {"tools/completion", "tools/deb", "tools/deb/source", "tools/systemd", "tools/evtape-replay/console"}

# Headers whose names follow another rule than evt_<header>.
OTHER_NAMES = {
    "format/evtape.h": "the public library: evt_ alone",
    "format/base/clock.h": "EVT_NS_PER_S is used everywhere",
    "format/base/le.h": "evt_get32, evt_put32 and their kind are used like operators",
    "format/index/index_sql.h": "the numbers of statements, IDX_",
    "format/keys/json_lex.h": "steps of the lexer, inlined into json_scan.c",
    "format/keys/json_scan.h": "the scanner is an object: evt_json_scanner_new",
    "format/store/layout.h": "docs/format.md: each structure has two letters",
}
# Statics may also begin with these.
SHORT_STEMS = {
}


# Files of format/ that call the system themselves.
PAST_IO = {
    "format/base/io.c": "it is the table",
    "format/wire/access.c": "the file of a token is no part of a tape, and may be a pipe",
    "format/wire/credential.c": "nor is that of a credential",
}
# Files of tools/ that print by themselves; all other lines go through tools/print.h,
# which escapes what a terminal would obey.
PRINTS = {
    "tools/print.c": "it is the place",
    "tools/cli.c": "help, man page and completion: our own words",
    "tools/evtape/main.c": "the first steps and the names of commands: our own words",
    "tools/ready_file.c": "a file that scripts read",
}
# Large structures that more than three files see.
SEEN = {
    ("format/evtape.h", "evt_info"): "the public library",
    ("format/evtape.h", "evt_filter"): "options of the public library",
    ("format/base/io.h", "evt_io"): "the table of system calls",
    ("format/find/tape_folder.h", "evt_tape_folder_tape"): "what is known of a tape in a folder: data alone",
    ("format/find/find_track.h", "evt_find_track"): "a part of what a search knows of each source",
    ("format/find/find_track.h", "evt_find_track_found"): "what a track tells of an item: data alone",
    ("format/index/summary.h", "evt_summary"): "what is known of a segment: data alone",
    ("format/store/block.h", "evt_block_head"): "the header of a block, as docs/format.md has it",
    ("format/store/block.h", "evt_block"): "a loaded block: arrays that its readers walk",
    ("format/store/segment.h", "evt_segment"): "the header of a segment, as docs/format.md has it",
    ("record/recorder.h", "evt_recorder_options"): "options",
    ("record/status.h", "evt_status_figures"): "figures, one for each metric",
    ("record/feed/session.h", "evt_session_options"): "options",
    ("tools/evtape-record/options.h", "options"): "options",
    ("tools/evtape-replay/options.h", "options"): "options",
    ("tools/evtape-sim/options.h", "sim_options"): "options",
    ("tools/evtape-sim/sim.h", "sim"): "the simulator itself; the program has one of it",
    ("tools/evtape-sim/sim.h", "sim_client"): "what the program is about",
    ("tools/evtape-sim/world.h", "sim_tracker"): "a row of the world: data alone",
    ("tools/evtape/stats/stats.h", "stats"): "counters, which one file gathers and others print",
}
# Counts with a noun that is always plural; those after "at most" and "than" are bounds.
ALWAYS_PLURAL = {
    "of %u bytes", "of %zu bytes", "to %u bytes", "has %zu bytes", "takes %d trackers", "in %u seconds", "of %zu buckets",
    "%zu event paths", "%zu source paths", "for %zu buckets", "into %u buckets", "with %zu sources", "%lu such items",
    "has %lld bytes",
}
# A number with a plural, and the two words before it.
COUNT = r"(?:[a-z]+ )?(?:[a-z]+ )?%[-+ 0#]*\d*(?:ll?|z|j)?[diu](?: [a-z]+)?? ([a-z]+s)\b(?!%)"
# Words that end in s and are no plurals.
NO_PLURALS = {"is", "was", "has", "does", "shows", "as", "this", "less", "address"}


def sources(*tops, endings=(".c", ".h")):
    """The paths of all C files below some folders, from the top of the project."""
    for top in tops:
        for at, _, names in sorted(os.walk(os.path.join(evtest.TOP, top))):
            for name in sorted(names):
                if name.endswith(endings):
                    yield os.path.relpath(os.path.join(at, name), evtest.TOP)


def read(path):
    with open(os.path.join(evtest.TOP, path), encoding="utf-8") as f:
        return f.read()


def code(path, strings=False):
    """A file without its comments, and without the contents of strings."""
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), read(path), flags=re.S)
    return text if strings else re.sub(r'"(\\.|[^"\\\n])*"', '""', text)


def includes(path):
    return re.findall(r'^\s*#\s*include\s+"([^"]+)"', read(path), re.M)


def guard_of(path):
    return "EVT_" + re.sub(r"\W", "_", path).upper()


def stem_of(path):
    return os.path.splitext(os.path.basename(path))[0]


def unit_of(path):
    """The name in TABLES that a file belongs to."""
    known = {name for table in TABLES for line in table for name in line}
    alone = os.path.splitext(path)[0]
    return alone if alone in known else os.path.dirname(path)


class Declarations:
    """The declarations of a header, by kind: function, type, macro, constant. This is
    not a parser of C: it knows the form of this project's headers."""

    def __init__(self, path):
        self.found = []
        text = re.sub(r"'(\\.|[^'\\\n])+'", "0", code(path)).replace("\\\n", " ")
        for name in re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", text, re.M):
            self.found.append(("macro", name))
        text = re.sub(r"^[ \t]*#.*$", "", text, flags=re.M)
        flat, bodies = self.flatten(re.sub(r'extern "" \{', "", text))
        for statement in re.sub(r"(\)\s*)\{\d+\}", r"\1;", flat).split(";"):
            self.statement(" ".join(statement.split()), bodies)

    @staticmethod
    def flatten(text):
        """The text with a number in place of each text in braces, and those texts."""
        flat, bodies, body, depth = "", [], "", 0
        for c in text:
            if c == "}" and depth:
                depth -= 1
                if depth == 0:
                    flat += "%d}" % len(bodies)
                    bodies.append(body)
                    continue
            if depth:
                body += c
            elif c != "}":
                flat += c
            if c == "{":
                body = "" if depth == 0 else body
                depth += 1
        return flat, bodies

    def statement(self, text, bodies):
        body = re.search(r"\{(\d+)\}", text)
        tagged = re.match(r"(?:typedef )?(?:struct|union|enum) (\w+) ?\{", text)
        if tagged:
            self.found.append(("type", tagged.group(1)))
        if body and re.match(r"(typedef )?enum", text):
            for constant in bodies[int(body.group(1))].split(","):
                if name := re.match(r"\s*(\w+)", constant):
                    self.found.append(("constant", name.group(1)))
        if text.startswith("typedef"):
            name = re.search(r"\(\*(\w+)\)", text) or \
                re.search(r"(\w+)(?:\[[^\]]*\])?$", re.sub(r"\([^()]*\)$", "", text))
            if name:
                self.found.append(("type", name.group(1)))
        elif not text.startswith("_Static_assert") and not (body and tagged):
            text = re.sub(r"__attribute__ ?\(\(.*?\)\)\)?", "", text)
            name = re.search(r"(\w+) ?\(", text)
            if name and "=" not in text[:name.start()]:
                self.found.append(("function", name.group(1)))

    def names(self, *kinds):
        return [name for kind, name in self.found if not kinds or kind in kinds]


def members(path):
    """(tag, how many members) of the structures that a header defines."""
    for tag, body in re.findall(r"^(?:typedef )?struct (\w+) \{\n(.*?)^\}", code(path), re.M | re.S):
        body = re.sub(r"\{[^{}]*\}", "", body)
        yield tag, sum(1 + s.count(",") if "(" not in s else 1 for s in body.split(";") if s.strip())


class Layers(unittest.TestCase):
    """Includes point down: format includes no other library, record and replay include
    only format, tools include all; and the same for the folders within each of them."""

    def test_every_folder_is_in_the_table_and_exists(self):
        tree = {os.path.dirname(p) for p in sources(*LAYERS)}
        table = {name for t in TABLES for line in t for name in line}
        files = {os.path.splitext(p)[0] for p in sources(*LAYERS)}
        for folder in tree - {"format"}:
            self.assertIn(folder, table, "a folder that TABLES does not have")
        for name in table:
            self.assertTrue(name in tree or name in files, "TABLES has %s, which is not there" % name)
        for at in (os.path.relpath(at, evtest.TOP) for top in LAYERS for at, _, _ in os.walk(os.path.join(evtest.TOP, top))):
            self.assertIn(at, tree | NO_SOURCES | set(LAYERS), "a folder without C sources")

    def test_includes_point_down(self):
        above = {}
        for table in TABLES:
            seen = set()
            for line in table:
                for name in line:
                    above[name] = seen | {name}
                seen = seen | set(line)
        wrong = []
        for path in sources(*LAYERS):
            unit, top = unit_of(path), path.split("/")[0]
            for name in includes(path):
                self.assertTrue(os.path.exists(os.path.join(evtest.TOP, name)), "%s includes %s" % (path, name))
                to, there = unit_of(name), name.split("/")[0]
                if there != top:
                    fine = there in LOWER[top]
                else:
                    fine = to in above.get(unit, {unit}) or (os.path.dirname(path), name) in BESIDE
                if not fine:
                    wrong.append((path, name))
        self.assertEqual(sorted(set(wrong)), [])

    def test_format_has_no_sockets_and_prints_nothing(self):
        for path in sources("format"):
            text = code(path, strings=True)
            for word in (r"libwebsockets", r"sys/socket", r"printf\(stdout", r"[^\w]printf\(", r"fprintf\(", r"\bputs\(", r"\bexit\(",
                         r"\babort\("):
                self.assertIsNone(re.search(r"(?<!_)" + word, text), (path, word))

    def test_what_people_read_goes_through_one_place(self):
        """Text of a feed, a tape or a peer may be in any line that a program prints."""
        calls = re.compile(r"(?<!\w)(v?f?printf|v?dprintf|f?puts|f?putc|putchar|fwrite|perror|psignal)(_unlocked)?\s*\(")
        for path in sources("record", "replay", "tools"):
            if path in PRINTS:
                continue
            for line in code(path).splitlines():
                found = calls.search(line)
                self.assertIsNone(found, "%s prints past tools/print.h: %s" % (path, line.strip()))
        self.assertEqual([path for path in PRINTS if not calls.search(code(path))], [])

    def test_format_reaches_files_through_its_table_alone(self):
        """Tests can make only those calls fail, or cut them off, that go through
        evt_io. SQLite's own way to files is a VFS, which evt_io names, too."""
        calls = ("open", "openat", "open64", "creat", "close", "read", "pread", "readv", "preadv", "write", "pwrite", "writev", "pwritev",
                 "lseek", "mmap", "fopen", "fdopen", "freopen", "stat", "lstat", "fstat", "fstatat", "access", "faccessat", "opendir",
                 "fdopendir", "readdir", "closedir", "scandir", "nftw", "glob", "realpath", "rename", "renameat", "unlink", "unlinkat",
                 "remove", "link", "symlink", "mkdir", "mkdirat", "rmdir", "mkdtemp", "mkstemp", "tmpfile", "truncate", "ftruncate",
                 "fallocate", "posix_fallocate", "fsync", "fdatasync", "sync", "syncfs", "fcntl", "flock", "lockf", "chmod", "fchmod",
                 "statvfs", "fstatvfs")
        # A name of its own: not a member (io->open), part of a longer name (evt_lock_open), or a declaration's.
        direct = re.compile(r"(?<![\w>.])(%s)\s*\(" % "|".join(calls))
        for path in sources("format"):
            if path in PAST_IO:
                continue
            for line in code(path).splitlines():
                found = direct.search(line)
                self.assertIsNone(found, "%s calls %s() past evt_io: %s" % (path, found and found.group(1), line))


class Names(unittest.TestCase):
    def test_public_names_carry_their_headers_name(self):
        """evt_deck_play() is in deck.h. There is no such rule for names without evt_ in
        an _impl or _priv header."""
        wrong = []
        for path in sources(*LIBRARIES, endings=".h"):
            if path in OTHER_NAMES:
                continue
            stem = stem_of(path)
            inside = re.search(r"_(impl|priv)$", stem)
            stem = re.sub(r"_(impl|priv|ext|sql)$", "", stem)
            stems = {stem, stem + "s", stem.removesuffix("s")}
            for name in Declarations(path).names():
                if name == guard_of(path) or (inside and not name.lower().startswith("evt_")):
                    continue
                if not any(re.match(r"evt_%s(_|$)" % s, name.lower()) for s in stems):
                    wrong.append((path, name))
        self.assertEqual(sorted(wrong), [])
        for path in OTHER_NAMES:
            self.assertTrue(os.path.exists(os.path.join(evtest.TOP, path)), path)

    def test_each_guard_says_its_path(self):
        for path in sources(*LAYERS, "tests", endings=".h"):
            if path == "format/evtape.h":
                continue
            guard = guard_of(path)
            self.assertIn("#ifndef %s\n#define %s\n" % (guard, guard), read(path), path)

    def test_a_type_of_a_header_is_defined_once(self):
        """Types of one source file may have short names; a type in a header is the only
        one of that name in its library or program."""
        where = collections.defaultdict(set)
        for path in sources(*LAYERS):
            scope = path.split("/")[:2 if path.startswith("tools/") else 1]
            for name in re.findall(r"^(?:typedef )?(?:struct|union|enum) (\w+) \{", code(path), re.M) + \
                    re.findall(r"^\} (\w+);", code(path), re.M):
                where["/".join(scope), name].add(path)
        twice = {name: sorted(paths) for name, paths in where.items()
                 if len(paths) > 1 and any(p.endswith(".h") for p in paths)}
        self.assertEqual(twice, {})

    def test_statics_carry_their_files_name(self):
        """So that a backtrace, a profile and grep say where a function is."""
        wrong = []
        for path in sources(*LAYERS, endings=".c"):
            parts = path.split("/")
            stems = [stem_of(path)] + list(SHORT_STEMS.get(path, ()))
            if parts[1].startswith("evtape"):  # a program's name comes before main and options, or replaces them
                short = parts[1].removeprefix("evtape-")
                stems += [short + "_" + stem_of(path)] + ([short] if stem_of(path) in ("main", "options") else [])
            text = re.sub(r"__attribute__\s*\(\(.*?\)\)\)?\s*", "", code(path), flags=re.S)
            for name in re.findall(r"^static [^;={}]*?\n?(\w+)\([^;{]*\)\n\{", text, re.M):
                if not any(re.match(r"%s(_|$)" % s, name) for s in stems):
                    wrong.append((path, name))
        self.assertEqual(wrong, [])

    def test_one_name_for_a_status(self):
        """It is r."""
        wrong = {path for path in sources(*LAYERS, "tests") if re.search(r"\b(int|bool|size_t) rc\b", code(path))}
        self.assertEqual(sorted(wrong), [])


class Counts(unittest.TestCase):
    def test_one_is_singular(self):
        """A count with a noun in a format string writes its s by another %s, or is in the table."""
        wrong = set()
        for path in sources(*LAYERS):
            text = re.sub(r'"\s*PRI([diux])\d+\s*"', r"l\1", code(path, strings=True))
            text = re.sub(r'"\s*PRI([diux])\d+', r'l\1"', text)
            for joined in re.findall(r'"(?:\\.|[^"\\\n])*"(?:\s*"(?:\\.|[^"\\\n])*")*', text):
                joined = re.sub(r'"\s*"', "", joined)
                for found in re.finditer(COUNT, joined):
                    bound = re.search("(at most|than) %", found[0])
                    if found[1] not in NO_PLURALS and not bound and not found[0].endswith(tuple(ALWAYS_PLURAL)):
                        wrong.add((path, found[0]))
        self.assertEqual(sorted(wrong), [])


class Libraries(unittest.TestCase):
    def test_no_option_of_a_program_is_named(self):
        """A library says what is wrong; the program adds the name of the option."""
        wrong = set()
        for path in sources(*LIBRARIES):
            for text in re.findall(r'"(?:\\.|[^"\\\n])*"', code(path, strings=True)):
                if re.search(r"(?<![-\w])--[a-z]", text):
                    wrong.add(path)
        self.assertEqual(sorted(wrong), [])

    def test_few_see_a_large_structure(self):
        """A structure with more than a dozen members is seen by three files, or is
        opaque; these may be seen, as they are only data."""
        direct = {path: set(includes(path)) for path in sources(*LAYERS)}

        def sees(path, header):
            todo, done = [path], set()
            while todo:
                at = todo.pop()
                if at == header:
                    return True
                if at not in done:
                    done.add(at)
                    todo += direct.get(at, ())
            return False
        wrong = []
        for header in sources(*LAYERS, endings=".h"):
            large = [tag for tag, n in members(header) if n > 13]
            if large and sum(sees(p, header) for p in direct if p.endswith(".c")) > 3:
                wrong += [(header, tag) for tag in large]
        self.assertEqual([w for w in wrong if w not in SEEN], [])
        self.assertEqual(sorted(set(SEEN) - set(wrong)), [], "these need no excuse any more")


class ServerCalls(unittest.TestCase):
    """The replay server is made of pieces that do not reach into each other."""

    def test_no_two_files_call_each_other(self):
        """No cycle at all, from the objects' symbols; a callback is no call."""
        defined, used = {}, collections.defaultdict(set)
        objects = glob.glob(os.path.join(evtest.BUILD, "obj/replay/serve/*.o"))
        for path in objects:
            name = os.path.basename(path)[:-2]
            if not os.path.exists(os.path.join(evtest.TOP, "replay/serve", name + ".c")):
                continue  # of a file that is no more
            lines = subprocess.run(["nm", path], check=True, capture_output=True, text=True).stdout.splitlines()
            for kind, symbol in (line.split()[-2:] for line in lines):
                if kind == "U":
                    used[name].add(symbol)
                elif kind in "TDBRC":
                    defined[symbol] = name
        calls = {name: {defined[s] for s in symbols if s in defined} - {name} for name, symbols in used.items()}
        self.assertGreater(len(calls), 15)
        self.assertIn("channel", calls["channels"])
        while calls:
            last = [name for name, callees in calls.items() if not callees & calls.keys()]
            self.assertTrue(last, "these call each other: %s" % calls)
            for name in last:
                del calls[name]


if __name__ == "__main__":
    unittest.main()
