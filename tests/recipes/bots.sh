#!/bin/bash
# The three bots of man/examples: commands into fswrite, and its answers.
# shellcheck source=tests/recipe.sh
. "${0%/*}/../recipe.sh"
sentence="bots keep files by fswrite"
needs

# converse BOT: what a bot that is called so has to hear and to say.
converse() {
	local bot=$1 n=$2 i
	rm -rf kept && mkdir kept
	{
		printf '%s\n' 'create a hello' 'create a other' 'append a $(id)' \
		    'overwrite b "text" \n' 'delete a' 'delete a' \
		    'create ../x y' 'explode a b'
		for ((i = 0; i < n; i++)); do
			echo "append log $i: what is said is of no importance"
		done
	} >told
	timeout "$seconds" "$bot" kept <told >answers 2>errors || return 1
	[ "$(head -n 8 answers | cut -d '"' -f 1)" = 'done
File exists
done
done
done
No such file or directory
the path has a component 
unknown op ' ] || { head -n 8 answers; return 1; }
	[ "$(tail -n +9 answers | sort | uniq -c | tr -d ' ')" = "${n}done" ]
}

# bot NAME COMMANDS PROGRAM: all of it for one of them.
bot() {
	local bot=$here/man/examples/bot.$1
	converse "$bot" "$2"
	is "bot.$1: each command has its answer, $2 of them without a deadlock"
	[ ! -e kept/a ] && [ "$(cat kept/b)" = '"text" \n' ] &&
	    [ "$(wc -l <kept/log)" -eq "$2" ] &&
	    [ "$(head -n 1 kept/log)" = "0: what is said is of no importance" ]
	is "bot.$1: and its files are what was said"

	# A watcher that could feed it: no loop.
	mkdir -p kept
	coproc { exec fswatch-events -e ready kept; }
	IFS= read -r _ <&"${COPROC[0]}"
	echo 'append a b' | timeout "$seconds" "$bot" kept >answers 2>errors
	[ "$?" -ne 0 ] && grep -q 'watched by' errors && [ ! -e kept/a ]
	is "bot.$1: where somebody watches nothing is written, and it says why"
	kill "$COPROC_PID"
	wait "$COPROC_PID" 2>/dev/null

	PATH=$nothing:$PATH timeout "$seconds" "$bot" kept <told >answers 2>errors
	[ "$?" -ne 0 ] && grep -q 'fswrite has gone' errors
	is "bot.$1: when fswrite dies it says so and fails"
}

# absent NAME: there is no fswrite at all.
absent() {
	echo 'append a b' | timeout "$seconds" "$here/man/examples/bot.$1" kept \
		>answers 2>errors
	[ "$?" -eq 1 ] && grep -q 'fswrite' errors && [ "$(wc -l <errors)" -le 2 ]
	is "bot.$1: where there is no fswrite it says so and fails"
}

nothing=$top/dying
mkdir "$nothing"
printf '#!/bin/sh\nread -r _; exit 1\n' >"$nothing/fswrite"
chmod +x "$nothing/fswrite"

bot sh 100
if command -v python3 >/dev/null; then
	bot py 20000
else
	echo "skip - bot.py keeps files - no python3 here"
fi
if command -v node >/dev/null; then
	bot js 20000
else
	echo "skip - bot.js keeps files - no node here"
fi
without fswrite
absent sh
! command -v python3 >/dev/null || absent py
! command -v node >/dev/null || absent js
done_testing
