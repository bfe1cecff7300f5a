#!/bin/sh
# write_bench.sh: commands a second that fswrite applies, beside floors of our
# own (floor_write.c) and the peers that are installed, in interleaved rounds.
# BENCH_ROUNDS, BENCH_LINES: how many; BENCH_DIR: on which file system.
set -u

rounds=${BENCH_ROUNDS:-5}
lines=${BENCH_LINES:-200000}
tmp=$(mktemp -d "${BENCH_DIR:-${TMPDIR:-/var/tmp}}/fspipe-bench-XXXXXX")
# Who stops it sees what has been measured so far.
trap 'report; rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM
out=$tmp/out
fswrite=$(cd "$FSPIPE_BIN" && pwd)/fswrite
floor=$BENCH_BIN/floor_write
: >"$tmp/results"

have() { command -v "$1" >/dev/null 2>&1; }

# input OP FILES CHARS COUNT: lines of JSON, their paths in turn.
input() {
	awk -v op="$1" -v files="$2" -v chars="$3" -v count="$4" 'BEGIN {
		text = sprintf("%*s", chars, "")
		gsub(/ /, "x", text)
		for (i = 0; i < count; i++)
			printf("{\"op\":\"%s\",\"path\":\"f/%03d\"," \
			    "\"content\":\"%s %08d\\n\",\"id\":\"%08d\"," \
			    "\"time\":1763723662.%06d}\n", op,
			    i * 7919 % files, text, i, i, i)
	}'
}

# The files are there before: making them is not what is measured.
fresh() {
	rm -rf "$out"
	mkdir -p "$out/f"
	awk -v dir="$out/f" 'BEGIN {
		for (i = 0; i < 1000; i++) {
			file = sprintf("%s/%03d", dir, i)
			printf "" >file
			close(file)
		}
	}'
}

# run WORKLOAD NAME INPUT COMMAND ...: one run, and its times to the results.
run() {
	workload=$1 name=$2 from=$3
	shift 3
	fresh
	if ! times=$("$BENCH_BIN/feed" "$from" "$@" 2>"$tmp/err"); then
		echo "$name failed: $(head -n 1 "$tmp/err")" >&2
		return
	fi
	there=$(find "$out" -type f ! -name lock ! -name config ! -name state \
	    -exec cat {} + | wc -l)
	want=$(wc -l <"$from")
	[ "$workload" != overwrite ] || [ "$want" -le 1000 ] || want=1000
	echo "$workload|$name|$round|$((want - there))|$times" \
	    >>"$tmp/results"
}

# What has been measured.
report() {
	for peer in jq python3 node syslog-ng svlogd multilog; do
		have "$peer" || echo "not installed: $peer"
	done
	printf 'fswrite: %s lines of 200 bytes, %s rounds, on %s\n' "$lines" "$round" \
	    "$(stat -f -c %T "$tmp")"
	printf '%-43s %9s %20s %6s %12s %4s\n' '' commands/s \
	    '(least     most)' 'us CPU' 'fswrite/CPU' lost
	# A line is workload|name|round|lost|seconds and those of a processor.
	# How many times as fast as this fswrite was, and by the time of a
	# processor, which other work on the machine disturbs less: the ratios
	# are those of each round.
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
{
	key = $1 SUBSEP $2
	if (!(key in rate))
		order[++keys] = key
	n = $1 == "overwrite" ? over : all
	split($5, seconds, " ")
	rate[key] = rate[key] " " n / seconds[1]
	cpu[key] = cpu[key] " " seconds[2] * 1e6 / n
	if ($2 == "fswrite") {
		own[$1 SUBSEP $3] = seconds[1]
		own_cpu[$1 SUBSEP $3] = seconds[2]
	}
	if (($1 SUBSEP $3) in own) {
		ratio[key] = ratio[key] " " seconds[1] / own[$1 SUBSEP $3]
		ratio_cpu[key] = ratio_cpu[key] " " \
		    seconds[2] / own_cpu[$1 SUBSEP $3]
	}
	if ($4 + 0 > lost[key] + 0)
		lost[key] = $4
}
END {
	for (i = 1; i <= keys; i++) {
		split(order[i], k, SUBSEP)
		if (k[1] != before)
			print k[1]
		before = k[1]
		c = median(cpu[order[i]])
		r = median(ratio[order[i]])
		rc = median(ratio_cpu[order[i]])
		m = median(rate[order[i]])
		printf("  %-41s %10.0f (%8.0f %9.0f) %6.2f %6.2f %5.2f %4d\n",
		    k[2], m, least, most, c, r, rc, lost[order[i]])
	}
}' all="$lines" over="$((lines / 20))" "$tmp/results"
}

# --- the peers ---

cat >"$tmp/append.py" <<'END'
import json, sys
files = {}
for line in sys.stdin.buffer:
    c = json.loads(line)
    f = files.get(c["path"])
    if f is None:
        f = files[c["path"]] = open(sys.argv[1] + "/" + c["path"], "a")
    f.write(c["content"])
END
cat >"$tmp/overwrite.py" <<'END'
import json, os, sys
for line in sys.stdin.buffer:
    c = json.loads(line)
    path = sys.argv[1] + "/" + c["path"]
    with open(path + ".tmp", "w") as f:
        f.write(c["content"])
    os.replace(path + ".tmp", path)
END
cat >"$tmp/append.js" <<'END'
const fs = require("fs"), files = new Map();
require("readline").createInterface({input: process.stdin}).on("line", l => {
    const c = JSON.parse(l);
    let f = files.get(c.path);
    if (f === undefined)
        files.set(c.path, f = fs.openSync(process.argv[2] + "/" + c.path, "a"));
    fs.writeSync(f, c.content);
});
END
cat >"$tmp/syslog-ng.conf" <<END
@version: 3.38
options { flush-lines(1000); stats-level(0); };
source s { stdin(flags(no-parse) log-msg-size(65536)); };
parser p { json-parser(prefix(".c.")); };
destination d { file("$out/\${.c.path}" template("\${.c.content}")); };
log { source(s); parser(p); destination(d); };
END
printf 's0\nn0\n' >"$tmp/svlogd.config"

# peers WORKLOAD INPUT: those that read the commands and append what they say.
peers() {
	! have python3 || run "$1" 'python3, open files' "$2" \
	    python3 "$tmp/append.py" "$out"
	! have node || run "$1" 'node, open files' "$2" \
	    node "$tmp/append.js" "$out"
	! have syslog-ng || run "$1" 'syslog-ng' "$2" \
	    syslog-ng -F -f "$tmp/syslog-ng.conf" --no-caps \
	    -R "$tmp/syslog-ng.persist" -c "$tmp/syslog-ng.ctl" \
	    -p "$tmp/syslog-ng.pid"
}

# unparsed WORKLOAD INPUT: those that append whole lines to one file.
unparsed() {
	run "$1" 'floor, one write a line, no parsing' "$2" "$floor" "$out"
	run "$1" 'floor, batched, no parsing' "$2" "$floor" -b "$out"
	# shellcheck disable=SC2016 # the inner shell's
	! have svlogd || run "$1" 'svlogd, no parsing' "$2" \
	    sh -c 'cp "$1/svlogd.config" "$2/config"; exec svlogd "$2"' \
	    sh "$tmp" "$out"
	! have multilog || run "$1" 'multilog, no parsing' "$2" \
	    multilog s16777215 n100 "$out"
}

input append 1 120 "$lines" >"$tmp/one"
input append 1000 120 "$lines" >"$tmp/many"
input overwrite 1000 120 "$((lines / 20))" >"$tmp/over"

round=0
while [ "$round" -lt "$rounds" ]; do
	round=$((round + 1))
	run 'one file' fswrite "$tmp/one" "$fswrite" "$out"
	run 'one file' 'floor, jansson, batched' "$tmp/one" \
	    "$floor" -j -b "$out"
	run 'one file' 'floor, jansson, one write a line' "$tmp/one" \
	    "$floor" -j "$out"
	# shellcheck disable=SC2016 # the inner shell's
	! have jq || run 'one file' 'jq, tee -a' "$tmp/one" \
	    sh -c 'jq -j .content | tee -a "$0/f/000" >/dev/null' "$out"
	peers 'one file' "$tmp/one"
	unparsed 'one file' "$tmp/one"

	run '1,000 files' fswrite "$tmp/many" "$fswrite" "$out"
	run '1,000 files' 'floor, jansson, batched' "$tmp/many" \
	    "$floor" -j -b "$out"
	run '1,000 files' 'floor, jansson, one write a line' "$tmp/many" \
	    "$floor" -j "$out"
	peers '1,000 files' "$tmp/many"

	run overwrite fswrite "$tmp/over" "$fswrite" "$out"
	run overwrite 'floor, jansson, temporary file and rename' \
	    "$tmp/over" "$floor" -j -o "$out"
	! have python3 || run overwrite 'python3, the same' "$tmp/over" \
	    python3 "$tmp/overwrite.py" "$out"

	run '--sync, one file' fswrite "$tmp/one" "$fswrite" --sync "$out"
	run '--sync, one file' 'floor, jansson, fdatasync a batch' \
	    "$tmp/one" "$floor" -j -b -s "$out"
done
