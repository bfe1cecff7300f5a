/*
 * The words of other tools: somebody who knows inotifywait, fswatch, chokidar
 * or another one, and types its words behind -e, is answered with ours.
 */
#ifndef WORDS_H
#define WORDS_H

#include <stddef.h>

/* What to say to a word of len bytes that is no event, one line without a
 * newline: ours for it, the option that was meant, the nearest event, or all
 * there are. */
void words_wrong_event(const char *word, size_t len, char *msg,
    size_t msg_size);

#endif
