#!/bin/sh
# The Makefile, in a copy of the sources: what is built, when, and where it is
# installed to.
set -u

# Nothing of the make that runs this test.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES SAN BUILD BIN CFLAGS PREFIX
unset BINDIR MANDIR DESTDIR BACKEND
export LC_ALL=C

here=$(cd "$(dirname "$0")/.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

# is SENTENCE COMMAND...: the sentence is true when the command succeeds.
is() {
	is_sentence=$1
	shift
	if "$@" >"$tmp/said" 2>&1; then
		echo "ok - $is_sentence"
	else
		echo "not ok - $is_sentence"
		sed 's/^/# /' "$tmp/said"
		failed=1
	fi
}
# shellcheck disable=SC2317 # run by is()
{
build() { make -C "$tmp/src" CFLAGS=-O0 "$@"; }
idle() { make -q -C "$tmp/src" CFLAGS=-O0; }
outdated() { ! idle; }
files() { (cd "$1" && find . -name .git -prune -o ! -type d -print | sort); }
same() { files "$1" | diff "$2" -; }
modes() {
	(cd "$tmp/dest" && find . -type f -printf '%m %p\n' | sort) |
	    diff "$tmp/want" -
}
# What git takes in after a build is the sources.
ignored() {
	git init -q "$tmp/src" && git -C "$tmp/src" add -A &&
	    git -C "$tmp/src" -c core.quotePath=false ls-files |
	    sed 's,^,./,' | sort | diff "$tmp/sources" - &&
	    git -C "$tmp/src" -c user.name=test -c user.email=test@localhost \
		-c commit.gpgSign=false commit -q -m "a test"
}
dist() {
	build dist && mkdir "$tmp/dist" &&
	    tar -C "$tmp/dist" -xzf "$tmp"/src/fspipe-*.tar.gz &&
	    same "$tmp"/dist/fspipe-* "$tmp/sources"
}
}

mkdir "$tmp/src"
(cd "$here" && cp -R .gitignore Makefile README.md LICENSE ./*.c common man \
    tests "$tmp/src")
files "$tmp/src" >"$tmp/sources"

is "both programs are built by two jobs at once" build -j2
is "what is built runs" "$tmp/src/fswrite" --version
is "make a second time has nothing to do" idle
# Its time is the oldest there is: no waiting for the clock to go on.
find "$tmp/src/build" "$tmp/src/fswrite" "$tmp/src/fswatch-events" \
    -exec touch -d '2000-01-01 00:00:02' {} +
(cd "$tmp/src" && find . -name build -prune -o -name '*.[ch]' -print \
    -o -name Makefile -print) | while read -r f; do
	touch -d '2000-01-01 00:00:01' "$tmp/src/$f"
done
is "nor when all is older than what is built" idle
touch "$tmp/src/common/event.h"
is "a header that has changed is noticed" outdated
is "and make repairs it" build
is "for good" idle

cat >"$tmp/want" <<'END'
644 ./opt/manual/man1/fswatch-events.1
644 ./opt/manual/man1/fswrite.1
755 ./opt/bin/fswatch-events
755 ./opt/bin/fswrite
END
is "install obeys PREFIX, MANDIR and DESTDIR" build install \
    DESTDIR="$tmp/dest" PREFIX=/opt MANDIR=/opt/manual
is "it installs both programs and their pages, and nothing else" modes
is "what is installed runs" "$tmp/dest/opt/bin/fswatch-events" --version
is "uninstall obeys them, too" build uninstall \
    DESTDIR="$tmp/dest" PREFIX=/opt MANDIR=/opt/manual
: >"$tmp/want"
is "and leaves nothing" modes

if command -v git >/dev/null; then
	is "git ignores what is built" ignored
	is "dist is all that is in git" dist
else
	echo "skip - git ignores what is built - no git here"
	echo "skip - dist is all that is in git - no git here"
fi
is "clean is a success" build clean
is "and leaves the sources" same "$tmp/src" "$tmp/sources"
exit $failed
