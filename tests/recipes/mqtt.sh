#!/bin/bash
# Many machines into one log by MQTT, each event exactly once, with consumer
# and broker ended and begun again in the middle.
# shellcheck source=tests/recipe.sh disable=SC2034
. "${0%/*}/../recipe.sh"
sentence="events of many machines are in one log, each once"
needs mosquitto mosquitto_pub mosquitto_sub

# A loopback port that is free: where none of the tries is, the broker says so.
port=$((20000 + RANDOM % 20000))
for c in pub sub; do
	client=$(command -v "mosquitto_$c")
	command_is "mosquitto_$c" <<END
echo \$\$ >'$top/mosquitto_$c'
exec '$client' -h 127.0.0.1 -p $port "\$@"
END
done
cat >broker.conf <<END
listener $port 127.0.0.1
allow_anonymous true
persistence true
persistence_location $top/
max_queued_messages 0
user $(id -un)
END
broker() {
	daemon mosquitto -c broker.conf
	await 'mosquitto_pub -t test -m ready 2>/dev/null'
}
command_is hostname <<'END'
echo "${HOST:-one}"
END

mkdir inbox log
broker
recipe mqtt-sub >"$top/mqtt-sub"
aside "$top/mqtt-sub"
# shellcheck disable=SC2034 # await wants it
consumer=$aside
# The broker knows the consumer when a message comes through.
await 'echo "{\"host\":\"test\",\"id\":\"ready\"}" | mosquitto_pub -q 1 -t events/x -l
    [ -e log/test/ready ]'
begin mqtt-pub
told() { find log/one -type f -exec cat {} + 2>/dev/null |
    jq -r 'select(.event == "created") | .name | @json' | sort; }
for ((i = 0; i < 200; i++)); do
	: >"inbox/$i"
	case $i in
	50) # the consumer dies, what it has handed on drains
		await '[ "$(told | wc -l)" -gt 0 ]'
		kill -KILL "$(cat "$top/mosquitto_sub")"
		await '! kill -0 "$consumer" 2>/dev/null'
		;;
	100) aside "$top/mqtt-sub" ;;
	140) killed TERM "$daemon" ;;
	170) broker ;;
	esac
done
: >"inbox/$hostile"
await '[ "$(told | wc -l)" -ge 201 ]'
[ "$(told | wc -l)" -eq 201 ] && [ "$(told | uniq -d | wc -l)" -eq 0 ]
is "each is there once, though consumer and broker died in the middle"
find log -type f -exec cat {} + | jq -es 'all(.[]; .event != "forged")' >/dev/null &&
    [ ! -e pwned ]
is "no name can forge a message"
finish
[ "$status" -eq 0 ]
is "when the watcher is told to end, the publisher drains and ends with 0"

# A second machine, and a second listener.
mkdir two
sed 's/-i log/-i copy/; s/fswrite --sync log/fswrite --sync copy/' \
    "$top/mqtt-sub" >"$top/copy"
mkdir copy
aside "$top/copy"
await 'echo "{\"host\":\"test\",\"id\":\"copy\"}" | mosquitto_pub -q 1 -t events/x -l
    [ -e copy/test/copy ]'
recipe mqtt-pub | sed 's/existing inbox/existing two/' >"$top/two"
: >two/file
HOST=two aside "$top/two"
await 'grep -qs "two/file" copy/two/* && grep -qs "two/file" log/two/*'
is "one machine's events go to many, and many machines' into one log"
kill -KILL -- "-$aside"

killed TERM "$daemon"
rm -f inbox/*
: >inbox/one
begin mqtt-pub
await 'echo x >>inbox/one; ! kill -0 "$job" 2>/dev/null'
ended
[ "$status" -ne 0 ] && grep -q 'Error' errors
is "where there is no broker from the start it says so, and all ends"
done_testing
