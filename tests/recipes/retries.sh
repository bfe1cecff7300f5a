#!/bin/bash
# Trying again, with a pause, and stopping all at an error.
# shellcheck source=tests/recipe.sh
. "${0%/*}/../recipe.sh"
sentence="what fails is tried again, and then stops all"
needs parallel
mkdir -p "$HOME/.parallel" && : >"$HOME/.parallel/will-cite"

# Fails as often as the file fail.NAME says.
command_is upload <<'END'
n=$(cat "fail.${1##*/}" 2>/dev/null || echo 0)
printf '%s\0' "$1" >>tried
[ "$n" -eq 0 ] && printf '%s\0' "$1" >>uploaded && exit
echo $((n - 1)) >"fail.${1##*/}"
exit 1
END

for name in retries retry; do
	rm -rf inbox tried fail.*
	: >uploaded
	mkdir inbox
	echo 2 >fail.b
	echo x >inbox/a
	echo x >inbox/b
	echo x >"inbox/$hostile"
	touch -d '2020-01-02' inbox/b
	touch -d '2020-01-01' inbox/a
	begin "$name"
	await '[ "$(tr -cd "\0" <uploaded | wc -c)" -eq 3 ]'
	printf 'inbox/%s\0' a b b b "$hostile" | cmp -s - tried
	is "$name: what fails is tried again before the next"
	echo 9 >fail.c
	echo x >inbox/c
	ended
	[ "$status" -ne 0 ] && [ "$(tr '\0' '\n' <tried | grep -c inbox/c)" -eq 3 ]
	is "$name: after three times all ends, the watcher too, not with 0"
	[ ! -e pwned ]
	is "$name: no name is taken for a command"
	# As a supervisor would.
	: >uploaded
	rm -f fail.c
	echo x >inbox/d
	begin "$name"
	await 'tr "\0" "\n" <uploaded | grep -q inbox/d'
	tr '\0' '\n' <uploaded | grep -q inbox/c
	is "$name: started again it takes up what was left"
	finish
	[ "$status" -eq 0 ]
	is "$name: told to end, it ends with 0"
done

without parallel
begin retries
ended
[ "$status" -eq 127 ] && grep -q 'parallel: command not found' errors
is "without parallel the shell says so and all ends with 127"
done_testing
