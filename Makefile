# fspipe: two filters, fswatch-events and fswrite.
#
#	make [all]	build both programs; STATIC=1 without shared libraries, in
#			build-static/
#	make deps	install what building, the demo and the tests need (Debian)
#	make ajv	get the validator that one test needs, from npm
#	make demo	show both filters at work in a temporary directory
#	make check	build and run all tests; SAN=address,undefined for sanitizers,
#			PORTABLE=1 without what is Linux's own
#	make tests	build them only
#	make check-recipes	run each recipe of fspipe(7) with real components
#	make bench	measure beside floors and peers; benches builds the floors
#	make bench-plot	the same, and README's plot (man/speed.svg) and tables of it
#	make soak	random changes against the first promise for SECONDS=60
#	make fuzz	libFuzzer (clang) on each target for SECONDS=60
#	make lint	check format, man pages, scripts and code; format repairs it
#	make install	PREFIX=/usr/local DESTDIR= MANDIR=$(PREFIX)/share/man
#			DOCDIR=$(PREFIX)/share/doc/fspipe
#			DATADIR=$(PREFIX)/share (schemas, completion)
#	make dist	a tarball of the commit at hand, always the same
#
# CC, CFLAGS, CPPFLAGS, LDFLAGS and LDLIBS are the user's; what the project
# itself needs stands in the variables that begin with FSP_.

VERSION = 0.1.0
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
DATADIR ?= $(PREFIX)/share
DOCDIR ?= $(DATADIR)/doc/fspipe
BASHDIR ?= $(DATADIR)/bash-completion/completions
ZSHDIR ?= $(DATADIR)/zsh/site-functions
FISHDIR ?= $(DATADIR)/fish/vendor_completions.d

PKG_CONFIG ?= pkg-config
INSTALL ?= install
CFLAGS ?= -O2 -g
SAN ?=
STATIC ?=

comma = ,
hash := \#
KIND := $(BACKEND)
BUILD ?= build$(if $(KIND),-$(KIND))$(if $(SAN),-$(subst \
    $(comma),-,$(SAN)))$(if $(STATIC),-static)$(if $(PORTABLE),-portable)
# Programs of another kind stay in their build directory, so that all exist.
BIN = $(if $(KIND)$(SAN)$(STATIC)$(PORTABLE),$(BUILD)/,)

# libbsd, where the system has not got it all itself.
HAS_BSD := $(if $(shell printf '%s\n' '$(hash)include <stdlib.h>' \
    'int main(void) { const char *e; long long n = strtonum("1", 0, 2, &e);' \
    'return reallocarray(0, 1, 1) == 0 || getprogname() == 0 || n == 2; }' | \
    $(CC) -D_GNU_SOURCE -Werror $(CPPFLAGS) $(LDFLAGS) -x c -o /dev/null - \
    2>&1 || echo no),,yes)
BSD_CFLAGS ?= $(if $(HAS_BSD),,$(shell $(PKG_CONFIG) --cflags libbsd-overlay \
    2>/dev/null || echo -isystem /usr/include/bsd -DLIBBSD_OVERLAY))
BSD_LIBS ?= $(if $(HAS_BSD),,$(shell $(PKG_CONFIG) $(if $(STATIC),--static) \
    --libs libbsd-overlay 2>/dev/null || echo -lbsd $(if $(STATIC),-lmd)))
JANSSON_CFLAGS ?= $(shell $(PKG_CONFIG) --cflags jansson 2>/dev/null)
JANSSON_LIBS ?= $(shell $(PKG_CONFIG) --libs jansson 2>/dev/null || \
    echo -ljansson)
CHECK_CFLAGS ?= $(shell $(PKG_CONFIG) --cflags check 2>/dev/null)
CHECK_LIBS ?= $(shell $(PKG_CONFIG) --libs check 2>/dev/null || \
    echo -lcheck -lsubunit -lm -lrt -pthread)

FSP_WARN = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
    -Wmissing-prototypes -Wconversion
FSP_HARDEN = -fPIE -fstack-protector-strong \
    $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
FSP_SAN = $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all \
    -fno-omit-frame-pointer)
FSP_CPPFLAGS = -D_GNU_SOURCE -DFSPIPE_VERSION='"$(VERSION)"' -Icommon \
    $(if $(EMULATED),-Itests/kqueue) $(BSD_CFLAGS) $(JANSSON_CFLAGS)
# A sanitizer has to see each allocation (common/arena.c, common/pool.c).
FSP_CPPFLAGS += -DALLOC_APART=$(if $(SAN),1,0)
FSP_CFLAGS = -std=gnu17 -pthread $(FSP_WARN) $(FSP_HARDEN) $(FSP_SAN)
FSP_LDFLAGS = $(if $(STATIC),-static-pie,-pie) -Wl,-z,relro -Wl,-z,now \
    -Wl,--as-needed $(FSP_SAN)
FSP_LDLIBS = $(BSD_LIBS) $(JANSSON_LIBS)

COMPILE = $(CC) $(FSP_CPPFLAGS) $(CPPFLAGS) $(FSP_CFLAGS) $(CFLAGS) -MMD -MP
LINK = $(CC) $(FSP_CFLAGS) $(CFLAGS) $(FSP_LDFLAGS) $(LDFLAGS) \
    $(if $(EMULATED),-Wl$(comma)--wrap=close)

PROGS = fswatch-events fswrite
SCHEMAS = $(wildcard man/schema/*.json)
# The kernel's own wall around fswrite: landlock(7) where its headers are.
SANDBOX := $(if $(shell printf '%s\n' '$(hash)include <linux/landlock.h>' \
    '$(hash)include <sys/syscall.h>' 'int n = SYS_landlock_restrict_self;' | \
    $(CC) -x c -fsyntax-only - 2>&1 || echo no),none,landlock)
# What /proc tells of mounts and of other processes, as Linux has it.
PROC := $(if $(shell printf '%s\n' '$(hash)include <sys/stat.h>' \
    '$(hash)include <linux/magic.h>' \
    'int n = STATX_MNT_ID | PROC_SUPER_MAGIC;' | \
    $(CC) -D_GNU_SOURCE -x c -fsyntax-only - 2>&1 || echo no),none,proc)
# PORTABLE=1 takes, wherever there is one, the alternative to what is Linux's
# own: to try it there.
PORTABLE ?=
# $(call has,lines of C,this,else that)
has = $(if $(PORTABLE)$(shell printf '%s\n' $(1) | $(CC) $(CPPFLAGS) \
    -D_GNU_SOURCE -x c -fsyntax-only -Werror - 2>&1 || echo no),$(3),$(2))
STATAT := $(call has,'$(hash)include <sys/stat.h>' \
    'unsigned n = STATX_BTIME;',statx,fstatat)
DIRENTS := $(call has,'$(hash)include <dirent.h>' \
    'long f(char *p) { return getdents64(0$(comma) p$(comma) 1); }',getdents,readdir)
WRITERS := $(call has,'$(hash)include <fcntl.h>' \
    'int n = F_SETLEASE;',lease,none)
REMOTE := $(call has,'$(hash)include <sys/vfs.h>' \
    'long f(struct statfs *s) { return s->f_type + fstatfs(0$(comma) s); }',statfs,none)
WATCHAT := $(call has,'$(hash)include <linux/magic.h>' \
    'int n = PROC_SUPER_MAGIC;',proc,chdir)
# Two threads list what one takes in (common/ahead.h).
AHEAD := $(if $(filter getdents-proc,$(DIRENTS)-$(WATCHAT)),$(call \
    has,'$(hash)include <sched.h>' 'int f(void) { return unshare(CLONE_FS); }' \
    '$(hash)include <pthread.h>',threads,none),none)
ifdef PORTABLE
SANDBOX := none
PROC := none
FSP_CPPFLAGS += -DFSP_PORTABLE
endif
# struct stat of some systems has other names for its times.
MTIM := $(if $(shell printf '%s\n' '$(hash)include <sys/stat.h>' \
    'struct timespec f(struct stat *s) { return s->st_mtim; }' | \
    $(CC) -D_GNU_SOURCE -x c -fsyntax-only - 2>&1 || echo no), \
    -Dst_mtim=st_mtimespec -Dst_ctim=st_ctimespec)
FSP_CPPFLAGS += $(MTIM)
# What the kernel tells: inotify(7) where it needs no library of its own, else
# kqueue(2); polling always. make BACKEND=name takes that one.
links = $(if $(shell printf '%s\n' $(1) | $(CC) $(CPPFLAGS) $(LDFLAGS) \
    -x c -o /dev/null - 2>&1 || echo no),,$(2))
BACKEND ?= $(or $(call links,'$(hash)include <sys/inotify.h>' \
    'int main(void) { return inotify_init1(0); }',inotify),$(call \
    links,'$(hash)include <sys/types.h>' '$(hash)include <sys/event.h>' \
    'int main(void) { return kqueue(); }',kqueue))
BACKENDS := $(filter-out poll,$(BACKEND)) poll
# Where the system has no kqueue(2) the tests' own is taken (tests/kqueue).
EMULATED := $(if $(filter kqueue,$(BACKENDS)),$(if $(call links, \
    '$(hash)include <sys/types.h>' '$(hash)include <sys/event.h>' \
    'int main(void) { return kqueue(); }',yes),,yes))
# One of several files for the same job is built.
CHOSEN = sandbox_$(SANDBOX) chain_$(PROC) mounts_$(PROC) watcher_$(PROC) \
    mountwatch_$(PROC) statat_$(STATAT) dirents_$(DIRENTS) \
    writers_$(WRITERS) remote_$(REMOTE) ahead_$(AHEAD) \
    $(if $(filter inotify,$(BACKENDS)),watchat_$(WATCHAT),watchat_no) \
    $(BACKENDS:%=backend_%)
COMMON_SRCS = $(filter-out $(filter-out $(CHOSEN:%=common/%.c), \
    $(wildcard $(foreach c,$(CHOSEN), \
    common/$(firstword $(subst _, ,$c))_*.c))),$(wildcard common/*.c)) \
    $(if $(EMULATED),tests/kqueue/kqueue.c)
COMMON_OBJS = $(COMMON_SRCS:%.c=$(BUILD)/%.o)
LIB = $(BUILD)/libfspipe.a
# tests/unit_*.c and tests/e2e_*.c are one program each, as far as they are
# about what is built; what else lies in tests/*.c is shared by them.
TEST_ALL = $(wildcard tests/unit_*.c tests/e2e_*.c)
# What only a kernel that names what has happened, in order, can be asked for;
# two of them are over inotify itself.
TEST_EXACT = $(if $(filter inotify,$(BACKENDS)),,tests/unit_ahead.c \
    tests/unit_hints.c tests/unit_misfits.c tests/unit_owed.c \
    tests/unit_races.c tests/unit_sync.c)
# What is not built is not tested.
TEST_LESS = $(if $(filter proc,$(PROC)),,tests/unit_mountwatch.c) \
    $(if $(filter none,$(WRITERS)),tests/unit_writers.c) \
    $(if $(filter none,$(AHEAD)),tests/unit_ahead.c)
TEST_SRCS = $(filter-out $(filter-out \
    $(wildcard $(BACKENDS:%=tests/unit_backend_%*.c)), \
    $(wildcard tests/unit_backend_*.c)) \
    $(if $(EMULATED),,tests/unit_kqueue.c) \
    $(if $(filter kqueue,$(BACKENDS)),,tests/e2e_kqueue.c) \
    $(TEST_EXACT) $(TEST_LESS),$(TEST_ALL))
TESTS = $(TEST_SRCS:tests/%.c=$(BUILD)/tests/%)
TEST_SHARED = $(filter-out $(TEST_ALL),$(wildcard tests/*.c)) \
    $(if $(filter kqueue,$(BACKENDS)),tests/kqueue/fake.c)
TEST_OBJS = $(TEST_SHARED:%.c=$(BUILD)/%.o)
TEST_SCRIPTS = $(wildcard tests/*_test.sh)
# tests/bench/*.c are one program each: floors and drivers, on their own.
BENCHES = $(patsubst tests/bench/%.c,$(BUILD)/bench/%, \
    $(wildcard tests/bench/*.c))
C_FILES = $(wildcard *.c common/*.[ch] tests/*.[ch] tests/bench/*.[ch] \
    tests/fuzz/*.c tests/kqueue/*.c tests/kqueue/sys/*.h tests/recipes/*.c)

all: $(PROGS:%=$(BIN)%)

# fswatch-events takes little from libbsd. Where there is an archive of it, it is
# not loaded at each start, nor what it needs itself.
BSD_ARCHIVE := $(if $(STATIC)$(HAS_BSD),,$(if $(filter file,$(origin \
    BSD_LIBS)),$(if $(shell printf '%s\n' '$(hash)include <stdlib.h>' \
    'int main(void) { const char *e; long long n = strtonum("1", 0, 2, &e);' \
    'return (int)n + (getprogname() == 0); }' | \
    $(CC) -D_GNU_SOURCE $(BSD_CFLAGS) $(CPPFLAGS) $(LDFLAGS) -x c \
    -o /dev/null - -l:libbsd.a -l:libmd.a 2>&1 || echo no),,yes)))
$(BIN)fswatch-events: FSP_LDLIBS = \
    $(if $(BSD_ARCHIVE),-l:libbsd.a -l:libmd.a,$(BSD_LIBS)) $(JANSSON_LIBS)

$(PROGS:%=$(BIN)%): $(BIN)%: $(BUILD)/%.o $(LIB)
	$(LINK) -o $@ $< $(LIB) $(FSP_LDLIBS) $(LDLIBS)

$(LIB): $(COMMON_OBJS)
	rm -f $@
	$(AR) rcs $@ $(COMMON_OBJS)

$(BUILD)/common/backends.o: FSP_CPPFLAGS += \
    -DFSP_BACKENDS='$(BACKENDS:%=&backend_%,)'

# What --version says.
VERSION_OF = $(shell $(PKG_CONFIG) --modversion $(1) 2>/dev/null | sed 's/^/ /')
$(BUILD)/common/version.o: FSP_CPPFLAGS += \
    -DFSPIPE_LIBBSD='"libbsd$(call VERSION_OF,libbsd)"' \
    -DFSPIPE_JANSSON='"jansson$(call VERSION_OF,jansson)"' \
    -DFSPIPE_SANDBOX='"$(SANDBOX)"'

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<

$(BUILD)/tests/%.o: tests/%.c Makefile
	@mkdir -p $(@D)
	$(COMPILE) $(CHECK_CFLAGS) -Itests -c -o $@ $<

$(TESTS): %: %.o $(TEST_OBJS) $(LIB)
	$(LINK) -o $@ $< $(TEST_OBJS) $(LIB) $(FSP_LDLIBS) $(CHECK_LIBS) \
	    $(LDLIBS)

.SECONDARY:

# Debian's names. Nothing else in this file installs anything.
DEPS = gcc libc6-dev pkg-config libbsd-dev libjansson-dev check jq
deps:
	tests/deps.sh $(DEPS)

# The validator of JSON Schema for tests/schema_test.sh, from npm.
ajv:
	command -v npm >/dev/null || tests/deps.sh npm
	npm install --silent --no-audit --no-fund --no-save \
	    --prefix build/npm ajv@8

demo: all
	tests/demo.sh

tests: $(TESTS)

check: all tests
	$(if $(KIND),HARNESS_BACKEND=$(KIND)) \
	    $(if $(PORTABLE),HARNESS_PORTABLE=1) \
	    FSPIPE_BIN=$(abspath $(or $(BIN),.)) tests/run.sh $(TESTS) \
	    $(TEST_SCRIPTS)

# Debian's names of what the recipes join; what is missing is skipped, aloud.
RECIPE_DEPS = jq redis-server redis-tools mosquitto mosquitto-clients \
    parallel logrotate rsyslog bsdutils openssh-server openssh-client \
    systemd procps python3 nodejs
deps-recipes:
	tests/deps.sh $(RECIPE_DEPS)

$(BUILD)/changer: $(BUILD)/tests/recipes/changer.o $(BUILD)/tests/changer.o \
    $(LIB)
	$(LINK) -o $@ $^ $(FSP_LDLIBS) $(LDLIBS)

# RECIPES: those that are run.
RECIPES = $(wildcard tests/recipes/*.sh)
check-recipes: all $(BUILD)/changer
	$(if $(KIND),HARNESS_BACKEND=$(KIND)) \
	    FSPIPE_BIN=$(abspath $(or $(BIN),.)) \
	    CHANGER=$(abspath $(BUILD)/changer) \
	    tests/run.sh $(RECIPES)


# Runs tests/bench/*_bench.sh; BENCH=write runs write_bench.sh only.
bench: all benches
	FSPIPE_BIN=$(abspath $(or $(BIN),.)) BENCH_BIN=$(abspath $(BUILD)/bench) \
	    tests/bench/bench.sh $(BENCH)

# README's plot, and its tables on stdout, from figures measured here and now.
bench-plot:
	@mkdir -p $(BUILD)
	$(MAKE) -s bench >$(BUILD)/bench.txt
	tests/bench/plot.sh $(BUILD)/bench.txt man/speed.svg
	tests/bench/table.sh $(BUILD)/bench.txt

benches: $(BENCHES)

$(BENCHES): $(BUILD)/bench/%: tests/bench/%.c Makefile
	@mkdir -p $(@D)
	$(COMPILE) $(FSP_LDFLAGS) $(LDFLAGS) -o $@ $< $(FSP_LDLIBS) $(LDLIBS)

# One seed after the other until the time is over. What fails is kept in the
# build directory.
soak: all $(BUILD)/tests/e2e_fold
	FSPIPE_BIN=$(abspath $(or $(BIN),.)) FOLD_KEEP=$(abspath $(BUILD))/soak \
	    tests/soak.sh $(SECONDS) $(BUILD)/tests/e2e_fold

# Targets are tests/fuzz/*.c; what was found before is in seeds. New finds are
# kept in the build directory.
SECONDS ?= 60
FUZZERS = $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
fuzz:
	$(MAKE) CC=clang BUILD=build-fuzz SAN=fuzzer-no-link,address,undefined \
	    $(FUZZERS:%=build-fuzz/fuzz-%)
	$(MAKE) $(FUZZERS:%=fuzz-%)

# With -j the targets are fuzzed side by side.
$(FUZZERS:%=fuzz-%): fuzz-%:
	mkdir -p build-fuzz/corpus/$*
	build-fuzz/fuzz-$* -max_total_time=$(SECONDS) -timeout=10 \
	    -print_final_stats=1 -verbosity=0 -dict=tests/fuzz/words.dict \
	    -artifact_prefix=build-fuzz/$*- build-fuzz/corpus/$* \
	    tests/fuzz/seeds/$*

$(BUILD)/fuzz-%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/judge.o $(LIB)
	$(LINK) -fsanitize=fuzzer -o $@ $^ $(FSP_LDLIBS) $(LDLIBS)

lint:
	clang-format --dry-run -Werror $(C_FILES)
	mandoc -T lint -W warning man/*.[0-9]
	shellcheck tests/*.sh tests/bench/*.sh tests/packaging/*.sh \
	    tests/packaging/debian/tests/smoke man/completion/*.bash \
	    man/examples/*.sh .ci/run
	shellcheck -x -S warning tests/recipes/*.sh
	cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr \
	    --enable=warning,performance,portability \
	    --suppress=missingIncludeSystem -D__linux__ -DFSPIPE_VERSION='""' \
	    -DALLOC_APART=0 \
	    $(foreach h,queue tree,$(patsubst %,--include=%,$(wildcard \
	    $(patsubst %,%/sys/$h.h,$(filter /%,$(BSD_CFLAGS)))))) \
	    --suppress='*:/usr/include/*' \
	    -Icommon $(PROGS:%=%.c) common

format:
	clang-format -i $(C_FILES)

EXAMPLES = $(wildcard man/examples/*)
install: all
	$(INSTALL) -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1 \
	    $(DESTDIR)$(MANDIR)/man7 $(DESTDIR)$(DOCDIR)/examples
	$(INSTALL) -m 755 $(PROGS:%=$(BIN)%) $(DESTDIR)$(BINDIR)
	$(INSTALL) -m 644 $(PROGS:%=man/%.1) $(DESTDIR)$(MANDIR)/man1
	$(INSTALL) -m 644 man/fspipe.7 $(DESTDIR)$(MANDIR)/man7
	$(INSTALL) -m 644 $(EXAMPLES) $(DESTDIR)$(DOCDIR)/examples
	$(INSTALL) -d $(DESTDIR)$(DATADIR)/fspipe $(DESTDIR)$(BASHDIR) \
	    $(DESTDIR)$(ZSHDIR) $(DESTDIR)$(FISHDIR)
	$(INSTALL) -m 644 $(SCHEMAS) $(DESTDIR)$(DATADIR)/fspipe
	for p in $(PROGS); do \
		$(INSTALL) -m 644 man/completion/$$p.bash \
		    $(DESTDIR)$(BASHDIR)/$$p && \
		$(INSTALL) -m 644 man/completion/_$$p $(DESTDIR)$(ZSHDIR) && \
		$(INSTALL) -m 644 man/completion/$$p.fish \
		    $(DESTDIR)$(FISHDIR) || exit 1; \
	done

uninstall:
	rm -f $(PROGS:%=$(DESTDIR)$(BINDIR)/%) \
	    $(PROGS:%=$(DESTDIR)$(MANDIR)/man1/%.1) \
	    $(DESTDIR)$(MANDIR)/man7/fspipe.7
	rm -f $(PROGS:%=$(DESTDIR)$(BASHDIR)/%) \
	    $(PROGS:%=$(DESTDIR)$(ZSHDIR)/_%) \
	    $(PROGS:%=$(DESTDIR)$(FISHDIR)/%.fish)
	rm -f $(SCHEMAS:man/schema/%=$(DESTDIR)$(DATADIR)/fspipe/%) \
	    $(EXAMPLES:man/%=$(DESTDIR)$(DOCDIR)/%)
	-rmdir $(DESTDIR)$(DATADIR)/fspipe $(DESTDIR)$(DOCDIR)/examples \
	    $(DESTDIR)$(DOCDIR)

clean:
	rm -rf build build-* $(PROGS) fspipe-*.tar.gz

dist:
	git -c tar.umask=0022 archive --format=tar \
	    --prefix=fspipe-$(VERSION)/ HEAD | gzip -9n \
	    >fspipe-$(VERSION).tar.gz

.PHONY: all deps deps-recipes ajv demo tests check check-recipes soak bench \
    bench-plot benches fuzz $(FUZZERS:%=fuzz-%) lint format install uninstall \
    clean dist

-include $(COMMON_OBJS:.o=.d) $(PROGS:%=$(BUILD)/%.d) \
    $(TEST_OBJS:.o=.d) $(TESTS:%=%.d) $(BENCHES:%=%.d)
