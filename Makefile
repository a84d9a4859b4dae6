# evtape - record live WebSocket event feeds and play them back.
#
#   make demo      installs what is missing, builds, records, replays
#   make test      installs what is missing, builds, runs every test
#   make help      all targets
#
# Variables: CC, CFLAGS, PREFIX, LIBDIR, DESTDIR, BUILD, WERROR= (warnings are no
# errors), V=1 (show the commands), SUITES= (which suites check, asan, tsan and cov
# run), SOAK_SECONDS, SOAK_RATE, SOAK_PAGE= (a page to write the figures to),
# BENCH= (parts of the benchmarks, and options of tests/bench/run).

CC       = gcc
CFLAGS   = -O2 -g
WERROR   = -Werror
BUILD    = build
PREFIX   = /usr/local
LIBDIR   = $(PREFIX)/lib
PYTHON   = /usr/bin/python3
VERSION := $(shell sed -n 's/^\#define EVT_VERSION "\(.*\)"/\1/p' format/evtape.h)
SAN      =
SOAK_SECONDS = 120
SOAK_RATE    = 5000

WARN    = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
          -Wformat-security -Wpointer-arith -Wvla -Wwrite-strings -Wundef $(WERROR)
# Hardened by default; the sanitizers have their own checks of the same kind.
HARDEN  = -fstack-protector-strong -fstack-clash-protection \
          $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
CPPALL  = -I. -D_GNU_SOURCE
CALL    = -std=c11 -fPIC -pthread $(WARN) $(HARDEN) $(CFLAGS) $(SAN)
LDALL   = -pthread -Wl,-z,relro,-z,now,-z,noexecstack $(SAN) $(LDFLAGS)

LIBS_FORMAT = -lzstd -lsqlite3 -lxxhash -lcjson
# Of evtape alone.
LIBS_TOOL   = -lz
LIBS_WS     = -lwebsockets -lssl -lcrypto

# The sources of a folder, with those of the folders in it.
sources = $(sort $(shell find $(1) -name '*.c'))

PROGRAMS := evtape evtape-record evtape-replay evtape-sim
UNIT_SRC := $(wildcard tests/unit/test_*.c)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
# A main() that feeds files to a fuzz target; libFuzzer has its own.
FUZZ_MAIN := $(wildcard tests/fuzz/main/*.c)

# The programs of ours that the benchmarks compare with, and the one that makes tapes
# of exact times.
PEERS      = sqlite_rows pack_blocks ws_sender ws_count lws_count arrivals took
BENCH_BINS = $(addprefix $(BUILD)/tests/,$(PEERS) mktape bench_scan)

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

# Each library is an archive of its folder; the linker takes what is used.
LIB_A    = $(BUILD)/libevtape.a
RECORD_A = $(BUILD)/obj/record.a
REPLAY_A = $(BUILD)/obj/replay.a
COMMON_A = $(BUILD)/obj/tools.a
LIB_SO = $(BUILD)/libevtape.so.0
EXT_SO = $(BUILD)/evtape.so
BINS   = $(addprefix $(BUILD)/,$(PROGRAMS))
UNITS  = $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRC))
FUZZERS = $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))
MANS   = $(BUILD)/man/made

# The console's page, and the libraries that it uses, from Debian's packages.
CONSOLE = tools/evtape-replay/console
LEAFLET = /usr/share/javascript/leaflet
D3      = /usr/share/nodejs/d3/dist/d3.min.js
CONSOLE_FILES := /=$(CONSOLE)/index.html \
    $(foreach f,$(filter-out %.html,$(wildcard $(CONSOLE)/*)),/$(notdir $(f))=$(f)) \
    /leaflet.js=$(LEAFLET)/leaflet.js /leaflet.css=$(LEAFLET)/leaflet.css /d3.js=$(D3)

SYSTEMD  = $(PREFIX)/lib/systemd/system
SERVICES = evtape-record@.service evtape-replay@.service

COMPLETIONS = bash-completion/completions zsh/vendor-completions fish/vendor_completions.d

MAKE_PC = sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@VERSION@|$(VERSION)|' format/evtape.pc.in

# A line a file; V=1 shows the commands.  All cores, unless -j says otherwise.
V   =
Q   = $(if $(V),,@)
SAY = @$(if $(V),:,printf '  %-3s %s\n')
, := ,
ifeq ($(filter -j% --jobserver%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif

.DELETE_ON_ERROR:
.PHONY: help all demo test check units deps test-deps asan tsan cov lint fmt fuzz \
        bench bench-quick bench-deps bench-console pictures soak torture debian13 install uninstall deb clean

all: headers-there $(BINS) $(LIB_A) $(LIB_SO) $(EXT_SO) $(BUILD)/evtape.pc $(MANS) ## build everything into build/

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

# Name missing packages before the compiler fails on their headers.
.PHONY: headers-there
headers-there:
	@tools/deps.sh --check build

deps:
	@tools/deps.sh build demo
test-deps:
	@tools/deps.sh build test

demo: deps ## install missing packages, build, record a feed, replay it
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) tools/demo.sh

test: test-deps ## install missing packages, build, run every test
	@$(MAKE) --no-print-directory check

debian13: ## run every test in a root of Debian 13, which is made once; SUITES= for some
	@tests/debian13 $(SUITES)

check: all units ## build and run every test without installing anything; SUITES="test_deck" for some
	@BUILD=$(BUILD) PYTHON=$(PYTHON) CC="$(CC)" tests/run $(SUITES)

units: $(UNITS) $(FUZZERS) $(BENCH_BINS)

asan: test-deps ## run every test under AddressSanitizer and UBSan
	@ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
	 $(MAKE) --no-print-directory check BUILD=build/asan CFLAGS="-O1 -g -fno-omit-frame-pointer" \
	 SAN="-fsanitize=address,undefined -fno-sanitize-recover=undefined"

tsan: test-deps ## run every test under ThreadSanitizer
	@TSAN_OPTIONS=halt_on_error=1 $(MAKE) --no-print-directory check BUILD=build/tsan \
	 CFLAGS="-O1 -g" SAN="-fsanitize=thread"

cov: ## show which lines the tests reach, as a table and as HTML in build/cov/
	@tools/deps.sh build test cov
	@$(MAKE) --no-print-directory all units BUILD=build/cov CFLAGS="-O0 -g" \
	 SAN="--coverage -fprofile-update=atomic"
	@BUILD=build/cov PYTHON=$(PYTHON) CC="$(CC)" tests/cov $(SUITES)

lint: ## check with the formatter, clang -Werror, clang-tidy, scan-build, gcc -fanalyzer, cppcheck, shellcheck
	@tools/deps.sh build test lint
	@tests/lint

# The flags that tests/lint gives to clang.
.PHONY: warnings
warnings:
	@echo $(CPPALL) -std=c11 $(WARN)

fmt: ## format the C sources by .clang-format
	clang-format -i $$(git ls-files '*.c' '*.h')

fuzz: test-deps ## run each fuzz target for FUZZ_SECONDS (10)
	@$(MAKE) --no-print-directory $(BUILD)/evtape
	@BUILD=$(BUILD) PYTHON=$(PYTHON) tests/fuzz/run

bench: bench-deps ## compare the speed with other programs; BENCH="ingest seek" for some parts
	@$(MAKE) --no-print-directory all $(BENCH_BINS)
	@BUILD=$(BUILD) $(PYTHON) tests/bench/run $(BENCH)

bench-quick: test-deps ## compare instructions, allocations and bytes with the committed counts, in a minute
	@$(MAKE) --no-print-directory all $(BUILD)/tests/mktape
	@BUILD=$(BUILD) $(PYTHON) tests/bench/quick

bench-deps: ## install the programs that the benchmarks compare with
	@tools/deps.sh build test bench

bench-console: test-deps ## measure the console at 3,000,000 frames of 2,000 sources
	@$(MAKE) --no-print-directory all $(BUILD)/tests/mktape
	@BUILD=$(BUILD) $(PYTHON) tests/bench/console

pictures: test-deps ## make the pictures of the documents from a tape of the simulator
	@$(MAKE) --no-print-directory all $(BUILD)/tests/mktape
	@BUILD=$(BUILD) $(PYTHON) tests/pictures

soak: test-deps ## run everything for SOAK_SECONDS (120) and compare the gaps with the frames sent
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) $(PYTHON) tests/soak/run --seconds $(SOAK_SECONDS) --rate $(SOAK_RATE) $(if $(SOAK_PAGE),--page $(SOAK_PAGE))

torture: test-deps ## run all fault tests at full size and write the tables of docs/reliability.md
	@$(MAKE) --no-print-directory all units
	@BUILD=$(BUILD) PYTHON=$(PYTHON) SOAK_SECONDS=$(SOAK_SECONDS) SOAK_RATE=$(SOAK_RATE) $(PYTHON) tests/torture

install: all ## install below PREFIX (/usr/local), in DESTDIR
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(LIBDIR)/pkgconfig \
	    $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/share/man/man1 \
	    $(addprefix $(DESTDIR)$(PREFIX)/share/,$(COMPLETIONS))
	install -m 755 $(BINS) $(DESTDIR)$(PREFIX)/bin
	install -m 644 format/evtape.h $(DESTDIR)$(PREFIX)/include
	install -m 644 $(LIB_A) $(LIB_SO) $(DESTDIR)$(LIBDIR)
	install -d $(DESTDIR)$(LIBDIR)/sqlite3
	install -m 644 $(EXT_SO) $(DESTDIR)$(LIBDIR)/sqlite3
	ln -sf libevtape.so.0 $(DESTDIR)$(LIBDIR)/libevtape.so
	$(MAKE_PC) > $(DESTDIR)$(LIBDIR)/pkgconfig/evtape.pc
	install -m 644 $(BUILD)/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	for p in $(PROGRAMS); do \
	    install -m 644 tools/completion/evtape.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$p && \
	    install -m 644 tools/completion/evtape.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/$$p.fish || exit 1; \
	done
	install -m 644 tools/completion/_evtape $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions
	$(MAKE) --no-print-directory install-units

# systemd's units, with the installed paths of the programs.
.PHONY: install-units
install-units:
	install -d $(DESTDIR)$(SYSTEMD)
	for u in $(SERVICES); do \
	    sed 's|/usr/local/bin/|$(PREFIX)/bin/|' "tools/systemd/$$u" > "$(DESTDIR)$(SYSTEMD)/$$u" || exit 1; \
	done

uninstall: ## remove the installed files
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/bin/,$(PROGRAMS)) \
	    $(DESTDIR)$(PREFIX)/include/evtape.h \
	    $(DESTDIR)$(LIBDIR)/libevtape.a $(DESTDIR)$(LIBDIR)/libevtape.so* \
	    $(DESTDIR)$(LIBDIR)/pkgconfig/evtape.pc $(DESTDIR)$(LIBDIR)/sqlite3/evtape.so \
	    $(DESTDIR)$(PREFIX)/share/man/man1/evtape.1 $(DESTDIR)$(PREFIX)/share/man/man1/evtape-*.1 \
	    $(addprefix $(DESTDIR)$(PREFIX)/share/bash-completion/completions/,$(PROGRAMS)) \
	    $(addprefix $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/,$(addsuffix .fish,$(PROGRAMS))) \
	    $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_evtape \
	    $(addprefix $(DESTDIR)$(SYSTEMD)/,$(SERVICES))

deb: ## build Debian packages into build/deb/
	@tools/deps.sh build deb
	@tools/deb/build.sh

clean: ## remove build/
	rm -rf $(BUILD)

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(SAY) CC $(@:$(BUILD)/obj/%=%)
	$(Q)$(CC) $(CPPALL) $(CALL) -MMD -MP -c -o $@ $<

define archive
	@mkdir -p $(@D) && rm -f $@
	$(SAY) AR $(@:$(BUILD)/%=%)
	$(Q)$(AR) rcs $@ $^
endef
define link
	@mkdir -p $(@D)
	$(SAY) LD $(@:$(BUILD)/%=%)
	$(Q)$(CC) $(LDALL) -o $@ $(1)
endef

$(LIB_A): $(call obj,$(call sources,format))
	$(archive)
$(RECORD_A): $(call obj,$(call sources,record))
	$(archive)
$(REPLAY_A): $(call obj,$(call sources,replay))
	$(archive)
$(COMMON_A): $(call obj,$(wildcard tools/*.c))
	$(archive)
$(BUILD)/obj/evtape.a: $(call obj,$(filter-out %/main.c,$(call sources,tools/evtape)))
	$(archive)
$(BUILD)/obj/fuzz.a: $(call obj,$(wildcard tests/fuzz/lib/*.c tests/lib/*.c))
	$(archive)

# Only the names of evtape.h are the library's; the rest stays its own, and what
# they do not need stays out, with the libraries that only that needs.  The
# linker refuses names that no library has (a sanitizer's come with the program).
PUBLIC = $(shell sed -n 's/^\t\(evt_[a-z_]*\);/\1/p' format/evtape.map)
$(LIB_SO): $(LIB_A) format/evtape.map
	$(call link,-shared -Wl$(,)-soname$(,)libevtape.so.0 -Wl$(,)--version-script=format/evtape.map \
	    $(if $(SAN),,-Wl$(,)-z$(,)defs) $(PUBLIC:%=-Wl$(,)-u$(,)%) $(LIB_A) $(LIBS_FORMAT))

# The SQLite extension.  It contains the library: nothing else is loaded.
$(EXT_SO): $(call obj,$(wildcard tools/sqlite/*.c)) $(COMMON_A) $(LIB_A) tools/sqlite/evtape.map
	$(call link,-shared -Wl$(,)--version-script=tools/sqlite/evtape.map \
	    $(filter %.o %.a,$^) $(LIBS_FORMAT))

# A program is its folder plus the parts of the libraries that it uses.
define program
$(BUILD)/$(1): $(call obj,$(call sources,tools/$(1)) $(2)) $(COMMON_A) $(RECORD_A) $(REPLAY_A) $(LIB_A)
	$$(call link,-pie $$^ $(LIBS_FORMAT) $(3))
endef
# The tool loads libcurl itself.
$(eval $(call program,evtape,,-lm $(LIBS_TOOL)))
$(eval $(call program,evtape-record,,$(LIBS_WS)))
$(eval $(call program,evtape-replay,$(BUILD)/gen/console_files.c,$(LIBS_WS) -lm))
$(eval $(call program,evtape-sim,,$(LIBS_WS) -lm))

$(BUILD)/gen/console_files.c: tools/embed.sh Makefile $(foreach f,$(CONSOLE_FILES),$(lastword $(subst =, ,$(f))))
	@mkdir -p $(@D)
	$(SAY) GEN $(@:$(BUILD)/%=%)
	$(Q)tools/embed.sh $(CONSOLE_FILES) > $@

TEST_A = $(addprefix $(BUILD)/obj/,evtape.a record.a replay.a tools.a) $(LIB_A)

# The calls that tests/unit/lib/fail_alloc.c makes fail.
WRAP = malloc calloc realloc reallocarray strdup strndup free pthread_create \
       ZSTD_createCCtx ZSTD_createDCtx open __open_2 opendir pread read \
       fsync fdatasync

$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(call obj,$(wildcard tests/unit/lib/*.c tests/lib/*.c)) $(TEST_A)
	$(call link,-pie $(WRAP:%=-Wl$(,)--wrap=%) $^ $(LIBS_FORMAT) $(LIBS_WS) $(LIBS_TOOL) -lcmocka -lm)

# A fuzz target is linked with the parts that it uses, and with a main() that feeds
# it files.  tests/fuzz/run builds them with libFuzzer's.
$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(call obj,$(FUZZ_MAIN)) \
    $(BUILD)/obj/fuzz.a $(TEST_A)
	$(call link,-pie $^ $(LIBS_FORMAT) $(LIBS_WS) $(LIBS_TOOL) -lm)

# Makes the tapes of exact times that the end-to-end tests play.
$(BUILD)/tests/mktape: $(BUILD)/obj/tests/e2e/mktape.o $(LIB_A)
	$(call link,-pie $^ $(LIBS_FORMAT))

$(BUILD)/tests/bench_scan: $(BUILD)/obj/tests/bench/bench_scan.o $(LIB_A)
	$(call link,-pie $^ $(LIBS_FORMAT))

# The programs that the benchmarks compare with.
$(BUILD)/obj/peers.a: $(call obj,$(wildcard tests/bench/peers/lib/*.c))
	$(archive)
$(addprefix $(BUILD)/tests/,$(PEERS)): $(BUILD)/tests/%: $(BUILD)/obj/tests/bench/peers/%.o $(BUILD)/obj/peers.a $(LIB_A)
	$(call link,-pie $^ $(LIBS_FORMAT) $(LIBS_WS))

$(BUILD)/evtape.pc: format/evtape.pc.in Makefile
	@mkdir -p $(@D)
	$(SAY) GEN $(@:$(BUILD)/%=%)
	$(Q)$(MAKE_PC) > $@

# A man page for each program and each command, from the tables of --help.
$(MANS): $(BINS)
	@rm -rf $(@D) && mkdir -p $(@D)
	$(SAY) GEN $(@D:$(BUILD)/%=%)
	@for p in $(PROGRAMS); do $(BUILD)/$$p --man > $(@D)/$$p.1 || exit 1; done
	@$(BUILD)/evtape --commands | while read -r c; do \
	    $(BUILD)/evtape $$c --man > "$(@D)/evtape-$$(echo "$$c" | tr ' ' -).1" || exit 1; \
	done
	@touch $@

# Keep all objects, also intermediate ones.
.SECONDARY:

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
