#!/bin/bash
# Events into a Redis list, that is limited, goes away and comes back.
# shellcheck source=tests/recipe.sh disable=SC2016,SC2034
. "${0%/*}/../recipe.sh"
sentence="a Redis list gets each file that is created"
needs redis-server redis-cli

client=$(command -v redis-cli)
socket=$top/redis.sock
# The recipe's own, which reads commands, counts how often it begins. It may be
# told to do a command and to die before it can answer.
command_is redis-cli <<END
[ "\$#" -gt 0 ] || { echo began >>'$top/began'; echo \$\$ >'$top/client'; }
if [ "\$#" -eq 0 ] && [ -e '$top/mute' ]; then
	rm '$top/mute'
	read -r line
	printf '%s\n' "\$line" | '$client' -s '$socket' >'$top/unheard'
	echo 'Error: Server closed the connection'
	exit
fi
exec '$client' -s '$socket' "\$@"
END
server() {
	daemon redis-server --port 0 --unixsocket "$socket" --dir "$top" \
	    --save '' --appendonly yes --appendfsync always
	await '[ "$(redis-cli ping 2>/dev/null)" = PONG ]'
}
list() { redis-cli --raw lrange files 0 -1; }
has() { list | jq -es --arg f "$1" 'any(.[]; .filename == $f)' >/dev/null; }
began() { wc -l <"$top/began"; }

mkdir inbox
: >inbox/old
server
: >"$top/began"
begin redis
await 'has old'
: >inbox/a
await 'has a'
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
[ "$(began)" -eq 1 ]
is "all goes through one connection"

# The server is killed, and comes back, in the middle, more than once; and so is
# redis-cli, once with a push done whose answer never came.
for ((i = 0; i < 120; i++)); do
	: >"inbox/$i"
	case $i in
	20 | 60) # in the middle of what is on its way
		killed KILL "$daemon"
		;;
	40 | 80)
		before=$(began)
		await '[ "$(began)" -gt "$before" ]'
		server
		;;
	100)
		await 'has 100'
		: >"$top/mute"
		kill -KILL "$(cat "$top/client")"
		;;
	esac
done
await 'has 119'
wanted=$(find inbox -type f -print0 | tr -cd '\0' | wc -c)
[ "$(list | jq -s 'map(.filename) | unique | length')" -eq $((wanted + 1)) ]
is "nothing is lost when the server is killed and comes back with its data"
[ -s "$top/unheard" ] && [ "$(list | jq .n | sort | uniq -d | wc -l)" -eq 0 ] &&
    [ "$(list | jq -s 'map(.n) | . == (sort | unique)')" = true ]
is "and nothing is there twice, also not what was done without an answer"
grep -q 'redis: Could not connect' errors
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
await '[ "$(redis-cli llen files)" -eq 10000 ]'
: >inbox/over
await 'grep -q "the list is full" errors'
[ "$(redis-cli llen files)" -eq 10000 ]
is "a list that is full gets no more"
redis-cli lpop files >/dev/null
await '[ "$(redis-cli --raw lindex files -1 | jq -r .filename 2>&1)" = over ]'
is "until there is room"
finish

rm -f inbox/*
redis-cli del files >/dev/null
killed KILL "$daemon"
begin redis
: >inbox/alone
await 'grep -q "redis: Could not connect" errors'
is "without a server redis-cli says so"
server
await 'has alone'
is "and the event is there when the server is"
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
