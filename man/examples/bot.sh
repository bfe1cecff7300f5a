#!/bin/bash
# A bot that keeps files below a directory: bot.sh DIRECTORY
#
# Reads "create NAME TEXT", "append NAME TEXT", "overwrite NAME TEXT" and
# "delete NAME", one a line, and says what became of each. One command, one
# answer: so the two never wait for each other.
set -u
trap '' PIPE
# It begins when we have its descriptors: bash forgets them when it ends.
coproc FSWRITE { read -r _ && exec fswrite --ack "$1"; }
fswrite=$FSWRITE_PID
exec 3<&"${FSWRITE[0]}" 4>&"${FSWRITE[1]}"
eval "exec ${FSWRITE[0]}<&- ${FSWRITE[1]}>&-"
echo begin >&4

while IFS= read -r line; do
	jq -c --null-input --arg line "$line" '$line |
	    capture("^(?<op>\\S*) ?(?<path>\\S*) ?(?<content>.*)$") |
	    if .op == "create" then .op = "write" else . end |
	    if .op == "delete" then del(.content) else .content += "\n" end' \
	    2>&- >&4
	if ! IFS= read -r answer <&3; then
		echo "bot: fswrite has gone" >&2
		exit 1
	fi
	jq -r 'if .ok then "done" else .message end' <<<"$answer"
done
exec 4>&-
wait "$fswrite" || : # what failed has been said
