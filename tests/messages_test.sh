#!/bin/bash
# What a person sees when something is wrong: each way to fail is gone once, and
# each message has to begin with the program and a subject, to say in words
# what is wrong, once, and with the way out where there is one.
set -u

# shellcheck source=tests/said.sh
. "${0%/*}/said.sh"

### Wrong usage of fswatch-events: one line, and what to do

program=fswatch-events
w() { says 2 "$1" "$program" "${@:2}"; } # wrong usage
f() { says 1 "$1" "$program" "${@:2}"; } # a failure
w "no path given; --help tells more"
w '"": an empty path' ""
w "--existng: unknown option; did you mean --existing\?" --existng .
w "--frobnicate: unknown option; --help lists them" --frobnicate .
w "-z: unknown option; --help lists them" -z .
w "--no: could be more than one option" --no .
w "--depth: needs an argument" . --depth
w "-e: needs an argument" . -e
w "--stat: takes no argument" --stat=1 .
w "-e frob: no such event; there are exists, created, .*, default and all" \
	-e frob .
w "-e creatd: no such event; did you mean created\?" -e creatd .
w "-e close.write: here this is closed \(or complete: a file is whole\)" \
	-e close-write .
w "-e MovedTo: here this is renamed \(or created: from outside\)" -e MovedTo .
w "-e unlink: here this is deleted" -e unlink .
w "-e \\\\.git: not an event; to leave out paths by an expression use -x" \
	-e '\.git' .
w "-e: leaves no event to tell" -e -default .
w "-t socket: no such type; there are file \(f\), dir .* and other \(o\)" \
	-t socket .
w "-x \(: Unmatched \( or \\\\\(" -x '(' .
w "--depth 0: not a number from 1 on" --depth 0 .
w "--timeout soon: not a number of seconds above 0" --timeout soon .
w "--poll -1: not a number of seconds above 0" --poll -1 .
w "-s soon: not a number of seconds above 0, .*" -s soon .
w "-s 5,1: the longest time is less than the quiet one" -s 5,1 .
w "--backend frob: this build has .*poll" --backend frob .
w "-e closed: the back end poll cannot tell it; take --backend .*" \
	--backend poll -e closed .
w "-0 and -p: only one of them" -0p .
w "-x \"\": Empty expression" -x '' .
w "--content-limit x: not a number of bytes up to [0-9]+" --content-limit x .
w "--encoding hex: only base64; .*" --encoding hex .
w "--encoding: only with --content" --encoding base64 .
w "--content-limit: only with --content" --content-limit 1 .
w "--content and -0: content is for JSON only" -c0 .
w "--content and -e opened or accessed: .*; add -opened,-accessed" -ce opened .

### fswatch-events at work

: >file
mkdir locked tree tree/sub
f "nowhere: No such file or directory \(-w waits for it\)" nowhere
f "file/x: Not a directory" file/x
f "a\\\\x0ab\\\\xff: No such file or directory \(-w waits for it\)" \
	$'a\nb\xff'
timeout 60 fswatch-events nowhere nowhere-else >said 2>err
[ "$?" -eq 1 ] && proper fswatch-events && [ "$(wc -l <err)" -eq 2 ]
is "two paths that are not there are two lines"
printf '%70000s\nfile\n' x >long
input=long
says 0 "stdin: line 1: too long for a path" fswatch-events -1 --existing -
input=/dev/null
timeout 60 fswatch-events -e ready . >&- 2>err
[ "$?" -eq 1 ] && proper fswatch-events &&
	grep -qx 'fswatch-events: stdout: Bad file descriptor' err
is "fswatch-events says that stdout is closed"
if [ -w /dev/full ]; then
	timeout 60 fswatch-events -e ready . >/dev/full 2>err
	[ "$?" -eq 1 ] && proper fswatch-events &&
		grep -qx 'fswatch-events: stdout: No space left on device' err
	is "fswatch-events says that stdout is full"
fi
says 3 "waiting for later" fswatch-events -w --timeout 0.01 later
ln -s .. tree/sub/up
says 3 "tree/sub/up: leads to a directory above it: not entered" \
	fswatch-events -rL --timeout 0.01 tree
rm tree/sub/up

# Each number has the word that goes with it.
mkdir none pair pair/a pair/b
says 3 "1 root, 1 directory, 0 entries, [0-9]+ watch(es)?, 0 hints, 0 events, [0-9]+ looks?, 0 overflows" \
	fswatch-events -v --timeout 0.01 none
says 3 "2 roots, 4 directories, 2 entries, [0-9]+ watches, 0 hints, 0 events, [0-9]+ looks?, 0 overflows" \
	fswatch-events -rv --timeout 0.01 none pair
: >none/a
says 0 "1 root, 1 directory, 1 entry, [0-9]+ watch(es)?, 0 hints, 1 event, [0-9]+ looks?, 0 overflows" \
	fswatch-events -1v --existing none
counted() { # counted SUM INPUT ...: what fswrite -v says at the end
	local sum=$1
	shift
	printf '%s\n' "$@" >in
	timeout 60 fswrite -qv --sync none <in >said 2>err
	proper fswrite && tail -n 1 err | grep -qxE "fswrite: $sum"
	is "fswrite -v sums up: $sum"
}
counted "1 command, 0 failed, 1 byte, [0-9.]+ s, [0-9]+ commands?/s, [0-9]+ bytes?/s; 1 batch, 1 write for appends, [0-9]+ syncs?, 0 retries" \
	'{"op":"append","path":"b","content":"x"}'
counted "2 commands, 0 failed, 3 bytes, .*; [0-9]+ batch(es)?, 2 writes for appends, [0-9]+ syncs?, 0 retries" \
	'{"op":"append","path":"c","content":"x"}' \
	'{"op":"append","path":"d","content":"xx"}'

# As somebody who may not do everything.
ordinary() { "$@"; }
[ "$(id -u)" -ne 0 ] ||
	ordinary() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
chmod 000 locked
chmod 777 .
mkdir top top/locked
chmod 000 top/locked
if [ "$(id -u)" -ne 0 ] || ordinary true 2>/dev/null; then
	ordinary timeout 60 "$bin/fswatch-events" -r --timeout 0.01 top \
		</dev/null >said 2>err
	[ "$?" -eq 3 ] && proper fswatch-events &&
		grep -qx "fswatch-events: top/locked: not watched: Permission denied" err
	is "fswatch-events names a directory that may not be read, once"
	mkdir -p wide/{1,2,3,4,5,6,7,8,9}/{1,2,3}
	for n in {8..24}; do # the first that is enough for a beginning
		# shellcheck disable=SC2016 # the inner shell's
		ordinary timeout 60 bash -c 'ulimit -n "$0"; exec "$@"' "$n" \
			"$bin/fswatch-events" -r --timeout 0.01 wide \
			</dev/null >said 2>err
		[ "$?" -ne 3 ] || break
	done
	proper fswatch-events && [ "$(wc -l <err)" -eq 1 ] &&
		grep -qE "^fswatch-events: wide[^:]*: Too many open files \(ulimit -n is $n(, at least [0-9]+ needed)?\): polled from here on; raise it with: ulimit -n 1024 \(in a shell of the superuser\)$" err
	is "too few descriptors: one line, with their number and the way out"
	mkdir -p way/in
	chmod 777 way/in
	chmod 311 way
	ordinary timeout 60 "$bin/fswatch-events" --timeout 0.01 way/in \
		</dev/null >said 2>err
	got=$?
	status_is=3
	way="a directory on the way to it cannot be watched: looked at now and then"
	# It takes O_PATH to enter what may not be read.
	[ -z "${HARNESS_PORTABLE:-}" ] || status_is=1 way="Permission denied"
	[ "$got" -eq "$status_is" ] && proper fswatch-events &&
		grep -qx "fswatch-events: way/in: $way" err
	is "fswatch-events says that a directory on the way may not be read, once"
	chmod 755 way
	echo '{"op":"write","path":"locked/a","content":""}' >in
	chmod 777 top
	ordinary timeout 60 "$bin/fswrite" --force top <in >said 2>err
	[ "$?" -eq 1 ] && proper fswrite &&
		grep -qx "fswrite: line 1: write locked/a: Permission denied" err
	is "fswrite says which path may not be written"
else
	echo "skip - a directory that may not be read is named - cannot become" \
		"an ordinary user"
fi

# shellcheck disable=SC2016 # the inner shell's
# Limits, as a user namespace of one's own may set them.
limited() { # limited NAME VALUE COMMAND ...
	unshare -Ur sh -c 'echo "$2" >"/proc/sys/user/$1" || exit 99
		shift 2; exec "$@"' sh "$@"
}
if ! fswatch-events --version | grep -q '^back ends: inotify'; then
	echo "skip - no more watches - this build does not take inotify first"
elif limited max_inotify_watches 100000 true 2>/dev/null; then
	mkdir -p many/{1,2,3,4,5,6,7,8,9}/{1,2,3}
	# With the value that is needed, and with what is advised, it is silent.
	# shellcheck disable=SC2016 # the inner shell's
	timeout 60 unshare -Ur sh -c '
		limit=/proc/sys/user/max_inotify_watches
		watch() { fswatch-events -r --timeout 0.01 many; }
		echo 16 >$limit; watch 2>err; [ "$?" -eq 3 ] || exit
		words=$(sed -n "s/.*(\([a-z_.]*\) is 16, at least \([0-9]*\) needed).* raise it with: sysctl -w \([a-z_.]*\)=\([0-9]*\)$/\1 \2 \3 \4/p" err)
		set -- $words
		[ "$1 $3" = "user.max_inotify_watches user.max_inotify_watches" ] ||
			exit
		echo "$2" >$limit; watch 2>exact; [ "$?" -eq 3 ] || exit
		echo "$(($2 - 1))" >$limit; watch 2>less; [ "$?" -eq 3 ] || exit
		echo "$4" >$limit; watch 2>more; [ "$?" -eq 3 ] || exit
		echo done' </dev/null >said 2>trace
	[ "$(cat said)" = "done" ] && proper fswatch-events &&
		[ "$(wc -l <err)" -eq 1 ] && grep -q "^fswatch-events: many/" err &&
		[ ! -s exact ] && [ -s less ] && [ ! -s more ]
	is "no more watches: one line, with the setting, the exact value that is needed and the command"
	# Who may not change the setting is told who may.
	# shellcheck disable=SC2016 # the inner shell's
	watch_with_16='echo 16 >/proc/sys/user/max_inotify_watches &&
		exec fswatch-events -r --timeout 0.01 many'
	# shellcheck disable=SC2016
	timeout 60 unshare -Urm sh -c '{ mount --bind /proc/sys /proc/sys &&
		echo 16 >/proc/sys/user/max_inotify_watches &&
		mount -o remount,ro,bind /proc/sys; } 2>/dev/null || exit 99
		exec fswatch-events -r --timeout 0.01 many' </dev/null >said 2>err
	case $? in
	99) echo "skip - in a container the way out is outside - no mounts here" ;;
	*)
		grep -q "; raise it outside of this container with: sysctl -w user" err &&
			proper fswatch-events
		is "in a container the way out is outside"
		;;
	esac
	if unshare -U --map-user=1000 --keep-caps true 2>/dev/null; then
		timeout 60 unshare -U --map-user=1000 --keep-caps sh -c \
			"$watch_with_16" </dev/null >said 2>err
		grep -q "; raise it with: sudo sysctl -w user" err &&
			proper fswatch-events
		is "an ordinary user is told to use sudo"
	else
		echo "skip - an ordinary user is told to use sudo - an old unshare"
	fi
else
	echo "skip - no more watches - no user namespaces here"
fi

### Wrong usage of fswrite

program=fswrite
w "no directory given; --help tells more"
w "more than one directory given" a b
w "--synk: unknown option; did you mean --sync\?" --synk out
w "--retry: needs an argument" --retry
w "--retry x: not a number of tries" --retry x out
w "--retry-delay 1s: not a number of seconds" --retry-delay 1s out
w "--max-line 0: not from 1 to [0-9]+" --max-line 0 out
w "--ops rm: no such operation; did you mean delete\?" --ops rm out
w "--ops frob: no such operation; there are write, append, .* and rename" \
	--ops frob out

### fswrite at work

mkdir -p out/full out/adir
: >out/file
: >out/full/file
ln -s file out/link
ln -s adir out/dirlink
mkfifo out/fifo
ln out/file out/hard
: >out/one
f "nowhere: No such file or directory \(mkdir -p makes it\)" nowhere
f "out/file: Not a directory" out/file
f "nowhere: No such file or directory" --watched nowhere out
input=.
f "stdin: Is a directory" out
input=in

# refused MESSAGE LINE: as the third line of the input, with its number
refused() {
	printf '\n\n%s\n' "$2" >in
	f "line 3: $1" --ack out
}
refused "bad JSON: .* \(column [0-9]+\)" 'garbage'
refused "the line ends in the middle of the JSON value" '{"op":"write"'
refused "more than one value on the line \(column [0-9]+\)" '{} {}'
refused "a key stands there twice \(.*\)" '{"op":"write","op":"write"}'
refused "nested too deeply" "$(printf '%03000d' 0 | tr 0 '[')"
refused "half of a surrogate pair \(column [0-9]+\): use toWellFormed\(\) in JavaScript, errors=\"replace\" in Python" \
	'{"op":"write","path":"a","content":"\ud800"}'
refused "not an object" '[]'
refused 'no "op"' '{"path":"a"}'
refused 'unknown op "apend"; did you mean "append"\?' '{"op":"apend"}'
refused 'unknown op "rm"; did you mean "delete"\?' '{"op":"rm"}'
refused 'unknown op "frobnicate"; there are write, append, overwrite, delete, mkdir and rename' \
	'{"op":"frobnicate"}'
refused '"op" is not a string' '{"op":7}'
refused 'delete: no "path"' '{"op":"delete"}'
refused 'delete: the path is absolute' '{"op":"delete","path":"/a"}'
refused 'delete: the path has a component "." or "\.\."' \
	'{"op":"delete","path":"../a"}'
refused 'delete: the path is empty' '{"op":"delete","path":""}'
refused 'delete: the path has an empty component' \
	'{"op":"delete","path":"a//b"}'
refused 'delete: the path ends in a slash' '{"op":"delete","path":"a/"}'
refused 'delete: the path has a NUL in it' '{"op":"delete","path":"a\u0000"}'
refused "delete: the path has a name of fswrite's own in it" \
	'{"op":"delete","path":".fswrite-0123456789abcdef"}'
refused 'delete: .*too long' "{\"op\":\"delete\",\"path\":\"$(printf '%0300d' 0)\"}"
refused 'delete: "path.base64" is not exact base64' \
	'{"op":"delete","path_base64":"a"}'
refused 'delete: "path" and "path.base64" are not the same' \
	'{"op":"delete","path":"a","path_base64":"Yg=="}'
refused 'write a: no "content"' '{"op":"write","path":"a"}'
refused 'write a: "content" is not a string' \
	'{"op":"write","path":"a","content":7}'
refused 'write a: "encoding" is neither "utf-8" nor "base64"' \
	'{"op":"write","path":"a","content":"","encoding":"latin1"}'
refused 'write a: "content" is not exact base64' \
	'{"op":"write","path":"a","content":"?","encoding":"base64"}'
refused 'write a: the content is marked as truncated' \
	'{"op":"write","path":"a","content":"","truncated":true}'
refused 'write a: "mode" is not octal digits up to 0777' \
	'{"op":"write","path":"a","content":"","mode":"4755"}'
refused 'rename a: no "old.path"' '{"op":"rename","path":"a"}'
refused 'rename a: "replace" is not true or false' \
	'{"op":"rename","path":"a","old_path":"file","replace":1}'
refused 'the key "id" is spelt with escapes' '{"\u0069d":1,"op":"delete"}'

refused 'write file: File exists' '{"op":"write","path":"file","content":"x"}'
refused 'mkdir file: File exists' '{"op":"mkdir","path":"file"}'
refused 'rename one: File exists' \
	'{"op":"rename","path":"one","old_path":"file"}'
refused 'delete none: No such file or directory' '{"op":"delete","path":"none"}'
refused 'delete full: Directory not empty' '{"op":"delete","path":"full"}'
refused 'write file/x: Not a directory' \
	'{"op":"write","path":"file/x","content":""}'
refused 'append dirlink/x: Symbolic links are not followed' \
	'{"op":"append","path":"dirlink/x","content":""}'
refused 'append link: Not a regular file, but a symbolic link' \
	'{"op":"append","path":"link","content":""}'
refused 'append fifo: Not a regular file, but a FIFO' \
	'{"op":"append","path":"fifo","content":""}'
refused 'append adir: Not a regular file, but a directory' \
	'{"op":"append","path":"adir","content":""}'
refused 'append hard: The file has other hard links' \
	'{"op":"append","path":"hard","content":""}'
refused 'delete a\\x1b\[2J: No such file or directory' \
	'{"op":"delete","path":"a\u001b[2J"}'
f "line 3: longer than 5 bytes \(--max-line\)" --max-line 5 out
f "line 3: delete .*: Not allowed by --ops" --ops append out

printf '%s\n' '{"op":"mkdir","path":"a"}' >in
if [ -w /dev/full ]; then
	timeout 60 fswrite --ack out <in >/dev/full 2>err
	[ "$?" -eq 1 ] && proper fswrite &&
		grep -qx 'fswrite: stdout: No space left on device' err
	is "fswrite says that stdout is full"
fi
timeout 60 fswrite --ack out <in >&- 2>err
[ "$?" -eq 1 ] && proper fswrite &&
	grep -qx 'fswrite: stdout: Bad file descriptor' err
is "fswrite says that stdout is closed"
timeout 60 fswrite out <&- >said 2>err
[ "$?" -le 1 ] && proper fswrite
is "fswrite without stdin ends"
{ timeout 60 fswrite --ack out <in 2>err; echo "$?" >got; } | true
[ "$(cat got)" -eq 1 ] && proper fswrite &&
	grep -qx 'fswrite: stdout: nobody reads the answers any more' err
is "fswrite says that nobody reads its answers"

### Loops

mkfifo events
fswatch-events -r -e ready out >events 2>watcher-err &
watcher=$!
exec 5<events
read -r _ <&5
# The system may not tell the name of an open directory.
own=".*out"
[ -z "${HARNESS_PORTABLE:-}" ] || own="the directory or one above it"
says 3 "out: $own is watched by process $watcher: not written, it would loop; use --prune at the watcher, --chain, another directory, or --force" \
	fswrite out
kill "$watcher" && wait "$watcher"
says 3 "out: .* is watched \(--watched\): not written, it would loop; use another directory, or --force" \
	fswrite --watched out out
printf '%s\n' '{"op":"mkdir","path":"full/a"}' >in
says 3 "line 1: mkdir full/a: .*full is watched \(--watched\): not written, it would loop; .*" \
	fswrite --watched out/full out
exit "$status"
