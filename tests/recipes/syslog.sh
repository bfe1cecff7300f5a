#!/bin/bash
# Events into the system's log, by logger and a real syslog daemon.
# shellcheck source=tests/recipe.sh
. "${0%/*}/../recipe.sh"
sentence="the system's log has each event"
needs logger rsyslogd

client=$(command -v logger)
command_is logger <<END
exec '$client' -u '$top/log.sock' "\$@"
END
cat >rsyslog.conf <<END
global(workDirectory="$top/work" maxMessageSize="64k"
    parser.escapeControlCharactersOnReceive="off")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="$top/log.sock")
template(name="plain" type="string" string="%programname% %msg%\n")
*.* action(type="omfile" file="$top/work/messages" template="plain")
END
syslogd() {
	rm -f "$top/log.sock"
	daemon rsyslogd -n -f "$top/work/rsyslog.conf" -i "$top/work/rsyslog.pid"
	await '[ -S "$top/log.sock" ]'
}
syslogd
mkdir inbox
begin syslog
: >"inbox/$hostile"
long=$(printf 'n%.0s' $(seq 250))
mkdir -p "inbox/$long/$long/$long" && mv "inbox/$long" inbox/short
: >inbox/last
await 'grep -q "\"name\":\"last\"" messages'
sed -n 's/^inbox *//p' messages >all
jq -es --arg f "$hostile" 'any(.[]; .name == $f) and
    (map(.seq) | . == [range(1; length + 1)])' all >/dev/null
is "each event is one message, whole, and no name can forge one"

killed TERM "$daemon"
: >inbox/meanwhile
ended
[ "$status" -eq 1 ] && grep -q 'log.sock: ' errors
is "when the daemon goes logger says so, and all ends with 1, the watcher too"
syslogd
begin syslog
: >inbox/again
await 'grep -q "\"name\":\"again\"" messages'
is "begun again it goes on"
finish
[ "$status" -eq 0 ]
is "told to end, it ends with 0"

killed TERM "$daemon"
rm -f "$top/log.sock"
begin syslog
: >inbox/more
await 'grep -q "log.sock.*No such file" errors' ||
    await '! kill -0 "$job" 2>/dev/null'
grep -q 'No such file' errors
is "without a daemon logger says so"
finish
done_testing
