#!/bin/sh
# fswrite does not write where a watcher of ours looks.
# shellcheck disable=SC2317 # functions are called by is()
# shellcheck source=tests/loop.sh
. "$(dirname "$0")/loop.sh"

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
rm w/a/f

watch -r w
kill -STOP "$watcher"
is "a suspended watcher still refuses: the kernel keeps its events" covered f w
kill -CONT "$watcher"
is "and when it goes on" covered f w
kill -STOP "$watcher"
kill -9 "$watcher"
unwatch
is "and nothing when it is killed meanwhile" free f w

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
# The watcher is not to see it: what was claimed has to do.
kill -STOP "$watcher"
mkdir later
is "from the moment it is there it is covered" covered f later
kill -CONT "$watcher"
unwatch

fresh
watch --wait -r x/y/z
is "a root whose parents are missing, too, is refused by its path" \
    refused x/y/z/f .
is "it is not made either" test ! -e x/y/z
is "and what lies beside it is free" free x/y/f .
is "and beside its parents" free x/f .
unwatch

fresh
watch --wait -r x/y/z
kill -STOP "$watcher"
mkdir -p x/y/z/a
is "the moment all of it is there it is covered" covered f x/y/z
is "and what is below it" covered f x/y/z/a
is "and by its path from above" refused y/z/f x
is "and its parents are not" free f x/y
kill -CONT "$watcher"
unwatch

fresh
ln -s ../n w/link
watch -r w
is "what a link in a watched tree leads to is free" free f n
unwatch
start_writer n
give g
watch -r -L w 7>&- 8<&-
is "and refused where the watcher follows links" covered f n
is "also through the link" covered f w/link
give g
is "also by who was there before" told '"error":"loop"'
mv w/link .
while told '"error":"loop"'; do give g; done
is "and free when the link has gone" told '"ok":true'
mv link w/
mkdir n/d
at_name w/link/d
is "and not when it is back" covered f n
end_writer
unwatch
rm -r n/*
mkdir -p n/d/e
watch --depth 3 -L w
is "a link's directory is covered as deep as it is watched" covered f n/d
is "and no deeper" free f n/d/e
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

fresh
if may "--watched stands in for a claim of inotifywait(1)" \
    "no inotifywait(1)" command -v inotifywait; then
	mkfifo said
	{
		# shellcheck disable=SC2016 # the inner shell's
		sh -c 'echo $$ >pid; exec inotifywait -m --format %f w' 2>said |
		    while read -r _; do put w/log; done | {
			"$bin/fswrite" --ack --stop-on-error --watched w . \
			    >"$dir/ack" 2>"$dir/err"
			echo $? >status
			kill "$(cat pid)"
		}
	} 9<&- 2>/dev/null &
	exec 6<said
	while read -r line <&6; do
		case $line in *established*) break ;; esac
	done
	: >w/seed
	cat <&6 >/dev/null
	exec 6<&-
	wait
	stood_in() {
		[ "$(cat status)" -eq 3 ] && [ ! -e w/log ] &&
		    [ "$(grep -c '"error":"loop"' "$dir/ack")" -eq 1 ]
	}
	is "--watched stands in for a claim of inotifywait(1)" stood_in
	fi

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

# Hundredths of a second since the machine started: no clock that can be set.
now() {
	read -r now_up _ </proc/uptime
	echo "${now_up%.*}${now_up#*.}"
}
# gives "d/f"; $given is when.
give_at() {
	given=$(now)
	give d/f
}
fresh
mkdir n/d
start_writer n
watch -r w 7>&- 8<&-
give d/f
mv n w/n
moved=$(now)
give x/f
is "a new directory below one that was renamed into the tree is refused" \
    told '"error":"loop"'
# What was written in before is asked anew within a second: whatever is given
# later than that is refused.
late=0
while give_at && told '"ok":true'; do
	[ "$given" -lt $((moved + 100)) ] || late=$((late + 1))
	[ "$given" -lt $((moved + 2000)) ] || break
done
is "one written in before within a second" test $late -eq 0
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
	mkdir -p w/jail/out w/jail/proc
	for d in bin lib lib32 lib64 usr; do
		[ ! -e "/$d" ] || mkdir "w/jail/$d"
	done
	cp "$bin/fswrite" w/jail/out/
	watch -r w
	jailed() {
		# shellcheck disable=SC2016 # the inner shell's
		put f | unshare -m sh -c 'cd w/jail || exit
			for d in bin lib lib32 lib64 usr; do
				[ ! -e "/$d" ] || mount --bind "/$d" "$d" || exit
			done
			mount --bind /proc proc && chroot . "$@"
			' sh /out/fswrite /out 2>"$dir/err"
		[ $? -eq "$1" ]
	}
	is "nor is one below the watched directory" jailed 3
	unwatch
	is "and where nobody watches it is free" jailed 0
fi

# --- what is not seen, as the manual says ---

pids() { unshare -pf --mount-proc true || unshare -Urpf --mount-proc true; }
fresh
if may "a watcher beyond this PID namespace is told and refuses nothing" \
    "no PID namespaces" pids; then
	unshare="unshare -pf --mount-proc"
	$unshare true 2>/dev/null || unshare="unshare -Urpf --mount-proc"
	watch -r w
	beyond() {
		# shellcheck disable=SC2086 # a command and its arguments
		put f | $unshare "$bin/fswrite" w/a 2>"$dir/err" &&
		    grep -q "is watched by process $watcher" "$dir/err"
	}
	is "a watcher beyond this PID namespace is told and refuses nothing" \
	    beyond
	unwatch
fi
overlays() {
	alone 'mkdir -p o/l o/u o/w o/m && mount -t overlay overlay \
	    -o lowerdir=o/l,upperdir=o/u,workdir=o/w o/m'
}
if may "overlayfs hides the watcher of its upper directory" \
    "no overlayfs" overlays; then
	watch -r o/u
	over() {
		put f | alone "mount -t overlay overlay \
		    -o lowerdir=o/l,upperdir=o/u,workdir=o/w o/m &&
		    '$bin/fswrite' $1" 2>"$dir/err"
		[ $? -eq "$2" ]
	}
	is "overlayfs hides the watcher of its upper directory" over o/m 0
	is "and nothing else does" over o/u 3
	unwatch
fi
# busy OPTION WANT: can a watched file system be unmounted? It is tried when all
# has been told, and again while nothing but a claim could stand in the way.
busy() {
	rm -f "$dir/ready2" status
	mkfifo "$dir/ready2"
	# shellcheck disable=SC2016 # the inner shell's
	bin=$bin fifo=$dir/ready2 option=$1 alone '
		mount -t tmpfs tmpfs n || exit 1
		"$bin/fswatch-events" $option -e +ready,+quiet n >"$fifo" &
		while read -r line; do
			case $line in
			*\"ready\"*) echo x >n/x ;;
			*\"quiet\"*)
				[ ! -e status ] || continue
				tries=0
				until umount n || [ $tries -ge 50 ]; do
					tries=$((tries + 1))
				done
				echo $tries >status
				kill $! ;;
			esac
		done <"$fifo"
		wait' 2>"$dir/err"
	if [ "$2" = busy ]; then [ "$(cat status)" -eq 50 ]; else
		[ "$(cat status)" -lt 50 ]
	fi
}
if may "a claim keeps its file system busy" "no mount namespaces" mounts; then
	is "a claim keeps its file system busy" busy "-q" busy
	is "and --no-claim does not" busy "-q --no-claim" free
fi

# --- what it costs ---

if may "asking costs a handful of calls a batch and none a command" \
    "strace does not work here" strace -o "$dir/trace" true; then
	i=0
	while [ $i -lt 12000 ]; do
		put w/a/f
		[ $((i % 8)) -ne 0 ] || put "w/a/f$i"
		i=$((i + 1))
	done >"$dir/cmd"
	# From the first byte of input on; before, it looks at all processes.
	traced() {
		fresh
		ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 \
		    strace -o "$dir/trace" "$bin/fswrite" "$@" . <"$dir/cmd" \
		    2>"$dir/err"
		sed '1,/^read(0,/d' "$dir/trace"
	}
	traced --force >"$dir/without"
	traced >"$dir/with"
	# A batch for each read; for each walk upward it looks at the mounts.
	batches=$(grep -c '^read(0,' "$dir/with")
	walks=$(grep -c '^poll(.*POLLPRI' "$dir/with")
	more=$(($(wc -l <"$dir/with") - $(wc -l <"$dir/without")))
	depth=$(echo "$PWD/w/a" | tr -cd / | wc -c)
	handful() {
		[ "$(wc -c <w/a/f)" -eq 12000 ] && [ "$batches" -gt 0 ] &&
		    [ "$more" -gt 0 ] &&
		    [ "$more" -le $((batches * (depth + 5) +
			walks * (depth + 1) * 20)) ] && [ "$more" -lt 1000 ]
	}
	is "asking costs a handful of calls a batch and none a command" handful
	echo "# $more calls for 13500 commands in $batches batches"

	# A line that makes 300 directories, each in the one before.
	i=0 deep=w
	while [ $i -lt 300 ]; do
		deep=$deep/d
		i=$((i + 1))
	done
	put "$deep/f" >"$dir/cmd"
	traced >"$dir/with"
	up=$(grep -c '^openat([0-9]*, "\.\."' "$dir/with")
	few() { [ -f "$deep/f" ] && [ "$up" -ge 300 ] && [ "$up" -le 15000 ]; }
	is "the way up from a new directory is not gone in full" few
	echo "# $up steps for 300 directories"
fi
exit $failed
