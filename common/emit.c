#include "emit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "buf.h"
#include "event.h"
#include "json.h"
#include "utf8.h"

/* Columns of a pretty line before its path, each with a blank behind it:
 * time, event, type, size. */
#define TIME_COLUMNS 12
#define KIND_COLUMNS 8
#define TYPE_COLUMNS 7
#define SIZE_COLUMNS 5
#define PREFIX_COLUMNS                                            \
	(TIME_COLUMNS + 1 + KIND_COLUMNS + 1 + TYPE_COLUMNS + 1 + \
	    SIZE_COLUMNS + 1)
#define SUBJECT_MIN 20 /* columns that a path needs beside all these */

#define ELLIPSIS "\xe2\x80\xa6" /* U+2026, one column */

/* How much of root stands before the "/" of a path: "dir/" is "dir", and "/"
 * is nothing. */
static size_t
root_stem(const char *root)
{
	size_t len = strlen(root);

	while (len > 0 && root[len - 1] == '/')
		len--;
	return len;
}

static bool
path_is_root(const char *name, bool root_is_name)
{
	return root_is_name || name == NULL || name[0] == '\0';
}

void
emit_path(struct buf *b, const char *root, const char *name, bool root_is_name)
{
	if (path_is_root(name, root_is_name)) {
		buf_adds(b, root);
		return;
	}
	buf_add(b, root, root_stem(root));
	buf_addc(b, '/');
	buf_adds(b, name);
}

static void
key_base64(struct buf *b, const char *key, const void *data, size_t len)
{
	json_key(b, key);
	json_base64(b, data, len);
}

static void
key_name(struct buf *b, const char *key, const char *key64, const char *name)
{
	json_key(b, key);
	if (!json_cstring(b, name))
		key_base64(b, key64, name, strlen(name));
}

/* A string that stands in b already, from one place to another. */
static void
add_again(struct buf *b, size_t from, size_t to)
{
	char *p = buf_reserve(b, to - from + 2);

	if (p == NULL)
		return;
	p[0] = '"';
	memcpy(p + 1, b->data + from, to - from);
	p[to - from + 1] = '"';
	b->len += to - from + 2;
}

/* The keys of a path, its root and its name. */
struct place_keys {
	const char *path, *path64;
	const char *root, *root64; /* NULL: left out */
	const char *name, *name64;
};

/* The path is written from its pieces, and these are copied from there: nothing
 * is allocated or looked through twice unless it is not UTF-8. */
static void
keys_of_place(struct buf *b, const struct place_keys *k, const char *root,
    const char *name, bool root_is_name)
{
	struct buf path = BUF_INIT;
	size_t at_root, at_name, root_len, name_end;
	bool good_root, good_name;

	if (path_is_root(name, root_is_name)) {
		key_name(b, k->path, k->path64, root);
		if (k->root != NULL)
			key_name(b, k->root, k->root64, root);
		if (name != NULL)
			key_name(b, k->name, k->name64, name);
		return;
	}
	root_len = root_stem(root);
	json_key(b, k->path);
	buf_addc(b, '"');
	at_root = b->len;
	good_root = json_chars(b, root, root_len);
	buf_addc(b, '/');
	at_name = b->len;
	good_name = json_chars(b, name, strlen(name));
	name_end = b->len;
	buf_addc(b, '"');
	if (!good_root || !good_name) {
		emit_path(&path, root, name, root_is_name);
		if (path.failed)
			b->failed = true;
		else
			key_base64(b, k->path64, path.data, path.len);
		buf_free(&path);
	}
	if (k->root != NULL && good_root && root[root_len] == '\0') {
		json_key(b, k->root);
		add_again(b, at_root, at_name - 1);
	} else if (k->root != NULL) {
		key_name(b, k->root, k->root64, root);
	}
	if (good_name) {
		json_key(b, k->name);
		add_again(b, at_name, name_end);
	} else {
		key_name(b, k->name, k->name64, name);
	}
}

/* n with leading zeros, as wide as digits says. */
static void
add_padded(struct buf *b, unsigned long n, unsigned base, size_t digits)
{
	char *p;
	size_t i;

	p = buf_reserve(b, digits);
	if (p == NULL)
		return;
	for (i = digits; i-- > 0; n /= base)
		p[i] = (char)('0' + n % base);
	b->len += digits;
}

/* Seconds with six decimals, which no double holds exactly. */
static void
key_time(struct buf *b, const char *key, const struct timespec *t)
{
	uint64_t seconds = (uint64_t)t->tv_sec;
	unsigned long micro = (unsigned long)t->tv_nsec / 1000;

	json_key(b, key);
	/* Before 1970 tv_nsec still counts forward. */
	if (t->tv_sec < 0) {
		buf_addc(b, '-');
		seconds = 0 - seconds;
		if (micro > 0) {
			seconds--;
			micro = 1000000 - micro;
		}
	}
	json_uint(b, seconds);
	buf_addc(b, '.');
	add_padded(b, micro, 10, 6);
}

static void
key_uint(struct buf *b, const char *key, uint64_t n)
{
	json_key(b, key);
	json_uint(b, n);
}

/* What does not fit into the 53 bits that many readers of JSON have. */
static void
key_uint_string(struct buf *b, const char *key, uint64_t n)
{
	json_key(b, key);
	buf_addc(b, '"');
	json_uint(b, n);
	buf_addc(b, '"');
}

static void
key_true(struct buf *b, const char *key)
{
	json_key(b, key);
	json_bool(b, true);
}

static void
keys_of_stat(const struct emit *em, const struct event *ev, struct buf *b)
{
	const struct event_stat *st = ev->st;

	if (ev->type == EVENT_FILE)
		key_uint(b, "size", st->size);
	if (em->stat) {
		key_uint_string(b, "dev", st->dev);
		key_uint_string(b, "ino", st->ino);
		key_uint(b, "nlink", st->nlink);
	}
	if (em->stat || ev->kind == EVENT_ATTRIB) {
		json_key(b, "mode");
		buf_addc(b, '"');
		add_padded(b, st->mode & 07777, 8, 4);
		buf_addc(b, '"');
		key_uint(b, "uid", st->uid);
		key_uint(b, "gid", st->gid);
	}
	if (em->stat) {
		key_time(b, "mtime", &st->mtime);
		key_time(b, "ctime", &st->ctime);
		if (st->btime.tv_nsec >= 0)
			key_time(b, "btime", &st->btime);
	}
}

static void
keys_of_content(const struct emit *em, const struct event *ev, struct buf *b)
{
	size_t start = b->len;
	bool text = false;

	if (ev->content == NULL)
		return;
	if (!em->base64) {
		json_key(b, "content");
		text = json_text(b, ev->content, ev->content_len);
	}
	if (!text) {
		b->len = start;
		key_base64(b, "content", ev->content, ev->content_len);
	}
	json_key(b, "encoding");
	json_cstring(b, text ? "utf-8" : "base64");
}

/* The time of an event, which is often that of the one before, and mostly of
 * the same second. */
static void
key_clock(struct emit *em, const struct timespec *t, struct buf *b)
{
	size_t start = b->len, i;
	uint32_t micro = (uint32_t)t->tv_nsec / 1000;

	if (em->clock_len > 0 && em->clock.tv_sec == t->tv_sec &&
	    t->tv_sec >= 0) {
		if (em->clock.tv_nsec != t->tv_nsec)
			for (i = 1; i <= 6; i++, micro /= 10)
				em->clock_text[em->clock_len - i] =
				    (char)('0' + micro % 10);
		em->clock.tv_nsec = t->tv_nsec;
		buf_add(b, em->clock_text, em->clock_len);
		return;
	}
	key_time(b, "time", t);
	em->clock_len = 0;
	if (b->failed || b->len - start > sizeof(em->clock_text))
		return;
	em->clock = *t;
	em->clock_len = b->len - start;
	memcpy(em->clock_text, b->data + start, em->clock_len);
}

static void
emit_json(struct emit *em, const struct event *ev, struct buf *b)
{
	static const struct place_keys keys = {"path", "path_base64", "root",
	    "root_base64", "name", "name_base64"};
	static const struct place_keys old_keys = {"old_path",
	    "old_path_base64", "old_root", "old_root_base64", "old_name",
	    "old_name_base64"};
	static const struct place_keys old_keys_here = {"old_path",
	    "old_path_base64", NULL, NULL, "old_name", "old_name_base64"};

	/* Room for what nearly every line has; and names of ours need no
	 * second look. */
	(void)buf_reserve(b, 256);
	buf_adds(b, "{\"event\":\"");
	buf_adds(b, event_kind_name(ev->kind));
	buf_addc(b, '"');
	if (ev->type != EVENT_NOTYPE) {
		buf_adds(b, ",\"type\":\"");
		buf_adds(b, event_type_name(ev->type));
		buf_addc(b, '"');
	}
	if (ev->root != NULL) {
		keys_of_place(b, &keys, ev->root, ev->name, ev->root_is_name);
	}
	if (ev->kind == EVENT_RENAMED) {
		keys_of_place(b,
		    strcmp(ev->old_root, ev->root) == 0 ? &old_keys_here :
							  &old_keys,
		    ev->old_root, ev->old_name, ev->old_root_is_name);
		if (ev->replaced)
			key_true(b, "replaced");
		if (ev->exchanged)
			key_true(b, "exchanged");
	}
	if (ev->st != NULL)
		keys_of_stat(em, ev, b);
	keys_of_content(em, ev, b);
	if (ev->truncated)
		key_true(b, "truncated");
	if (ev->kind == EVENT_READY || ev->kind == EVENT_RESYNCED) {
		key_uint(b, "roots", ev->roots);
		key_uint(b, "directories", ev->directories);
		key_uint(b, "entries", ev->entries);
	}
	if (ev->synthetic)
		key_true(b, "synthetic");
	key_clock(em, &ev->time, b);
	key_uint(b, "seq", em->seq);
	json_close(b);
	buf_addc(b, '\n');
}

/* Would this character move, hide or reorder what stands beside it? */
static bool
is_unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad ||
	    c == 0x61c || /* Arabic letter mark */
	    c == 0x200b || c == 0x200e || c == 0x200f ||
	    (c >= 0x2028 && c <= 0x202e) || /* separators, embeddings */
	    (c >= 0x2060 && c <= 0x206f) || /* joiner, isolates */
	    c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
	    (c >= 0xe0000 && c <= 0xe0fff); /* tags */
}

/* How many columns a character may take: never too few, since a line that is
 * too long is worse than one that is too short. wcwidth(3) would know less in
 * a locale that is not UTF-8. */
static size_t
columns_of(uint32_t c)
{
	return (c >= 0x1100 && c <= 0x115f) || c == 0x231a || c == 0x231b ||
		(c >= 0x23e9 && c <= 0x23f3) || (c >= 0x25fd && c <= 0x27bf) ||
		(c >= 0x2b00 && c <= 0x2bff) || (c >= 0x2e80 && c <= 0xa4cf) ||
		(c >= 0xa960 && c <= 0xa97f) || (c >= 0xac00 && c <= 0xd7a3) ||
		(c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe10 && c <= 0xfe6f) ||
		(c >= 0xff00 && c <= 0xff60) || (c >= 0xffe0 && c <= 0xffe6) ||
		c >= 0x16fe0 ?
	    2 :
	    1;
}

/* One step of a name as it is shown: the bytes of the name it takes are
 * returned; what to show, and how wide that is, are in out. */
struct shown {
	char text[10]; /* "\U000e0001" is the longest */
	size_t len;
	size_t columns;
	bool escaped;
};

static void
show_escape(struct shown *out, char letter, uint32_t n, size_t digits)
{
	static const char hex[] = "0123456789abcdef";
	size_t i;

	out->text[0] = '\\';
	out->text[1] = letter;
	for (i = digits; i-- > 0; n >>= 4)
		out->text[2 + i] = hex[n & 0xf];
	out->len = out->columns = 2 + digits;
	out->escaped = true;
}

static size_t
show_next(const char *s, size_t len, bool quoted, struct shown *out)
{
	static const char named[] = "\a\b\t\n\v\f\r\x1b";
	static const char letters[] = "abtnvfre";
	const char *which;
	uint32_t c;
	size_t n;

	n = utf8_next(s, len, &c);
	if (c == UTF8_BAD) {
		show_escape(out, 'x', (unsigned char)s[0], 2);
		return 1;
	}
	if (is_unsafe(c)) {
		which = c == 0 || c > 0x1b ? NULL : strchr(named, (int)c);
		if (which != NULL)
			show_escape(out, letters[which - named], 0, 0);
		else if (c < 0x80)
			show_escape(out, 'x', c, 2);
		else if (c < 0x10000)
			show_escape(out, 'u', c, 4);
		else
			show_escape(out, 'U', c, 8);
		return n;
	}
	out->escaped = false;
	if (quoted && (c == '\'' || c == '\\')) {
		show_escape(out, (char)c, 0, 0);
		return n;
	}
	memcpy(out->text, s, n);
	out->len = n;
	out->columns = columns_of(c);
	return n;
}

/* Does a path need $'...', the shell's quotes in which escapes count, so that
 * it cannot be taken for something else? */
static bool
needs_quotes(const char *s, size_t len)
{
	struct shown out;
	size_t i;

	if (len == 0 || s[0] == ' ' || s[len - 1] == ' ' ||
	    memmem(s, len, "->", 2) != NULL ||
	    (len >= 2 && memcmp(s, "$'", 2) == 0))
		return true;
	for (i = 0; i < len;) {
		i += show_next(s + i, len - i, false, &out);
		if (out.escaped)
			return true;
	}
	return false;
}

static size_t
shown_columns(const char *s, size_t len, bool quoted)
{
	struct shown out;
	size_t columns = quoted ? 3 : 0;
	size_t i;

	for (i = 0; i < len;) {
		i += show_next(s + i, len - i, quoted, &out);
		columns += out.columns;
	}
	return columns;
}

/* A path in at most max columns, and how many it took: what is too long loses
 * its beginning. */
static size_t
add_shown(struct buf *b, const struct buf *path, size_t max)
{
	const char *s = path->data;
	size_t len = path->len;
	bool quoted = needs_quotes(s, len);
	size_t columns = shown_columns(s, len, quoted);
	struct shown out;
	size_t n;

	if (columns > max) {
		if (max == 0)
			return 0;
		buf_adds(b, ELLIPSIS);
		columns++;
		while (columns > max && len > 0) {
			n = show_next(s, len, quoted, &out);
			columns -= out.columns;
			s += n;
			len -= n;
		}
		if (columns > max) /* not even the quotes fit */
			return 1;
	}
	if (quoted)
		buf_adds(b, "$'");
	while (len > 0) {
		n = show_next(s, len, quoted, &out);
		buf_add(b, out.text, out.len);
		s += n;
		len -= n;
	}
	if (quoted)
		buf_addc(b, '\'');
	return columns;
}

static const char *
color_of(enum event_kind kind)
{
	switch (kind) {
	case EVENT_EXISTS:
	case EVENT_CREATED:
	case EVENT_FOUND:
		return "\033[32m"; /* green */
	case EVENT_MODIFIED:
	case EVENT_CLOSED:
	case EVENT_COMPLETE:
		return "\033[33m"; /* yellow */
	case EVENT_RENAMED:
		return "\033[36m"; /* cyan */
	case EVENT_DELETED:
	case EVENT_LOST:
	case EVENT_OVERFLOW:
		return "\033[31m"; /* red */
	case EVENT_ATTRIB:
		return "\033[35m"; /* magenta */
	default:
		return "\033[34m"; /* blue */
	}
}

/* Bytes for people, in at most five columns: 999, 1.2K, 34M. */
static void
human_size(char *out, size_t out_size, uint64_t size)
{
	static const char units[] = "KMGTPE";
	unsigned tenths;
	size_t i;

	if (size < 1024) {
		(void)snprintf(out, out_size, "%u", (unsigned)size);
		return;
	}
	for (i = 0; size >= UINT64_C(1024) * 1024; i++)
		size /= 1024;
	tenths = (unsigned)(size % 1024 * 10 / 1024);
	if (size < UINT64_C(10) * 1024)
		(void)snprintf(out, out_size, "%u.%u%c",
		    (unsigned)(size / 1024), tenths, units[i]);
	else
		(void)snprintf(out, out_size, "%u%c", (unsigned)(size / 1024),
		    units[i]);
}

/* A cell and the blank behind it. */
static void
add_cell(struct buf *b, const char *text, size_t columns, bool right)
{
	size_t pad = columns - strlen(text);

	if (!right)
		buf_adds(b, text);
	while (pad-- > 0)
		buf_addc(b, ' ');
	if (right)
		buf_adds(b, text);
	buf_addc(b, ' ');
}

static void
add_clock(struct buf *b, const struct timespec *t)
{
	char text[48]; /* as long as gcc can imagine */
	struct tm tm = {0};

	(void)localtime_r(&t->tv_sec, &tm);
	(void)snprintf(text, sizeof(text), "%02d:%02d:%02d.%03u ", tm.tm_hour,
	    tm.tm_min, tm.tm_sec, (unsigned)(t->tv_nsec / 1000000));
	buf_adds(b, text);
}

static void
add_count(struct buf *b, uint64_t n, const char *one, const char *many)
{
	json_uint(b, n);
	buf_addc(b, ' ');
	buf_adds(b, n == 1 ? one : many);
}

/* The text of a line behind its columns, in at most max columns. */
static void
add_subject(struct buf *b, const struct event *ev, size_t max)
{
	struct buf path = BUF_INIT;
	const char *arrow = ev->exchanged ? " <-> " : " -> ";
	const char *tail = ev->replaced ? " (replaced)" : "";
	size_t join = strlen(arrow) + strlen(tail);
	size_t start = b->len;

	if (ev->kind == EVENT_READY || ev->kind == EVENT_RESYNCED) {
		add_count(b, ev->roots, "root, ", "roots, ");
		add_count(b, ev->directories, "directory, ", "directories, ");
		add_count(b, ev->entries, "entry", "entries");
		if (b->len - start > max)
			b->len = start + max;
		return;
	}
	if (ev->root == NULL)
		return;
	if (ev->kind == EVENT_RENAMED && max > join) {
		size_t room = max - join;

		/* The new path gets what the old one leaves, at least half. */
		emit_path(&path, ev->old_root, ev->old_name,
		    ev->old_root_is_name);
		if (!path.failed)
			room -= add_shown(b, &path, room / 2);
		buf_adds(b, arrow);
		path.len = 0;
		emit_path(&path, ev->root, ev->name, ev->root_is_name);
		if (!path.failed)
			(void)add_shown(b, &path, room);
		buf_adds(b, tail);
	} else {
		emit_path(&path, ev->root, ev->name, ev->root_is_name);
		if (!path.failed)
			(void)add_shown(b, &path, max);
	}
	if (path.failed)
		b->failed = true;
	buf_free(&path);
}

static void
emit_pretty(const struct emit *em, const struct event *ev, struct buf *b)
{
	size_t width = em->width > 0 ? (size_t)em->width : SIZE_MAX;
	const char *kind = event_kind_name(ev->kind);
	size_t kind_len = strlen(kind);
	/* A narrow terminal gets the event and the path only. */
	bool wide = width >= PREFIX_COLUMNS + SUBJECT_MIN;
	size_t used = wide ? PREFIX_COLUMNS : kind_len + 1;
	char size[16] = "";

	if (kind_len > width)
		kind_len = width;
	if (wide && em->color)
		buf_adds(b, "\033[2m"); /* dim: the event is what matters */
	if (wide)
		add_clock(b, &ev->time);
	if (wide && em->color)
		buf_adds(b, "\033[0m");
	if (em->color)
		buf_adds(b, color_of(ev->kind));
	buf_add(b, kind, kind_len);
	if (em->color)
		buf_adds(b, "\033[0m");
	if (wide) {
		if (ev->st != NULL && ev->type == EVENT_FILE)
			human_size(size, sizeof(size), ev->st->size);
		add_cell(b, "", KIND_COLUMNS - kind_len, false);
		add_cell(b, event_type_name(ev->type), TYPE_COLUMNS, false);
		add_cell(b, size, SIZE_COLUMNS, true);
	} else if (width > used) {
		buf_addc(b, ' ');
	}
	if (width > used)
		add_subject(b, ev, width - used);
	while (b->len > 0 && b->data[b->len - 1] == ' ')
		b->len--;
	buf_addc(b, '\n');
}

bool
emit_event(struct emit *em, const struct event *ev, struct buf *b)
{
	if (em->format == EMIT_PRINT0 && ev->root == NULL)
		return false;
	em->seq++;
	switch (em->format) {
	case EMIT_JSON:
		emit_json(em, ev, b);
		break;
	case EMIT_PRINT0:
		emit_path(b, ev->root, ev->name, ev->root_is_name);
		buf_addc(b, '\0');
		break;
	case EMIT_PRETTY:
		emit_pretty(em, ev, b);
		break;
	}
	return true;
}
