#!/bin/bash
# What a person sees when the system fails underneath: system calls that fail by
# strace(1), memory and descriptors that run out, what cannot be watched. Each
# message that no user of messages_test.sh can bring about is brought about here
# once, and is held to the same rules.
# shellcheck source=tests/said.sh
. "${0%/*}/said.sh"

mkdir -p tree/sub out
: >tree/file
events="fswatch-events -r --timeout 0.01"

# back ends: which this build has, and which it takes first
first=$(fswatch-events --version | sed -n 's/^back ends: \([a-z]*\).*/\1/p')
sanitized=
grep -aq __asan_init "$bin/fswatch-events" && sanitized=yes

### System calls

if strace -qq -o /dev/null true 2>/dev/null; then
	traced=yes
else
	traced=
	echo "skip - what is said when system calls fail - no strace here"
fi

# fails STATUS PATTERN CALL:FAILURE[@PATH] COMMAND ...: as says(), while that
# system call fails, with a path only where it is about that file.
fails() {
	local status_is=$1 pattern=$2 call=$3
	shift 3
	[ -n "$traced" ] || return
	# No tracer may be under another one.
	case $call in
	*@*) set -- -P "${call#*@}" "$@" ;;
	esac
	call=${call%%@*}
	ASAN_OPTIONS=detect_leaks=0 program=$(printf '%s\n' "$@" |
		grep -E -m 1 '^fs(watch-events|write)$') \
		traced_says "$status_is" "$pattern" strace -qq -o /dev/null \
		-e trace="${call%%:*}" -e inject="$call" "$@"
}
traced_says() {
	local want=$1 pattern=$2 got
	shift 2
	timeout 60 "$@" <"$input" >"${output:-said}" 2>err
	got=$?
	is_sentence="$program says: $pattern"
	[ "$got" -eq "$want" ] && proper "$program" &&
		[ "$(wc -l <err)" -eq 1 ] && grep -qxE "$program: ($pattern)" err
	is "${is_sentence//\\/}"
}

for program in "$events tree" "fswrite out"; do
	# shellcheck disable=SC2086 # words
	fails 1 "signals: Too many open files" pipe2:error=EMFILE $program
	# shellcheck disable=SC2086
	fails 1 "poll: Cannot allocate memory" poll:error=ENOMEM $program
	# shellcheck disable=SC2086
	output=$dir/file fails 1 "stdout: Input/output error" \
		"write:error=EIO@$dir/file" ${program%% *} --help
done
# With a reader who does not read.
mkdir big
for i in {1..400}; do : >"big/$(printf '%0200d' "$i")"; done
mkfifo unread
exec 6<>unread
output=unread fails 1 "poll: Cannot allocate memory" poll:error=ENOMEM \
	fswatch-events -1 --existing -e exists big
exec 6<&-
output=$dir/file fails 1 "stdout: Input/output error" \
	"write:error=EIO@$dir/file" fswatch-events -1 --existing tree
output=$dir/file fails 1 "stdout: Input/output error" \
	"close:error=EIO@$dir/file" fswatch-events -1 --existing tree
input=.
says 1 "stdin: Is a directory" fswatch-events -
input=/dev/null
# shellcheck disable=SC2086 # words
fails 3 "tree: no claim \(fswrite cannot see this watch\): No locks available" \
	"fcntl:error=ENOLCK@$dir/tree" $events tree

printf '%s\n' '{"op":"append","path":"a","content":"x"}' \
	'{"op":"append","path":"b","content":"x"}' >in
input=in
fails 1 "stdin: Input/output error" "read:error=EIO@$dir/in" fswrite out
output=$dir/file fails 1 "stdout: Input/output error" \
	"write:error=EIO@$dir/file" fswrite --ack out
output=$dir/file fails 1 "stdout: Input/output error" \
	"close:error=EIO@$dir/file" fswrite --ack out
if [ -n "$traced" ]; then
	ASAN_OPTIONS=detect_leaks=0 timeout 60 strace -qq -o /dev/null \
		-e trace=fdatasync -e inject=fdatasync:error=EIO \
		fswrite --sync out <in >said 2>err
	[ "$?" -eq 1 ] && proper fswrite && [ "$(cat err)" = \
"fswrite: line 1: append a: Not synced: Input/output error
fswrite: line 2: append b: Not synced: Input/output error
fswrite: sync; nothing since the last good one is acknowledged: Input/output error" ]
	is "fswrite says of each command, and at the end, that a sync has failed"
fi
if [ -n "$traced" ] && fswrite --version | grep -q landlock; then
	ASAN_OPTIONS=detect_leaks=0 timeout 60 strace -qq -o /dev/null \
		-e trace=landlock_create_ruleset \
		-e inject=landlock_create_ruleset:error=ENOSYS \
		fswrite -v out <in >said 2>err &&
		proper fswrite && [ "$(head -n 1 err)" = \
		"fswrite: no Landlock, only the path check: Function not implemented" ]
	is "fswrite -v says that there is no Landlock"
fi
fails 0 "out: $dir/out cannot be asked for watchers: written all the same" \
	"fcntl:error=EIO:when=1@$dir/out" fswrite out
printf '{"op":"append","path":"%s","content":""}\n' \
	"$(printf 'aaaaaaaaa/%.0s' {1..500})x" >in
says 1 "line 1: append: the path is too long" fswrite out
for old in no no/x out-file/x; do
	: >out/out-file
	echo "{\"op\":\"rename\",\"old_path\":\"$old\",\"path\":\"b\"}" >in
	says 1 "line 1: rename b: old_path: (No such file or|Not a) directory" \
		fswrite out
done
if unshare -Urm true 2>/dev/null; then
	mkdir out/mounted
	echo '{"op":"append","path":"mounted/b","content":""}' >in
	timeout 60 unshare -Urm sh -c 'mount -t tmpfs t out/mounted && exec fswrite out' \
		<in >said 2>err
	[ "$?" -eq 1 ] && proper fswrite && [ "$(wc -l <err)" -eq 1 ] && grep -qx \
		"fswrite: line 1: append mounted/b: On another file system (see --allow-mounts)" err
	is "fswrite says that something is on another file system"
else
	echo "skip - fswrite says that something is on another file system -" \
		"no mounts here"
fi
input=/dev/null

### What cannot be watched

if [ "$first" = inotify ]; then
	fails 1 "watching: Input/output error" \
		read:error=EIO@anon_inode:inotify fswatch-events --timeout 60 tree
	for why in "EMFILE too many instances, or open files \(.*instances is [0-9]+\); raise it .*sysctl -w .*instances=[0-9]+" \
		"ENOSYS Function not implemented"; do
		# shellcheck disable=SC2086 # words
		fails 3 "inotify: ${why#* }(; until then|;) all is polled" \
			"inotify_init1:error=${why%% *}" $events tree
		# shellcheck disable=SC2086
		fails 1 "inotify: ${why#* }" "inotify_init1:error=${why%% *}" \
			$events -e closed tree
	done
	if [ -n "$traced" ]; then
		# shellcheck disable=SC2086 # words
		ASAN_OPTIONS=detect_leaks=0 timeout 60 strace -qq -o /dev/null \
			-e trace=inotify_add_watch \
			-e inject=inotify_add_watch:error=ENOMEM \
			$events tree </dev/null >said 2>err
		[ "$?" -eq 3 ] && proper fswatch-events &&
			grep -qx "fswatch-events: tree: not watched from here on, but polled: Cannot allocate memory" err &&
			grep -qx "fswatch-events: tree: a directory on the way to it cannot be watched: looked at now and then" err
		is "fswatch-events says what it cannot watch, and that it polls"
	fi
	if [ -d /proc/sys/fs/inotify ]; then
		says 3 "/proc/sys/fs/inotify: polled: its file system does not tell of changes; closed, opened and accessed are not told there" \
			fswatch-events -e closed --timeout 0.01 /proc/sys/fs/inotify
	fi
	queue=$(cat /proc/sys/fs/inotify/max_queued_events)
	mkdir many
	mkfifo told
	# What a stopped program does not read is more than the queue holds.
	if [ "$queue" -le 40000 ]; then
		fswatch-events -v -e ready,resynced many >told 2>err &
		watcher=$!
		exec 5<told
		read -r -t 60 _ <&5
		kill -STOP "$watcher"
		(cd many && seq $((queue + 100)) | xargs touch)
		kill -CONT "$watcher"
		read -r -t 60 line <&5
		kill "$watcher" && wait "$watcher"
		case $line in
		*'"resynced"'*)
			proper fswatch-events && grep -qx "fswatch-events: inotify: the kernel's queue was full: comparing everything" err
			;;
		*) false ;;
		esac
		is "fswatch-events -v says that the kernel's queue was full"
		exec 5<&-
	else
		echo "skip - fswatch-events -v says that the kernel's queue was" \
			"full - it is longer than usual"
	fi
	rm -r many told
fi

# Roots that go and come, for who wants to know.
mkdir root
mkfifo told
fswatch-events -v -e ready,lost,found root >told 2>err &
watcher=$!
exec 5<told
read -r -t 60 _ <&5 && rmdir root && read -r -t 60 _ <&5 && mkdir root &&
	read -r -t 60 _ <&5 && kill "$watcher" && wait "$watcher" &&
	proper fswatch-events && grep -qx "fswatch-events: root: gone" err &&
	grep -qx "fswatch-events: root: found" err
is "fswatch-events -v says that a root is gone, and found"
exec 5<&-

### Too little of everything

# Descriptors: from so few that nothing works to enough.
for program in "$events tree" "fswrite out"; do
	: >all
	for n in {4..24}; do
		# shellcheck disable=SC2016,SC2086 # the inner shell's; words
		ASAN_OPTIONS=detect_leaks=0 timeout 60 bash -c \
			'ulimit -n "$0"; exec "$@"' "$n" $program \
			</dev/null >/dev/null 2>err
		got=$?
		# The loader has no words of ours.
		! grep -q 'shared libraries\|^bash' err || continue
		[ "$got" -ne 1 ] || cat err >>few
		if proper "${program%% *}" && [ "$(wc -l <err)" -le 2 ]; then
			case $got in
			0 | 3) continue ;;
			1) [ ! -s err ] || continue ;;
			esac
		fi
		{
			echo "# with $n: status $got"
			sed 's/^/# /' err
		} >>all
	done
	cat all
	[ ! -s all ] && grep -q 'Too many open files' few
	is "${program%% *} says properly that it has too few descriptors"
	rm few
done

# Memory that is short for good: it would compare everything for ever.
if [ -n "$sanitized" ]; then
	echo "skip - memory that is gone for good ends it - built with a sanitizer"
elif ! command -v prlimit >/dev/null; then
	echo "skip - memory that is gone for good ends it - no prlimit here"
else
	mkdir -p full aside/many/{1..40}
	name=$(printf 'n%.0s' {1..100})
	for d in aside/many/*; do
		for i in {1..300}; do : >"$d/$name$i"; done
	done
	mkfifo ready
	# shellcheck disable=SC2016 # the inner shell's
	timeout 120 bash -c 'echo $$ >pid; exec "$0" -r -e +ready full' \
		"$bin/fswatch-events" >ready 2>err &
	watcher=$!
	exec 6<ready
	read -r _ <&6
	child=$(cat pid)
	prlimit --pid "$child" --as="$(($(sed -n \
		's/^VmSize:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$child/status") * 1024))"
	mv aside/many full
	cat <&6 >/dev/null
	exec 6<&-
	wait "$watcher"
	got=$?
	[ "$got" -eq 1 ] && proper fswatch-events &&
		grep -q 'Cannot allocate memory' err
	is "memory that is gone for good ends it"
fi

# Memory, likewise. Where a sanitizer is in, the address space cannot be short.
printf '%s\n' '{"op":"append","path":"a","content":"x","id":"1"}' \
	'{"op":"write","path":"b","content":"x"}' '{"op":"frob"}' >in
for program in "fswatch-events -r --existing -s 0.01 --timeout 0.01 tree big" \
	"fswrite --ack out"; do
	if [ -n "$sanitized" ]; then
		echo "skip - ${program%% *} says that memory is short -" \
			"built with a sanitizer"
		continue
	fi
	: >all
	enough=0 kilobytes=1024
	while [ "$enough" -lt 8 ] && [ "$kilobytes" -lt 65536 ]; do
		kilobytes=$((kilobytes + 32))
		rm -f out/b
		# shellcheck disable=SC2016,SC2086 # the inner shell's; words
		timeout 60 bash -c 'ulimit -v "$0"; exec "$@"' "$kilobytes" \
			$program <in >/dev/null 2>err
		got=$?
		if [ "$got" -eq 127 ] || grep -q 'shared libraries\|^bash' err; then
			continue # the shell, or the loader
		fi
		if [ "$got" -eq 139 ]; then
			# The loader again, if it does not come to main().
			# shellcheck disable=SC2016 # the inner shell's
			bash -c 'ulimit -v "$0"; exec "$1" --version' \
				"$kilobytes" "${program%% *}" >/dev/null 2>&1
			[ "$?" -ne 139 ] || continue
		fi
		grep -v 'unknown op' err >short
		mv short err
		if [ ! -s err ]; then
			enough=$((enough + 1))
			[ "$got" -le 3 ] && continue
		fi
		proper "${program%% *}" && [ "$got" -le 3 ] && continue
		{
			echo "# with $kilobytes KiB: status $got"
			sed 's/^/# /' err
		} >>all
	done
	cat all
	[ ! -s all ] && [ "$enough" -ge 8 ]
	is "${program%% *} says properly that it has too little memory"
done
exit "$status"
