#!/bin/bash
# demo.sh: both filters at work in a temporary directory. Starts the pipe,
# lets real programs change what is watched, shows each event as it comes and
# what has become of it. Ends by itself. Needs jq.
set -u

bin=$(cd "${FSPIPE_BIN:-$(dirname "$0")/..}" && pwd) || exit 1
PATH=$bin:$PATH
if ! command -v jq >/dev/null; then
	echo "demo: jq is missing; 'make deps' installs it" >&2
	exit 1
fi
for p in fswatch-events fswrite; do
	if ! [ -x "$bin/$p" ]; then
		echo "demo: $bin/$p is missing; 'make' builds it" >&2
		exit 1
	fi
done

dir=$(mktemp -d) || exit 1
pipe=
watcher=
# shellcheck disable=SC2317 # run by the trap
finish() {
	[ -n "$watcher" ] || [ ! -s pid ] || read -r watcher <pid
	[ -z "$watcher" ] || kill "$watcher" 2>/dev/null
	exec 3<&-
	[ -z "$pipe" ] || wait "$pipe" 2>/dev/null
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM
cd "$dir" || exit 1

bold="" dim="" off=""
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
	bold=$'\033[1m' dim=$'\033[2m' off=$'\033[m'
fi
say() { printf '\n%s\n' "$*"; }
type_in() { printf '\n%s$ %s%s\n' "$bold" "$1" "$off"; }

# Prints one event; shortened, as the lines are long.
show() {
	printf '    %s%s%s\n' "$dim" "$(jq -c \
	    '{event, type, path, old_path, replaced, size} |
	    with_entries(select(.value != null))' <<<"$1")" "$off"
}

# Shows events as they come, until each of the given ones has come.
events() {
	local line key
	while [ $# -gt 0 ]; do
		if ! IFS= read -r -t 30 line <&3; then
			echo "demo: not told: $*" >&2
			exit 1
		fi
		show "$line"
		key=$(jq -r '"\(.event) \(.path)"' <<<"$line")
		# What has come is no longer waited for.
		for _ in "$@"; do
			[ "$1" = "$key" ] || set -- "$@" "$1"
			shift
		done
	done
}

# run COMMAND EVENT ...: shows and runs it, then shows what is told of it.
run() {
	type_in "$1"
	eval "$1" || exit 1
	shift
	events "$@"
}

mkdir inbox archive
mkdir -p elsewhere/project/src
echo 'int main(void) { return 0; }' >elsewhere/project/src/main.c
echo 'all: main' >elsewhere/project/Makefile
tar -C elsewhere -cf project.tar project

say 'Everything that happens below inbox goes to a log in archive, and each file'
echo 'that is complete has a history of its own there. The two programs know nothing'
echo 'of each other:'
cat <<'END'

    fswatch-events -r -e created,complete,renamed,deleted inbox |
    jq --unbuffered -c '
        {op: "append", path: "audit.log", content: "\(.event) \(.path)\n"},
        (select(.event == "complete") | {op: "append",
            path: "history/\(.name)", content: "\(.size) bytes, seq \(.seq)\n"})' |
    fswrite archive
END

mkfifo seen
{
	sh -c 'echo $$ >pid; exec fswatch-events -r \
	    -e ready,created,complete,renamed,deleted inbox' |
	tee seen |
	jq --unbuffered -c 'select(.event != "ready") |
	    {op: "append", path: "audit.log", content: "\(.event) \(.path)\n"},
	    (select(.event == "complete") | {op: "append",
		path: "history/\(.name)", content: "\(.size) bytes, seq \(.seq)\n"})' |
	fswrite archive
} &
pipe=$!
exec 3<seen
# The first line says that everything is watched.
if ! IFS= read -r -t 30 _ <&3; then
	echo "demo: the watcher did not start" >&2
	exit 1
fi
read -r watcher <pid

run 'echo "hello" >inbox/hello.txt' \
    'created inbox/hello.txt' 'complete inbox/hello.txt'
say 'A tree is unpacked. Nothing is missed, however new its directories are:'
run 'tar -xf project.tar -C inbox' \
    'created inbox/project' 'created inbox/project/src' \
    'created inbox/project/Makefile' 'complete inbox/project/Makefile' \
    'created inbox/project/src/main.c' 'complete inbox/project/src/main.c'
say 'A rename is one event with both names, for a whole directory too:'
run 'mv inbox/project inbox/prototype' 'renamed inbox/prototype'
say 'An editor saves: a new file takes the place of the old one.'
run 'echo "hello, world" >inbox/hello.new && mv inbox/hello.new inbox/hello.txt' \
    'complete inbox/hello.txt'
run 'rm -r inbox/prototype' \
    'deleted inbox/prototype/src/main.c' 'deleted inbox/prototype/Makefile' \
    'deleted inbox/prototype/src' 'deleted inbox/prototype'

kill "$watcher"
wait "$pipe"
status=$?
pipe="" watcher=""

say 'The pipe has ended, and this is what it has left in archive:'
type_in 'find archive -type f | sort'
find archive -type f | sort
type_in 'cat archive/history/hello.txt'
cat archive/history/hello.txt || status=1
type_in 'tail -n 4 archive/audit.log'
tail -n 4 archive/audit.log || status=1
echo
exit "$status"
