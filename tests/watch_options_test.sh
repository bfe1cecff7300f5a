#!/bin/sh
# What a person meets first: usage, help, version, and colours where they
# belong.
set -u

bin=$(cd "${FSPIPE_BIN:-.}" && pwd)/fswatch-events
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
status=0

is() { # is SENTENCE: what the last command said is the verdict
	if [ "$?" -eq 0 ]; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		status=1
	fi
}

run() { # run ARGUMENT ...: exit status in $got, output in $tmp
	timeout 60 "$bin" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	got=$?
}

run
[ "$got" -eq 2 ] && ! [ -s "$tmp/out" ] && [ "$(wc -l <"$tmp/err")" -eq 1 ]
is "without a path it says so in one line and exits with 2"
run -e frob "$tmp"
[ "$got" -eq 2 ] && ! [ -s "$tmp/out" ] && [ "$(wc -l <"$tmp/err")" -eq 1 ] &&
	grep -q '^fswatch-events: -e frob: .* resynced, ' "$tmp/err"
is "an unknown event is answered with those there are"
run --existng "$tmp"
[ "$got" -eq 2 ] && grep -q 'did you mean --existing?$' "$tmp/err"
is "a misspelt option is answered with the nearest"
run --help
[ "$got" -eq 0 ] && grep -q '^usage: fswatch-events ' "$tmp/out" &&
	! [ -s "$tmp/err" ]
is "help goes to stdout and is a success"
run --version
version=$(sed -n 's/^VERSION = //p' "${0%/*}/../Makefile")
[ "$got" -eq 0 ] && [ -n "$version" ] &&
	[ "$(head -n 1 "$tmp/out")" = "fswatch-events $version" ]
is "the version is the first line of --version"
grep -qxE 'back ends: [a-z]+(, [a-z]+)*' "$tmp/out" &&
	grep -qxE 'built with libbsd( [0-9.]+)?' "$tmp/out"
is "and what is built in, and with what, are the others"
"${bin%/*}/fswrite" --version >"$tmp/out" &&
	[ "$(head -n 1 "$tmp/out")" = "fswrite $version" ] &&
	grep -qxE 'sandbox: (landlock|none)' "$tmp/out" &&
	grep -qxE 'built with jansson( [0-9.]+)?, libbsd( [0-9.]+)?' "$tmp/out"
is "fswrite tells the same of itself"
if [ -w /dev/full ]; then
	"$bin" --help >/dev/full 2>"$tmp/err"
	[ "$?" -eq 1 ] && grep -q stdout "$tmp/err"
	is "help that cannot be written is a failure"
else
	echo "skip - help that cannot be written is a failure - no /dev/full"
fi
timeout 60 "$bin" -e ready "$tmp" >&- 2>"$tmp/err"
[ "$?" -eq 1 ] && grep -qx 'fswatch-events: stdout: Bad file descriptor' \
	"$tmp/err"
is "a closed stdout is a failure that is named"
run "$tmp/nowhere"
[ "$got" -eq 1 ] && grep -q "^fswatch-events: $tmp/nowhere: .* (-w waits for it)" \
	"$tmp/err"
is "a path that is not there is a failure that names it and the way out"

esc=$(printf '\033')
mkdir "$tmp/in"
: >"$tmp/in/file"
timeout 60 "$bin" -1 --existing - "$tmp/in" >"$tmp/out" 2>"$tmp/err" <&- &&
	grep -q '"event":"exists"' "$tmp/out" && ! [ -s "$tmp/err" ]
is "a closed stdin is one that is at its end"
run -1 -p --existing "$tmp/in"
[ "$got" -eq 0 ] && grep -q ' exists .*/in/file$' "$tmp/out" &&
	! grep -q "$esc" "$tmp/out"
is "a pipe gets no colours"

# on_terminal ENVIRONMENT ...: the same with a terminal for stdout
on_terminal() {
	env -u NO_COLOR "$@" timeout 60 script -qec \
		"stty cols 56; '$bin' -1 -p --existing '$tmp/in'" /dev/null \
		</dev/null >"$tmp/out" 2>&1
}
if command -v script >/dev/null && on_terminal TERM=xterm; then
	grep -q "$esc\[3[0-9]mexists" "$tmp/out"
	is "a terminal gets colours"
	! grep -v '^fswatch-events: ' "$tmp/out" | sed "s/$esc\[[0-9]*m//g" |
		tr -d '\r' | LC_ALL=C.UTF-8 grep -E '^.{57}'
	is "no line is wider than the terminal"
	on_terminal TERM=dumb && grep -q exists "$tmp/out" &&
		! grep -q "$esc" "$tmp/out"
	is "a dumb terminal gets no colours"
	on_terminal TERM=xterm NO_COLOR=1 && grep -q exists "$tmp/out" &&
		! grep -q "$esc" "$tmp/out"
	is "NO_COLOR takes the colours away"
	# said ARGUMENT ...: what is said on a terminal; its name is cut off
	said() {
		env TERM=xterm timeout 60 script -qec \
			"cd '$tmp'; '$bin' --timeout 0.01 $* >/dev/null" \
			/dev/null </dev/null | tr -d '\r' |
			sed 's/^fswatch-events: //' >"$tmp/out"
	}
	mkdir -p "$tmp/few" "$tmp/tree/a/b/c" "$tmp/tree/d" "$tmp/tree/e.o"
	: >"$tmp/tree/file"
	said few
	echo "watching few" | diff - "$tmp/out"
	is "a terminal is told what is watched without -r"
	said tree
	echo "watching tree, but not the 5 directories below" \
		"(-r watches all)" | diff - "$tmp/out"
	is "and how many directories below are not"
	said tree few -x "'o$'" -x /c
	echo "watching tree few, but not the 3 directories below" \
		"(-r watches all)" | diff - "$tmp/out"
	is "those that -x leaves out do not count"
	said -r tree && ! [ -s "$tmp/out" ] && said --depth 1 tree &&
		! [ -s "$tmp/out" ] && said -q tree && ! [ -s "$tmp/out" ]
	is "who knows -r, --depth or -q is told nothing"
else
	echo "skip - a terminal gets colours - no script(1) here"
fi
exit "$status"
