#!/bin/sh
# deps.sh package ...: installs the Debian packages that are not there yet.
# As root directly, else through sudo. Says what it lacks where there is no apt.
set -eu

missing=
for p in "$@"; do
	case "$(dpkg-query -W -f '${Status}' "$p" 2>/dev/null || true)" in
	"install ok installed") ;;
	*) missing="$missing $p" ;;
	esac
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "deps: no apt-get here; please install:$missing" >&2
	exit 1
fi
sudo=
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "deps: not root and no sudo; please install:$missing" >&2
		exit 1
	fi
	sudo=sudo
fi
# sudo keeps the environment from its command.
apt() {
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q \
	    -o DPkg::Lock::Timeout=120 "$@" </dev/null
}
# The lists may be old, or not there at all. Where some source of them fails,
# the others may do.
# shellcheck disable=SC2086 # a list of package names
if ! apt install -y --no-install-recommends $missing; then
	apt update || echo "deps: not all package lists are new" >&2
	apt install -y --no-install-recommends $missing
fi
