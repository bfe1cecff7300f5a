# fish completion for fswatch-events(1)

function __fswatch_events_events
    printf '%s\n' exists created modified closed complete attrib renamed \
        deleted opened accessed quiet ready overflow resynced lost found \
        default all
end

function __fswatch_events_types
    printf '%s\n' file dir symlink other
end

complete -c fswatch-events -s r -l recursive -d 'Watch everything below'
complete -c fswatch-events -l depth -x -d 'Watch at most N levels below'
complete -c fswatch-events -s L -l follow -d 'Enter symbolic links to directories'
complete -c fswatch-events -l one-file-system -d 'Stay out of other file systems'
complete -c fswatch-events -l prune -x -a '(__fish_complete_directories)' -d 'Leave a directory out, and let fswrite write there'
complete -c fswatch-events -s w -l wait -d 'Wait for paths that are not there yet'
complete -c fswatch-events -l no-claim -d 'Do not let fswrite know that this is watched'
complete -c fswatch-events -s e -l events -x -a '(__fish_complete_list , __fswatch_events_events)' -d 'Which events'
complete -c fswatch-events -s t -l types -x -a '(__fish_complete_list , __fswatch_events_types)' -d 'Only these types'
complete -c fswatch-events -s i -l include -x -d 'Tell only names that match'
complete -c fswatch-events -s x -l exclude -x -d 'Leave out, and do not enter, names that match'
complete -c fswatch-events -l no-junk -d 'Leave out what editors and desktops leave behind'
complete -c fswatch-events -l existing -d 'First list what is there'
complete -c fswatch-events -s s -l settle -x -d 'The net effect, once a path is quiet'
complete -c fswatch-events -s p -l pretty -d 'Aligned columns for people'
complete -c fswatch-events -s 0 -l print0 -d 'Only paths, each ended by NUL'
complete -c fswatch-events -l stat -d 'Carry what stat(2) says'
complete -c fswatch-events -s c -l content -d 'Carry the content of regular files'
complete -c fswatch-events -l content-limit -x -d 'Of files up to this size'
complete -c fswatch-events -l encoding -x -a base64 -d 'Carry it in base64, though it be text'
complete -c fswatch-events -s q -l quiet -d 'Say less'
complete -c fswatch-events -s v -l verbose -d 'Say more'
complete -c fswatch-events -l backend -x -a 'inotify kqueue poll' -d 'Use one for everything'
complete -c fswatch-events -l rescan -x -d 'Compare everything with the disk every so often'
complete -c fswatch-events -l poll -x -d 'How often to look where the kernel tells nothing'
complete -c fswatch-events -s 1 -l once -d 'End after the first burst of events'
complete -c fswatch-events -l timeout -x -d 'End after so long without an event'
complete -c fswatch-events -s h -l help -d 'Print a summary of the options'
complete -c fswatch-events -s V -l version -d 'Print the version'
