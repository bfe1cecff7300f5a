#!/bin/bash
# Many machines into one log by MQTT, each event exactly once, with each part
# and the broker killed and begun again in the middle.
# shellcheck source=tests/recipe.sh disable=SC2016,SC2034
. "${0%/*}/../recipe.sh"
sentence="events of many machines are in one log, each once"
needs mosquitto mosquitto_pub mosquitto_sub timeout

free_port
for c in pub sub; do
	client=$(command -v "mosquitto_$c")
	command_is "mosquitto_$c" <<END
exec '$client' -h 127.0.0.1 -p $port "\$@"
END
done
# Nothing is kept by it.
cat >broker.conf <<END
listener $port 127.0.0.1
allow_anonymous true
user $(id -un)
END
broker() {
	daemon mosquitto -c broker.conf
	await 'mosquitto_pub -t test -m ready 2>/dev/null'
}
command_is hostname <<'END'
echo "${HOST:-one}"
END
# A minute passes quickly here.
real_timeout=$(command -v timeout)
command_is timeout <<END
[ "\$1" = 60 ] || exit 1
shift
exec '$real_timeout' 2 "\$@"
END
# part NAME [EDIT]: runs that recipe beside, as a service that is begun again
# when it ends; $part is its process group.
part() {
	recipe "$1" | sed "${2:-}" >"$top/$1.pipe"
	echo "while :; do bash -o pipefail '$top/$1.pipe'; sleep .2; done" >"$top/$1"
	aside "$top/$1"
	part=$aside
}
dies() { # all of it at once, wherever it is
	kill -KILL -- "-$1"
	await "! pgrep -g $1 >/dev/null"
}
told() { find log/one -type f -exec cat {} + 2>/dev/null |
    jq -r 'select(.event == "created") | .name | @json' | sort; }

mkdir inbox outbox log
broker
part mqtt-log
log=$part
part mqtt-send
send=$part
part mqtt-forget
gone=$part
begin mqtt-keep
for ((i = 0; i < 240; i++)); do
	: >"inbox/$i"
	case $i in
	40)
		await '[ "$(told | wc -l)" -gt 0 ]'
		dies "$log"
		;;
	80)
		part mqtt-log
		log=$part
		killed KILL "$daemon"
		;;
	120) broker ;;
	160) dies "$send" ;;
	180)
		part mqtt-send
		send=$part
		dies "$gone"
		;;
	200)
		part mqtt-forget
		gone=$part
		;;
	220)
		killed KILL "$daemon"
		broker
		;;
	esac
done
: >"inbox/$hostile"
await '[ "$(told | wc -l)" -ge 241 ]'
[ "$(told | wc -l)" -eq 241 ] && [ "$(told | uniq -d | wc -l)" -eq 0 ]
is "each is there once, though each part and the broker were killed"
await '[ -z "$(ls outbox)" ]'
is "and in the end nothing is kept any more"
find log -type f -exec cat {} + | jq -es 'all(.[]; .event != "forged")' >/dev/null &&
    [ ! -e pwned ]
is "no name can forge a message"

# Strangers, a second machine, and a second listener.
echo '{"id":1' | mosquitto_pub -q 1 -t events -l
echo '{"host":"..","id":"x"}' | mosquitto_pub -q 1 -t events -l
echo '7' | mosquitto_pub -q 1 -t events -l
mkdir copy outbox2
# One that only listens.
part mqtt-log 's/--ack log.*/copy/; /select(.ok)/d; /mosquitto_pub/d'
HOST=two part mqtt-send 's/complete outbox/complete outbox2/'
await 'echo "{}" >outbox2/file; [ -e copy/two/file ] && [ -e log/two/file ]'
is "one machine's events go to many, and many machines' into one log"
[ ! -e x ] && [ -e outbox2/file ]
is "what is no event does no harm, and each machine lets go its own only"

# Without the directory nothing is acknowledged, and nothing let go.
mv log away
dies "$log"
: >inbox/kept
await '[ -n "$(ls outbox)" ]'
part mqtt-log
log=$part
await 'grep -q "log: No such file" mqtt-log.errors' && [ -n "$(ls outbox)" ]
is "without the log's directory fswrite says so, and the event is kept"
mv away log
await 'told | grep -q kept'
is "and is in it when that is back"

killed KILL "$daemon"
: >inbox/alone
await '[ -n "$(ls outbox)" ]'
dies "$send"
: >mqtt-send.errors
part mqtt-send
await 'grep -q "Error: Connection refused" mqtt-send.errors'
is "where there is no broker mosquitto_pub says so, and the event is kept"
broker
await 'told | grep -q alone && [ -z "$(ls outbox)" ]'
is "and is in the log when the broker is there"
finish
[ "$status" -eq 0 ]
is "when the watcher is told to end, all of it ends with 0"
done_testing
