# fish completion for fswrite(1)

function __fswrite_ops
    printf '%s\n' write append overwrite delete mkdir rename
end

complete -c fswrite -f -a '(__fish_complete_directories)'
complete -c fswrite -l ack -d 'Answer each command with a line'
complete -c fswrite -l sync -d 'On the disk before it is acknowledged'
complete -c fswrite -l stop-on-error -d 'Stop at the first failure'
complete -c fswrite -l retry -x -d 'Try again on what may pass'
complete -c fswrite -l retry-delay -x -d 'Wait between tries'
complete -c fswrite -l ops -x -a '(__fish_complete_list , __fswrite_ops)' -d 'Allow only these operations'
complete -c fswrite -l max-line -x -d 'Report and skip longer lines'
complete -c fswrite -l watched -x -a '(__fish_complete_directories)' -d 'Count a directory as watched, too'
complete -c fswrite -l chain -d 'Only watchers that feed fswrite count'
complete -c fswrite -l force -d 'Write although a watcher looks there'
complete -c fswrite -l allow-mounts -d 'Enter file systems mounted below'
complete -c fswrite -s n -l dry-run -d 'Check everything, change nothing'
complete -c fswrite -s q -l quiet -d 'Say nothing about commands that fail'
complete -c fswrite -s v -l verbose -d 'Say what is done, and count it at the end'
complete -c fswrite -s h -l help -d 'Print a summary of the options'
complete -c fswrite -s V -l version -d 'Print the version'
