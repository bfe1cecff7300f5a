#!/bin/sh
# table.sh [FILE ...]: what `make bench` has said, as README's tables.
set -eu

awk '
function row(title, list,    i, n, name, s) {
	s = "| " title " |"
	n = split(list, name, "|")
	for (i = 1; i <= n; i++)
		s = s " " ((title, name[i]) in median ? \
		    median[title, name[i]] : "-") " |"
	print s
}
function table(titles, count, head, list,    i) {
	if (count == 0)
		return
	print "\n" head "\n" rule(head)
	for (i = 1; i <= count; i++)
		row(titles[i], list)
}
function rule(head,    s) {
	s = head
	gsub(/[^|]+/, " --- ", s)
	return s
}
/^[0-9][0-9-]*, / { machine = $0 }
/^[^ ].*\(least/ || /^(one file|1,000 files|overwrite|--sync, one file)$/ {
	title = $0
	sub(/ +\(.*/, "", title)
	writes = title !~ /us |ms |wake/
	if (!(title in seen))
		if (writes)
			write[++nwrite] = title
		else
			watch[++nwatch] = title
	seen[title] = 1
}
/^  [^ ].* [0-9.]+ \(/ {
	name = $0
	sub(/ +[0-9.]+ \(.*/, "", name)
	sub(/^  /, "", name)
	value = substr($0, match($0, / [0-9.]+ \(/) + 1)
	sub(/ .*/, "", value)
	if (name ~ /^floor/ && (title, "floor") in median)
		next # the first is the one to reach
	if (name ~ /^floor/)
		name = "floor"
	sub(/[ ,].*/, "", name)
	median[title, name] = \
	    sprintf(value < 10 && value > 0 ? "%.2f" : "%.0f", value)
}
END {
	print machine
	table(watch, nwatch, "| | fswatch-events | floor | inotifywait |" \
	    " fswatch | watchdog |",
	    "fswatch-events|floor|inotifywait|fswatch|watchdog")
	table(write, nwrite, "| commands a second | fswrite | floor |" \
	    " python3 | node | jq, tee | syslog-ng |",
	    "fswrite|floor|python3|node|jq|syslog-ng")
}' "$@"
