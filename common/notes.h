/*
 * What the watching side wants a person to know, in words.
 */
#ifndef NOTES_H
#define NOTES_H

#include <stdbool.h>
#include <stdint.h>

#include "core.h"

struct buf;

/* Does this note say that something is wrong? Others are for -v only, but for
 * NOTE_WAITING, which is for everybody but -q. */
bool note_is_warning(enum watch_note note);

/* Sets b to one line without a newline, subject first, NUL-terminated. path
 * and error are those of the note. */
void note_text(struct buf *b, enum watch_note note, const char *path,
    int error);

/* The same for a NOTE_LIMIT with ENOSPC or EMFILE, once it is known how many
 * watches are missing. */
void note_missing(struct buf *b, const char *path, int error, uint64_t missing);

#endif
