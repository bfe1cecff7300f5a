#!/bin/sh
# check.sh: the Debian package, from `make dist` to a run of what it installs.
# As root and with mmdebstrap(1) it is built in a system of its own with nothing
# but its build dependencies, and installed and tried in another one with
# nothing but its dependencies. Else, or with HERE=1, it is built here and
# unpacked. Lintian has no error and no warning in either case. KEEP=DIR: leave
# the packages there.
set -eu

cd "$(dirname "$0")/../.."
version=$(sed -n 's/^VERSION = //p' Makefile)
export LC_ALL=C.UTF-8 DEB_BUILD_OPTIONS=nocheck
tmp=$(mktemp -d)
trap 'rm -rf --one-file-system "$tmp"' EXIT
source=fspipe-$version
suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
base=build-essential,debhelper,libbsd-dev,libjansson-dev,pkg-config

# in_mounts command ...: what it mounts ends with it, however it ends
in_mounts() { unshare --mount "$@"; }

# in_system DIR COMMAND: runs it as root there, with /proc
in_system() {
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount --pid --fork sh -c '
		unset TMPDIR
		mount -t proc proc "$1/proc" && chroot "$1" sh -c "$2"' \
		sh "$1" "$2" </dev/null
}

mkdir "$tmp/build"
rm -f "$source.tar.gz"
make -s dist
mv "$source.tar.gz" "$tmp/build/fspipe_$version.orig.tar.gz"
tar -C "$tmp/build" -xzf "$tmp/build/fspipe_$version.orig.tar.gz"
cp -R tests/packaging/debian "$tmp/build/$source"

systems=
if [ -z "${HERE:-}" ] && [ "$(id -u)" -eq 0 ] && command -v mmdebstrap >/dev/null &&
	in_mounts mmdebstrap --quiet --variant=minbase --include="$base" \
	    "$suite" "$tmp/builder" </dev/null; then
	systems=yes
fi

echo "== build${systems:+, in a system of its own}"
if [ -n "$systems" ]; then
	mv "$tmp/build" "$tmp/builder/build"
	in_system "$tmp/builder" "cd /build/$source &&
	    dpkg-buildpackage -us -uc -Pnocheck"
	mv "$tmp/builder/build" "$tmp/build"
else
	(cd "$tmp/build/$source" && dpkg-buildpackage -us -uc -Pnocheck)
fi

echo "== lintian"
lintian --allow-root --fail-on error,warning --display-info \
    "$tmp"/build/fspipe_*.changes

echo "== smoke test${systems:+, in another system}"
deb=$(find "$tmp/build" -name "fspipe_$version-*.deb")
dpkg -c "$deb"
if [ -n "$systems" ]; then
	rm -rf "$tmp/builder"
	in_mounts mmdebstrap --quiet --variant=minbase --include=jq,man-db \
	    --customize-hook="copy-in $deb \
	    tests/packaging/debian/tests/smoke /root" \
	    --customize-hook="chroot \$1 apt-get -qy install \
	    /root/$(basename "$deb")" "$suite" "$tmp/user" </dev/null
	in_system "$tmp/user" /root/smoke
else
	dpkg -x "$deb" "$tmp/tree"
	TREE=$tmp/tree tests/packaging/debian/tests/smoke
fi
[ -z "${KEEP:-}" ] || cp "$tmp"/build/fspipe_* "$KEEP"
