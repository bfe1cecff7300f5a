#!/bin/sh
# hostile_test.sh: what fswrite does with bad input. Each directory in
# tests/hostile is a case, its name the sentence that it shows:
#
#	input	what fswrite reads; @OP@ stands for an operation, and @PATH@ for
#		a path that this operation can be done to
#	want	the line numbers that are answered, and "ok" or the error
#	want.OP	the same for an operation that differs
#	ops	the operations it is about (all of them where there is none)
#	options	more options for fswrite
#
# A case runs once for each operation. Where nothing but the line that makes
# "good" is to succeed, all else must be as it was; what is outside of the
# directory must be so in any case.
set -u

here=$(cd "$(dirname "$0")" && pwd)
bin=$(cd "${FSPIPE_BIN:-.}" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export LC_ALL=C
failed=0
kept=0

# A tree with something of each kind, and something outside of it.
template() {
	mkdir -p "$tmp/t/out/dir" "$tmp/t/outside"
	cd "$tmp/t/out" || exit 1
	echo from >from
	echo inner >dir/inner
	echo victim >../victim
	echo victim >../outside/victim
	ln -s ../outside link
	ln -s ../victim flink
	ln -s nowhere dangling
	ln ../outside/victim hard
	mkfifo fifo
	mknod device c 1 3 2>/dev/null
	python3 -c 'import socket
socket.socket(socket.AF_UNIX).bind("socket")' 2>/dev/null
}

# All names, kinds, modes and contents below a directory.
picture() {
	find "$1" -printf '%P %y %m %l\n' | sort
	find "$1" -type f -exec cat {} +
}

run() { # run CASE OP: says what went wrong, if anything
	want=$1/want
	[ ! -f "$want.$2" ] || want=$want.$2
	path=new
	[ "$2" != delete ] || path=from
	options=--ack
	[ ! -f "$1/options" ] || options="--ack $(cat "$1/options")"
	rm -rf "$tmp/o"
	cp -a "$tmp/t" "$tmp/o"
	sed -e "s/@OP@/$2/g" -e "s/@PATH@/$path/g" "$1/input" >"$tmp/input"
	status=0
	# shellcheck disable=SC2086 # a list of options
	timeout 20 "$bin/fswrite" --force $options "$tmp/o/out" <"$tmp/input" \
	    >"$tmp/answers" 2>"$tmp/err" || status=$?
	if [ -n "${FSPIPE_KEEP:-}" ]; then # keep.h
		kept=$((kept + 1))
		cp "$tmp/input" "$FSPIPE_KEEP/commands.hostile.$kept"
		cp "$tmp/answers" "$FSPIPE_KEEP/answers.hostile.$kept"
	fi
	sed -e 's/^{"ok":true,"line":\([0-9]*\),.*/\1 ok/' \
	    -e 's/^{"ok":false,"line":\([0-9]*\),.*"error":"\([^"]*\)",.*/\1 \2/' \
	    "$tmp/answers" | diff "$want" - || return
	if grep -vq ' ok$' "$want"; then expected=1; else expected=0; fi
	[ "$status" -eq "$expected" ] || echo "exit status $status"
	# A refusal is told on stderr, too, by its number.
	sed -n 's/^fswrite: line \([0-9]*\): .*/\1/p' "$tmp/err" >"$tmp/told"
	grep -v ' ok$' "$want" | sed 's/ .*//' | diff - "$tmp/told"
	[ "$(cat "$tmp/o/out/good")" = good ] || echo "good is not there"
	if [ "$(grep -c ' ok$' "$want")" -eq 1 ]; then
		rm "$tmp/o/out/good"
		picture "$tmp/o" | diff "$tmp/before" -
	else
		picture "$tmp/o/outside" | diff "$tmp/outside" -
		cmp "$tmp/t/victim" "$tmp/o/victim"
	fi
}

template
picture "$tmp/t" >"$tmp/before"
picture "$tmp/t/outside" >"$tmp/outside"

for dir in "$here"/hostile/*/; do
	dir=${dir%/}
	sentence=$(basename "$dir" | tr - ' ')
	ops="write append overwrite delete mkdir rename"
	[ ! -f "$dir/ops" ] || ops=$(cat "$dir/ops")
	case $dir in
	*-socket-*)
		if ! [ -S "$tmp/t/out/socket" ]; then
			echo "skip - $sentence - no python3 to make one"
			continue
		fi
		;;
	*-device-*)
		if ! [ -c "$tmp/t/out/device" ]; then
			echo "skip - $sentence - no device may be made"
			continue
		fi
		;;
	esac
	: >"$tmp/wrong"
	for op in $ops; do
		run "$dir" "$op" >"$tmp/result" 2>&1
		[ ! -s "$tmp/result" ] || sed "s/^/$op: /" "$tmp/result" \
		    >>"$tmp/wrong"
	done
	if [ -s "$tmp/wrong" ]; then
		cat "$tmp/wrong"
		echo "not ok - $sentence"
		failed=1
	else
		echo "ok - $sentence"
	fi
done
exit "$failed"
