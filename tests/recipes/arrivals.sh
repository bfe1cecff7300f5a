#!/bin/bash
# Files that are there in order of modification, then new ones, each once.
# shellcheck source=tests/recipe.sh
. "${0%/*}/../recipe.sh"
sentence="files are processed as they arrive"
needs xargs

command_is process <<'END'
[ "$#" -eq 1 ] && [ -e "$1" ] || exit 1
# A name can hold all but this.
printf '%s\0' "$1" >>processed
case $1 in *bad) exit 1 ;; *worst) exit 255 ;; esac
END
processed() { tr '\0\n' '\n?' 2>/dev/null <processed; }

mkdir inbox elsewhere
: >processed
touch -d '2020-01-03' inbox/third
touch -d '2020-01-01' inbox/first
touch -d '2020-01-02' "inbox/$hostile"
begin arrivals
await '[ "$(processed | wc -l)" -eq 3 ]'
[ "$(processed)" = "inbox/first
inbox/$(printf '%s' "$hostile" | tr '\n' '?')
inbox/third" ]
is "what is there comes first, the oldest first"
printf 'half' >inbox/new
printf 'x' >elsewhere/moved
mv elsewhere/moved inbox/moved
await 'processed | grep -q inbox/moved && processed | grep -q inbox/new'
is "what is written or moved in comes as soon as it is whole"
printf x >$'inbox/\377'
await 'grep -aq "$(printf "inbox/\377")" processed'
is "a name need not be UTF-8"
[ "$(processed | sort | uniq -d | wc -l)" -eq 0 ] && [ ! -e pwned ]
is "each is processed once, and no name is taken for a command"
printf x >inbox/bad
printf x >inbox/good
await 'processed | grep -q inbox/good'
is "a command that fails does not hold up the next"
finish
[ "$status" -eq 123 ]
is "but the status at the end tells"

: >processed
rm -f inbox/*
begin arrivals
printf x >inbox/worst
await '[ -s processed ]'
printf x >inbox/next
ended
[ "$status" -eq 124 ] && grep -q 'status 255' errors &&
    ! processed | grep -q next
is "a command that exits with 255 ends all, the watcher too, before the next"

without process
begin arrivals 0
ended
[ "$status" -eq 127 ] && grep -q 'process: No such file' errors &&
    [ -e inbox/worst ]
is "where the command is not there xargs says so and ends with 127"
done_testing
