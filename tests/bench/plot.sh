#!/bin/sh
# plot.sh TABLE SVG: draws two measures of watch_bench.sh's table, with
# gnuplot(1): what an event costs, and how long it takes to the line.
set -eu

table=$1 svg=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# rows MEASURE: NAME|MEDIAN|LEAST|MOST of what is a program, not a floor
rows() {
	awk -v measure="$1" '
	/^[^ ]/ { on = index($0, measure " ") == 1 }
	on && /^  .* [0-9.]+ \(/ && !/floor/ {
		name = substr($0, 3, 32)
		sub(/ +(\(.*)?$/, "", name)
		split(substr($0, 36), n, /[() ]+/)
		for (i = 1; n[i] == ""; i++)
			;
		printf("%s|%s|%s|%s\n", name, n[i], n[i + 1], n[i + 2])
	}' "$table"
}
rows 'us of CPU a call' >"$tmp/cpu"
rows 'us to the line' >"$tmp/line"
if ! [ -s "$tmp/cpu" ] || ! [ -s "$tmp/line" ]; then
	echo "plot.sh: $table: not watch_bench.sh's table" >&2
	exit 1
fi

gnuplot <<END
set terminal svg size 640,460 dynamic font 'sans-serif,12' background '#ffffff'
set output '$svg'
set datafile separator '|'
set style fill solid 0.8 border -1
set boxwidth 0.6
set logscale y
set format y '%g'
set grid y
set xtics nomirror scale 0
unset key
set multiplot layout 2,1
set title 'CPU for each change (µs)'
set yrange [0.1:*]
plot '$tmp/cpu' using 0:2:xtic(1) with boxes lc rgb '#4477aa', \
    '' using 0:2:3:4 with errorbars lc rgb '#222222' pt 0, \
    '' using 0:4:(\$2 < 10 ? sprintf('%.2f', \$2) : sprintf('%.0f', \$2)) with labels offset 0,0.7
set title 'from the change to the line (µs)'
set yrange [1:*]
plot '$tmp/line' using 0:2:xtic(1) with boxes lc rgb '#66aa88', \
    '' using 0:2:3:4 with errorbars lc rgb '#222222' pt 0, \
    '' using 0:4:(\$2 < 10 ? sprintf('%.2f', \$2) : sprintf('%.0f', \$2)) with labels offset 0,0.7
END
