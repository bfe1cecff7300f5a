#!/bin/sh
# The man pages against the programs: every option in --help is in the page
# and the reverse, and the examples are shell that a shell can read.
set -u

bin=${FSPIPE_BIN:-.}
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

for page in man/*.1; do
	name=$(basename "$page" .1)
	"$bin/$name" --help >"$tmp/help" 2>"$tmp/err"
	is "$name --help succeeds"
	[ -s "$tmp/help" ] && ! [ -s "$tmp/err" ]
	is "$name --help goes to stdout and nowhere else"

	[ "$(wc -l <"$tmp/help")" -le 40 ] && ! grep -E '.{81}' "$tmp/help"
	is "$name --help fits 40 lines of 80 columns"
	sed '1,/^Examples:$/d' "$tmp/help" >"$tmp/examples"
	[ "$(grep -c "^  .*$name" "$tmp/examples")" -eq 2 ] &&
		sh -n "$tmp/examples"
	is "$name --help ends in two examples that are shell"
	sed '1d; /^Examples:$/,$d; /^[^ ].*:$/!d' "$tmp/help" >"$tmp/groups"
	[ "$(grep -c . "$tmp/groups")" -ge 4 ]
	is "$name --help is grouped by purpose"

	# Options stand at the beginning of a line, two blanks before their text.
	sed -n 's/^ *\(-.*\)/\1/p' "$tmp/help" | sed 's/   *.*//' |
		grep -oE -- '(^|[ ,;])--?[A-Za-z0-9][A-Za-z0-9-]*' |
		sed 's/^[ ,;]*//' | sort -u >"$tmp/in-help"
	# .It Fl r , Fl -recursive, where the second Fl may be left out
	sed -n 's/^\.It //p' "$page" | sed 's/ , -/ , Fl -/g' | grep -oE 'Fl -?[A-Za-z0-9][A-Za-z0-9-]*' |
		sed 's/^Fl /-/' | sort -u >"$tmp/in-page"
	[ "$(grep -c . "$tmp/in-help")" -gt 5 ] &&
		diff "$tmp/in-help" "$tmp/in-page"
	is "$name.1 and $name --help have the same options"

	sed -n '/^\.Sh EXAMPLES/,/^\.Sh [^E]/p' "$page" |
		sed -n '/^\.Bd -literal/,/^\.Ed/p' | grep -v '^\.' |
		sed -e 's/\\(aq/'\''/g' -e 's/\\-/-/g' -e 's/\\e/\\/g' \
			-e 's/^\$ //' >"$tmp/examples"
	[ -s "$tmp/examples" ] && sh -n "$tmp/examples"
	is "the examples of $name.1 are shell"
done

# The map of the house in README.md names every room and no other.
# shellcheck disable=SC2016 # the backticks are README's
sed -n '/^## How the source/,/^## How to help/p' README.md |
	sed -n 's/^| \(`[^|]*\) |.*/\1/p' | grep -o '`[a-z0-9_]*`' |
	tr -d '`' | sort >"$tmp/in-readme"
for file in common/*.c; do basename "$file" .c; done | sort |
	diff "$tmp/in-readme" - >"$tmp/rooms" || cat "$tmp/rooms"
[ -s "$tmp/in-readme" ] && ! [ -s "$tmp/rooms" ]
is "the map in README.md names each file of common/ once, and no other"
exit "$status"
