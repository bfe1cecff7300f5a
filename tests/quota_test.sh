#!/bin/sh
# fswrite where a quota ends (EDQUOT): a file system of its own with one, in a
# mount namespace of its own. tmpfs where the kernel counts for its users, else
# btrfs in a file.
set -u

bin=$(cd "${FSPIPE_BIN:-.}" && pwd)
export LC_ALL=C
sentence="beyond a quota records are whole, or the answer says torn"

skip() {
	echo "skip - $sentence - $1"
	exit 0
}

if [ "${1-}" != inside ]; then
	[ "$(id -u)" -eq 0 ] || skip "not root"
	unshare -m true 2>/dev/null || skip "no mount namespace"
	exec unshare -m "$0" inside
fi

tmp=$(mktemp -d)
trap 'umount "$tmp/fs" 2>/dev/null; rm -rf "$tmp"' EXIT
mkdir "$tmp/fs"
chmod 755 "$tmp"
user=
if mount -t tmpfs -o usrquota,usrquota_block_hardlimit=1m t "$tmp/fs" \
    2>/dev/null; then
	# root has none.
	user="setpriv --reuid 65534 --regid 65534 --clear-groups"
	chmod 777 "$tmp/fs"
	out=$tmp/fs
else
	command -v mkfs.btrfs >/dev/null 2>&1 ||
		skip "no quota on tmpfs, no mkfs.btrfs"
	truncate -s 128M "$tmp/image"
	{
		mkfs.btrfs -q -M "$tmp/image" &&
		    mount -o loop "$tmp/image" "$tmp/fs" &&
		    btrfs quota enable "$tmp/fs" &&
		    btrfs subvolume create "$tmp/fs/out" &&
		    btrfs qgroup limit 1M "$tmp/fs/out"
	} >"$tmp/said" 2>&1 || skip "no quota to be had"
	out=$tmp/fs/out
fi
status=0

is() { # is SENTENCE COMMAND...
	is_sentence=$1
	shift
	if "$@"; then
		echo "ok - $is_sentence"
	else
		echo "not ok - $is_sentence"
		status=1
	fi
}
# shellcheck disable=SC2317 # run by is()
{
# Each record is one of 1,000 bytes, and as many are there as were answered.
# Where the file system needs room to cut a file (btrfs), a part of one more is
# there, too, and its answer says so.
whole() {
	done=$(grep -c '"ok":true,.*"op":"append"' "$tmp/answers")
	torn=$(grep -c '"torn":true' "$tmp/answers")
	rest=$(($(wc -c <"$out/log") - done * 1000))
	[ "$done" -gt 100 ] && [ "$torn" -le 1 ] && [ "$rest" -ge 0 ] &&
	    [ "$rest" -lt 1000 ] && [ $((rest > 0)) -eq "$torn" ] &&
	    [ "$(grep -c '^a\{999\}$' "$out/log")" -eq "$done" ]
}
refused() {
	[ "$(grep -c '"error":"EDQUOT"' "$tmp/answers")" -gt 100 ] &&
	    ! grep '"ok":false' "$tmp/answers" |
	    grep -qv '"error":"EDQUOT"'
}
kept() { [ "$(cat "$out/old")" = old ] && [ ! -e "$out/new" ]; }
nothing_else() { [ "$(find "$out" -type f | wc -l)" -eq 2 ]; }
room_again() {
	sync -f "$out"
	[ "$(wc -c <"$out/old")" -eq 400000 ]
}
}

commands() {
	awk '
	function many(letter, n,    s) {
		for (s = letter; length(s) * 2 <= n;)
			s = s s
		return s substr(s, 1, n - length(s))
	}
	BEGIN {
		a = many("a", 999)
		b = many("b", 400000)
		for (i = 0; i < 2000; i++)
			print "{\"op\":\"append\",\"path\":\"log\"," \
			    "\"content\":\"" a "\\n\"}"
		print "{\"op\":\"write\",\"path\":\"new\",\"content\":\"" b "\"}"
		print "{\"op\":\"overwrite\",\"path\":\"old\"," \
		    "\"content\":\"" b "\"}"
	}'
}

for option in -q --sync; do
	printf old | $user tee "$out/old" >/dev/null
	commands | $user "$bin/fswrite" -q $option --force --ack "$out" \
	    >"$tmp/answers"
	is "$sentence ($option)" whole
	is "what is refused says EDQUOT ($option)" refused
	is "a file that was to be replaced is the old one ($option)" kept
	is "nothing else is left ($option)" nothing_else
	echo '{"op":"delete","path":"log"}' |
	    $user "$bin/fswrite" --force --sync "$out"
	sync -f "$out"
	commands | tail -n 1 | $user "$bin/fswrite" --force $option "$out"
	is "when there is room again it goes on ($option)" room_again
done
exit "$status"
