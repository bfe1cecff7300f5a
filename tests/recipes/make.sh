#!/bin/bash
# make runs once after a burst of changes.
# shellcheck source=tests/recipe.sh
. "${0%/*}/../recipe.sh"
sentence="make runs once a burst"
needs make

printf 'all:\n\t@echo made >>made\n' >Makefile
: >made
mkdir src
begin make
burst() { for i in $(seq 200); do echo "$i" >"src/$hostile$i"; done; }
at_once burst
await '[ -s made ]'
is "after a burst of changes make runs"
own() { : >src/a.o; mv src/a.o src/b.o; }
own
burst() { echo x >src/last.c; }
at_once burst
await '[ "$(wc -l <made)" -ge 2 ]'
finish
[ "$(wc -l <made)" -eq 2 ] && [ ! -e pwned ]
is "once each, not for what it makes itself"
[ "$status" -eq 0 ]
is "told to end, it ends with 0"

without make
begin make
: >src/more.c
await 'grep -q "make: command not found" errors'
kill -0 "$job"
is "without make the shell says so, and the watcher goes on"
finish
done_testing
