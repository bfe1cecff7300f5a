# What messages_test.sh and failures_test.sh share: to be read by them, not to be
# run. Runs the programs in an empty directory, and judges what they say.
# shellcheck shell=bash
# shellcheck disable=SC2034 # variables that the tests use
set -u

bin=$(cd "${FSPIPE_BIN:-.}" && pwd)
dir=$(mktemp -d) || exit 1
trap 'chmod -R u+rwx "$dir" 2>/dev/null; rm -rf "$dir"' EXIT
export LC_ALL=C
status=0
PATH=$bin:$PATH
chmod 755 "$dir"
cd "$dir" || exit 1

is() { # is SENTENCE: what the last command said is the verdict
	if [ "$?" -eq 0 ]; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		sed 's/^/# /' err
		status=1
	fi
}

# proper PROGRAM: is err fit for a person, at most one line a failure?
proper() {
	# The program, a subject or what is the matter, in plain characters.
	! grep -vE "^$1: [^ :].*[^ :]" err &&
		! grep -q '[[:cntrl:]]' err &&
		# Numbers of errors, names of functions, shrugs.
		! grep -iE 'errno|error [0-9]|\([0-9]+\)$|unknown error|failed$|null' err &&
		[ -z "$(sort err | uniq -d)" ]
}

input=/dev/null
# says STATUS PATTERN COMMAND ...: that is the exit status, and the only
# line of stderr matches the extended regular expression as a whole
says() {
	local want=$1 pattern=$2 got
	shift 2
	timeout 60 "$@" <"$input" >said 2>err
	got=$?
	is_sentence="$1 says: $pattern"
	[ "$got" -eq "$want" ] && proper "$1" && [ "$(wc -l <err)" -eq 1 ] &&
		grep -qxE "$1: ($pattern)" err
	is "${is_sentence//\\/}"
}
