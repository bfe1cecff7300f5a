#!/bin/bash
# The completions in man/completion, in the real shells: they offer the very
# options that --help has, and the words of lists; a shell that is not here is
# skipped aloud.
set -u

bin=$(cd "${FSPIPE_BIN:-.}" && pwd)
comp=$(pwd)/man/completion
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export LC_ALL=C HOME=$tmp
status=0
mkdir -p "$tmp/work/adir"
: >"$tmp/work/afile"

is() { # is SENTENCE: what the last command said is the verdict
	if [ "$?" -eq 0 ]; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		status=1
	fi
}

# shellcheck disable=SC2016,SC2317 # scripts of other shells, run by name
{
# offers_SHELL LINE: what is offered for the last word of an unfinished line
offers_bash() {
	bash --norc -c '
		source "$1/${2%% *}.bash"
		read -ra COMP_WORDS <<<"${2//=/ = }"
		[[ $2 != *[\ =] ]] || COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		spec=$(complete -p "${2%% *}")
		spec=${spec#*-F }
		"${spec%% *}"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$comp" "$1" 2>&1
}
offers_zsh() {
	timeout 60 zsh "$here/completion.zsh" "$comp" "$1" 2>&1
}
offers_fish() {
	fish --no-config -c 'source $argv[1]; complete -C $argv[2]' \
		"$comp/${1%% *}.fish" "$1" 2>&1 | cut -f 1
}
}

# offered LINE WORD ...: just these words, in any order
offered() {
	local line=$1
	shift
	"offers_$shell" "$line" | sed '/^$/d; s,/$,,' | sort -u >"$tmp/got"
	[ $# -eq 0 ] || printf '%s\n' "$@" | sort -u >"$tmp/want"
	[ $# -gt 0 ] || : >"$tmp/want"
	# Lists come with what stands before the comma, or without it.
	sed 's/.*[,=]//; s/^[+-]\([a-z]\)/\1/' "$tmp/got" | sort -u |
		diff "$tmp/want" - || diff "$tmp/want" "$tmp/got"
}

events="exists created modified closed complete attrib renamed deleted opened
accessed quiet ready overflow resynced lost found default all"

cd "$tmp/work" || exit 1
for shell in bash zsh fish; do
	if ! command -v "$shell" >/dev/null; then
		echo "skip - $shell completes what --help has - no $shell here"
		continue
	fi
	for name in fswatch-events fswrite; do
		"$bin/$name" --help |
			sed -n 's/^ *\(-.*\)/\1/p' | sed 's/   *.*//' |
			grep -oE -- '--[a-z0-9-]+' | sort -u >"$tmp/help"
		"offers_$shell" "$name --" | sed 's/=$//' |
			sort -u >"$tmp/got"
		[ -s "$tmp/help" ] && diff "$tmp/help" "$tmp/got"
		is "$shell completes just the options of $name --help"
	done
	# shellcheck disable=SC2086 # words
	offered "fswatch-events -e " $events
	is "$shell completes the events"
	offered "fswatch-events -e created,re" ready renamed resynced &&
		offered "fswatch-events --events=created,re" \
			ready renamed resynced
	is "$shell completes the second event of a list"
	offered "fswatch-events -t " file dir symlink other
	is "$shell completes the types"
	offered "fswatch-events --prune a" adir
	is "$shell completes --prune with directories only"
	offered "fswatch-events a" adir afile
	is "$shell completes paths to watch"
	offered "fswatch-events -x "
	is "$shell completes no expression"
	offered "fswrite --ops write,a" append &&
		offered "fswrite --ops=" write append overwrite delete mkdir \
			rename
	is "$shell completes the operations"
	offered "fswrite a" adir && offered "fswrite --watched a" adir
	is "$shell completes the directories of fswrite"
done
for shell in bash zsh; do
	command -v "$shell" >/dev/null || continue
	offered "fswatch-events -e +re" ready renamed resynced
	is "$shell completes an event that is added"
done
exit "$status"
