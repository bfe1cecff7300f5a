#!/bin/bash
# A shell command for chosen events, with event, path and source path.
# shellcheck source=tests/recipe.sh
. "${0%/*}/../recipe.sh"
sentence="commands run for chosen events, one at a time"
needs xargs

command_is task <<'END'
mkdir running || echo "two at once" >>wrong
printf '%s|%s|%s|%s\0' "$#" "$@" >>done
rmdir running
END
: >"done"
mkdir inbox
begin tasks
: >"inbox/$hostile"
await '[ "$(tr -cd "\0" <done | wc -c)" -eq 1 ]'
mv "inbox/$hostile" inbox/b
await '[ "$(tr -cd "\0" <done | wc -c)" -eq 2 ]'
rm inbox/b
await '[ "$(tr -cd "\0" <done | wc -c)" -eq 3 ]'
printf '3|%s|%s|%s\0' created "inbox/$hostile" "" \
    renamed inbox/b "inbox/$hostile" deleted inbox/b "" | cmp - "done"
is "each has the event, the path and the source path"
for i in 1 2 3 4 5 6 7 8; do : >"inbox/$i"; done
await '[ "$(tr -cd "\0" <done | wc -c)" -eq 11 ]'
[ ! -e wrong ] && [ ! -e pwned ]
is "one runs at a time, and no name is taken for a command"
finish
[ "$status" -eq 0 ]
is "told to end, it ends with 0"

# Delayed, and taken back by what comes later.
command_is process <<'END'
date +%s.%N >>"times"
printf '%s\0' "$1" >>processed
END
rm -rf inbox
mkdir inbox
: >processed
begin delayed
start=$(date +%s.%N)
echo x >"inbox/$hostile"
: >inbox/gone
rm inbox/gone
await '[ -s processed ]'
printf '%s\0' "inbox/$hostile" | cmp -s processed - &&
    jq -en "$(head -n 1 times) - $start >= 5" >/dev/null
is "a command waits until nothing has happened for a while, and is taken back"
finish
without task
begin tasks
: >inbox/c
await 'grep -q "task: not found" errors'
finish
[ "$status" -eq 123 ]
is "where the command is not there the shell says so; it ends with 123"
done_testing
