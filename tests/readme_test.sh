#!/bin/bash
# Runs each pipe that README.md shows, as it stands there, in a directory of
# its own and with its input kept open: a filter that keeps its output back
# until the end of its input is found out. A test ends when the result is
# there, and fails when it is not there in time.
set -u

here=$(cd "$(dirname "$0")/.." && pwd)
bin=$(cd "${FSPIPE_BIN:-.}" && pwd)
PATH=$bin:$PATH
seconds=${HARNESS_TIMEOUT:-20}
failed=0

dir=$(mktemp -d) || exit 1
job=
stop_job() {
	[ -z "$job" ] || kill -TERM -- "-$job" 2>/dev/null
	[ -z "$job" ] || wait "$job" 2>/dev/null
	job=
}
trap 'stop_job; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

if ! command -v jq >/dev/null; then
	echo "skip - the pipes of README.md work when pasted - no jq here"
	exit 0
fi

# The blocks fenced with sh, into $dir/block.N.
awk -v dir="$dir" '
	/^```sh$/ { inside = 1; n++; next }
	/^```$/ { inside = 0; next }
	inside { print > (dir "/block." n) }
	END { print n + 0 > (dir "/count") }' "$here/README.md"
read -r count <"$dir/count"

# pipe N SENTENCE ACTION RESULT: runs block N; does ACTION again and again, as
# nobody knows when the pipe is ready, until RESULT is true. $i counts.
pipe() {
	local n=$1 sentence=$2 action=$3 result=$4 i=0 end
	used=$((used + 1))
	if ! [ -e "$dir/block.$n" ]; then
		echo "not ok - $sentence (README.md has no block $n)"
		failed=1
		return
	fi
	mkdir "$dir/$n" && cd "$dir/$n" || exit 1
	mkfifo input pause
	exec 4<>input 5<>pause
	[ -z "${prepare:-}" ] || eval "$prepare"
	set -m
	bash "$dir/block.$n" <input 4>&- 5>&- >output 2>errors &
	job=$!
	set +m
	end=$((SECONDS + seconds))
	until eval "$result"; do
		if [ "$SECONDS" -ge "$end" ] || ! kill -0 "$job" 2>/dev/null
		then
			echo "not ok - $sentence"
			sed 's/^/# /' output errors
			failed=1
			break
		fi
		i=$((i + 1))
		eval "$action"
		# Nobody writes to it: the pause between two tries.
		IFS= read -r -t 0.1 _ <&5
	done
	if eval "$result"; then
		echo "ok - $sentence"
	fi
	stop_job
	exec 4>&- 5>&-
	cd "$dir" || exit 1
	prepare=
}

used=0
prepare=

# shellcheck disable=SC2016 # what is evaluated later
{
pipe 1 "the audit log of the first pipe has each event as it comes" \
    '[ ! -d inbox ] || echo hello >inbox/a.$i' \
    'grep -qs "\"path\":\"inbox/a\.[0-9]*\"" archive/audit.log'

pipe 2 "each complete file is copied, whatever its bytes" \
    '[ ! -d inbox ] || printf "\377\000\376" >"inbox/a file $i"' \
    'for f in archive/*; do printf "\377\000\376" | cmp -s - "$f" && break
    done'

prepare='printf "all:\n\t@echo made >>made\n" >Makefile'
pipe 3 "make runs after a burst of changes" \
    '[ ! -d src ] || [ $((i % 10)) -ne 1 ] || echo x >src/x.$i' \
    '[ -s made ]'

pipe 4 "what arrives is compressed" \
    '[ ! -d inbox ] || echo hello >inbox/a.$i' \
    'for f in inbox/*.gz; do gzip -t "$f" 2>/dev/null && break; done'

pipe 5 "what was removed or renamed is in the log of the day" \
    '[ ! -d inbox ] || { : >inbox/a; mv inbox/a inbox/b; rm inbox/b; }' \
    'cat archive/*/*/*.log 2>/dev/null | grep -qs "^renamed inbox/a inbox/b" &&
    cat archive/*/*/*.log | grep -qs "^deleted inbox/b"'

pipe 6 "lines are stored and answered while their source stays open" \
    '[ $i -ne 1 ] || echo hello >&4' \
    'grep -qs "\"ok\":true" output && grep -qsx hello archive/notes.txt'
}

# The view for people: README's lines but for the time and the size, which
# depend on when it looks.
sed -n '/^\$ fswatch-events -rp inbox$/,/^```$/p' "$here/README.md" |
    grep '^[0-9]' | cut -c14-29,36- >"$dir/shown"
mkdir "$dir/view" && cd "$dir/view" && mkdir inbox || exit 1
set -m
fswatch-events -rp -e default,ready inbox >output 2>errors &
job=$!
set +m
mkfifo pause
exec 5<>pause
until_seen() { # until_seen WORD
	local end=$((SECONDS + seconds))
	until grep -qs " $1 " output; do
		[ "$SECONDS" -lt "$end" ] || return 1
		IFS= read -r -t 0.05 _ <&5
	done
}
until_seen ready
mkdir inbox/2026
# It is told when it is watched: what is moved there sooner is found there.
until_seen dir
printf 'Dear all,\n' >inbox/letter.txt
mv inbox/letter.txt inbox/2026/
dd if=/dev/zero of="inbox/summer at sea.jpg" bs=3456789 count=1 2>/dev/null
ln -s 2026 inbox/latest
: >"inbox/two
lines"
rm inbox/2026/letter.txt
until_seen deleted
kill "$job" && wait "$job"
job=
exec 5>&-
if [ -s "$dir/shown" ] && grep -v ' ready ' output | cut -c14-29,36- |
    uniq | diff "$dir/shown" -; then
	echo "ok - the view that README.md shows is what -rp shows"
elif [ "${HARNESS_BACKEND:-inotify}" != inotify ]; then
	echo "skip - the view that README.md shows is what -rp shows -" \
	    "what comparing finds is the net effect, not each step"
else
	echo "not ok - the view that README.md shows is what -rp shows"
	cat errors
	failed=1
fi
cd "$dir" || exit 1

if [ "$used" -eq "$count" ]; then
	echo "ok - each pipe of README.md is tried"
else
	echo "not ok - README.md has $count pipes, and $used are tried"
	failed=1
fi
exit "$failed"
