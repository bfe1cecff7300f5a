# bash completion for fswrite(1)

_fswrite() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local before=""

	# --option=value is three words here.
	if [[ $cur == = ]]; then
		cur=
	elif [[ $prev == = ]]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	COMPREPLY=()
	case $prev in
	--ops)
		if [[ $cur == *,* ]]; then
			before=${cur%,*},
			cur=${cur##*,}
		fi
		mapfile -t COMPREPLY < <(compgen -P "$before" -W "write append
			overwrite delete mkdir rename" -- "$cur")
		compopt -o nospace 2>/dev/null
		return
		;;
	--retry | --retry-delay | --max-line)
		return
		;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "--ack --sync
			--stop-on-error --retry --retry-delay --ops --max-line
			--watched --chain --force --allow-mounts --dry-run
			--quiet --verbose --help --version -n -q -v -h -V" -- \
			"$cur")
		return
	fi
	# The directory, and that of --watched.
	mapfile -t COMPREPLY < <(compgen -d -- "$cur")
	compopt -o filenames 2>/dev/null
}

complete -F _fswrite fswrite
