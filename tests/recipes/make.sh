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
for i in $(seq 200); do echo "$i" >"src/$hostile$i"; done
await '[ -s made ]'
is "after a burst of changes make runs"
: >src/a.o
mv src/a.o src/b.o
echo x >src/last.c
await '[ "$(wc -l <made)" -ge 2 ]'
[ "$(wc -l <made)" -le 3 ] && [ ! -e pwned ]
is "once each, not for what it makes itself"
finish
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
