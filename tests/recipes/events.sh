#!/bin/bash
# What happens, with time, size and content.
# shellcheck source=tests/recipe.sh
. "${0%/*}/../recipe.sh"
sentence="events are told with name, time, size and content"
needs

# one KEY=VALUE ...: is there a line with these, values being JSON?
one() {
	local f='true' pair
	for pair; do f="$f and (.${pair%%=*} == ${pair#*=})"; done
	jq -es "any(.[]; $f)" output >/dev/null
}

mkdir inbox
start=$(date +%s)
begin events
printf 'hello\n' >inbox/a
mkdir inbox/d
printf '\377\000' >"inbox/d/$hostile"
await 'one name=\"a\" content=\"hello\\n\"'
mv inbox/a inbox/b
await 'one event=\"renamed\" name=\"b\"'
rm inbox/b
await 'one event=\"deleted\" name=\"b\"'
await 'one size=2 content=\"/wA=\" encoding=\"base64\"'
is "bytes that are no text come in base64, whatever the name"
one type='"file"' name='"a"' size=6 content='"hello\n"' encoding='"utf-8"'
is "text comes as text, with its size"
one event='"created"' type='"dir"' name='"d"' content=null
is "a directory has neither"
name=$(jq -n --arg name "$hostile" '"d/" + $name')
one event='"created"' name="$name" && [ "$(jq -c . output | wc -l)" -eq \
    "$(wc -l <output)" ] && ! one event='"forged"'
is "a name can forge no line"
jq -es --argjson start "$start" 'all(.[]; .time >= $start and
    .time < now + 1)' output >/dev/null
is "each line has the time it happened"
finish
[ "$status" -eq 0 ]
is "told to end, it ends with 0"

without jq
begin events
ended
[ "$status" -eq 127 ] && grep -q 'jq: command not found' errors
is "without jq the shell says so, the watcher ends and the status is 127"
done_testing
