#!/bin/bash
# Events into a Redis list, that is limited, goes away and comes back.
# shellcheck source=tests/recipe.sh
. "${0%/*}/../recipe.sh"
sentence="a Redis list gets each file that is created"
needs redis-server redis-cli

client=$(command -v redis-cli)
socket=$top/redis.sock
command_is redis-cli <<END
exec '$client' -s '$socket' "\$@"
END
server() {
	daemon redis-server --port 0 --unixsocket "$socket" --dir "$top" \
	    --save '' --appendonly yes --appendfsync always
	await '[ "$(redis-cli ping 2>/dev/null)" = PONG ]'
}
list() { redis-cli --raw lrange files 0 -1; }
has() { list | jq -es --arg f "$1" 'any(.[]; .filename == $f)' >/dev/null; }

mkdir inbox
: >inbox/old
server
begin redis
await 'has old'
: >inbox/a
mv inbox/a inbox/b
: >"inbox/$hostile"
await 'has "$hostile"'
has a && has b
is "creations and renames are all told as created, and what was there"
list | jq -es 'all(.[]; .directory == "inbox" and (.time | type) == "number"
    and (.event == "created" or .event == "exists")) and
    (map(.n) | . == (sort | unique))' >/dev/null
is "each has directory, filename, event, time and a counter"
[ "$(list | wc -l)" -eq "$(redis-cli llen files)" ] && [ ! -e pwned ]
is "no name can forge a line"

# The server goes and comes back, in the middle.
for ((i = 0; i < 90; i++)); do
	: >"inbox/$i"
	[ "$i" -ne 30 ] || killed KILL "$daemon"
	[ "$i" -ne 60 ] || { await 'grep -q "Could not connect" errors'; server; }
done
await 'has 89'
wanted=$(find inbox -type f -print0 | tr -cd '\0' | wc -c)
[ "$(list | jq -s 'map(.filename) | unique | length')" -eq $((wanted + 1)) ]
is "nothing is lost when the server is killed and comes back with its data"
[ "$(list | jq -s 'map(.n) | unique | length')" -eq \
    "$(list | jq -s 'map(.filename) | unique | length')" ]
is "and what comes twice has the same counter"
grep -q 'Could not connect' errors
is "what is wrong is said meanwhile"
finish
[ "$status" -eq 0 ]
is "told to end, it ends with 0"

# The limit is that of the recipe: fill up to it.
redis-cli del files >/dev/null
redis-cli eval 'for i = 1, 9999 do redis.call("RPUSH", "files", "x") end' 0 >/dev/null
rm -f inbox/*
begin redis
: >inbox/last
: >inbox/over
await 'grep -q "the list is full" errors'
[ "$(redis-cli llen files)" -eq 10000 ]
is "a list that is full gets no more"
redis-cli lpop files >/dev/null
await '[ "$(redis-cli --raw lindex files -1 | jq -r .filename 2>&1)" = over ]'
is "until there is room"
finish

rm -f inbox/*
without redis-cli
begin redis
: >inbox/none
await 'grep -q "redis-cli: command not found" errors'
kill -KILL -- "-$job"
ended
is "without redis-cli the shell says so, and the event is not given up"
done_testing
