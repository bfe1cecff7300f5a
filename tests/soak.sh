#!/bin/sh
# soak.sh SECONDS e2e_fold: tries one seed of random changes after the other,
# each in every case, until the time is over. SOAK_SEED: the first of them (the
# time of day). FOLD_OPS: operations a seed. A failure prints what
# replays it; fails where anything has failed.
set -u

seconds=$1 fold=$2
begun=$(date +%s)
seed=${SOAK_SEED:-$((begun % 1000000 * 100 + 1))}
first=$seed failed=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT

export CK_INCLUDE_TAGS=random FOLD_OPS="${FOLD_OPS:-2000}"
while [ $(($(date +%s) - begun)) -lt "$seconds" ]; do
	if ! FOLD_SEED=$seed "$fold" >"$out" 2>&1; then
		cat "$out"
		failed=$((failed + 1))
	fi
	seed=$((seed + 1))
done
echo "seeds $first to $((seed - 1)): $failed failed"
[ "$failed" -eq 0 ] && [ "$seed" -gt "$first" ]
