#!/bin/bash
# A live copy of a tree, through 10,000 random changes, also over ssh.
# shellcheck source=tests/recipe.sh
. "${0%/*}/../recipe.sh"
sentence="the mirror is the tree"
needs diff cc

# What the tests of the watcher change trees with.
changer=${CHANGER:-$here/build/changer}
[ -x "$changer" ] || skip_all "no $changer (make check-recipes makes it)"

# The tree but for what fswrite has no command for.
listing() {
	(cd "$1" && find . -mindepth 1 \( -type f -o -type d \) \
	    -printf '%P %y\0' | sort -z)
}
same() {
	cmp -s <(listing src) <(listing mirror) &&
	    (cd src && find . -type f -print0) |
	    while IFS= read -r -d '' f; do
		    cmp -s "src/$f" "mirror/$f" || exit 1
	    done
}

mirrored() {
	rm -rf src mirror outside
	mkdir src mirror outside
	echo old >"src/$hostile"
	begin mirror
	for seed in 1 2 3 4; do
		"$changer" "$seed" 2500 src outside >changes 2>&1 || cat changes
		echo "$seed" >src/last
		await '[ "$(cat mirror/last 2>&1)" = "$seed" ]' && await same ||
			diff -rq src mirror
		same
		is "$1 after $((seed * 2500)) random changes, of any names"
	done
	[ ! -e pwned ]
	is "$1 no name is taken for a command"
	finish
	[ "$status" -eq 0 ] && same
	is "$1 told to end, it ends with 0 and is still equal"
	! grep -v 'No such file or directory$' errors
	is "$1 nothing went wrong on the way"
}

mirrored "the mirror is the tree"

rm -rf mirror
begin mirror 0
ended
[ "$status" -ne 0 ] && grep -q 'mirror: No such file' errors
is "without its directory fswrite says so, and all ends, not with 0"
done_testing
