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

mirrored() { # mirrored SENTENCE SEED ...
	local what=$1
	shift
	rm -rf src mirror outside
	mkdir src mirror outside
	echo old >"src/$hostile"
	begin mirror
	for seed; do
		"$changer" "$seed" 2500 src outside >changes 2>&1 || cat changes
		echo "$seed" >src/last
		await '[ "$(cat mirror/last 2>&1)" = "$seed" ]' && await same ||
			diff -rq src mirror
		same
		is "$what: it is equal after 2,500 random changes more ($seed)"
	done
	[ ! -e pwned ]
	is "$what: no name is taken for a command"
	finish
	[ "$status" -eq 0 ] && same
	is "$what: told to end, it ends with 0 and is still equal"
	! grep -v 'No such file or directory$' errors
	is "$what: nothing went wrong on the way"
}

mirrored "a mirror beside the tree" 1 2 3 4

sshd=$(command -v sshd)
if [ -n "$sshd" ] && command -v ssh >/dev/null; then
	free_port
	ssh-keygen -q -t ed25519 -N '' -f "$top/host" &&
	    ssh-keygen -q -t ed25519 -N '' -f "$top/user"
	cp "$top/user.pub" "$top/authorized"
	cat >"$top/sshd.conf" <<-END
		ListenAddress 127.0.0.1:$port
		HostKey $top/host
		AuthorizedKeysFile $top/authorized
		PidFile none
		StrictModes no
		UsePAM no
	END
	cat >"$top/ssh.conf" <<-END
		Host host
		HostName 127.0.0.1
		Port $port
		IdentityFile $top/user
		IdentitiesOnly yes
		UserKnownHostsFile /dev/null
		StrictHostKeyChecking no
		LogLevel ERROR
	END
	ssh=$(command -v ssh)
	command_is ssh <<-END
		exec '$ssh' -F '$top/ssh.conf' "\$@"
	END
	[ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
	daemon "$sshd" -D -e -f "$top/sshd.conf"
	if await 'ssh host true 2>/dev/null </dev/null || ! kill -0 "$daemon"' &&
	    ssh host true </dev/null; then
		edit="s|^fswrite mirror|ssh host $real/fswrite $PWD/mirror|"
		mirrored "a mirror over ssh" 5 6
		edit=
	else
		echo "skip - a mirror over ssh is the tree - no sshd can run here"
	fi
else
	echo "skip - a mirror over ssh is the tree - no sshd here"
fi

rm -rf mirror
begin mirror 0
ended
[ "$status" -ne 0 ] && grep -q 'mirror: No such file' errors
is "without its directory fswrite says so, and all ends, not with 0"
done_testing
