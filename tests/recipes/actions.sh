#!/bin/bash
# What users do, row by row as FSBroker's table has it for Linux: create and
# create non-empty are create, clear and modify are write, rename and move
# between watched directories are rename, moving in is create, moving out (to
# the trash) and deleting are remove; the same for directories.
# shellcheck source=tests/recipe.sh
. "${0%/*}/../recipe.sh"
sentence="each action of a user is told as what it is"
needs

# Each action is followed by a mark of its own, so that all of it was told.
marks=0
settles=
mark() {
	marks=$((marks + 1))
	: >"watched/mark$marks"
	await "grep -q watched/mark$marks output"
}
# action SENTENCE COMMAND WANTED: the events of an action, without the repeats.
action() {
	local from
	from=$(($(wc -l <output) + 1))
	if [ -n "$settles" ]; then
		at_once eval "$2"
	else
		eval "$2"
	fi
	mark
	[ "$(tail -n "+$from" output | grep -v /mark | uniq)" = "$3" ]
	is "$1"
}

mkdir watched other unwatched trash
begin actions 1
action "creating an empty file is created" ': >watched/a' \
    '["created","file","watched/a",null]'
filled="creating a file that is not empty is created and modified"
exact "$filled" "one look finds it made and written" && action "$filled" \
    'echo x >watched/n' '["created","file","watched/n",null]
["modified","file","watched/n",null]'
action "clearing a file is modified" 'echo x >watched/b; mark; : >watched/b' \
    '["created","file","watched/b",null]
["modified","file","watched/b",null]'
action "modifying a file is modified" 'echo x >>watched/a' \
    '["modified","file","watched/a",null]'
action "renaming a file is renamed" 'mv watched/a watched/c' \
    '["renamed","file","watched/c","watched/a"]'
action "moving it to another watched directory is renamed" \
    'mv watched/c other/c' '["renamed","file","other/c","watched/c"]'
action "moving a file in is created" 'echo x >unwatched/d
    mv unwatched/d watched/d' '["created","file","watched/d",null]'
action "moving a file to the trash is deleted" 'mv watched/d trash' \
    '["deleted","file","watched/d",null]'
action "deleting a file is deleted" 'rm other/c' \
    '["deleted","file","other/c",null]'
action "creating a directory is created" 'mkdir watched/d' \
    '["created","dir","watched/d",null]'
action "renaming a directory is renamed, with all in it" ': >watched/d/in
    mark; mv watched/d watched/e' '["created","file","watched/d/in",null]
["renamed","dir","watched/e","watched/d"]'
action "moving it to another watched directory is renamed" \
    'mv watched/e other/e' '["renamed","dir","other/e","watched/e"]'
action "moving a directory to the trash is deleted, and what is in it" \
    'mv other/e trash' '["deleted","file","other/e/in",null]
["deleted","dir","other/e",null]'
action "moving a directory in is created, and what is in it" \
    'mv trash/e watched/e' '["created","dir","watched/e",null]
["created","file","watched/e/in",null]'
action "deleting a directory is deleted, and what is in it" \
    'rm -r watched/e' '["deleted","file","watched/e/in",null]
["deleted","dir","watched/e",null]'
action "what systems and editors leave behind, and hidden files, is not told" \
    ': >watched/.DS_Store; : >watched/Thumbs.db; : >watched/x~
    : >watched/.hidden; mkdir watched/.git; : >watched/.git/HEAD' ''
action "nor is chmod, unless it is asked for" 'chmod 600 watched/b' ''
name=$(jq -nc --arg p "watched/$hostile" '["created","file",$p,null]')
action "a name can forge no line" ': >"watched/$hostile"' "$name"
finish
[ "$status" -eq 0 ]
is "told to end, it ends with 0"

# Settled: what came of it all, once.
rm -rf watched other
mkdir watched other
begin bursts
marks=1000
settles=yes
action "a file that is made and written in many steps is created, once" \
    'for i in 1 2 3 4 5; do echo "$i" >>watched/a; done' \
    '["created","file","watched/a",null]'
action "a burst of writes is modified, once" \
    'for i in 1 2 3 4 5; do echo "$i" >>watched/a; done' \
    '["modified","file","watched/a",null]'
action "an editor's save by renaming is modified" \
    'echo x >watched/a.new; mv watched/a.new watched/a' \
    '["modified","file","watched/a",null]'
action "a rename in steps is renamed from the first to the last" \
    'mv watched/a watched/b; mv watched/b other/c' \
    '["renamed","file","other/c","watched/a"]'
action "what was made and is gone again is not told" \
    ': >watched/t; rm watched/t' ''
finish
[ "$status" -eq 0 ]
is "told to end, it ends with 0"

head -c 2000 /dev/zero >big
mkdir inbox
begin filters
: >inbox/small
cp big inbox/big
mkdir inbox/d
chmod 666 inbox/small
await 'grep -q "\"attrib\".*inbox/small" output'
jq -es 'all(.[]; .path == "inbox/big" or .event == "attrib") and
    any(.[]; .path == "inbox/big")' output >/dev/null
is "a filter of one's own lets through what it names, chmod too"
finish
done_testing
