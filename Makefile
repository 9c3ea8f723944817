# SPDX-License-Identifier: GPL-2.0-or-later
# kvmtuned: plain make, no configure.  `make help` lists the targets.
VERSION = 0.1.0

BUILD   ?= build
PREFIX  ?= /usr
SBINDIR ?= $(PREFIX)/sbin
BINDIR  ?= $(PREFIX)/bin
MANDIR  ?= $(PREFIX)/share/man
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions
UNITDIR ?= $(PREFIX)/lib/systemd/system
CATALOGDIR ?= $(PREFIX)/lib/systemd/catalog
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
PRESETDIR ?= $(PREFIX)/lib/systemd/system-preset
SYSCONFDIR ?= /etc
SCHEMADIR ?= $(PREFIX)/share/kvmtuned/schema

CC      ?= cc
NM      ?= nm
PKG_CONFIG ?= pkg-config
CFLAGS  ?= -O2 -g

# V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),,@echo '  $(1)')

# A flag is used when this compiler knows it.
probe = $(shell $(CC) -Werror $(1) -x c -c /dev/null -o /dev/null 2>/dev/null && echo $(1))
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wformat=2 -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wwrite-strings -Wcast-qual -Wundef -Wvla \
	-Wdouble-promotion -Wswitch-enum -Wimplicit-fallthrough -Wnull-dereference \
	$(foreach f,-Wjump-misses-init -Wlogical-op -Wduplicated-cond -Wduplicated-branches,$(call probe,$(f)))
# One overridable variable: distributions have their own.
HARDENING ?= $(foreach f,-fstack-protector-strong -fstack-clash-protection -fcf-protection \
	-ftrivial-auto-var-init=zero,$(call probe,$(f))) -fno-common -fPIE -D_FORTIFY_SOURCE=3
HARDENING_LD ?= -pie -Wl,-z,relro,-z,now,-z,noexecstack
ifeq ($(W),1)
WARNINGS += -Werror
endif
ifeq ($(SANITIZE),1)
CFLAGS = -O1 -g
HARDENING = -fPIE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
HARDENING_LD = -pie -fsanitize=address,undefined
endif
ifeq ($(FUZZER),1)
CFLAGS = -O1 -g -DKT_GUESTS=8
# Texts that are compared are seen without trace-cmp.  The rest of it are mostly the sanitizers' own
# comparisons: the same coverage took twice the time with them.
HARDENING = -fPIE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-coverage=trace-cmp \
	-fno-sanitize-recover=all -fno-omit-frame-pointer
HARDENING_LD = -pie -fsanitize=address,undefined
endif
# ASan sees no races, and the two cannot be in one program.
ifeq ($(SANITIZE),thread)
CFLAGS = -O1 -g
# gcc sees fewer initialisations where it instruments: its own advice is not to believe it then.
HARDENING = -fPIE -fsanitize=thread -fno-omit-frame-pointer -Wno-maybe-uninitialized
HARDENING_LD = -pie -fsanitize=thread
endif

# Counters in the order of the source: nothing is optimised.
ifeq ($(COVERAGE),1)
CFLAGS = -O0 -g --coverage
HARDENING = -fPIE
HARDENING_LD = -pie --coverage
endif

BASE_CFLAGS := -std=gnu11 -D_GNU_SOURCE -DKT_VERSION='"$(VERSION)"' -MMD -MP $(WARNINGS) $(HARDENING)

# ---- layers: each room sees only the rooms below it --------------------------
SEE_base   := base
SEE_sense  := base sense
SEE_model  := base sense model
SEE_policy := base sense model policy
SEE_act    := base sense policy
ROOMS      := base sense model policy act
include_of = $(addprefix -Ilib/,$(SEE_$(1)))

LIB_PKGS    := hwloc
DAEMON_PKGS := libvirt libevent_core libevent_extra libevent_pthreads libxml-2.0 libsystemd json-c
CTL_PKGS    := libcurl smartcols json-c
TEST_PKGS   := check
pkg_cflags = $(shell $(PKG_CONFIG) --cflags $(1))
pkg_libs   = $(shell $(PKG_CONFIG) --libs $(1))

LIB_SRC    := $(foreach r,$(ROOMS),$(wildcard lib/$(r)/*.c))
DAEMON_SRC := $(wildcard daemon/*.c)
CTL_SRC    := $(wildcard ctl/*.c)
UNIT_SRC   := $(filter-out $(UNIT_BUT:%=tests/unit/%.c),$(wildcard tests/unit/check_*.c))
SIM_SRC    := $(wildcard tests/sim/sim_*.c)
PLANT_SRC  := $(wildcard tests/sim/plant*.c)
NUMA_SRC   := $(wildcard tests/sim/numa_*.c)
comma := ,
obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
LIB_OBJ    := $(call obj,$(LIB_SRC))
# Everything of the daemon but its main(), for the unit tests.
DAEMON_OBJ := $(call obj,$(filter-out daemon/main.c,$(DAEMON_SRC)))
ALL_I      := $(addprefix -Ilib/,$(ROOMS)) -Idaemon
DAEMON_CFLAGS = $(ALL_I) $(call pkg_cflags,$(LIB_PKGS) $(DAEMON_PKGS))
DAEMON_LIBS   = $(call pkg_libs,$(LIB_PKGS) $(DAEMON_PKGS)) -linih -lm -pthread
UNIT_BIN := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(UNIT_SRC))
# Tests of kvmtunectl have everything of it but its main(), and nothing of the daemon's.
CTL_OBJ      := $(call obj,$(filter-out ctl/main.c,$(CTL_SRC)))
CTL_UNIT_BIN := $(filter $(BUILD)/tests/check_ctl% $(BUILD)/tests/check_report%,$(UNIT_BIN))
SIM_BIN  := $(patsubst tests/sim/%.c,$(BUILD)/tests/%,$(SIM_SRC))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: all deps deps-test run check unit metrics schemas sim live vm fleet layers mutate sanitize format install deb package rpm clean help \
	bench-tick bench-ksm bench-placement bench-answers bench-memory bench-record

all: $(BUILD)/kvmtuned $(BUILD)/kvmtunectl ## build the daemon and its client

# ---- building -----------------------------------------------------------------
define room_rule
$(BUILD)/obj/lib/$(1)/%.o: lib/$(1)/%.c
	@mkdir -p $$(@D)
	$(call say,CC    $$@)
	$(Q)$$(CC) $$(BASE_CFLAGS) $(call include_of,$(1)) $$(CFLAGS) -c -o $$@ $$<
endef
$(foreach r,$(ROOMS),$(eval $(call room_rule,$(r))))

$(BUILD)/obj/daemon/%.o: daemon/%.c
	@mkdir -p $(@D)
	$(call say,CC    $@)
	$(Q)$(CC) $(BASE_CFLAGS) $(DAEMON_CFLAGS) $(CFLAGS) -c -o $@ $<

# Compiled more often than run.
$(BUILD)/obj/tests/unit/%.o: QUICK = -O0 -U_FORTIFY_SOURCE -Wno-format-truncation
$(BUILD)/obj/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(call say,CC    $@)
	$(Q)$(CC) $(BASE_CFLAGS) $(DAEMON_CFLAGS) $(call pkg_cflags,$(TEST_PKGS)) -Itests/unit -Itests/sim \
		-DKT_TESTS_DIR='"$(CURDIR)/tests"' $(CFLAGS) $(QUICK) -c -o $@ $<

$(BUILD)/obj/bench/%.o: bench/%.c
	@mkdir -p $(@D)
	$(call say,CC    $@)
	$(Q)$(CC) $(BASE_CFLAGS) $(ALL_I) -Itests/unit -Itests/sim $(CFLAGS) -c -o $@ $<

ifeq ($(SANITIZE),thread)
LIB_OBJ += $(call obj,tests/tsan/clockjoin.c)
endif
$(BUILD)/libkvmtuned.a: $(LIB_OBJ)
	@rm -f $@
	$(call say,AR    $@)
	$(Q)$(AR) rcs $@ $^

$(BUILD)/kvmtuned: $(BUILD)/obj/daemon/main.o $(DAEMON_OBJ) $(BUILD)/libkvmtuned.a
	$(call say,LD    $@)
	$(Q)$(CC) $(HARDENING_LD) $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS)

$(BUILD)/obj/ctl/%.o: ctl/%.c
	@mkdir -p $(@D)
	$(call say,CC    $@)
	$(Q)$(CC) $(BASE_CFLAGS) -DKT_SBINDIR='"$(SBINDIR)"' -Ilib/base -Ictl $(call pkg_cflags,$(CTL_PKGS)) \
		$(CFLAGS) -c -o $@ $<

$(BUILD)/kvmtunectl: $(call obj,$(CTL_SRC)) $(BUILD)/libkvmtuned.a
	$(call say,LD    $@)
	$(Q)$(CC) $(HARDENING_LD) $(LDFLAGS) -o $@ $^ $(call pkg_libs,$(CTL_PKGS)) -lm

$(filter-out $(CTL_UNIT_BIN),$(UNIT_BIN)): $(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(DAEMON_OBJ) $(BUILD)/libkvmtuned.a
	@mkdir -p $(@D)
	$(call say,LD    $@)
	$(Q)$(CC) $(HARDENING_LD) $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS) $(call pkg_libs,$(TEST_PKGS))

$(CTL_UNIT_BIN:$(BUILD)/tests/%=$(BUILD)/obj/tests/unit/%.o): DAEMON_CFLAGS = -Ilib/base -Ictl $(call pkg_cflags,$(CTL_PKGS))
$(CTL_UNIT_BIN): $(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(CTL_OBJ) $(BUILD)/libkvmtuned.a
	@mkdir -p $(@D)
	$(call say,LD    $@)
	$(Q)$(CC) $(HARDENING_LD) $(LDFLAGS) -o $@ $^ $(call pkg_libs,$(CTL_PKGS) $(TEST_PKGS)) -lm

$(SIM_BIN): $(BUILD)/tests/%: $(BUILD)/obj/tests/sim/%.o $(call obj,$(PLANT_SRC) $(NUMA_SRC)) $(BUILD)/libkvmtuned.a
	@mkdir -p $(@D)
	$(call say,LD    $@)
	$(Q)$(CC) $(HARDENING_LD) $(LDFLAGS) -o $@ $(filter %.o,$^) $(BUILD)/libkvmtuned.a $(DAEMON_LIBS) $(call pkg_libs,$(TEST_PKGS))

# ---- fuzzing: one file a target; replay.c takes its corpus without a fuzzer ------
FUZZ_SRC  := $(wildcard tests/fuzz/fuzz_*.c)
REPLAY_DIR ?= $(BUILD)/tests
REPLAY_BIN := $(patsubst tests/fuzz/fuzz_%.c,$(REPLAY_DIR)/replay_%,$(FUZZ_SRC))
FUZZ_BIN  := $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/fuzz_%,$(FUZZ_SRC))
# These calls are led into memory, see tests/fuzz/world.h.
FUZZ_WRAP := $(patsubst %,-Wl$(comma)--wrap=%,open openat close pread fdopen fopen setvbuf stat fstat fstatat \
	faccessat mkdir unlink unlinkat rename renameat getdents64 scandir)
FUZZ_WORLD := $(call obj,tests/fuzz/world.c tests/fuzz/world_calls.c)
# Nothing of it is to be found by a fuzzer.
ifeq ($(FUZZER),1)
$(FUZZ_WORLD): HARDENING = -fPIE
endif
# READERS: objects that count what is run of them, in the place of ours; see tests/parsers.
counting   = $(filter $(BUILD)/counted/obj/$(1)/%,$(READERS)) \
	$(filter-out $(READERS:$(BUILD)/counted/%=$(BUILD)/%),$(2))
LIB_READERS = $(filter $(BUILD)/counted/obj/lib/%,$(READERS))
FUZZ_WITH  = $(FUZZ_WORLD) $(call counting,daemon,$(DAEMON_OBJ)) $(LIB_READERS) $(BUILD)/libkvmtuned.a
FUZZ_LIBS  = $(DAEMON_LIBS)
FUZZ_CTL  := $(call obj,tests/fuzz/fuzz_ctl.c)
$(FUZZ_CTL): DAEMON_CFLAGS = -Ilib/base -Ictl $(call pkg_cflags,$(CTL_PKGS))
$(REPLAY_DIR)/replay_ctl $(BUILD)/fuzz_ctl: FUZZ_LIBS = $(call pkg_libs,$(CTL_PKGS)) -lm
$(REPLAY_DIR)/replay_ctl $(BUILD)/fuzz_ctl: FUZZ_WITH = $(FUZZ_WORLD) $(call counting,ctl,$(CTL_OBJ)) $(BUILD)/libkvmtuned.a
$(REPLAY_DIR)/replay_ctl $(BUILD)/fuzz_ctl: FUZZ_WRAP += -Wl,--wrap=ctl_get,--wrap=ctl_stream
$(REPLAY_DIR)/replay_ctl $(BUILD)/fuzz_ctl: $(CTL_OBJ)
$(REPLAY_DIR)/replay_http $(BUILD)/fuzz_http: FUZZ_WRAP += -Wl,--wrap=peer_is_root

$(REPLAY_BIN): $(REPLAY_DIR)/replay_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(call obj,tests/fuzz/replay.c) $(FUZZ_WITH)
	@mkdir -p $(@D)
	$(call say,LD    $@)
	$(Q)$(CC) $(HARDENING_LD) $(LDFLAGS) $(if $(READERS),--coverage -Wl$(comma)-u$(comma)__gcov_dump) $(FUZZ_WRAP) -o $@ $(call obj,tests/fuzz/fuzz_$*.c tests/fuzz/replay.c) $(FUZZ_WITH) $(FUZZ_LIBS)

# Of the archives a target has what it can run: the fuzzer looks at less after each input, and the
# inputs that it has taken count until something of that changes.
$(BUILD)/libdaemon.a: $(DAEMON_OBJ)
	$(call say,AR    $@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

FUZZ_DAEMON = $(BUILD)/libdaemon.a
$(BUILD)/fuzz_ctl: FUZZ_DAEMON = $(CTL_OBJ)
$(FUZZ_BIN): $(BUILD)/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(FUZZ_WORLD) $(BUILD)/libdaemon.a $(BUILD)/libkvmtuned.a
	$(call say,LD    $@)
	$(Q)$(CC) $(HARDENING_LD) -fsanitize=fuzzer $(LDFLAGS) $(FUZZ_WRAP) -o $@ $< $(FUZZ_WORLD) \
		-Wl,--start-group $(FUZZ_DAEMON) $(BUILD)/libkvmtuned.a -Wl,--end-group $(FUZZ_LIBS)

.PHONY: replays
replays: $(REPLAY_BIN)

.PHONY: fuzz-targets
fuzz-targets: $(FUZZ_BIN)

# In the place of the doors to the kernel, of libvirt and of the threads beside the main one.
$(BUILD)/tests/sim_soak: $(call obj,$(wildcard tests/sim/soak*.c))

# Recordings are written and read by the daemon.
$(BUILD)/tests/sim_replay $(BUILD)/tests/sim_record_size: \
	$(call obj,daemon/pause.c $(wildcard daemon/record*.c daemon/replay*.c daemon/conf*.c))

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# ---- running and testing --------------------------------------------------------
deps: ## install the packages that building needs and that are missing
	@tests/deps build

deps-test: deps
	@tests/deps test

run: deps ## build, run on this host's guests, or on demo guests where there are none
	@tests/deps run
	@$(MAKE) --no-print-directory all
	@tests/live/demo $(BUILD)

check: ## every test, installing what is missing; ends with "N passed, N failed"
	@tests/check $(BUILD)

.PHONY: release
release: ## make check, then in whole what it has time for a part of; hours, a table in the end; STEPS= DAYS= MINUTES= FUZZ_RUNS=
	@tests/release $(BUILD)

unit: $(UNIT_BIN) $(REPLAY_BIN) ## tables, parsers and what fuzzers found, recorded hosts; seconds, no root
	@tests/run-binaries unit $(UNIT_BIN) $(REPLAY_BIN)

# Of the longest tables `make unit` tries a part.
.PHONY: faults
faults: ## whatever can go wrong with files, threads, events, clocks, memory, descriptors: all rows, and a table
	@$(MAKE) --no-print-directory $$(tests/faults --list | sed 's,^,$(BUILD)/tests/,')
	@tests/faults $(BUILD)

metrics: $(BUILD)/tests/check_metrics ## Prometheus' own tools on /metrics, the alerts and the dashboard
	@tests/metrics $(BUILD)

schemas: $(BUILD)/tests/check_answer_schema ## what the daemon answers is what ctl/schema/ promises
	@tests/schemas $(BUILD)

sim: $(SIM_BIN) ## closed loops against the plant
	@JOBS=2 tests/run-binaries sim $(SIM_BIN)

.PHONY: soak
soak: $(BUILD)/tests/sim_soak ## the soak of the sim tier for simulated DAYS= (1000), from SEED= on
	@KT_SOAK_DAYS=$(or $(DAYS),1000) KT_SOAK_SEED=$(SEED) $<

.PHONY: nomem
nomem: ## every file that asks for memory has been without it in a unit test
	@CC="$(CC)" NM="$(NM)" tests/nomem $(BUILD)

.PHONY: parsers
parsers: all ## every function that reads text from outside is run by a fuzzer's corpus
	@CC="$(CC)" NM="$(NM)" tests/parsers $(BUILD)

.PHONY: fuzz
fuzz: ## libFuzzer on every parser, with ASan and UBSan; FUZZ= FUZZ_RUNS= FUZZ_SECONDS=
	@tests/deps fuzz
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=clang FUZZER=1 fuzz-targets
	@tests/fuzz/run $(BUILD)/fuzz $(FUZZ)

# Boot sectors of guests without an operating system.
$(BUILD)/tests/%.bin: tests/guests/%.S
	@mkdir -p $(@D)
	$(call say,AS    $@)
	$(Q)$(CC) -m32 -c -o $(@:.bin=.o) $<
	$(Q)$(LD) -m elf_i386 -Ttext 0x7c00 --oformat binary -o $@ $(@:.bin=.o)

$(BUILD)/tests/stand_in: tests/guests/stand_in.c
	@mkdir -p $(@D)
	$(call say,LD    $@)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 $(WARNINGS) -static -pthread -o $@ $<

# Preloaded into the daemon: its calls of libvirt and of libc go wrong on purpose.
$(BUILD)/tests/faults.so: tests/live/faults/generate.py $(wildcard tests/live/faults/*.[ch]) $(BUILD)/kvmtuned
	@mkdir -p $(@D)
	$(call say,GEN   $@)
	$(Q)tests/live/faults/generate.py $(BUILD)/kvmtuned >$(@:.so=.c)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -O1 -g -fPIC -shared -Itests/live/faults \
		-o $@ $(@:.so=.c) tests/live/faults/*.c

$(BUILD)/tests/count_alloc.so: bench/count_alloc.c
	@mkdir -p $(@D)
	$(call say,LD    $@)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 $(WARNINGS) -shared -fPIC -o $@ $< -ldl

.PHONY: live-parts
live-parts: $(BUILD)/tests/sim_ksmd $(BUILD)/tests/sleeper.bin $(BUILD)/tests/stand_in $(BUILD)/tests/faults.so \
	$(BUILD)/tests/count_alloc.so
live: all live-parts ## root: real libvirtd, real QEMU guests, this kernel's KSM
	@tests/live/run.py --build $(BUILD) $(LIVE_BUT:%=--but %) $(LIVE_PART:%=--part %)

.PHONY: soak-live
soak-live: all $(BUILD)/tests/sleeper.bin ## root: real guests, whatever can happen in any order, every value explained after each step; MINUTES= SEED=
	@seed=$(or $(SEED),$(strip $(shell od -An -N2 -tu2 /dev/urandom))); echo "seed $$seed"; \
	KT_SOAK_MINUTES=$(or $(MINUTES),10) KT_SOAK_SEED=$$seed tests/live/run.py --build $(BUILD) soak/

.PHONY: faults-live
faults-live: all $(BUILD)/tests/sleeper.bin $(BUILD)/tests/faults.so ## root: every call of libvirt failing, slow, hanging, lying; a guest killed at each call; KT_ROWS=virDomainGetInfo,..
	@KT_ALL_ROWS=1 tests/live/run.py --build $(BUILD) faults/ killed/

vm: deb $(BUILD)/tests/sleeper.bin ## boots a NUMA host with systemd in QEMU, installs the package and proves it there
	@BUILD=$(abspath $(BUILD)) tests/vm/run.sh $(DEB) $(VM)

fleet: all ## the Ansible role does what it says, on a host that is a scratch folder
	@tests/fleet/run $(BUILD)

layers: $(LIB_OBJ) ## the layer rule: what may see and need what
	@NM=$(NM) tests/layers $(BUILD)

mutate: ## every mutant of the library must be caught; PART=K/N takes every Nth
	@BUILD=$(BUILD) PART=$(PART) tests/mutate/run

# ksmd, fifty lives, a minute without libvirt, or with a guest that is watched, take as long as they
# do; the last two count what malloc() does, and a sanitizer has its own.
SANITIZE_BUT := /ksm/new_guests /undo/fifty_lives /libvirt/sixty /memory/idle_guests /scale/a_tick /service/a_start_without
.PHONY: sanitize-unit sanitize-sim sanitize-live
sanitize: sanitize-unit sanitize-sim sanitize-live ## unit, sim and live tiers under ASan and UBSan, but six live tests (SANITIZE_BUT)
# Both may be wanted at once: who comes first builds.
sanitize-unit sanitize-sim sanitize-live: sanitize-%:
	@mkdir -p $(BUILD)/sanitize
	@flock $(BUILD)/sanitize \
		env CK_TIMEOUT_MULTIPLIER=5 KT_SEEDS=2 $(MAKE) --no-print-directory SANITIZE=1 BUILD=$(BUILD)/sanitize LIVE_BUT="$(SANITIZE_BUT) $(SANITIZE_LIVE_BUT)" $*

# Tests whose guest is a fork that drops the memory of this program: it cannot drop that of
# ThreadSanitizer for certain.  The mover's thread is in the other tests of the mover.
TSAN_BUT := check_act_move check_mover_ranges
# Tests in which threads meet.
TSAN_THREADS := check_virt check_virt_call check_virt_limit check_virt_link check_virt_pin check_reclaimer check_act_reclaim check_act_workers \
	check_mover check_mover_nodes check_mover_pace check_http check_http_stream check_loop check_record
# To it, what realloc() gives is always another place: 64 MiB that grow take minutes.
# An instrumented program is ten times as slow; who is first in a race is not a matter of seeds.
TSAN_RUN = CK_TIMEOUT_MULTIPLIER=10 KT_SEEDS=2 \
	TSAN_OPTIONS="exitcode=66 suppressions=$(CURDIR)/tests/tsan/suppressions $$TSAN_OPTIONS" \
	$(MAKE) --no-print-directory SANITIZE=thread BUILD=$(BUILD)/tsan
.PHONY: tsan
tsan: ## unit, sim and live tiers under ThreadSanitizer, but two unit and seven live tests (TSAN_BUT, SANITIZE_BUT)
	@+$(TSAN_RUN) UNIT_BUT="$(TSAN_BUT)" LIVE_BUT="$(SANITIZE_BUT) /ctl_answers/an_answer_without_end" unit sim live

.PHONY: tsan-quick
tsan-quick: ## ... and only the unit tests in which threads meet
	@+$(TSAN_RUN) UNIT_SRC="$(TSAN_THREADS:%=tests/unit/%.c)" unit

bench-tick: all ## cost of a tick with 30 guests against a program that only re-reads the same files
	@tests/deps test
	@bench/tick $(BUILD)

bench-ksm: all ## kvmtuned's KSM against ksmtuned's, the kernel's advisor and its defaults; see bench/ksm
	@tests/deps test
	@bench/ksm $(BUILD)

$(BUILD)/bench/placement: $(call obj,$(wildcard bench/placement*.c) $(NUMA_SRC)) $(BUILD)/libkvmtuned.a
	@mkdir -p $(@D)
	$(call say,LD    $@)
	$(Q)$(CC) $(HARDENING_LD) $(LDFLAGS) -o $@ $^ -lm -pthread

bench-placement: $(BUILD)/bench/placement ## placement against numad and the optimum, simulated; SEEDS= FIRST_SEED= SHAPE= KIND= VMS=
	@$<

$(BUILD)/obj/bench/answers.o: BASE_CFLAGS += $(call pkg_cflags,$(DAEMON_PKGS) $(TEST_PKGS))
$(BUILD)/bench/answers: $(BUILD)/obj/bench/answers.o $(DAEMON_OBJ) $(BUILD)/libkvmtuned.a
	@mkdir -p $(@D)
	$(call say,LD    $@)
	$(Q)$(CC) $(HARDENING_LD) $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS) $(call pkg_libs,$(TEST_PKGS))

bench-answers: $(BUILD)/bench/answers ## what an answer on the socket costs the daemon with 200 guests
	@$<

bench-record: $(BUILD)/tests/sim_record_size ## a recording of a day of 100 guests: its size, and the time of its replay
	@KT_RECORD_HOURS=24 $<

bench-memory: deb $(BUILD)/tests/sleeper.bin ## memory pressure without kvmtuned, with static limits and with it, in the host of the vm tier; ONLY=
	@tests/deps test
	@bench/memory $(BUILD) $(DEB)

$(BUILD)/obj/bench/scale_%.o: BASE_CFLAGS += $(call pkg_cflags,$(DAEMON_PKGS)) -Idaemon
SCALE_WRAP := sense_read_some host_view_update arbiter_step act_apply sched_getaffinity sched_setaffinity \
	pread getdents64 close faccessat openat
$(BUILD)/bench/scale_core: $(call obj,bench/scale_core.c bench/scale_floor.c bench/scale_host.c) $(DAEMON_OBJ) $(BUILD)/libkvmtuned.a
	@mkdir -p $(@D)
	$(call say,LD    $@)
	$(Q)$(CC) $(HARDENING_LD) $(LDFLAGS) $(SCALE_WRAP:%=-Wl,--wrap=%) -o $@ $^ $(DAEMON_LIBS)

.PHONY: bench-scale
bench-scale: all $(BUILD)/bench/scale_core $(BUILD)/tests/stand_in ## root: cost of a tick with 10 to 1,000 guests, simulated and real; minutes, 6 GiB; 1 where a goal is missed
	@tests/deps test
	@bench/scale $(BUILD)

.PHONY: bench-scale-live
bench-scale-live: all $(BUILD)/tests/stand_in ## root: ... and only its second half: up to 1,000 domains of libvirt's test driver, 150 real QEMUs
	@tests/deps test
	@bench/scale_live $(BUILD)

# gcc's analyser writes an object, whose header dependencies are clang-tidy's as well.
# That of gcc 12 takes what realloc() gave to a structure for lost; leaks are for `make sanitize`.
ANALYZER   := -fanalyzer -Wno-analyzer-malloc-leak
ANALYZED   := $(LIB_SRC:%.c=$(BUILD)/analyze/%.o)
TIDY_FLAGS := $(filter -std=% -D%,$(BASE_CFLAGS))
define analyze_rule
$(BUILD)/analyze/lib/$(1)/%.o: lib/$(1)/%.c
	@mkdir -p $$(@D)
	$(call say,FAN   $$<)
	$(Q)$$(CC) $$(filter-out -fsanitize%,$$(BASE_CFLAGS)) $(call include_of,$(1)) -O1 $(ANALYZER) -Werror -c -o $$@ $$<
$(BUILD)/analyze/lib/$(1)/%.tidy: lib/$(1)/%.c $(BUILD)/analyze/lib/$(1)/%.o .clang-tidy | analyze-deps
	$(call say,TIDY  $$<)
	$(Q)clang-tidy --quiet $$< -- $$(TIDY_FLAGS) $(call include_of,$(1)) >$$@.log 2>&1 || { cat $$@.log; exit 1; }
	@touch $$@
endef
$(foreach r,$(ROOMS),$(eval $(call analyze_rule,$(r))))
-include $(shell find $(BUILD)/analyze -name '*.d' 2>/dev/null)
.PHONY: analyze analyze-quick analyze-deps
analyze-deps:
	@tests/deps analyze
analyze: analyze-deps $(ANALYZED:.o=.tidy) ## gcc's -fanalyzer and clang-tidy (.clang-tidy) on lib/
analyze-quick: $(ANALYZED) ## ... and only the first

.PHONY: valgrind
valgrind: all ## root: the daemon's full life, with guests, under valgrind's memcheck
	@tests/deps valgrind
	@tests/live/run.py --build $(BUILD) valgrind/

.PHONY: coverage
coverage: ## which lines of lib/policy and lib/act neither unit nor sim tier runs: none without a reason
	@find $(BUILD)/coverage -name '*.gcda' -delete 2>/dev/null; true
	@$(MAKE) --no-print-directory COVERAGE=1 BUILD=$(BUILD)/coverage UNIT_BUT="$(notdir $(basename $(wildcard tests/unit/check_nomem*.c)))" \
		CK_TIMEOUT_MULTIPLIER=5 unit sim
	@tests/coverage $(BUILD)/coverage

.PHONY: lint
lint: ## shellcheck and pyflakes on every script
	@tests/lint

format: ## clang-format all C files
	find daemon lib ctl tests bench -name '*.[ch]' -exec clang-format -i {} +

# ---- installing -------------------------------------------------------------------
install: all ## DESTDIR=, PREFIX=, UNITDIR=, CATALOGDIR=, SYSUSERSDIR=, PRESETDIR=, SYSCONFDIR=
	install -D -m 0755 $(BUILD)/kvmtuned $(DESTDIR)$(SBINDIR)/kvmtuned
	install -D -m 0755 $(BUILD)/kvmtunectl $(DESTDIR)$(BINDIR)/kvmtunectl
	install -D -m 0644 conf/kvmtuned.conf $(DESTDIR)$(SYSCONFDIR)/kvmtuned.conf
	install -d -m 0755 $(DESTDIR)$(SYSCONFDIR)/kvmtuned.conf.d
	install -D -m 0644 -t $(DESTDIR)$(UNITDIR) systemd/kvmtuned.service \
		systemd/kvmtuned-restore.service systemd/kvmtuned-stopped.service \
		systemd/kvmtuned-textfile.service systemd/kvmtuned-textfile.timer
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/kvmtuned \
		conf/grafana-dashboard.json conf/kvmtuned-alerts.yml conf/prometheus-scrape.yml
	install -D -m 0644 systemd/kvmtuned.sysusers $(DESTDIR)$(SYSUSERSDIR)/kvmtuned.conf
	install -D -m 0644 -t $(DESTDIR)$(PRESETDIR) systemd/50-kvmtuned.preset
	install -D -m 0755 -t $(DESTDIR)$(PREFIX)/lib/kvmtuned systemd/libvirt-hook
	install -D -m 0644 systemd/kvmtuned.catalog $(DESTDIR)$(CATALOGDIR)/kvmtuned.catalog
	install -D -m 0644 ctl/kvmtunectl.bash $(DESTDIR)$(COMPLETIONDIR)/kvmtunectl
	install -D -m 0644 man/kvmtunectl.1 $(DESTDIR)$(MANDIR)/man1/kvmtunectl.1
	install -D -m 0644 -t $(DESTDIR)$(SCHEMADIR) ctl/schema/*.json
	install -D -m 0644 man/kvmtuned-security.7 $(DESTDIR)$(MANDIR)/man7/kvmtuned-security.7
	install -D -m 0644 man/kvmtuned.8 $(DESTDIR)$(MANDIR)/man8/kvmtuned.8
	install -D -m 0644 man/kvmtuned.conf.5 $(DESTDIR)$(MANDIR)/man5/kvmtuned.conf.5

# Built from a copy: what debhelper leaves in debian/ stays out of the tree.
DEB := $(BUILD)/deb/kvmtuned_$(VERSION)_$(shell dpkg --print-architecture 2>/dev/null).deb
deb: $(DEB) ## the Debian package, under build/deb
	@echo $(DEB)

$(DEB): $(shell find COPYING Makefile README.md conf ctl daemon debian lib man systemd -type f)
	@tests/deps deb
	@rm -rf $(BUILD)/deb && mkdir -p $(BUILD)/deb/source
	@tar -c --exclude=./build --exclude=./.git . | tar -x -C $(BUILD)/deb/source
	@cd $(BUILD)/deb/source && DEB_BUILD_PROFILES=nocheck \
		DEB_BUILD_OPTIONS="nocheck parallel=$$(nproc) $$DEB_BUILD_OPTIONS" \
		dpkg-buildpackage -b -us -uc >../build.log 2>&1 || { tail -n 30 ../build.log; exit 1; }
	@rm -rf $(BUILD)/deb/source

package: deb ## is the Debian package in order?
	@tests/package $(DEB)

rpm: ## the RPM package, under build/rpm; where that is not the distribution's kind, a trial of the spec
	@rpm/build $(BUILD)/rpm

clean: ## remove build/
	rm -rf $(BUILD)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo '  W=1 turns warnings into errors; V=1 shows commands; BUILD=DIR builds elsewhere.'
