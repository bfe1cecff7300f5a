#!/bin/bash
# Many machines into one log by a Redis stream, each event exactly once, with
# consumer and server killed and begun again in the middle.
# shellcheck source=tests/recipe.sh
. "${0%/*}/../recipe.sh"
sentence="a stream's events are in one log, each once"
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
consumer() {
	recipe stream-read >"$top/read"
	aside "$top/read"
	consumer=$aside
}
command_is hostname <<'END'
echo one
END

mkdir inbox log
server
consumer
begin stream-add
told() { find log/one -type f -exec cat {} + 2>/dev/null |
    jq -r 'select(.event == "created") | .name | @json' | sort; }
for ((i = 0; i < 120; i++)); do
	: >"inbox/$i"
	case $i in
	20) # all of the consumer at once, wherever it is
		await '[ "$(told | wc -l)" -gt 0 ]'
		kill -KILL -- "-$consumer"
		;;
	40) consumer ;;
	60) killed KILL "$daemon" ;;
	80)
		await 'grep -q "Could not connect" errors'
		server
		;;
	esac
done
: >"inbox/$hostile"
await '[ "$(told | wc -l)" -ge 121 ]'
[ "$(told | uniq -d | wc -l)" -eq 0 ] && [ "$(told | wc -l)" -eq 121 ]
is "each is there once, though consumer and server were killed in the middle"
await '[ "$(redis-cli --raw XPENDING events log | head -n 1)" = 0 ]'
is "and in the end all is acknowledged"
[ ! -e pwned ] && ! find log -name '*forged*' | grep -q .
is "no name can forge a message"
finish
[ "$status" -eq 0 ]
is "told to end, the adding side ends with 0"

# What cannot be written is not acknowledged. (A fswrite that was there already
# still writes, to where the directory has gone.)
mv log away
rm -f inbox/*
: >inbox/more
await 'grep -q "log: No such file" read.errors'
begin stream-add
await '[ "$(redis-cli --raw XPENDING events log | head -n 1)" -gt 0 ]'
is "without the directory fswrite says so, and nothing is acknowledged"
mv away log
await 'grep -rqs inbox/more log' &&
    await '[ "$(redis-cli --raw XPENDING events log | head -n 1)" = 0 ]'
is "when it is back all of it is written"
finish
kill -KILL -- "-$consumer"
done_testing
