#!/bin/bash
# Several profiles, each with directories and ordered actions with arguments.
# shellcheck source=tests/recipe.sh
. "${0%/*}/../recipe.sh"
sentence="profiles run their actions in order"
needs parallel
mkdir -p "$HOME/.parallel" && : >"$HOME/.parallel/will-cite"

command_is convert <<'END'
[ "$#" -eq 2 ] && [ "$2" = 300 ] || exit 1
printf 'convert %s\0' "$1" >>actions
case $1 in *broken) exit 1 ;; esac
END
command_is keep <<'END'
printf 'keep %s\0' "$1" >>actions
END
mkdir scans faxes mail
begin profiles 2
echo x >scans/a
echo x >"faxes/$hostile"
echo x >"mail/$hostile"
echo x >scans/broken
echo x >scans/z
await '[ ! -e scans/a ] && [ ! -e scans/z ] && [ ! -e "faxes/$hostile" ] &&
    [ ! -e "mail/$hostile" ]'
is "each file has had all of its actions"
for f in scans/a "faxes/$hostile" scans/z; do
	printf 'convert %s\0keep %s\0' "$f" "$f"
done | sort -z >wanted
printf 'keep %s\0convert %s\0' "mail/$hostile" scans/broken |
    sort -z - wanted | cmp -s - <(sort -z actions)
is "each with its arguments, those of its own profile only"
[ -e scans/broken ] && [ ! -e pwned ]
is "where one failed those behind it were left out"
convert=$(tr '\0\n' '\n?' <actions | grep -n 'convert scans/a$' | cut -d: -f1)
keep=$(tr '\0\n' '\n?' <actions | grep -n 'keep scans/a$' | cut -d: -f1)
next=$(tr '\0\n' '\n?' <actions | grep -n 'convert scans/z$' | cut -d: -f1)
[ "$convert" -lt "$keep" ] &&
    { [ "$keep" -lt "$next" ] || [ "$next" -lt "$convert" ]; }
is "in their order, and with one file after the other"
first="the file that was there first comes first"
if exact "$first" "notes come in no order between descriptors"; then
	[ "$keep" -lt "$next" ]
	is "$first"
fi
finish
[ "$status" -eq 0 ]
is "when both watchers are told to end, all ends"

without parallel
begin profiles 2
await 'grep -q "parallel: command not found" errors'
echo x >mail/b
await '[ ! -e mail/b ]'
is "without parallel the shell says so, and the other profile goes on"
finish
done_testing
