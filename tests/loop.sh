# What loop_test.sh and chain_test.sh share: to be read by them, not to be run.
# Both real programs, real pipes, mounts and users.
# shellcheck shell=sh
# shellcheck disable=SC2034 # variables that the tests use
set -u

# One deadline for all: a wait that never ends is a failure. It ends the whole
# process group: a shell that waits for another program hears no signal.
if [ -z "${LOOP_TEST_RUNS-}" ]; then
	LOOP_TEST_RUNS=1 timeout -k 10 300 "$0" "$@"
	status=$?
	[ "$status" -ne 124 ] || echo "not ok - the tests end within 300 s"
	exit "$status"
fi

bin=${FSPIPE_BIN:-.}
bin=$(cd "$bin" && pwd) || exit 1
dir=$(mktemp -d)
chmod 755 "$dir"
failed=0
watchers=

ok() { echo "ok - $1"; }
not_ok() {
	echo "not ok - $1"
	sed 's/^/# /' "$dir/err" "$dir/ack" 2>/dev/null
	failed=1
}
# is SENTENCE COMMAND...: the sentence is true when the command succeeds.
is() {
	is_sentence=$1
	shift
	if "$@"; then ok "$is_sentence"; else not_ok "$is_sentence"; fi
}
# may SENTENCE REASON COMMAND...: can it be tried at all?
may() {
	may_sentence=$1 may_reason=$2
	shift 2
	"$@" >/dev/null 2>&1 && return 0
	echo "skip - $may_sentence - $may_reason"
	return 1
}

# watch ARGS...: starts a watcher and waits until it watches. $watcher is its
# process; $prefix stands before the program.
prefix=
watch() {
	rm -f "$dir/ready"
	mkfifo "$dir/ready"
	# shellcheck disable=SC2086 # a command and its arguments
	$prefix "$bin/fswatch-events" -e +ready "$@" >"$dir/ready" \
	    2>"$dir/watch.err" 9<&- &
	watcher=$!
	watchers="$watchers $watcher"
	exec 9<"$dir/ready"
	while read -r line <&9; do
		case $line in *'"event":"ready"'*) return 0 ;; esac
	done
	echo "not ok - a watcher starts: $*"
	sed 's/^/# /' "$dir/watch.err"
	exit 1
}
# What it has not got rid of yet it would wait for us to read.
unwatch() {
	kill "$watcher" 2>/dev/null
	exec 9<&-
	wait "$watcher" 2>/dev/null
}

finish() {
	for p in $watchers; do kill "$p" 2>/dev/null; done
	exec 9<&-
	cd /
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP

fresh() {
	rm -rf "$dir/t"
	mkdir -p "$dir/t/w/a/b" "$dir/t/n"
	cd "$dir/t" || exit 1
	: >"$dir/ack"
	: >"$dir/err"
}

put() { printf '{"op":"append","path":"%s","content":"x"}\n' "$1"; }
# writes STATUS PATH OPTIONS... DIR: does fswrite end so when told to append?
writes() {
	writes_want=$1 writes_path=$2
	shift 2
	# shellcheck disable=SC2086
	put "$writes_path" | $prefix "$bin/fswrite" --ack "$@" \
	    >"$dir/ack" 2>"$dir/err" 9<&-
	writes_status=$?
	[ "$writes_status" -eq "$writes_want" ] && return 0
	echo "# exit $writes_status, not $writes_want"
	return 1
}
free() { writes 0 "$@" && grep -q '"ok":true' "$dir/ack"; }
# The directory itself is covered: refused before there is any answer.
covered() { writes 3 "$@" && [ ! -s "$dir/ack" ]; }
# Only what the command names is covered.
refused() {
	writes 3 "$@" && grep -q '"ok":false.*"error":"loop"' "$dir/ack"
}
# Covered, or the name still is: it has just been made.
not_free() { writes 3 "$@" && [ ! -e "later/$1" ]; }
mounts() { unshare -m true || unshare -Urm true; }

# Both ends of fswrite in our hands: give PATH; answer.
start_writer() {
	rm -f "$dir/in" "$dir/out"
	mkfifo "$dir/in" "$dir/out"
	"$bin/fswrite" --ack "$@" <"$dir/in" >"$dir/out" 2>"$dir/err" 9<&- &
	writer=$!
	exec 7>"$dir/in" 8<"$dir/out"
}
give() {
	put "$1" >&7
	read -r answer <&8
	echo "$answer" >>"$dir/ack"
}
end_writer() {
	exec 7>&-
	wait "$writer"
	writer_status=$?
	exec 8<&-
}
told() {
	case $answer in
	*"$1"*) return 0 ;;
	esac
	return 1
}

