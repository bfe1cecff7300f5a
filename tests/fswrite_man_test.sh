#!/bin/sh
# Runs the examples of fswrite(1) that need nothing but fswrite and jq, as they
# stand there, and looks at what they leave behind.
set -u

bin=${FSPIPE_BIN:-.}
bin=$(cd "$bin" && pwd)
man=$(dirname "$0")/../man/fswrite.1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

# example N: the Nth literal block of EXAMPLES, as a reader sees it, with the
# directory of the example replaced by our own.
example() {
	awk -v n="$1" '
	    /^\.Sh/ { on = $2 == "EXAMPLES" }
	    on && /^\.Bd/ { k++; next }
	    /^\.Ed/ { inside = 0; next }
	    on && k == n && !/^\./ && !done { print; inside = 1 }
	    on && /^\.Pp/ && k == n { done = 1 }' "$man" |
	    sed -e 's/\\e/\\/g' -e "s,/tmp/out,$dir/out,g"
}

check() { # sentence, file, content
	if [ "$(cat "$2" 2>/dev/null)" = "$3" ]; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		failed=1
	fi
}

PATH=$bin:$PATH
example 1 >"$dir/1.sh"
sh "$dir/1.sh"
check "the first example of fswrite.1 makes the file it says" \
    "$dir/out/a/b" hi

if command -v jq >/dev/null; then
	example 2 >"$dir/2.sh"
	sh "$dir/2.sh" >"$dir/answers"
	check "the second example makes a file named by the message's id" \
	    "$dir/out/in/m1" hello
	check "the second example acknowledges it" "$dir/answers" \
	    '{"ok":true,"line":1,"id":"m1","op":"write","path":"in/m1","size":5}'
else
	echo "skip - the second example makes a file named by the message's id - no jq"
fi
exit "$failed"
