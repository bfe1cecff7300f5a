# shellcheck shell=bash disable=SC2034,SC2123
# For tests/recipes/*.sh, which run the recipes of fspipe(7) as they stand
# there against the real components. Sourced:
#
#	. "${0%/*}/../recipe.sh"
#	needs redis-server redis-cli		else it skips all, aloud
#	sentence="the list has each file"	what the whole test is about
#	mkdir inbox
#	begin redis				runs the recipe of that name, and
#						waits until all is watched
#	: >inbox/a
#	await '[ "$(redis-cli llen files)" -eq 1 ]'; is "each is in the list"
#	finish					ends the watchers; the rest drains
#	[ "$status" -eq 0 ]; is "the pipe ends in good order"
#
# The test is in an empty directory. The recipe runs in bash, with a standard
# input that stays open (say() writes to it); its output is in the files output
# and errors. Commands that a recipe only gives as an example are made by
# command_is(). Nothing waits for time to pass: what is waited for is waited
# for until it is so, HARNESS_TIMEOUT seconds (60) at most.
set -u

recipes=$(cd "${0%/*}" && pwd)
here=$(cd "$recipes/../.." && pwd)
real=$(cd "${FSPIPE_BIN:-$here}" && pwd)
seconds=${HARNESS_TIMEOUT:-60}
failed=0
sentence=${0##*/}
job=
status=
daemons=

top=$(mktemp -d) || exit 1
mkdir "$top/bin" "$top/work"
mkfifo "$top/input" "$top/pause"
: >"$top/watchers"
exec 7<>"$top/input" 9<>"$top/pause"
cd "$top/work" || exit 1
PATH=$top/bin:$real:$PATH:/usr/sbin:/sbin
# No settings of the user's, and names are bytes.
export PATH LC_ALL=C.UTF-8 HOME=$top
unset MAKEFLAGS MFLAGS MAKELEVEL

# The watchers of a recipe say when they are ready, and who they are.
cat >"$top/bin/fswatch-events" <<END
#!/bin/sh
echo \$\$ >>'$top/watchers'
exec '$real/fswatch-events' -v "\$@" 2>>'$top/said'
END
chmod +x "$top/bin/fswatch-events"
: >"$top/said"

# shellcheck disable=SC2317 # run by the trap
clean_up() {
	[ -z "$job" ] || kill -KILL -- "-$job" 2>/dev/null
	for p in $daemons; do
		kill -KILL -- "$p" 2>/dev/null
	done
	wait 2>/dev/null
	cd / && rm -rf "$top"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# A file name made to be taken for something else.
# shellcheck disable=SC2016,SC2034 # it is not to be expanded; for the tests
hostile='a
{"event":"forged"} "q" '\''s'\'' $(touch pwned) `touch pwned`; touch pwned & \n \ *'

skip_all() {
	echo "skip - $sentence - $1"
	exit 0
}

# needs COMMAND ...: what the test cannot do without.
needs() {
	local c
	for c in jq "$@"; do
		command -v "$c" >/dev/null || skip_all "no $c here"
	done
}

# is SENTENCE: what the last command said is the verdict.
is() {
	if [ "$?" -eq 0 ]; then
		echo "ok - $1"
		return
	fi
	echo "not ok - $1"
	failed=1
	tail -n 20 output ./*errors "$top/said" 2>/dev/null | sed 's/^/# /'
}

# exact SENTENCE REASON: can the back end tell in order what happens? One that
# only says where to look (HARNESS_BACKEND) cannot: then the test is skipped.
exact() {
	[ "${HARNESS_BACKEND:-}" = kqueue ] || return 0
	echo "skip - $1 - $2"
	return 1
}

# await CONDITION: until it is so. It is evaluated again and again.
await() {
	local end=$((SECONDS + seconds)) nothing
	until eval "$1"; do
		if [ "$SECONDS" -ge "$end" ]; then
			echo "# not so in $seconds seconds: $1"
			return 1
		fi
		# Nobody writes to it: the pause between two looks.
		IFS= read -r -t 0.05 nothing <&9
	done
	return 0
}

# recipe NAME: the text of the recipe, as a shell sees it when it is pasted.
recipe() {
	sed -n "/^\\.\\\\\" recipe $1\$/,/^\\.Ed/p" "$here/man/fspipe.7" |
	    grep -v '^\.' |
	    sed -e "s/\\\\(aq/'/g" -e 's/\\(dq/"/g' -e 's/\\(ga/`/g' \
		-e 's/\\(ha/^/g' -e 's/\\(ti/~/g' -e 's/\\&//g' \
		-e 's/\\-/-/g' -e 's/\\e/\\/g'
}

# command_is NAME: makes NAME a command, from standard input.
command_is() {
	{ echo '#!/bin/bash'; cat; } >"$top/bin/$1"
	chmod +x "$top/bin/$1"
}

# without COMMAND: from now on there is no such command.
without() {
	mkdir -p "$top/path"
	(IFS=:; for d in $PATH; do
		# The first of a name counts.
		find "$d/" -maxdepth 1 -executable ! -type d \
		    -exec ln -s -t "$top/path" {} + 2>/dev/null
	done)
	rm -f "$top/path/$1"
	PATH=$top/path
	hash -r
}

watching() { [ "$(grep -cE ' director(y|ies), .* watch(es)?, ' "$top/said")" -ge "$1" ]; }

# begin NAME [WATCHERS]: runs the recipe; waits until its watchers (one) are
# ready. With 0 it waits for nothing. $edit is what the page says may be
# changed in it, for sed(1).
edit=
begin() {
	recipe "$1" | sed "$edit" >"$top/recipe"
	if ! [ -s "$top/recipe" ]; then
		echo "not ok - fspipe(7) has a recipe $1"
		exit 1
	fi
	: >"$top/watchers"
	: >"$top/said"
	set -m
	bash "$top/recipe" <"$top/input" >output 2>errors 7>&- 9>&- &
	job=$!
	set +m
	await "watching ${2:-1}" && return
	# It is nothing that a test could go on from.
	false
	is "the recipe $1 begins to watch"
	exit 1
}

say() { printf '%s\n' "$@" >&7; }

# ended: waits until the recipe has ended by itself; its exit status is in
# $status.
ended() {
	await "! kill -0 $job 2>/dev/null" ||
	    kill -KILL -- "-$job" 2>/dev/null
	wait "$job" 2>/dev/null
	status=$?
	job=
}

# at_once COMMAND ...: while the watchers are stopped, so that all of it is one
# burst, however long the machine takes.
at_once() {
	local p
	while read -r p; do
		kill -STOP "$p"
		await "grep -qs '^State:.*stopped' /proc/$p/status"
	done <"$top/watchers"
	"$@"
	while read -r p; do
		kill -CONT "$p"
	done <"$top/watchers"
}

# finish: only the watchers are told to end; the rest drains.
finish() {
	local p
	while read -r p; do
		kill -TERM "$p" 2>/dev/null
	done <"$top/watchers"
	ended
}

# daemon COMMAND ...: runs a server until the end of the test; $daemon is its
# process.
daemon() {
	"$@" >>"$top/daemons" 2>&1 </dev/null 7>&- 9>&- &
	daemon=$!
	daemons="$daemons $daemon"
}

# free_port: sets $port to a loopback port that nobody listens on, and that no
# client is given.
free_port() {
	port=$((20000 + RANDOM % 12000))
	while (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
		port=$((port + 1))
	done
}

# aside FILE: runs another pipe beside the recipe, until the end of the test;
# $aside is its process group.
aside() {
	set -m
	bash -o pipefail "$1" >>"${1##*/}.output" 2>>"${1##*/}.errors" \
	    </dev/null 7>&- 9>&- &
	aside=$!
	set +m
	daemons="$daemons -$aside"
}

# killed SIGNAL PID: sends it and waits for the end.
killed() {
	kill "-$1" "$2"
	wait "$2" 2>/dev/null
	return 0
}

# shellcheck disable=SC2317 # in case the test ends in the middle
done_testing() { exit "$failed"; }
