#!/bin/sh
# The Makefile, in a copy of the sources: what is built, when, and where it is
# installed to.
set -u

# Nothing of the make that runs this test.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES SAN BUILD BIN CFLAGS PREFIX
unset BINDIR MANDIR DATADIR BASHDIR ZSHDIR FISHDIR DESTDIR BACKEND
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
# By what would be run.
by_hand() {
	build -n -B PKG_CONFIG=false >"$tmp/commands" &&
	    grep -q -e "-DLIBBSD_OVERLAY .*common/emit" "$tmp/commands" &&
	    grep -q -e "fswrite.* -lbsd  *-ljansson" "$tmp/commands" &&
	    build -n -B BSD_CFLAGS=-Ibeside BSD_LIBS=-lbeside \
		JANSSON_LIBS=beside.a >"$tmp/commands" &&
	    grep -q -e "-Ibeside .*common/emit" "$tmp/commands" &&
	    grep -q -e "fswrite.* -lbeside beside.a" "$tmp/commands"
}
# ran TEXT SCRIPT: beside a good test, this one makes run.sh end so.
ran() {
	printf '#!/bin/sh\necho "ok - yes"\n' >"$tmp/good_test.sh"
	printf '#!/bin/sh\n%s\n' "$2" >"$tmp/one_test.sh"
	chmod +x "$tmp/good_test.sh" "$tmp/one_test.sh"
	"$here/tests/run.sh" "$tmp/good_test.sh" "$tmp/one_test.sh" >"$tmp/ran"
	[ $? -eq "${1%% *}" ] && [ "$(tail -n 1 "$tmp/ran")" = "${1#* }" ]
}
idle() { make -q -C "$tmp/src" CFLAGS=-O0; }
outdated() { ! idle; }
files() { (cd "$1" && find . -name .git -prune -o ! -type d -print | sort); }
same() { files "$1" | diff "$2" -; }
modes() {
	(cd "$tmp/dest" && find . -type f -printf '%m %p\n' | sort) |
	    diff "$tmp/want" -
}
less_of_all() {
	nm "$tmp/src/build-less/libfspipe.a" >"$tmp/names" &&
	    grep -q 'mounts_none.o' "$tmp/names" &&
	    grep -q 'chain_none.o' "$tmp/names" &&
	    grep -q 'watcher_none.o' "$tmp/names" &&
	    ! grep -E '(mounts|chain|watcher|mountwatch)_proc.o' "$tmp/names"
}
command='{"op":"append","path":"a/f","content":"x"}'
less_writes() {
	echo "$command" |
	    "$tmp/src/build-less/fswrite" -v --chain "$tmp/out" 2>"$tmp/err" &&
	    [ "$(cat "$tmp/out/a/f")" = x ]
}
less_refuses() {
	echo "$command" |
	    "$tmp/src/build-less/fswrite" --watched "$tmp/out/a" "$tmp/out"
	[ $? -eq 3 ] && [ "$(cat "$tmp/out/a/f")" = x ]
}
less_watches() {
	"$tmp/src/build-less/fswatch-events" -v -1 --existing "$tmp/out" \
	    2>"$tmp/err" | grep -q '"exists"'
}
less_is_silent() {
	"$tmp/src/build-less/fswatch-events" -1 --existing "$tmp/out" \
	    2>"$tmp/err" >"$tmp/events" && [ -s "$tmp/events" ] &&
	    [ ! -s "$tmp/err" ]
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
# By another user, elsewhere, at another time.
dist_again() {
	mv "$tmp"/src/fspipe-*.tar.gz "$tmp/first.tar.gz" &&
	    git clone -q "$tmp/src" "$tmp/other" &&
	    git -C "$tmp/other" config tar.umask 0077 &&
	    (umask 077 && TZ=Asia/Tokyo make -C "$tmp/other" dist) &&
	    cmp "$tmp/first.tar.gz" "$tmp"/other/fspipe-*.tar.gz
}
static() {
	build -j2 STATIC=1 && "$tmp/src/build-static/fswrite" --version &&
	    "$tmp/src/build-static/fswatch-events" --version &&
	    ! readelf -d "$tmp/src/build-static/fswrite" \
	"$tmp/src/build-static/fswatch-events" | grep NEEDED
}
hardened() {
	for program in fswatch-events fswrite; do
		readelf -h "$tmp/src/$program" | grep -q 'Type: *DYN' &&
		    readelf -lW "$tmp/src/$program" | grep -q GNU_RELRO &&
		    readelf -d "$tmp/src/$program" | grep -qE 'NOW' &&
		    readelf -sW "$tmp/src/$program" |
			grep -q '__stack_chk_fail' || return 1
	done
}
have_archives() {
	printf 'int main(void) { return 0; }\n' >"$tmp/a.c" &&
	    ${CC:-cc} -static-pie -o "$tmp/a" "$tmp/a.c" -ljansson -lbsd -lmd
}
}

mkdir "$tmp/src"
(cd "$here" && cp -R .gitignore Makefile README.md LICENSE ./*.c common man \
    tests "$tmp/src")
files "$tmp/src" >"$tmp/sources"

is "both programs are built by two jobs at once" build -j2
is "what is built runs" "$tmp/src/fswrite" --version
if command -v readelf >/dev/null; then
	is "what is built is hardened" hardened
else
	echo "skip - what is built is hardened - no readelf here"
fi
is "without pkg-config flags are guessed, or given by hand" by_hand
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
644 ./opt/manual/man7/fspipe.7
644 ./opt/share/bash-completion/completions/fswatch-events
644 ./opt/share/bash-completion/completions/fswrite
644 ./opt/share/fish/vendor_completions.d/fswatch-events.fish
644 ./opt/share/fish/vendor_completions.d/fswrite.fish
644 ./opt/share/fspipe/answer.schema.json
644 ./opt/share/fspipe/command.schema.json
644 ./opt/share/fspipe/event.schema.json
644 ./opt/share/zsh/site-functions/_fswatch-events
644 ./opt/share/zsh/site-functions/_fswrite
755 ./opt/bin/fswatch-events
755 ./opt/bin/fswrite
END
(cd "$here" && for f in man/examples/*; do
	echo "644 ./opt/share/doc/fspipe/examples/${f##*/}"
done) >>"$tmp/want"
sort -o "$tmp/want" "$tmp/want"
is "install obeys PREFIX, MANDIR and DESTDIR" build install \
    DESTDIR="$tmp/dest" PREFIX=/opt MANDIR=/opt/manual
is "it installs both programs, the pages and the examples, no more" modes
is "what is installed runs" "$tmp/dest/opt/bin/fswatch-events" --version
is "uninstall obeys them, too" build uninstall \
    DESTDIR="$tmp/dest" PREFIX=/opt MANDIR=/opt/manual
: >"$tmp/want"
is "and leaves nothing" modes

# A system without Linux's /proc, without Landlock and without locks of open
# file descriptions.
mkdir "$tmp/less"
cat >"$tmp/less/fcntl.h" <<'END'
#pragma GCC system_header
#include_next <fcntl.h>
#undef F_OFD_GETLK
#undef F_OFD_SETLK
#undef F_OFD_SETLKW
#undef O_TMPFILE
END
is "with less of a system it is built without a warning" build BUILD=build-less \
    BIN=build-less/ SANDBOX=none PROC=none CPPFLAGS="-I$tmp/less" \
    CFLAGS='-O0 -Werror'
is "of the files for that system" less_of_all
mkdir -p "$tmp/out/a"
is "fswrite writes there" less_writes
is "with -v it says that it sees no claims" grep -q "no loop check here" \
    "$tmp/err"
is "--watched refuses there" less_refuses
is "fswatch-events watches there" less_watches
is "with -v it says that it has no claim" grep -q "no claim" "$tmp/err"
is "and is silent about it without" less_is_silent

if command -v git >/dev/null; then
	is "git ignores what is built" ignored
	is "dist is all that is in git" dist
	is "dist is the same, whoever makes it" dist_again
else
	echo "skip - git ignores what is built - no git here"
	echo "skip - dist is all that is in git - no git here"
	echo "skip - dist is the same, whoever makes it - no git here"
fi
if have_archives 2>/dev/null; then
	is "STATIC=1 builds programs that need no shared library" static
else
	echo "skip - STATIC=1 builds programs that need no shared library" \
		"- not every library is here as an archive"
fi
is "what fails has failed" \
    ran "1 1 passed, 1 failed, 0 skipped" 'echo "not ok - no"; exit 1'
is "and so has what dies" ran "1 1 passed, 1 failed, 0 skipped" "kill -9 \$\$"
is "and what tries nothing" ran "1 1 passed, 1 failed, 0 skipped" :
is "what is skipped has not" \
    ran "0 1 passed, 0 failed, 1 skipped" 'echo "skip - it - why"'
is "clean is a success" build clean
is "and leaves the sources" same "$tmp/src" "$tmp/sources"
exit $failed
