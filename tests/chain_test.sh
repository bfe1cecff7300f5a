#!/bin/sh
# With --chain fswrite refuses only where a watcher looks that feeds it; and
# without, no pipeline ever writes into its own events.
# shellcheck disable=SC2317 # functions are called by is()
# shellcheck source=tests/loop.sh
. "$(dirname "$0")/loop.sh"

# --- what feeds us ---

# The watcher of a pipeline: leaves its pid, so that it can be ended.
# shellcheck disable=SC2016 # the inner shell's
pid_then() { sh -c 'echo $$ >"$0"; exec "$@"' "$@"; }
# The end of a pipeline: leaves the status, and ends the watcher.
end() {
	"$bin/fswrite" --ack --stop-on-error "$@" >"$dir/ack" 2>"$dir/err"
	echo $? >"$dir/status"
}
last() {
	end "$@"
	kill "$(cat "$dir/pid")"
}
feed() { pid_then "$dir/pid" "$bin/fswatch-events" -r --existing "$@"; }
command='{op:"append",path:"log",content:"x"}'
# It was refused and has written nothing: what a watcher says comes after its
# claim.
looped() {
	[ "$(cat "$dir/status")" = 3 ] && [ ! -e "${1:-w}/log" ] &&
	    ! grep -q '"ok":true' "$dir/ack"
}

fresh
: >w/seed
feed w | jq --unbuffered -c "$command" | last w
is "a watcher that feeds us through jq is refused" looped
feed w | jq --unbuffered -c "$command" | last --chain w
is "with --chain, too" looped
feed w | while read -r _; do put log; done | last --chain w
is "through a shell's loop" looped
# What comes directly is no command, but it is refused first: when a line has
# come the claim has been taken.
feed w | {
	read -r _
	last --chain w
}
is "directly" looped

mkfifo "$dir/tee" "$dir/done" "$dir/done2"
# A tee that dies with its first reader would take the watcher along before
# the second has asked.
feed w | {
	trap '' PIPE
	tee "$dir/tee" 2>/dev/null
} | jq --unbuffered -c "$command" | {
	end --chain w
	echo >"$dir/done"
} &
jq --unbuffered -c "$command" <"$dir/tee" | {
	"$bin/fswrite" --chain --ack --stop-on-error w/a >"$dir/ack2" 2>&1
	echo $? >"$dir/status2"
	echo >"$dir/done2"
} &
# The watcher has to last until both have asked for it, and then to end: a jq
# with nothing more to write does not see that its reader has gone.
read -r _ <"$dir/done"
read -r _ <"$dir/done2"
kill "$(cat "$dir/pid")"
wait
both() { looped && [ "$(cat "$dir/status2")" -eq 3 ] && looped w/a; }
is "through tee, at both of its consumers" both

if may "in sessions of their own, as a service manager starts them" \
    "no setsid(1)" setsid true; then
	# shellcheck disable=SC2016 # the inner shell's
	setsid sh -c 'echo $$ >"$1"; exec "$2/fswatch-events" -r --existing w' \
	    sh "$dir/pid" "$bin" |
	    setsid jq --unbuffered -c "$command" | last --chain w
	is "in sessions of their own, as a service manager starts them" looped
fi

# A systemd of our own, as a user's: in namespaces, with a cgroup of its own that
# it takes for the root. manager UNIT...: runs the units in $dir/units and ends
# with the first of them that says so.
manager() {
	manager_at=$(sed -n 's/^[^ ]* \([^ ]*\) cgroup2 .*/\1/p' /proc/mounts |
	    head -n 1)$(sed -n 's/^0:://p' /proc/self/cgroup)/fspipe-test-$$
	mkdir "$manager_at" || return 1
	mkdir -p "$dir/home" "$dir/run"
	rm -rf "$dir/home/systemd"
	mkdir "$dir/home/systemd"
	cp -r "$dir/units" "$dir/home/systemd/user"
	# shellcheck disable=SC2016 # the inner shell's
	(
		echo 0 >"$manager_at/cgroup.procs" &&
		    exec unshare --cgroup --mount --pid --fork --mount-proc \
			--kill-child sh -c '
			mount -t tmpfs tmpfs /run &&
			mkdir -p /run/systemd/system &&
			mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit 125
			export XDG_RUNTIME_DIR="$0/run" XDG_CONFIG_HOME="$0/home"
			HOME=$0 timeout 60 /lib/systemd/systemd --user \
			    --unit="$1"' "$dir" "$1"
	) >"$dir/manager" 2>&1 9<&-
	manager_status=$?
	find "$manager_at" -depth -type d -exec rmdir {} +
	return $manager_status
}
# unit NAME LINE...: a service that runs the script of that name.
unit() {
	unit_name=$1
	shift
	{
		printf '%s\n' "[Unit]" "DefaultDependencies=no" "$@"
		printf '%s\n' "[Service]" "WorkingDirectory=$PWD" \
		    "ExecStart=/bin/sh $dir/units/$unit_name"
	} >"$dir/units/$unit_name.service"
	cat >"$dir/units/$unit_name"
}
last="SuccessAction=exit
FailureAction=exit"
can_manage() {
	mkdir -p "$dir/units"
	unit try "$last" <<-END
		echo >$dir/managed
	END
	manager try.service && [ -e "$dir/managed" ]
}
fresh
: >w/seed
if may "in a service of systemd" "only root can start one, or none is here" \
    can_manage; then
	unit one "$last" <<-END
		{
			sh -c 'echo \$\$ >$dir/pid
			    exec $bin/fswatch-events -r --existing w' |
			jq --unbuffered -c '$command' | {
				$bin/fswrite --chain --ack --stop-on-error w \
				    >$dir/ack 2>$dir/err
				echo \$? >$dir/status
				kill \$(cat $dir/pid)
			}
		}
	END
	: >"$dir/status"
	manager one.service
	is "in a service of systemd" looped

	# Each in a service of its own, joined by the manager.
	mkfifo "$dir/events" "$dir/commands"
	unit source <<-END
		exec $bin/fswatch-events -r --existing w
	END
	echo "StandardOutput=file:$dir/events" >>"$dir/units/source.service"
	unit filter <<-END
		exec jq --unbuffered -c '$command'
	END
	printf '%s\n' "StandardInput=file:$dir/events" \
	    "StandardOutput=file:$dir/commands" >>"$dir/units/filter.service"
	unit sink "$last" "Wants=source.service filter.service" <<-END
		$bin/fswrite --chain --ack --stop-on-error w \
		    >$dir/ack 2>$dir/err
		echo \$? >$dir/status
	END
	echo "StandardInput=file:$dir/commands" >>"$dir/units/sink.service"
	: >"$dir/status"
	manager sink.service
	is "through services that systemd joins by FIFOs" looped

	unit other <<-END
		exec $bin/fswatch-events -e +ready n
	END
	echo "StandardOutput=file:$dir/events" >>"$dir/units/other.service"
	unit apart "$last" "Wants=other.service" <<-END
		exec 3<$dir/events
		while read -r line <&3; do
			case \$line in *'"ready"'*) break ;; esac
		done
		$bin/fswatch-events -1 -r --existing w 3<&- |
		jq --unbuffered -c '$command' 3<&- |
		$bin/fswrite --chain --ack n 3<&- >$dir/ack 2>$dir/err
		echo \$? >$dir/status
	END
	: >"$dir/status"
	manager apart.service
	apart() { [ "$(cat "$dir/status")" = 0 ] && [ -s n/log ]; }
	is "and another service's watcher is let be" apart
fi

fresh
: >w/seed
watch -r n
# All of it without the other's pipe: who holds an end may read from it.
{
	feed w | jq --unbuffered -c "$command" |
	    "$bin/fswrite" --chain --ack n >"$dir/ack" 2>"$dir/err"
} 9<&- &
# Another pipeline of the same process group looks where this one writes, and
# ends when it has been told what this one wrote.
while read -r line <&9; do
	# It is told as created before there is an x in it.
	! grep -qs x n/log || break
done
is "another pipeline's watcher is let be" grep -q x n/log
kill "$(cat "$dir/pid")"
unwatch
wait

# --- both at once ---

fresh
: >w/seed
round=0
bad=0
while [ $round -lt 100 ]; do
	feed w | jq --unbuffered -c "$command" | last w
	looped || {
		bad=$((bad + 1))
		echo "# round $round: exit $(cat "$dir/status"), in w: $(ls w)"
		sed 's/^/# /' "$dir/err" "$dir/ack"
	}
	[ $bad -eq 0 ] || break
	round=$((round + 1))
done
is "started at once in 100 rounds not one writes into its own events" \
    test $bad -eq 0
round=0
bad=0
while [ $round -lt 30 ]; do
	feed w | jq --unbuffered -c "$command" | last --chain w
	looped || {
		bad=$((bad + 1))
		echo "# round $round: exit $(cat "$dir/status"), in w: $(ls w)"
		sed 's/^/# /' "$dir/err" "$dir/ack"
	}
	[ $bad -eq 0 ] || break
	round=$((round + 1))
done
is "nor with --chain" test $bad -eq 0

exit $failed
