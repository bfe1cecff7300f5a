#!/bin/sh
# fswrite does not write where a watcher looks that feeds it (or, without
# --chain, where any of ours does). Both real programs, real pipes and mounts.
# shellcheck disable=SC2317 # functions are called by is()
set -u

# One deadline for all: a wait that never ends is a failure.
if [ -z "${LOOP_TEST_RUNS-}" ]; then
	LOOP_TEST_RUNS=1 timeout --foreground 300 "$0" "$@"
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

# --- the start ---

fresh
watch -r w
is "a watched directory is refused" covered f w
is "a directory below is refused" covered f w/a/b
is "a neighbour is free" free f n
is "from above, the watched directory is refused" refused w/a/f .
is "from above, others are free" free n/f .
ln -s w link
is "a symbolic link is no way around" covered f link/a
is "--force writes all the same" free f --force w/a
rm w/a/f

: >"$dir/err"
{ put f; echo rest; } | {
	"$bin/fswrite" w 2>"$dir/err"
	echo $? >"$dir/status"
	cat >"$dir/left"
}
{ put f; echo rest; } >"$dir/want"
untouched() {
	[ "$(cat "$dir/status")" -eq 3 ] && cmp -s "$dir/want" "$dir/left" &&
	    [ ! -e w/f ]
}
is "nothing is read from stdin then" untouched
says() {
	[ "$(wc -l <"$dir/err")" -eq 1 ] || return 1
	for word in "$PWD/w" "$watcher" --prune --chain "another directory" \
	    --force; do
		grep -q -e "$word" "$dir/err" || return 1
	done
}
is "one line names the root, the process and the ways out" says
unwatch
is "a watcher that has ended refuses nothing" free f w
rm w/f

watch -r w
kill -9 "$watcher"
unwatch
is "a killed watcher refuses nothing" free f w/a

fresh
watch w
is "a flat watch covers the directory" covered f w
is "a flat watch leaves what is below free" free f w/a
unwatch
watch -r --depth 2 w
is "a watch to a depth covers what it sees" covered f w/a
is "a watch to a depth leaves what is deeper free" free f w/a/b
unwatch

fresh
: >w/one
: >w/two
watch w/one
is "a watched file is refused" refused one w
is "another file of its directory is free" free two w
unwatch
start_writer w
give later
is "a name that is not there yet is free" told '"ok":true'
watch w/later 7>&- 8<&-
give later
is "and refused once it is watched" told '"error":"loop"'
give other
is "and no other name is" told '"ok":true'
end_writer
unwatch

fresh
watch -r --prune w/a w
is "a pruned directory is free" free f w/a
is "what is below it, too" free f w/a/b
is "the rest of the tree is not" covered f w
watch -r w
is "another watcher has not pruned it" covered f w/a
fresh

# Before and after: a name is told only when all before it has been seen to.
# at_name NAME: waits until the watcher has told of NAME.
at_name() {
	while read -r line <&9; do
		case $line in *"\"$1\""*) return 0 ;; esac
	done
	return 1
}
fresh
mkdir w2 w3
watch -r w w2
mv w w.old
mv w3 w
: >w2/told
at_name w2/told
: >w2/again
at_name w2/again
is "a root that is put in the place of another is refused" covered f w
is "and the one that it replaced is free" free f w.old
rm -r w
: >w2/gone
at_name w2/gone
: >w2/gone2
at_name w2/gone2
is "the name of a root that has gone is kept free for it" refused w/f .
is "and others are not" free n/f .
unwatch

fresh
watch --wait -r later
is "a root that is waited for is refused by its name" refused later/f .
is "it is not made either" test ! -e later
is "and its neighbours are free" free n/f .
mkdir later
is "from the moment it is there it is covered" not_free f later
unwatch

fresh
if may "a pruned directory is claimed before its tree" \
    "strace does not work here" strace -o "$dir/trace" true; then
	prefix="strace -e trace=fcntl -o $dir/trace"
	watch -r --prune w/a w
	prefix=
	# The kind is in the two bits above the 54th: 3 is pruned, 0 a tree.
	kinds() {
		sed -n 's/.*F_OFD_SETLK.*F_RDLCK.*l_start=\([0-9]*\).*/\1/p' \
		    "$dir/trace" | while read -r start; do
			echo $((start >> 54 & 3))
		done
	}
	in_order() { [ "$(kinds | tr -d '\n')" = 30 ]; }
	is "a pruned directory is claimed before its tree" in_order
	unwatch
	# The watcher comes between the question to w/a and that to w.
	put f >cmd
	mkfifo asks
	# Leaks cannot be looked for in what is traced.
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 \
	strace -o asks -e trace=fcntl -e inject=fcntl:delay_enter=100000 \
	    "$bin/fswrite" w/a <cmd 2>"$dir/err" 9<&- &
	writer=$!
	exec 6<asks
	while read -r line <&6; do
		case $line in *F_OFD_GETLK*) break ;; esac
	done
	watch -r --prune w/a w 6<&-
	cat <&6 >/dev/null
	exec 6<&-
	is "a pruned directory is free while its watcher starts" wait "$writer"
	unwatch
fi

fresh
watch --no-claim -r w
is "--no-claim takes no claim" free f w
is "--watched stands in for it" covered f --watched w w/a
is "--watched leaves the others free" free f --watched w n
unwatch

# --- while it runs ---

fresh
start_writer .
give w/a/f
is "before there is a watcher all is free" told '"ok":true'
watch -r w 7>&- 8<&-
give w/a/f
is "a watcher that comes later refuses from then on" told '"error":"loop"'
give w/new/f
is "no directory is made there either" test ! -e w/new
give n/f
is "commands elsewhere go on" told '"ok":true'
unwatch
give w/a/f
is "and here, too, when it has gone" told '"ok":true'
end_writer
is "a refusal on the way makes it 3 at the end" test "$writer_status" -eq 3

fresh
mkdir n/d
start_writer n
watch -r w 7>&- 8<&-
give d/f
mv n w/n
give x/f
is "a new directory below one that was renamed into the tree is refused" \
    told '"error":"loop"'
# What was written in before is asked anew within a second.
begin=$(date +%s)
tries=0
while give d/f && told '"ok":true'; do
	tries=$((tries + 1))
	[ $(($(date +%s) - begin)) -le 20 ] || break
done
is "one written in before within a second" \
    test $(($(date +%s) - begin)) -le 3
is "and it is refused" told '"error":"loop"'
end_writer
unwatch

# --- other programs ---

fresh
if may "other programs' locks on the directory refuse nothing" \
    "no flock(1)" flock --version; then
	mkfifo "$dir/locked" "$dir/unlock"
	# shellcheck disable=SC2016 # the inner shell's
	flock w sh -c 'echo >"$0"; read -r _ <"$1"' "$dir/locked" \
	    "$dir/unlock" &
	read -r _ <"$dir/locked"
	is "other programs' locks on the directory refuse nothing" free f w
	watch -r w
	is "and hide no watcher" covered f w
	unwatch
	echo >"$dir/unlock"
	wait
fi

# --- mounts, users, roots ---

# alone COMMAND: in a mount namespace, as root or as root of our own.
alone() {
	if [ "$(id -u)" -eq 0 ]; then unshare -m sh -c "$1"; else
		unshare -Urm sh -c "$1"
	fi
}
fresh
if may "a bind mount is no way around" "no mount namespaces" mounts; then
	watch -r w
	mkdir m
	bound() {
		put f | alone "mount --bind $1 $2 && '$bin/fswrite' $3" \
		    2>"$dir/err"
		[ $? -eq "$4" ]
	}
	is "a bind mount of the root is no way around" bound w m m/a 3
	is "a bind mount from below the root is none" bound w/a m m/b 3
	is "a bind mount of something else is free" bound n m m 0
	unwatch
	put f >cmd
	within() {
		rm -f "$dir/ready2"
		mkfifo "$dir/ready2"
		# shellcheck disable=SC2016 # the inner shell's
		bin=$bin fifo=$dir/ready2 alone '
			mount --bind n w/a/b || exit 1
			"$bin/fswatch-events" -r -e +ready w >"$fifo" &
			while read -r line; do
				case $line in
				*\"ready\"*)
					"$bin/fswrite" n <cmd
					echo $? >status
					kill $! ;;
				esac
			done <"$fifo"
			wait' 2>"$dir/err"
		[ "$(cat status)" -eq 3 ]
	}
	is "a directory that is mounted into a watched tree is refused" within
	other_fs() {
		rm -f "$dir/ready2" status
		mkfifo "$dir/ready2"
		# shellcheck disable=SC2016 # the inner shell's
		bin=$bin fifo=$dir/ready2 options=$1 alone '
			mount -t tmpfs tmpfs w/a/b || exit 1
			"$bin/fswatch-events" -r $options -e +ready w \
			    >"$fifo" &
			while read -r line; do
				case $line in
				*\"ready\"*)
					"$bin/fswrite" w/a/b <cmd
					echo $? >status
					kill $! ;;
				esac
			done <"$fifo"
			wait' 2>"$dir/err"
		[ "$(cat status)" -eq "$2" ]
	}
	is "another file system in a watched tree is refused" other_fs "" 3
	is "and is free where only one file system is watched" \
	    other_fs --one-file-system 0
fi

fresh
if may "an ancestor that may not be read is asked" "only root can be another" \
    setpriv --reuid 65534 --clear-groups true; then
	cp "$bin/fswrite" "$bin/fswatch-events" "$dir/"
	real=$bin bin=$dir
	chmod -R a+rwX .
	chmod 711 w
	watch -r w
	prefix="setpriv --reuid 65534 --clear-groups"
	is "a watcher of root above what may not be read refuses a user" \
	    covered f w/a
	prefix=
	unwatch
	chmod 777 w
	prefix="setpriv --reuid 65534 --clear-groups"
	watch -r w
	is "a user's own watcher refuses" covered f w/a
	prefix=
	is "another user's watcher refuses nothing" free f w/a
	warned() {
		[ "$(grep -c "process $watcher of another user" \
		    "$dir/err")" -eq 1 ]
	}
	is "another user's watcher is told, once" warned
	unwatch
	bin=$real
fi
if may "a chroot is no way around" "only root can chroot" \
    unshare -m sh -c 'mkdir -p r && mount --bind / r && chroot r true'; then
	watch -r w
	rooted() {
		put f | unshare -m sh -c "mount --rbind / r &&
		    chroot r '$bin/fswrite' '$PWD/w/a'" 2>"$dir/err"
		[ $? -eq 3 ]
	}
	is "a chroot is no way around" rooted
	unwatch
fi

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
	[ "$(cat "$dir/status")" -eq 3 ] && [ ! -e "${1:-w}/log" ] &&
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

if may "under a service manager" "no systemd is running here" \
    systemd-run --quiet --wait --collect true; then
	# shellcheck disable=SC2016 # the inner shell's
	systemd-run --quiet --wait --collect -p "WorkingDirectory=$PWD" \
	    /bin/sh -c '
		sh -c '\''echo $$ >"$0/pid"
			exec "$1/fswatch-events" -r --existing w'\'' "$0" "$1" |
		jq --unbuffered -c "$2" | {
			"$1/fswrite" --chain --ack --stop-on-error w \
			    >"$0/ack" 2>"$0/err"
			echo $? >"$0/status"
			kill "$(cat "$0/pid")"
		}' "$dir" "$bin" "$command"
	is "under a service manager" looped
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

if may "what was asked for in many commands at once costs little" \
    "strace does not work here" strace -o "$dir/trace" true; then
	fresh
	i=0
	while [ $i -lt 2000 ]; do
		put w/a/f
		i=$((i + 1))
	done >cmd
	strace -f -e trace=fcntl,statx -o "$dir/trace" \
	    "$bin/fswrite" . <cmd 2>"$dir/err"
	few() {
		[ "$(wc -c <w/a/f)" -eq 2000 ] &&
		    [ "$(wc -l <"$dir/trace")" -lt 400 ]
	}
	is "what was asked for in many commands at once costs little" few
	wc -l <"$dir/trace" | sed 's/^/# calls: /'
fi

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
