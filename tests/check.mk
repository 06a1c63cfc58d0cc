# What `make check` and its parts do; part of the Makefile. A target `step@BUILD` is that step for
# one build. Steps run side by side, each with its output in one piece; the flow tests, which
# measure time, run alone at the end.

# Flow tests are run by the sanitizer build. Those marked `plain` (memory, cost, thousands of
# sessions: a sanitizer would change what they measure) are run by this build instead.
PLAIN      ?= debug
# Most of them wait most of the time; but the plain ones measure.
FLOW_JOBS  ?= $(shell echo $$((2 * $$(nproc))))
PLAIN_JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 600

check_env   = ASAN_OPTIONS=$${ASAN_OPTIONS-detect_stack_use_after_return=1:strict_string_checks=1} \
              UBSAN_OPTIONS=$${UBSAN_OPTIONS-print_stacktrace=1} PYTHONDONTWRITEBYTECODE=1
title       = @printf '\n--- %s\n' '$(1)'

FUZZ_NAMES := $(patsubst tests/fuzz/fuzz_%.c,%,$(FUZZ_C))

.PHONY: check check-steps check-unit check-dialogs check-model check-fuzz check-flow check-gates format-check
check: ## installs what is missing, builds, and checks everything
	$(Q)dist/install-packages build run test
	$(Q)$(MAKE) $(JOBS) built@debug built@asan built@release
	$(Q)$(MAKE) $(JOBS) -k -Otarget check-steps
	$(Q)$(MAKE) check-flow
	@printf '\ncheck: everything passed\n'

check-steps: check-gates check-unit check-dialogs check-fuzz check-model

BUILDS     := $(addprefix built@,debug asan release)
.PHONY: $(BUILDS)
$(BUILDS): built@%:
	+$(Q)$(MAKE) BUILD=$* all $(if $(filter release,$*),,tests)

check-gates: built@debug built@release ## each script of tests/gates: layers, purity, sizes and so on
	$(call title,gates)
	$(Q)failed=; for gate in $(wildcard tests/gates/*); do \
		[ -f $$gate -a -x $$gate ] || continue; \
		if $(check_env) $$gate $(OUT)/debug/postern; then \
			printf '  %-7s %s\n' GATE $${gate##*/}; \
		else \
			printf '  %-7s %s failed\n' GATE $${gate##*/}; failed=yes; \
		fi; \
	done; [ -z "$$failed" ]

UNIT_STEPS := $(if $(UNIT_C),unit@debug unit@asan)
.PHONY: $(UNIT_STEPS)
check-unit: $(UNIT_STEPS) ## unit tests, plain and with sanitizers
$(UNIT_STEPS): unit@%: built@%
	$(call title,unit tests ($*))
	$(Q)$(check_env) tests/unit-run $(patsubst %.c,$(OUT)/$*/%,$(UNIT_C))

DIALOG_STEPS := $(if $(REPLAY),dialogs@debug dialogs@asan)
.PHONY: $(DIALOG_STEPS)
check-dialogs: $(DIALOG_STEPS) ## SMTP stories, each in every split
$(DIALOG_STEPS): dialogs@%: built@%
	$(call title,dialogues ($*))
	$(Q)$(check_env) $(OUT)/$*/tests/replay $(wildcard tests/dialogs/*.dialog)

check-model: built@asan ## random sessions, read by a model of a server as Postern read them
	$(call title,reference model (asan))
	$(Q)$(check_env) $(OUT)/asan/tests/model/random 1 10

check-fuzz: built@asan ## every input that the fuzzers ever found worth keeping
	$(if $(FUZZ_NAMES),$(call title,fuzz corpora (asan)))
	$(Q)for name in $(FUZZ_NAMES); do \
		$(check_env) $(OUT)/asan/tests/fuzz/fuzz_$$name \
			$$(ls -d tests/fuzz/corpus/$$name 2>/dev/null) || exit 1; \
	done

FLOW_C     := $(wildcard tests/flow/test_*.py)
flow        = $(check_env) POSTERN_BUILD=$(OUT)/$(1) \
              $(PYTHON) -m pytest -q -n $(3) --alone=5 -m '$(2)' $(FLOW) $(or $(4),tests/flow)
PLAIN_C    := $(shell grep -ls 'mark\.plain' $(FLOW_C) /dev/null)

check-flow: built@asan built@$(PLAIN) ## real processes and real mail programs (FLOW='-k name')
ifneq ($(FLOW_C),)
	$(call title,flow tests (asan))
	$(Q)$(call flow,asan,not plain,$(FLOW_JOBS))
endif
ifneq ($(PLAIN_C),)
	$(call title,flow tests ($(PLAIN)): those that a sanitizer would spoil)
	$(Q)$(call flow,$(PLAIN),plain,$(PLAIN_JOBS),$(PLAIN_C))
endif

# The sanitizer build has no sandbox: here are the same tests in it.
.PHONY: check-sandbox
check-sandbox: built@$(PLAIN) ## all flow tests with the workers in the sandbox (FLOW='-k name')
	$(call title,flow tests ($(PLAIN)): in the sandbox)
	$(Q)$(call flow,$(PLAIN),not plain,$(FLOW_JOBS))

format-check: ## says what `make format` would change
	$(Q)tests/gates/format

# ------------------------------------------------------------- on demand, not in `make check`

.PHONY: soak-certs
soak-certs: built@$(PLAIN) ## 200 renewals under load, 100 000 handshakes: minutes
	$(Q)$(check_env) POSTERN_BUILD=$(OUT)/$(PLAIN) $(PYTHON) -m pytest -q -s tests/flow/soak_certs.py

.PHONY: check-systemd
check-systemd: ## the unit under a systemd of its own: notify, reload, upgrade, watchdog, sockets (root)
	$(Q)dist/install-packages build run test
	$(Q)$(MAKE) $(JOBS) BUILD=release programs
	$(Q)POSTERN_BUILD=$(OUT)/release $(PYTHON) tests/systemd/run

.PHONY: soak-reload
soak-reload: built@$(PLAIN) ## 100 reloads under load: every message once, memory flat (a minute)
	$(Q)$(check_env) POSTERN_BUILD=$(OUT)/$(PLAIN) POSTERN_RELOADS=100 \
		$(PYTHON) -m pytest -q -s tests/flow/test_reload.py

.PHONY: check-flapping
check-flapping: built@$(PLAIN) ## 1 000 sessions while servers come and go: no message lost or doubled
	$(Q)$(check_env) POSTERN_BUILD=$(OUT)/$(PLAIN) POSTERN_FLAP_SESSIONS=1000 \
		$(PYTHON) -m pytest -q -s tests/flow/test_flapping.py

FUZZ_STEPS := $(addprefix fuzz@,$(FUZZ_NAMES))
.PHONY: fuzz fuzz-keep built@fuzz $(FUZZ_STEPS) tidy format fresh-check mutants
fuzz: ## searches with libFuzzer, FUZZ_SECONDS=600 for each target
	$(Q)dist/install-packages build test tools
	$(Q)$(MAKE) $(JOBS) -Otarget $(FUZZ_STEPS)

built@fuzz:
	+$(Q)$(MAKE) BUILD=fuzz tests

# What is found goes to $(OUT)/fuzz/corpus; a crash to $(OUT)/fuzz/found.
$(FUZZ_STEPS): fuzz@%: built@fuzz
	$(call title,fuzz $*)
	@mkdir -p $(OUT)/fuzz/corpus/$* $(OUT)/fuzz/found
	$(Q)$(check_env) $(OUT)/fuzz/tests/fuzz/fuzz_$* -max_total_time=$(FUZZ_SECONDS) \
		-max_len=8192 -timeout=20 -print_final_stats=1 -verbosity=0 \
		-artifact_prefix=$(OUT)/fuzz/found/$*- \
		$(addprefix -dict=,$(wildcard tests/fuzz/$*.dict)) \
		$(OUT)/fuzz/corpus/$* $(wildcard tests/fuzz/corpus/$*)

fuzz-keep: built@fuzz ## adds to the committed corpora what new inputs reach new code
	$(Q)for name in $(FUZZ_NAMES); do \
		mkdir -p tests/fuzz/corpus/$$name $(OUT)/fuzz/corpus/$$name && \
		$(OUT)/fuzz/tests/fuzz/fuzz_$$name -merge=1 -verbosity=0 tests/fuzz/corpus/$$name \
			$(OUT)/fuzz/corpus/$$name || exit 1; \
	done

mutants: ## breaks the inspector's rules one by one: a test must notice each (5 minutes)
	$(Q)dist/install-packages build test
	$(Q)tests/mutants/run

tidy: ## clang-tidy over all sources
	$(Q)dist/install-packages build test tools
	$(Q)printf '%s\n' $(SOURCES) | xargs -n 1 -P $$(nproc) sh -c \
		'clang-tidy --quiet "$$0" -- $(STANDARD) -Wall -Wextra \
			-DPOSTERN_VERSION=\"$(VERSION)\" 2>/dev/null'

format: ## clang-format over all sources
	$(Q)clang-format -i $(SOURCES) $(HEADERS)

fresh-check: ## `make run` and `make check` of the committed tree in a bare Debian 12
	$(Q)dist/fresh-check
