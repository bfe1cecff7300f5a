#!/bin/bash
# Files are copied, given a mode and removed by rules.
# shellcheck source=tests/recipe.sh
. "${0%/*}/../recipe.sh"
sentence="rules move and remove files"
needs xargs install

for name in rules rules-fswrite; do
	rm -rf inbox archive
	mkdir -p inbox/ann inbox/BOB archive
	begin "$name"
	echo one >inbox/ann/one.in
	echo two >"inbox/ann/$hostile.in"
	echo three >inbox/BOB/three.in
	echo four >inbox/ann/four.tmp
	await '[ -s archive/ann/one ] && [ -s "archive/ann/$hostile" ]'
	[ "$(cat archive/ann/one "archive/ann/$hostile")" = "one
two" ] && [ "$(stat -c %a archive/ann/one)" = 640 ]
	is "$name: a file that matches is there, with its mode"
	[ ! -e pwned ] && [ -e inbox/BOB/three.in ] && [ ! -e archive/BOB ]
	is "$name: none else is, and no name is taken for a command"
	if [ "$name" = rules ]; then
		await '[ ! -e inbox/ann/four.tmp ] && [ ! -e inbox/ann/one.in ]'
		is "$name: what was moved is gone, and so is what was to be removed"
	fi
	echo more >inbox/ann/one.in
	await 'grep -q more archive/ann/one'
	is "$name: a later one replaces it"
	finish
	[ "$status" -eq 0 ]
	is "$name: told to end, it ends with 0"
done
without install
begin rules
echo x >inbox/ann/one.in
await 'grep -q "install: not found" errors'
[ -e inbox/ann/one.in ]
is "without install the shell says so, and the file is kept"
finish
[ "$status" -eq 123 ]
is "and the status at the end tells"

rm -rf archive
begin rules-fswrite
echo x >inbox/ann/two.in
ended
[ "$status" -ne 0 ] && grep -q 'archive: No such file' errors
is "without the directory fswrite says so, and all ends, not with 0"
done_testing
