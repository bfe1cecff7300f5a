#!/bin/sh
# bench.sh [name ...]: runs tests/bench/NAME_bench.sh, all of them where no
# name is given. FSPIPE_BIN: where the programs are; BENCH_BIN: where what is
# built of tests/bench/*.c is. Each prints its own table.
set -u

here=$(cd "$(dirname "$0")" && pwd)
export FSPIPE_BIN="${FSPIPE_BIN:-.}" BENCH_BIN="${BENCH_BIN:-build/bench}"
export LC_ALL=C
status=0

[ $# -gt 0 ] || for f in "$here"/*_bench.sh; do
	set -- "$@" "$(basename "$f" _bench.sh)"
done

printf '%s, %s processors, Linux %s, %s\n' "$(date +%F)" \
    "$(getconf _NPROCESSORS_ONLN)" "$(uname -r)" \
    "$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)"
for name in "$@"; do
	"$here/${name}_bench.sh" || status=1
done
exit "$status"
