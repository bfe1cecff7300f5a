# bash completion for fswatch-events(1)

# The last word of a list: what stands before its comma stays.
_fswatch_events_list() {
	local before="" cur=$1
	shift
	if [[ $cur == *,* ]]; then
		before=${cur%,*},
		cur=${cur##*,}
	fi
	if [[ $cur == [+-]* ]]; then
		before+=${cur:0:1}
		cur=${cur:1}
	fi
	mapfile -t COMPREPLY < <(compgen -P "$before" -W "$*" -- "$cur")
	compopt -o nospace 2>/dev/null
}

_fswatch_events() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}

	# --option=value is three words here.
	if [[ $cur == = ]]; then
		cur=
	elif [[ $prev == = ]]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	COMPREPLY=()
	case $prev in
	-e | --events)
		_fswatch_events_list "$cur" exists created modified closed \
			complete attrib renamed deleted opened accessed quiet \
			ready overflow resynced lost found default all
		return
		;;
	-t | --types)
		_fswatch_events_list "$cur" file dir symlink other
		return
		;;
	--encoding)
		mapfile -t COMPREPLY < <(compgen -W base64 -- "$cur")
		return
		;;
	--backend)
		mapfile -t COMPREPLY < <(compgen -W "inotify kqueue poll" -- \
			"$cur")
		return
		;;
	--prune)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		compopt -o filenames 2>/dev/null
		return
		;;
	-i | --include | -x | --exclude | --depth | --poll | --rescan | \
		-s | --settle | --content-limit | --timeout)
		return
		;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "--recursive --depth
			--events --types --include --exclude --no-junk
			--existing --settle --rescan --stat --content
			--content-limit --encoding --backend --poll --wait
			--follow --one-file-system --prune --once --timeout
			--print0 --pretty --no-claim --quiet --verbose --help
			--version
			-r -s -c -e -t -i -x -w -L -1 -0 -p -q -v -h -V -" -- "$cur")
		return
	fi
	mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	compopt -o filenames 2>/dev/null
}

complete -F _fswatch_events fswatch-events
