# completion.zsh DIR LINE: what zsh offers for the unfinished command line
# LINE, one a line, with the completions in DIR. A shell at a terminal of its
# own (zpty) reads this file, too, is typed the line and a tab, and says what it
# adds to its list.

if [[ -n $COMPLETION_DIR ]]; then
	fpath=($COMPLETION_DIR $fpath)
	autoload -U compinit && compinit -u -D
	compadd() {
		# Who only asks what would fit (-O, -A, -D) adds nothing yet.
		if [[ ${(j: :)@[1,(i)(-|--)]} != *-[OAD]\ * ]]; then
			local -a fits
			builtin compadd -A fits "$@"
			(( $#fits == 0 )) || print -rlu3 -- $fits
		fi
		builtin compadd "$@"
	}
	tell() {
		zle complete-word
		print -ru3 -- END
	}
	zle -N tell
	bindkey '^I' tell
	return
fi

zmodload zsh/zpty || exit 1
out=$(mktemp -u)
mkfifo $out || exit 1
trap 'rm -f $out; zpty -d shell 2>/dev/null' EXIT

export COMPLETION_DIR=$1
zpty shell zsh -f -i
zpty -w shell "exec 3>$out; source ${(q)0}"
zpty -wn shell "$2"$'\t'
while read -r -t 20 line; do
	[[ $line != END ]] || exit 0
	print -r -- "$line"
done <$out
print -u2 "completion.zsh: no end"
exit 1
