#!/bin/sh
# The JSON Schemas in man/schema against what the programs really write and
# read, and against what the manual pages and README.md show; by npm's ajv,
# which `make ajv` puts into build/npm. FSPIPE_KEEP: what the tests that ran
# before have kept (run.sh).
set -u

ajv=$(pwd)/build/npm/node_modules/ajv
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

if ! command -v node >/dev/null || ! [ -d "$ajv" ]; then
	echo "skip - the schemas fit what is written and shown - no ajv" \
		"(make ajv)"
	exit 0
fi

# Lines of JSON in literal text, as a reader sees them.
grep -hE '^\{"' man/*.[0-9] | sed 's/\\e/\\/g' >"$tmp/examples"
sed -n 's/^ *\({"\(op\|event\|ok\)".*}\)$/\1/p' README.md >>"$tmp/examples"
if [ -n "${FSPIPE_KEEP:-}" ]; then
	node tests/schema.js "$ajv" "$tmp/examples" "$FSPIPE_KEEP"
else
	node tests/schema.js "$ajv" "$tmp/examples"
	status=$?
	echo "skip - real output is valid - nothing was kept (make check)"
	exit "$status"
fi
