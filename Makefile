# make run    installs what is missing, builds, serves on http://localhost:8000
# make test   installs, builds and runs every test
# See CONTRIBUTING.md for the rest.

BUILD ?= build
# SANITIZE=address,undefined or SANITIZE=thread, each with a BUILD of its own
SANITIZE ?=
CC := gcc
# V=1 shows the commands
Q := $(if $(V),,@)
DUCKDB := .deps/duckdb
VERSION := $(shell cat VERSION)

PACKAGES := libuv libnghttp2 openssl sqlite3 jansson libsodium zlib
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wno-missing-field-initializers -Werror
CFLAGS ?= -O2 -g
override CFLAGS += -std=gnu17 -D_GNU_SOURCE -pthread -fno-common $(WARNINGS) -MMD -MP
CPPFLAGS = -Isrc -isystem /usr/share/include -DTINYDEVCRM_VERSION='"$(VERSION)"' $(PACKAGE_CFLAGS)
LDLIBS = $(PACKAGE_LIBS) -lm
ifneq ($(SANITIZE),)
override CFLAGS += -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all
LDFLAGS += -fsanitize=$(SANITIZE)
endif
PACKAGE_CFLAGS = $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PACKAGE_LIBS = $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)

# The engine's worker is a program of its own: it alone loads DuckDB.
WORKER_SOURCES := $(shell find src/engine/worker -name '*.c' 2>/dev/null | sort)
SOURCES := $(filter-out src/main.c $(WORKER_SOURCES),$(shell find src -name '*.c' | sort))
EMBEDDED := src/accounts/common_passwords.txt $(shell find src -path '*/migrations/*.sql' 2>/dev/null | sort)
WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*' -not -name .installing 2>/dev/null | sort)
UNIT_TESTS := $(shell find tests/unit -name '*_test.c' 2>/dev/null | sort)

OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/gen/embedded.o $(BUILD)/llhttp/llhttp.o $(BUILD)/llhttp/api.o $(BUILD)/llhttp/http.o
WORKER_OBJECTS := $(WORKER_SOURCES:%.c=$(BUILD)/%.o)
UNIT_PROGRAMS := $(UNIT_TESTS:tests/unit/%.c=$(BUILD)/unit/%)
# The fuzz targets: with a main that feeds them files, or with libFuzzer's (scripts/fuzz).
FUZZ_MAIN ?= $(BUILD)/tests/fuzz/replay.o
FUZZ_PROGRAMS := $(patsubst tests/fuzz/%_fuzz.c,$(BUILD)/fuzz/%,$(sort $(wildcard tests/fuzz/*_fuzz.c)))

.PHONY: all bare run test unit api fuzzers faults crash fuzz attack soak setup clean format lint bench
.SECONDARY:

all: $(BUILD)/tinydevcrm $(BUILD)/tinydevcrm-engine

run: setup
	@$(MAKE) --no-print-directory -j2 all
	@exec $(BUILD)/tinydevcrm serve

test:
	@scripts/setup tests
	@scripts/test

setup:
	@scripts/setup

unit: $(UNIT_PROGRAMS) $(BUILD)/tinydevcrm-engine
	@ENGINE_PROGRAM=$(BUILD)/tinydevcrm-engine scripts/unit $(UNIT_PROGRAMS)

api: all
	@scripts/api $(BUILD)

lint:
	@scripts/lint

# What tries to break the promises of docs/RELIABILITY.md, at full length; "make test" runs a short form of each.
crash soak: all
	@scripts/$@ $(BUILD)

attack: all bare
	@scripts/attack $(BUILD)

fuzz:
	@scripts/fuzz

fuzzers: $(FUZZ_PROGRAMS)

bench: setup
	@$(MAKE) --no-print-directory -j2 all
	@scripts/bench

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf $(BUILD)

$(BUILD)/tinydevcrm: $(BUILD)/src/main.o $(BUILD)/gen/web.o $(BUILD)/libtinydevcrm.a
	@echo "  CC $@"
	$(Q)$(CC) $(LDFLAGS) -pthread -o $@ $^ $(LDLIBS)

$(BUILD)/tinydevcrm-engine: $(WORKER_OBJECTS) $(BUILD)/libtinydevcrm.a $(BUILD)/libduckdb.so
	@echo "  CC $@"
	$(Q)$(CC) $(LDFLAGS) -pthread -o $@ $(WORKER_OBJECTS) $(BUILD)/libtinydevcrm.a -L$(BUILD) -lduckdb -Wl,-rpath,'$$ORIGIN' -ljansson -lseccomp -lm

# For attacks only: an engine without its guard and with DuckDB's settings unlocked, which leaves it the sandbox; beside it a copy
# of the program, which looks for its engine there.
BARE_OBJECTS := $(filter-out %/guard.o %/tree.o %/plan.o,$(WORKER_OBJECTS)) $(BUILD)/tests/attack/guard_off.o

bare: $(BUILD)/bare/tinydevcrm $(BUILD)/bare/tinydevcrm-engine

$(BUILD)/bare/tinydevcrm: $(BUILD)/tinydevcrm
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(BUILD)/bare/tinydevcrm-engine: $(BARE_OBJECTS) $(BUILD)/libtinydevcrm.a $(BUILD)/libduckdb.so
	@mkdir -p $(@D)
	@echo "  CC $@"
	$(Q)$(CC) $(LDFLAGS) -pthread -Wl,--wrap=duckdb_query -o $@ $(BARE_OBJECTS) $(BUILD)/libtinydevcrm.a -L$(BUILD) -lduckdb -Wl,-rpath,'$$ORIGIN/..' -ljansson -lseccomp -lm

$(BUILD)/tests/attack/%.o: CPPFLAGS += -Itests -isystem $(DUCKDB)

$(BUILD)/libduckdb.so: $(DUCKDB)/libduckdb.so
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(BUILD)/libtinydevcrm.a: $(OBJECTS)
	@rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC $@"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/src/engine/worker/%.o: CPPFLAGS += -isystem $(DUCKDB)

$(BUILD)/llhttp/%.o: /usr/share/llhttp/%.c
	@mkdir -p $(@D)
	@echo "  CC $@"
	$(Q)$(CC) -O2 -g -I/usr/share/include/llhttp $(if $(SANITIZE),-fsanitize=$(SANITIZE)) -c -o $@ $<

$(BUILD)/gen/embedded.c: scripts/embed $(EMBEDDED)
	@mkdir -p $(@D)
	$(Q)scripts/embed embedded_files '' $(EMBEDDED) > $@

# The console is typed by the routes: the program prints them before it has a console.
$(BUILD)/gen/no_web.c: scripts/embed
	@mkdir -p $(@D)
	$(Q)scripts/embed web_files '' > $@

$(BUILD)/gen/tinydevcrm: $(BUILD)/src/main.o $(BUILD)/gen/no_web.o $(BUILD)/libtinydevcrm.a
	$(Q)$(CC) $(LDFLAGS) -pthread -o $@ $^ $(LDLIBS)

$(BUILD)/gen/openapi.json: $(BUILD)/gen/tinydevcrm
	$(Q)$< openapi > $@.new && if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(BUILD)/gen/web.c: $(BUILD)/gen/openapi.json $(WEB_SOURCES) scripts/web scripts/embed
	@echo "  WEB $@"
	$(Q)scripts/web build $(BUILD)
	$(Q)scripts/embed web_files $(BUILD)/web/site $$(find $(BUILD)/web/site -type f | LC_ALL=C sort) > $@

$(BUILD)/gen/%.o: $(BUILD)/gen/%.c
	@echo "  CC $@"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# All of the worker but its main, for its tests; what they define themselves is not taken from it.
$(BUILD)/libworker.a: $(filter-out %/main.o,$(WORKER_OBJECTS))
	@rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/unit/engine/worker/%: tests/unit/engine/worker/%.c $(BUILD)/libworker.a $(BUILD)/libtinydevcrm.a $(BUILD)/libduckdb.so
	@mkdir -p $(@D)
	@echo "  CC $@"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -Itests -isystem $(DUCKDB) -o $@ $< $(BUILD)/libworker.a $(BUILD)/libtinydevcrm.a -L$(BUILD) -lduckdb -Wl,-rpath,'$(abspath $(BUILD))' -lcmocka -ljansson -lseccomp $(LDLIBS)

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libtinydevcrm.a
	@mkdir -p $(@D)
	@echo "  CC $@"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -Itests -o $@ $< $(BUILD)/libtinydevcrm.a -lcmocka -ljwt $(LDLIBS)

$(BUILD)/tests/fuzz/%.o: CPPFLAGS += -Itests -isystem $(DUCKDB)

# What a target defines itself (a fake socket, a fake supervisor) is not taken from the libraries: the first definition counts.
$(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/%_fuzz.o $(filter %.o,$(FUZZ_MAIN)) $(BUILD)/libworker.a $(BUILD)/libtinydevcrm.a $(BUILD)/libduckdb.so
	@mkdir -p $(@D)
	@echo "  CC $@"
	$(Q)$(CC) $(LDFLAGS) -pthread -Wl,--allow-multiple-definition -o $@ $< $(FUZZ_MAIN) $(BUILD)/libworker.a $(BUILD)/libtinydevcrm.a -Wl,--as-needed -L$(BUILD) -lduckdb -Wl,-rpath,'$(abspath $(BUILD))' -ljansson -lseccomp $(LDLIBS)

# What makes a program's calls fail, put in front of it by tests/faults/*.mjs.
FAULT_SOURCES := $(sort $(wildcard tests/faults/*.c))

faults: $(BUILD)/faults/faults.so

$(BUILD)/faults/faults.so: $(FAULT_SOURCES) tests/faults/control.h
	@mkdir -p $(@D)
	@echo "  CC $@"
	$(Q)$(CC) -O2 -g -std=gnu17 -D_GNU_SOURCE $(WARNINGS) -fPIC -shared -o $@ $(FAULT_SOURCES)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
