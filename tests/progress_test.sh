#!/bin/bash
# A scan that takes long: what shows on a terminal, and which signals are heard
# meanwhile. strace(1) makes each watch take a while, so that a small tree will
# do.
set -u

bin=$(cd "${FSPIPE_BIN:-.}" && pwd)
dir=$(mktemp -d) || exit 1
child=
trap '[ -z "$child" ] || kill "$child" 2>/dev/null; rm -rf "$dir"' EXIT
seconds=${HARNESS_TIMEOUT:-20}
status=0
cd "$dir" || exit 1

is() { # is SENTENCE: what the last command said is the verdict
	if [ "$?" -eq 0 ]; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		status=1
	fi
}

if ! command -v strace >/dev/null || ! command -v script >/dev/null ||
	! strace -o /dev/null true 2>/dev/null; then
	echo "skip - a long scan shows itself - no strace or script here"
	exit 0
fi

mkdir -p tree/{a,b,c,d,e}/{1,2,3,4,5}
: >tree/a/file
slow() { # slow MILLISECONDS: a command that makes each watch take so long
	echo "env ASAN_OPTIONS=detect_leaks=0 strace -qq -o $dir/log" \
		"-e trace=inotify_add_watch" \
		"-e inject=inotify_add_watch:delay_enter=${1}000"
}

# shown TERM ARGUMENT ...: what a terminal gets of it
shown() {
	local term=$1
	shift
	env TERM="$term" timeout "$((seconds * 3))" script -qec \
		"$(slow 60) '$bin/fswatch-events' $* >/dev/null" \
		/dev/null </dev/null >shown
}
esc=$'\033'
shown xterm -r --timeout 0.01 tree
grep -qE $'\r'"$esc\\[Kfswatch-events: looking: [0-9]* director(y|ies), " shown
is "a scan that takes more than a second shows itself on a terminal"
tail -c 4 shown | od -c | grep -q '\\r 033   \[   K'
is "and is erased when it is done"

shown dumb -r --timeout 0.01 tree
[ ! -s shown ]
is "a dumb terminal gets nothing"
shown xterm -rq --timeout 0.01 tree
[ ! -s shown ]
is "and nor does who wants it quiet"

mkfifo pause
exec 5<>pause
until_true() { # until_true COMMAND: it becomes true in time
	local end=$((SECONDS + seconds))
	until eval "$1"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		IFS= read -r -t 0.02 _ <&5
	done
	return 0
}
# The scan takes half a minute, unless somebody ends it.
# shellcheck disable=SC2046 # words
$(slow 1000) "$bin/fswatch-events" -r tree >out 2>err &
strace=$!
child=$strace
# shellcheck disable=SC2016 # evaluated later
until_true 'child=$(pgrep -P $strace) && grep -qs "inotify wd" \
	/proc/$child/fdinfo/*'
is "(a long scan has begun)"
kill -USR1 "$child" && until_true 'grep -qsE " director(y|ies), .* watch(es)?, " err'
is "counters are told while a scan goes on"
kill -TERM "$child" && wait "$strace"
got=$?
child=
[ "$got" -eq 0 ] && [ "$(grep -c add_watch log)" -lt 20 ]
is "an end that is asked for does not wait for the scan"
[ ! -s out ] && [ "$(wc -l <err)" -eq 1 ]
is "and nothing else is told"
exit "$status"
