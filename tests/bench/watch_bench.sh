#!/bin/sh
# watch_bench.sh: what fswatch-events costs, beside floors of our own
# (floor_watch.c) and the peers that are installed, in interleaved rounds.
# BENCH_ROUNDS: how many; BENCH_FILES: of each of the two processes that load
# the machine; BENCH_TREES: "10000x10 100000x1" are directories and the files
# in each, for the first scan; BENCH_GROWTH: the same, for what happens in a
# tree of that size ("10000x100" is a million files, which is not tried unless
# it is asked for).
set -u

rounds=${BENCH_ROUNDS:-5}
files=${BENCH_FILES:-50000}
tmp=$(mktemp -d /dev/shm/fspipe-bench-XXXXXX 2>/dev/null || mktemp -d)
trap 'rm -rf "$tmp"' EXIT
events=$(cd "$FSPIPE_BIN" && pwd)/fswatch-events
floor=$BENCH_BIN/floor_watch
dir=$tmp/d

have() { command -v "$1" >/dev/null 2>&1; }

# run MEASURE NAME HOW N DIRECTORY WORD COMMAND ...
run() {
	measure=$1 name=$2
	shift 2
	rm -rf "$dir"
	mkdir "$dir"
	if figures=$("$BENCH_BIN/watcher" "$@" 2>"$tmp/err"); then
		echo "$measure|$name|$round|$figures" >>"$tmp/results"
	else
		echo "$measure|$name|$round|$(head -n 1 "$tmp/err" | tr '|' ' ')" \
		    >>"$tmp/failed"
	fi
}

# Directories below a tree, a hundred in each on the way, and files in them.
tree() {
	mkdir "$2"
	echo "$1" | awk -Fx -v top="$2" '{
		for (i = 0; i < $1; i++) {
			d = sprintf("%s/%d/%d", top, i % 100, i)
			printf("%s%c", d, 0)
		}
	}' | xargs -0 mkdir -p
	find "$2" -mindepth 2 -print0 | awk -v RS='\0' -v n="${1#*x}" '{
		for (i = 0; i < n; i++)
			printf("%s/%d%c", $0, i, 0)
	}' | xargs -0 touch
}

few() { echo $(($1 > 5000 ? 5000 : $1)); }

# peers MEASURE HOW N: those that are there, with a line an event. A figure for
# each call needs fewer of them where each takes long.
peers() {
	! have inotifywait || run "$1" inotifywait "$2" "$3" "$dir" established \
	    inotifywait -m -e create,modify,delete,move "$dir"
	! have fswatch || run "$1" fswatch "$2" "$3" "$dir" - \
	    fswatch -l 0.1 --event Created --event Updated --event Removed \
	    --event Renamed "$dir"
	! have watchmedo || run "$1" 'watchdog (watchmedo)' "$2" "$(few "$3")" "$dir" - \
	    watchmedo log -v "$dir"
	! have chokidar || run "$1" chokidar "$2" "$(few "$3")" "$dir" - \
	    chokidar "$dir"
}

: >"$tmp/results"
: >"$tmp/failed"
for t in ${BENCH_TREES-10000x10 100000x1}; do
	tree "$t" "$tmp/$t"
done
for t in ${BENCH_GROWTH-10x100 100x100 1000x100}; do
	mkdir "$tmp/in-$t"
	tree "$t" "$tmp/in-$t/moved"
done
round=0
while [ "$round" -lt "$rounds" ]; do
	round=$((round + 1))
	m='us of CPU a call'
	run "$m" fswatch-events throughput "$files" "$dir" ready \
	    "$events" -e +ready "$dir"
	run "$m" 'floor, counts, a few at once' throughput "$files" "$dir" \
	    ready "$floor" sip "$dir"
	run "$m" 'floor, counts only' throughput "$files" "$dir" ready \
	    "$floor" count "$dir"
	run "$m" 'floor, tells' throughput "$files" "$dir" ready \
	    "$floor" tell "$dir"
	peers "$m" throughput "$files"
	m='us of CPU a call, closed and attrib too'
	run "$m" fswatch-events throughput "$files" "$dir" ready \
	    "$events" -e +ready,+closed,+attrib "$dir"
	! have inotifywait || run "$m" inotifywait throughput "$files" "$dir" \
	    established inotifywait -m \
	    -e create,modify,delete,move,close_write,attrib "$dir"

	m='us to the line'
	run "$m" fswatch-events latency 1000 "$dir" ready \
	    "$events" -e +ready "$dir"
	run "$m" 'floor, echo' echo 1000 "$dir" ready "$floor" echo "$dir"
	run "$m" 'floor, looks and tells' latency 1000 "$dir" ready \
	    "$floor" look "$dir"
	[ "$round" -gt 2 ] || peers "$m" latency 300

	for t in ${BENCH_TREES-10000x10 100000x1}; do
		m="ms to ready, $t"
		run "$m" fswatch-events setup 0 "$tmp/$t" ready \
		    "$events" -r -e +ready "$tmp/$t"
		run "$m" 'floor, bare walk' setup 0 "$tmp/$t" ready \
		    "$floor" tree "$tmp/$t"
		! have inotifywait || run "$m" inotifywait setup 0 "$tmp/$t" \
		    established inotifywait -m -r "$tmp/$t"
	done

	for t in ${BENCH_GROWTH-10x100 100x100 1000x100}; do
		run "us of CPU an event, in $t" fswatch-events changes 5000 \
		    "$tmp/in-$t" ready "$events" -r -e +ready "$tmp/in-$t"
	done
	for t in ${BENCH_GROWTH-10x100 100x100 1000x100}; do
		run "us to the line, renaming $t" fswatch-events rename 200 \
		    "$tmp/in-$t" ready "$events" -r -e +ready "$tmp/in-$t"
	done
	for t in ${BENCH_TREES-10000x10 100000x1}; do
		run "ms from overflow to resynced, $t" fswatch-events \
		    resync "${BENCH_LOST:-20000}" "$tmp/$t" ready "$events" \
		    -r -e +ready,+overflow,+resynced "$tmp/$t"
	done

	m='wake-ups in a second'
	run "$m" fswatch-events idle 1000 "$dir" ready \
	    "$events" -e +ready "$dir"
	! have inotifywait || run "$m" inotifywait idle 1000 "$dir" \
	    established inotifywait -m "$dir"
done

for peer in inotifywait fswatch watchmedo chokidar; do
	have "$peer" || echo "not installed: $peer"
done
printf 'fswatch-events: %s files, %s rounds, on %s\n' "$((2 * files))" \
    "$rounds" "$(stat -f -c %T "$tmp")"
sed 's/^\([^|]*\)|\([^|]*\)|[^|]*|/no figure: \2: \1: /' \
    "$tmp/failed" | sort | uniq -c | sed 's/^ *\([0-9]*\) \(.*\)/\2 (\1 times)/'
# A line is measure|name|round|figures. fswatch-events' ratio to the others is
# that of each round, in the first figure.
awk -F'|' '
function median(list, n,    i, j, t, v) {
	n = split(list, v, " ")
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) {
			t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
		}
	least = v[1]; most = v[n]
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}
function head(measure) {
	second = measure ~ /call|event/ ? "lines" : \
	    measure ~ /line/ ? "99 %" : measure ~ /resynced/ ? \
	    "to ready" : measure ~ /ready/ ? "CPU ms" : "RSS KiB"
	third = measure ~ /resynced/ ? "%" : measure ~ /ready/ ? \
	    "PSS KiB" : measure ~ /wake/ ? "ms to ready" : ""
	printf("%-34s %8s %21s %7s %9s %s\n", measure, "", \
	    "(least     most)", "ratio", second, third)
}
{
	key = $1 SUBSEP $2
	if (!(key in a))
		order[++keys] = key
	split($4, f, " ")
	a[key] = a[key] " " f[1]
	b[key] = b[key] " " f[2]
	c[key] = c[key] " " f[3]
	if ($2 == "fswatch-events")
		own[$1 SUBSEP $3] = f[1]
	if (($1 SUBSEP $3) in own && f[1] > 0)
		ratio[key] = ratio[key] " " own[$1 SUBSEP $3] / f[1]
}
END {
	for (i = 1; i <= keys; i++) {
		split(order[i], k, SUBSEP)
		if (k[1] != before)
			head(k[1])
		before = k[1]
		r = ratio[order[i]] == "" ? "" : \
		    sprintf("%.2f", median(ratio[order[i]]))
		bb = median(b[order[i]]); cc = median(c[order[i]])
		m = median(a[order[i]])
		printf("  %-32s %8.2f (%8.2f %10.2f) %7s %9.0f %s\n", k[2], m,
		    least, most, r, bb, third == "" ? "" : cc)
	}
}' "$tmp/results"
