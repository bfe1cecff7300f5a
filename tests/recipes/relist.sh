#!/bin/bash
# All is listed again every so often, with patterns for what is told.
# shellcheck source=tests/recipe.sh
. "${0%/*}/../recipe.sh"
sentence="all is listed again every so often"
needs timeout

# An hour passes quickly here.
real_timeout=$(command -v timeout)
command_is timeout <<END
[ "\$1" = 1h ] || exit 1
shift
exec '$real_timeout' 1 "\$@"
END
told() { # told EVENT FILE COUNT: at least so often?
	[ "$(jq -s --arg e "$1" --arg f "$2" 'map(select(.event == $e and
	    .filename == $f)) | length' output)" -ge "$3" ]
}

mkdir -p inbox/tmp
: >inbox/a.csv
: >inbox/a.txt
: >inbox/tmp/b.csv
begin relist
: >"inbox/$hostile.csv"
await 'told exists a.csv 3 && told exists "$hostile.csv" 2'
is "what is there is told again and again"
[ "$(jq -r .filename output | grep -c -e txt -e '^tmp')" -eq 0 ] &&
    jq -es 'all(.[]; .directory == "inbox")' output >/dev/null
is "only what the patterns let through, and no name can forge a line"
finish
[ "$status" -eq 0 ]
is "a watcher that is told to end is not begun again"

rm -rf inbox
begin relist 0
ended
[ "$status" -eq 1 ] && grep -q 'inbox: No such file' "$top/said"
is "where it cannot watch it says so, and ends with 1"
without timeout
begin relist 0
ended
[ "$status" -eq 127 ] && grep -q 'timeout: command not found' errors
is "without timeout the shell says so, and the status is 127"
done_testing
