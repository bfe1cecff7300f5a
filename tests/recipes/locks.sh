#!/bin/bash
# Something is done when a lock file goes.
# shellcheck source=tests/recipe.sh
. "${0%/*}/../recipe.sh"
sentence="files are processed when their lock goes"
needs xargs

command_is process <<'END'
[ "$#" -eq 1 ] && [ -e "$1" ] && printf '%s\0' "$1" >>processed
END

# What is there is seen to go by every back end.
mkdir inbox
: >inbox/a.lock
: >"inbox/$hostile.lock"
begin locks
echo data >inbox/a
echo data >"inbox/$hostile"
: >inbox/other
rm inbox/other
rm "inbox/$hostile.lock"
await '[ -s processed ]'
printf '%s\0' "inbox/$hostile" | cmp -s - processed
is "only the file whose lock went is processed, under its very name"
rm inbox/a.lock
await 'grep -aq inbox/a processed'
is "and then the next"
finish
[ "$status" -eq 0 ] && [ ! -e pwned ]
is "told to end, it ends with 0, and no name was taken for a command"

without xargs
: >inbox/b.lock
begin locks
rm -f inbox/a
rm inbox/b.lock # jq notices when it has something to say
ended
[ "$status" -eq 127 ] && grep -q 'xargs: command not found' errors
is "without xargs the shell says so, the watcher ends and the status is 127"
done_testing
