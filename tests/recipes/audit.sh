#!/bin/bash
# An audit log that is only added to, while logrotate runs.
# shellcheck source=tests/recipe.sh
. "${0%/*}/../recipe.sh"
sentence="the audit log loses no line, whoever rotates it"
needs logrotate

mkdir inbox log
chmod 755 log
cat >rotate.conf <<'END'
log/audit.log {
	rotate 1000
	nocreate
	missingok
	start 1
}
END
rotate() { logrotate -f -s "$PWD/state" "$PWD/rotate.conf"; }
sed -i "s,^log,$PWD/log," rotate.conf
begin audit
for ((i = 0; i < 600; i++)); do
	: >"inbox/$i"
	if [ $((i % 100)) -eq 99 ]; then
		await '[ -s log/audit.log ]'
		rotate || break
	fi
done 2>rotation
: >"inbox/$hostile"
: >inbox/last
await 'grep -qs inbox/last log/audit.log'
is "lines go on to be written to the new file"
! [ -s rotation ] && [ "$(find log -name 'audit.log*' | wc -l)" -ge 7 ]
is "logrotate has rotated it while they came"
cat log/audit.log* >all
jq -c . all >/dev/null && [ "$(jq -c 'select(.event == "created") | .name' all |
    sort -u | wc -l)" -eq 602 ]
is "each line is whole and none is lost"
[ "$(jq .seq all | sort -n | uniq)" = "$(seq "$(wc -l <all)")" ]
is "and none is there twice"
! jq -e 'select(.event == "forged")' all >/dev/null
is "no name can forge a line"
finish
[ "$status" -eq 0 ]
is "told to end, it ends with 0"

# Nothing but append.
echo '{"op":"overwrite","path":"audit.log","content":""}
{"op":"delete","path":"audit.log"}' | fswrite --ops append --ack log >output 2>&1
[ "$(grep -c not-allowed output)" -eq 2 ] && [ -s log/audit.log ]
is "what is in the log cannot be rewritten this way"

rm -rf log
begin audit
: >inbox/more
ended
[ "$status" -ne 0 ] && grep -q 'log: No such file' errors
is "without the directory fswrite says so, and all ends, not with 0"
done_testing
