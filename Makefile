# Postern. `make help` lists the targets.
#
#   make [BUILD=debug|release|asan|fuzz] [CC=gcc|clang] [V=1]
#
# Each build has a folder of its own, $(OUT)/$(BUILD), which mirrors the tree. CPPFLAGS, CFLAGS and
# LDFLAGS are yours (a packager's, say): they are appended to what stands here.

VERSION    = 0.1.0
BUILD     ?= debug
OUT       ?= build
B         := $(OUT)/$(BUILD)

prefix     ?= /usr/local
# Where log rotation and systemd look, whatever the prefix, and what `postern` reads by itself.
sysconfdir ?= /etc
sbindir    ?= $(prefix)/sbin
bindir     ?= $(prefix)/bin
mandir     ?= $(prefix)/share/man
docdir     ?= $(prefix)/share/doc/postern
confdir    ?= $(sysconfdir)/postern

ifeq ($(origin CC),default)
CC         := $(if $(filter fuzz,$(BUILD)),clang,gcc)
endif
AR         ?= ar
INSTALL    ?= install
PYTHON     ?= /usr/bin/python3

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS  += --no-builtin-rules --no-print-directory

# Quiet unless V=1: the command is hidden and one short line says what it makes.
Q          := $(if $(filter 1,$(V)),,@)
say         = $(if $(Q),@printf '  %-7s %s\n' $(1) $(patsubst $(OUT)/%,%,$(2)))

# ---------------------------------------------------------------------------------- flags

STANDARD   := -std=c11 -D_GNU_SOURCE -I.
WARNINGS   := -Wall -Wextra -Wshadow -Wconversion -Werror \
              -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
# Each program is linked with what it uses: the last two are of postern-monitor alone.
LIBS       := -lssl -lcrypto -lev -linih -lseccomp -lm -lmicrohttpd -ljansson

# These ask the compiler, and say nothing where there is none yet.
can         = $(shell echo 'int x;' | \
              $(CC) -O2 -Werror $(1) -xc -c -o /dev/null - 2>/dev/null && echo yes)
can_link    = $(shell echo 'int main(void) { return 0; }' | \
              $(CC) -O2 -Werror $(1) -xc -o /dev/null - 2>/dev/null && echo yes)
COMPILER   := $(shell $(CC) --version 2>/dev/null | head -n 1)

debug_C     = -O1 -g
scan_debug  = -O3

release_C   = -O3 -g -fPIE -fstack-protector-strong -fstack-clash-protection \
              $(if $(CONTROL),-fcf-protection) -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$(FORTIFY)
release_LD  = -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code
scan_release = -O3

asan_C      = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
              -fno-omit-frame-pointer
asan_LD     = -fsanitize=address,undefined

fuzz_C      = -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
              -fno-omit-frame-pointer
fuzz_LD     = -fsanitize=address,undefined

ifeq ($(filter $(BUILD),debug release asan fuzz),)
$(error BUILD=$(BUILD): it is one of debug, release, asan, fuzz)
endif
ifeq ($(BUILD),release)
FORTIFY    := $(if $(call can,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -include string.h),3,2)
CONTROL    := $(call can,-fcf-protection)
# A byte's path is short functions of many files. The objects are whole without it, too: archives
# and what looks into them need no plugin.
WHOLE      := -flto=auto -ffat-lto-objects
lto_release := $(if $(call can_link,$(WHOLE)),$(WHOLE))
endif

# CFLAGS is exported by some callers with its own -O: it stands last, and wins.
compile     = $(CC) $(STANDARD) $(WARNINGS) $($(BUILD)_C) $(FOLDER) $(CPPFLAGS) $(CFLAGS)
link        = $(CC) $($(BUILD)_C) $(lto_$(BUILD)) $(CFLAGS) $($(BUILD)_LD) -Wl,--as-needed $(LDFLAGS)

# What decides how an object looks. When this text changes, everything is built again.
STAMP      := $(B)/flags
# Which files there are: a file that was removed leaves the archives and programs too.
MEMBERS    := $(B)/files
stamp_text := $(COMPILER) | $(CC) $(STANDARD) $(WARNINGS) $($(BUILD)_C) $(lto_$(BUILD)) $(scan_$(BUILD)) \
              $($(BUILD)_LD) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(LIBS) | $(VERSION)

# -------------------------------------------------------------------------------- sources

objects     = $(patsubst %.c,$(B)/%.o,$(1))
have        = $(if $(wildcard $(1)),$(2))

LIBRARY_C  := $(wildcard base/*.c config/*.c certs/*.c proxy/admit/*.c proxy/smtp/*.c proxy/relay/*.c)
PROXY_C    := $(filter-out proxy/main.c,$(wildcard proxy/*.c))
BENCH_MAINS := bench/sink.c bench/bench.c bench/inspector.c
BENCH_C    := $(filter-out $(BENCH_MAINS),$(wildcard bench/*.c))
MONITOR_C  := $(wildcard proxy/monitor/*.c)
PURE_C     := $(wildcard base/*.c proxy/smtp/*.c)

UNIT_C     := $(wildcard tests/unit/test_*.c)
UNITAID_C  := $(filter-out $(UNIT_C),$(wildcard tests/unit/*.c))
PUMP_C     := $(filter-out tests/dialogs/replay.c,$(wildcard tests/dialogs/*.c))
FUZZ_C     := $(wildcard tests/fuzz/fuzz_*.c)
MODEL_C    := $(filter-out tests/model/random.c,$(wildcard tests/model/*.c))
FUZZAID_C  := $(MODEL_C) $(filter-out $(FUZZ_C) tests/fuzz/standalone.c,$(wildcard tests/fuzz/*.c))

SOURCES    := $(LIBRARY_C) $(MONITOR_C) $(wildcard proxy/*.c bench/*.c tests/*/*.c)
HEADERS    := $(wildcard base/*.h config/*.h certs/*.h proxy/*.h proxy/*/*.h bench/*.h tests/*/*.h)

PROGRAMS   := $(call have,proxy/main.c,$(B)/postern) \
              $(call have,bench/sink.c,$(B)/postern-sink) \
              $(call have,bench/bench.c,$(B)/postern-bench) \
              $(call have,proxy/monitor/*.c,$(B)/postern-monitor)
UNITS      := $(patsubst %.c,$(B)/%,$(UNIT_C))
FUZZERS    := $(patsubst %.c,$(B)/%,$(FUZZ_C))
RANDOM     := $(call have,tests/model/random.c,$(B)/tests/model/random)
REPLAY     := $(call have,tests/dialogs/replay.c,$(B)/tests/replay)

# Tests are linked with archives, so each takes only what it uses.
LIBRARY    := $(B)/libpostern.a
BENCH      := $(B)/libbench.a
PUMP       := $(B)/libpump.a

.PHONY: all programs tests
all: programs $(LIBRARY) $(B)/bench-inspector ## builds the programs (BUILD=debug, release, asan, fuzz)
programs: $(PROGRAMS)
tests: $(UNITS) $(FUZZERS) $(RANDOM) $(REPLAY) ## builds the test programs
all programs tests: ; @:

# ------------------------------------------------------------------------------- building

$(B)/%.o: %.c $(STAMP)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(compile) -MMD -MP -c -o $@ $<

# The page is part of the program.
$(B)/proxy/monitor/page.o: proxy/monitor/page.html

$(B)/base/%.o $(B)/certs/%.o $(B)/proxy/relay/%.o: private FOLDER = $(lto_$(BUILD))
# The scanner is what every byte of a message goes through.
$(B)/proxy/smtp/%.o: private FOLDER = $(scan_$(BUILD)) $(lto_$(BUILD))

# The version reaches only those who print it, so that a new one builds three files.
TELLERS    := proxy/main.c bench/sink.c bench/options.c bench/report_json.c \
              $(addprefix proxy/monitor/,metrics.c status.c text.c)
$(call objects,$(TELLERS)): private FOLDER = -DPOSTERN_VERSION='"$(VERSION)"'

# The page is taken in as it is.
$(B)/bench/report_html.o: bench/report.html

# libFuzzer's entry point has no header of its own.
$(B)/tests/fuzz/%.o: private FOLDER = -Wno-missing-prototypes

$(B)/postern: $(call objects,proxy/main.c $(PROXY_C) $(LIBRARY_C))
$(B)/postern-sink: $(call objects,bench/sink.c $(BENCH_C) $(PURE_C))
$(B)/postern-bench: $(call objects,bench/bench.c $(BENCH_C) $(PURE_C))
$(B)/bench-inspector: $(call objects,bench/inspector.c $(PURE_C)) $(STAMP) $(MEMBERS)
	$(call say,LINK,$@)
	$(Q)$(link) -o $@ $(filter %.o,$^) $(LIBS)
# It takes of the others' code what it uses, and none of the processes'.
$(B)/postern-monitor: $(call objects,$(MONITOR_C)) $(B)/libpostern.a
$(PROGRAMS): $(STAMP) $(MEMBERS)
	$(call say,LINK,$@)
	$(Q)$(link) -o $@ $(filter %.o %.a,$^) $(LIBS)

$(LIBRARY): $(call objects,$(LIBRARY_C) $(PROXY_C) $(filter-out %/main.c,$(MONITOR_C))) $(STAMP) $(MEMBERS)
$(BENCH): $(call objects,$(BENCH_C)) $(STAMP) $(MEMBERS)
$(PUMP): $(call objects,$(PUMP_C)) $(STAMP) $(MEMBERS)
$(LIBRARY) $(BENCH) $(PUMP):
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(AR) qcs $@ $(filter %.o,$^)

$(UNITS): $(B)/%: $(B)/%.o $(call objects,$(UNITAID_C)) $(PUMP) $(BENCH) $(LIBRARY) $(STAMP)
	$(call say,LINK,$@)
	$(Q)$(link) -o $@ $(filter %.o %.a,$^) -lcmocka $(LIBS)

$(REPLAY): $(call objects,tests/dialogs/replay.c) $(PUMP) $(LIBRARY) $(STAMP)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(link) -o $@ $(filter %.o %.a,$^) $(LIBS)

$(RANDOM): $(call objects,tests/model/random.c $(MODEL_C)) $(PUMP) $(LIBRARY) $(STAMP)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(link) -o $@ $(filter %.o %.a,$^) $(LIBS)

# With BUILD=fuzz the main is libFuzzer's, else the one that only reads a corpus.
FUZZ_MAIN  := $(if $(filter fuzz,$(BUILD)),,$(call objects,tests/fuzz/standalone.c))
$(FUZZERS): $(B)/%: $(B)/%.o $(FUZZ_MAIN) $(call objects,$(FUZZAID_C)) $(PUMP) $(BENCH) $(LIBRARY) $(STAMP)
	$(call say,LINK,$@)
	$(Q)$(link) $(if $(FUZZ_MAIN),,-fsanitize=fuzzer) -o $@ $(filter %.o %.a,$^) $(LIBS)

# Written only when the text is a new one, so that nothing is built for nothing.
stamp       = @mkdir -p $(@D); text='$(subst ','\'',$(1))'; \
              [ "$$(cat $@ 2>/dev/null)" = "$$text" ] || printf '%s\n' "$$text" > $@

.PHONY: FORCE
$(STAMP): FORCE
	$(call stamp,$(stamp_text))
$(MEMBERS): FORCE
	$(call stamp,$(sort $(SOURCES)))

-include $(patsubst %.c,$(B)/%.d,$(SOURCES))

.PHONY: clean
clean: ## removes everything that was built
	$(Q)rm -rf $(OUT)

# ----------------------------------------------------------------------------- installing

# Manual pages are made by scdoc; where there is none, the rest is installed without them.
PAGES      := $(patsubst docs/%.scd,$(B)/man/%,$(wildcard docs/*.scd))
MANUALS     = $(if $(shell command -v scdoc),$(PAGES))
DOCUMENTS   = $(wildcard README.md LICENSE)
GUIDES      = $(wildcard docs/*.md)
SAMPLE      = $(wildcard config/postern.ini.sample)
# Programs for the administrator and programs for everybody.
SBIN        = $(filter %/postern %/postern-monitor,$(PROGRAMS))
BIN         = $(filter-out $(SBIN),$(PROGRAMS))

to          = $(if $(2),$(Q)$(INSTALL) -d $(DESTDIR)$(3) && $(INSTALL) -m $(1) $(2) $(DESTDIR)$(3)/)

.PHONY: man
man: $(PAGES) ## builds the manual pages (scdoc)

$(B)/man/%: docs/%.scd
	$(call say,MAN,$@)
	@mkdir -p $(@D)
	$(Q)scdoc < $< > $@

# Programs and files in them are where they are installed; a file elsewhere must be named.
places      = -e 's|/usr/local/sbin|$(sbindir)|g' -e 's|/etc/postern|$(confdir)|g' \
              $(if $(filter-out /etc/postern,$(confdir)),-e '$(named)')
named       = s|^\(Exec[A-Za-z]*=[^ ]*/postern\) |\1 -c $(confdir)/postern.ini |
placed      = $(Q)$(INSTALL) -d $(DESTDIR)$(2) && sed $(places) $(1) \
              > $(DESTDIR)$(2)/$(notdir $(1)) && chmod $(or $(3),644) $(DESTDIR)$(2)/$(notdir $(1))
COMPLETION  = $(prefix)/share/bash-completion/completions

.PHONY: install-dist
install-dist: # the service, its user and directories, log rotation, renewals, completion
	$(call placed,dist/postern.service,$(prefix)/lib/systemd/system)
	$(call placed,dist/sysusers.d/postern.conf,$(prefix)/lib/sysusers.d)
	$(call placed,dist/tmpfiles.d/postern.conf,$(prefix)/lib/tmpfiles.d)
	$(call placed,dist/logrotate.d/postern,$(sysconfdir)/logrotate.d)
	$(call placed,dist/postern.socket,$(docdir)/examples)
	$(call placed,dist/postern-deploy-hook,$(sbindir),755)
	$(Q)$(INSTALL) -d $(DESTDIR)$(COMPLETION)
	$(Q)$(INSTALL) -m 644 dist/postern.bash-completion $(DESTDIR)$(COMPLETION)/postern

.PHONY: install uninstall
install: programs $(MANUALS) install-dist ## installs (DESTDIR, prefix=/usr/local, sysconfdir; BUILD=release for use)
	$(call to,755,$(SBIN),$(sbindir))
	$(call to,755,$(BIN),$(bindir))
	$(call to,644,$(DOCUMENTS),$(docdir))
	$(call to,644,$(GUIDES),$(docdir)/docs)
	$(call to,644,$(SAMPLE),$(confdir))
	$(foreach m,$(MANUALS),$(call to,644,$(m),$(mandir)/man$(subst .,,$(suffix $(m))))$(newline))

uninstall: ## removes what install put there, but no configuration
	$(Q)rm -f $(addprefix $(DESTDIR)$(sbindir)/,$(notdir $(SBIN)))
	$(Q)rm -f $(addprefix $(DESTDIR)$(bindir)/,$(notdir $(BIN)))
	$(Q)rm -f $(addprefix $(DESTDIR)$(confdir)/,$(notdir $(SAMPLE)))
	$(Q)rm -f $(foreach m,$(PAGES),$(DESTDIR)$(mandir)/man$(subst .,,$(suffix $(m)))/$(notdir $(m)))
	$(Q)rm -f $(DESTDIR)$(prefix)/lib/systemd/system/postern.service
	$(Q)rm -f $(DESTDIR)$(prefix)/lib/sysusers.d/postern.conf $(DESTDIR)$(prefix)/lib/tmpfiles.d/postern.conf
	$(Q)rm -f $(DESTDIR)$(sysconfdir)/logrotate.d/postern
	$(Q)rm -f $(DESTDIR)$(sbindir)/postern-deploy-hook $(DESTDIR)$(COMPLETION)/postern
	$(Q)rm -rf $(DESTDIR)$(docdir)

define newline


endef

# ------------------------------------------------------------------------------- using it

.PHONY: run packages help bench-inspector bench-starttls compare compare-instructions performance
.PHONY: bench bench-check bench-own
run: ## installs what is missing, builds, and runs a proxy with a mail sink to try it
	$(Q)dist/install-packages build run
	$(Q)$(MAKE) $(JOBS) BUILD=release programs
	$(Q)exec $(OUT)/release/postern demo

bench-inspector: ## cost of reading message text, in cycles per byte beside memchr
	$(Q)$(MAKE) $(JOBS) BUILD=release $(OUT)/release/bench-inspector
	$(Q)$(OUT)/release/bench-inspector

bench-starttls: ## CPU of a session through STARTTLS over that of one through implicit TLS
	$(Q)$(MAKE) $(JOBS) BUILD=release programs
	$(Q)POSTERN_BUILD=$(OUT)/release $(PYTHON) bench/starttls-cost

# ROUNDS=5, ROWS='handshake-* bulk', PROXIES='postern hitch', SCALE=0.2 of the work.
compare: ## CPU, memory, latency of Postern beside haproxy, nginx, hitch, stunnel (ROUNDS=5 ROWS=)
	$(Q)dist/install-packages build run test compare
	$(Q)$(MAKE) $(JOBS) BUILD=release programs
	$(Q)POSTERN_BUILD=$(OUT)/release $(PYTHON) bench/compare/run -o $(OUT)/compare \
		$(addprefix --rounds=,$(ROUNDS)) $(if $(ROWS),--rows='$(ROWS)') \
		$(if $(PROXIES),--proxies='$(PROXIES)') $(addprefix --scale=,$(SCALE)) \
		$(addprefix --page=,$(PAGE))

performance: ## the same over all rows, into the table of docs/performance.md
	$(Q)$(MAKE) compare PAGE=docs/performance.md ROWS= PROXIES=

compare-instructions: ## instructions by library and system calls, beside nginx (callgrind, strace)
	$(Q)dist/install-packages build run test compare
	$(Q)$(MAKE) $(JOBS) BUILD=release programs
	$(Q)POSTERN_BUILD=$(OUT)/release $(PYTHON) bench/compare/instructions $(addprefix --page=,$(PAGE))

# Under a minute.
bench: ## a short run through Postern with the sink behind it, and a page with plots
	$(Q)dist/install-packages build run
	$(Q)$(MAKE) $(JOBS) BUILD=release programs
	$(Q)POSTERN_BUILD=$(OUT)/release $(PYTHON) bench/short -o $(OUT)/bench

bench-check: ## instructions for a handshake, a command, a byte, beside those kept (callgrind)
	$(Q)dist/install-packages build run test
	$(Q)$(MAKE) $(JOBS) BUILD=release all
	$(Q)POSTERN_BUILD=$(OUT)/release $(PYTHON) bench/check $(if $(KEEP),--keep)

bench-own: ## handshakes that one core of postern-bench drives, beside openssl s_time
	$(Q)dist/install-packages build run
	$(Q)$(MAKE) $(JOBS) BUILD=release programs
	$(Q)POSTERN_BUILD=$(OUT)/release $(PYTHON) bench/own-cost

packages: ## installs the Debian packages that are missing (file `packages`)
	$(Q)dist/install-packages build run test

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | \
		awk -F'|' '{ printf "  %-15s %s\n", $$1, $$2 }'

# For recipes that start make anew: as many jobs as cores, unless the caller's -j rules.
JOBS        = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

include tests/check.mk
