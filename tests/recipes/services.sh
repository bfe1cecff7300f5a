#!/bin/bash
# The systemd unit and the OpenRC script of man/examples.
# shellcheck source=tests/recipe.sh disable=SC2034,SC2154
. "${0%/*}/../recipe.sh"
sentence="a pipe is a service"
needs pkill tail

unit=$here/man/examples/fspipe@.service
if command -v systemd-analyze >/dev/null; then
	cp "$unit" "$top"
	systemd-analyze verify --man=no "$top/fspipe@.service" >verify 2>&1
	[ "$?" -eq 0 ] && ! grep -q 'fspipe@' verify
	is "systemd-analyze verify finds nothing in the unit"
	grep 'fspipe@' verify
	systemd-analyze security --offline=yes --threshold=40 \
	    "$top/fspipe@.service" >security 2>&1
	is "its exposure is small"
	tail -n 1 security
else
	echo "skip - systemd-analyze verify finds nothing in the unit - no systemd"
fi

# What the unit says, done by hand; the recipe is the audit log's, with
# something slow in the middle, so that there is something to drain.
mkdir inbox log
recipe audit | sed 's/^jq/{ read -r _ <go; cat; } | jq/' >audit.sh
mkfifo go
run() {
	: >"$top/watchers"
	: >"$top/said"
	"$@" 2>errors 7>&- 9>&- &
	main=$!
	await 'watching 1'
	for i in $(seq 100); do : >"inbox/$i"; done
}
drained() {
	await '! kill -0 "$main" 2>/dev/null'
	wait "$main"
	[ "$?" -eq 0 ] &&
	    [ "$(jq -r 'select(.event == "created").name' log/audit.log | wc -l)" \
	    -eq 100 ]
}
start=$(sed -n "s,^ExecStart=\(.*\)/etc/fspipe/%i,\1audit,p" "$unit")
stop=$(sed -n 's/^ExecStop=//p' "$unit")
[ "$start" = "/bin/bash -o pipefail audit.sh" ]
is "the unit runs a script with pipefail"
# shellcheck disable=SC2086 # as systemd splits it
run $start
MAINPID=$main bash -c "$stop" &
stopping=$!
await '! kill -0 "$(cat "$top/watchers")" 2>/dev/null'
kill -0 "$main" && kill -0 "$stopping" && [ ! -e log/audit.log ]
is "its ExecStop ends only the watcher, and waits for the rest"
echo >go
drained && wait "$stopping"
is "which takes in all there was, and ends with 0"

rm -rf inbox log
mkdir inbox log
script=$here/man/examples/fspipe.openrc
sh -n "$script"
is "the OpenRC script is shell"
if command -v start-stop-daemon >/dev/null; then
	run /bin/bash -o pipefail audit.sh
	(
		ebegin() { echo "$@"; }
		eend() { return "$1"; }
		# shellcheck disable=SC2034 # the script's
		RC_SVCNAME=fspipe.audit
		. "$script"
		# shellcheck disable=SC2154 # the script's
		[ "$command $command_args" = \
		    "/bin/bash -o pipefail /etc/fspipe/audit.sh" ] || exit 1
		pidfile=$top/pid
		echo "$main" >"$pidfile"
		stop
	) >stopped &
	stopping=$!
	await '! kill -0 "$(cat "$top/watchers")" 2>/dev/null'
	kill -0 "$main" && kill -0 "$stopping"
	is "its stop ends only the watcher, and waits for the rest"
	echo >go
	drained && wait "$stopping" && grep -q 'Stopping pipe audit' stopped
	is "which takes in all there was, and ends with 0"
else
	echo "skip - the OpenRC script stops in order - no start-stop-daemon"
fi

# A part that dies ends all, with a status that Restart= sees.
rm -rf log
mkdir log
recipe audit >audit.sh
run /bin/bash -o pipefail audit.sh
await 'pkill -KILL -P "$main" -x fswrite'
await 'echo more >>inbox/more; ! kill -0 "$main" 2>/dev/null'
wait "$main" 2>/dev/null
[ "$?" -eq 137 ]
is "when a part is killed all ends, and the status tells"
done_testing
