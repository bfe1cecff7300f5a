#!/bin/bash
# Files and directories as roots, there or not yet, given later, renamed away.
# shellcheck source=tests/recipe.sh
. "${0%/*}/../recipe.sh"
sentence="roots of all kinds are watched"
needs

told() { # told EVENT PATH: is there such a line?
	jq -es --arg event "$1" --arg path "$2" \
	    'any(.[]; .event == $event and .path == $path)' output >/dev/null
}

mkdir inbox later
begin roots
grep -q 'waiting for notes.txt' "$top/said"
is "a root that is not there is waited for, aloud"
: >inbox/a
await 'told created inbox/a'
is "a directory's names are told"
echo x >notes.txt
await 'told found notes.txt && told created notes.txt'
is "a file as a root is found when it comes"
mv notes.txt notes.old
await 'told deleted notes.txt && told lost notes.txt'
is "and lost when it goes"
mv inbox outbox
await 'told deleted inbox/a && told lost inbox'
is "a watched directory that is renamed is lost, with all in it"
mv outbox inbox
await '[ "$(grep -c "\"created\".*inbox/a" output)" -eq 2 ] && told found inbox'
is "and found when it is back"
say later
await 'watching 2'
: >"later/$hostile"
await 'told created "later/$hostile"'
is "a path that is given later is watched from then on"
say nowhere
await 'grep -q "waiting for nowhere" "$top/said"'
mkdir nowhere && : >nowhere/b
await 'told created nowhere/b'
is "though it be not there yet"
finish
[ "$status" -eq 0 ]
is "told to end, it ends with 0"
done_testing
