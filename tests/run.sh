#!/bin/sh
# run.sh test ...: runs Check programs and shell tests one after the other and
# ends in one line, "N passed, N failed, N skipped". A shell test prints
# "ok - sentence", "not ok - sentence" or "skip - sentence - reason" a case; a
# Check program prints its own summary, and "skip - ..." lines where it skips.
# Fails when anything failed, or when nothing ran. FSPIPE_BIN: where the
# programs are.
set -u

# Check ends a test after four seconds, which a busy machine may well need.
export CK_DEFAULT_TIMEOUT="${CK_DEFAULT_TIMEOUT:-60}"
out=$(mktemp)
# What the programs read and write is kept for schema_test.sh (keep.h).
FSPIPE_KEEP=$(mktemp -d)
export FSPIPE_KEEP
trap 'rm -rf "$out" "$FSPIPE_KEEP"' EXIT
# What was ignored when this began (SIGHUP, by nohup) is not what is tested.
fresh="env --default-signal"
$fresh true 2>/dev/null || fresh=
failures=
passed=0 failed=0 skipped=0
count() { grep -c "$1" "$out" || true; }

for t in "$@"; do
	echo "== $t"
	began=$(date +%s)
	$fresh "$t" >"$out" 2>&1
	status=$?
	cat "$out"
	echo "   $(($(date +%s) - began)) s"
	skips=$(count '^skip - ')
	sum=
	case "$t" in
	*.sh)
		good=$(count '^ok - ')
		bad=$(count '^not ok - ')
		;;
	*)
		sum=$(sed -n 's/^\(Running suite(s):\)\{0,1\}[0-9]*%: Checks: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\)$/\2 \3 \4/p' "$out" | tail -n 1)
		# shellcheck disable=SC2086 # three numbers
		set -- ${sum:-0 0 0}
		bad=$(($2 + $3))
		good=$(($1 - bad - skips))
		;;
	esac
	# A test that died without a word has failed, too.
	if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
		echo "not ok - $t: exit status $status"
		bad=1
	elif [ -z "$sum" ] && [ $((good + bad + skips)) -eq 0 ]; then
		echo "not ok - $t: nothing was tried"
		bad=1
	fi
	if [ "$bad" -ne 0 ]; then
		failures="$failures$t:
$(grep -E '^not ok - |:[FE]:' "$out")
"
	fi
	passed=$((passed + good))
	failed=$((failed + bad))
	skipped=$((skipped + skips))
done

# What failed is said once more where it is found.
printf '%s' "$failures"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
