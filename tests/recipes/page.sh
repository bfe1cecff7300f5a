#!/bin/bash
# The recipes of fspipe(7) and their tests are the same ones.
# shellcheck source=tests/recipe.sh
. "${0%/*}/../recipe.sh"

page=$here/man/fspipe.7
sed -n 's/^\.\\" recipe //p' "$page" >"$top/named"
[ -s "$top/named" ] && [ "$(grep -c '^\.Bd -literal' "$page")" -eq \
    "$(grep -c . "$top/named")" ] &&
    [ -z "$(sort "$top/named" | uniq -d)" ]
is "each recipe in fspipe(7) has a name of its own"

missing=
while read -r name; do
	grep -lqE "(begin|recipe|part|for name in .*) *.*\b$name\b" \
	    "$recipes"/[!p]*.sh "$recipes"/p[!a]*.sh ||
	    missing="$missing $name"
done <"$top/named"
[ -z "$missing" ]
is "each is run by a test${missing:+, but for:$missing}"

while read -r name; do
	recipe "$name" | bash -n || echo "$name"
done <"$top/named" >"$top/wrong" 2>&1
! [ -s "$top/wrong" ]
is "each is shell that a shell can read"

if command -v mandoc >/dev/null; then
	mandoc -T utf8 -O width=200 "$page" | sed 's/.\x08//g; s/^ *//' |
	    expand >"$top/page"
	while read -r name; do
		recipe "$name" | expand | sed 's/^ *//'
	done <"$top/named" | while IFS= read -r line; do
		grep -qxF -- "$line" "$top/page" || echo "$line"
	done >"$top/wrong"
	! [ -s "$top/wrong" ]
	is "what is run is what a reader of the page sees"
	sed 's/^/# /' "$top/wrong"
else
	echo "skip - what is run is what a reader of the page sees - no mandoc"
fi

while read -r name; do
	recipe "$name" | awk -v name="$name" 'length($0) > 78 { print name }
	    END { if (NR > 20) print name }'
done <"$top/named" >"$top/wrong"
! [ -s "$top/wrong" ]
is "each is short enough to paste"
sed 's/^/# /' "$top/wrong"

while read -r name; do
	recipe "$name"
done <"$top/named" | grep 'jq ' | grep -v -e --unbuffered >"$top/wrong"
! [ -s "$top/wrong" ]
is "jq never keeps anything back"
done_testing
