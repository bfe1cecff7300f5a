#include "flat.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "arena.h"
#include "json.h"
#include "utf8.h"

struct reader {
	const char *p; /* the next byte to be read */
	const char *end;
	char *room; /* where strings with escapes go; NULL: there was none */
};

static void
flat_space(struct reader *r)
{
	while (r->p < r->end &&
	    (*r->p == ' ' || *r->p == '\t' || *r->p == '\r' || *r->p == '\n'))
		r->p++;
}

/* Takes this byte, and white space before it, if that is what comes next. */
static bool
flat_take(struct reader *r, char c)
{
	flat_space(r);
	if (r->p == r->end || *r->p != c)
		return false;
	r->p++;
	return true;
}

/* The quote or backslash that ends what stands for itself from p on; NULL
 * where there is none, or something before it that may not be in a string. */
static const char *
flat_stop(const char *p, const char *end)
{
	uint32_t c;

	for (;;) {
		p += json_plain(p, (size_t)(end - p));
		if (p == end)
			return NULL;
		if (*p == '"' || *p == '\\')
			return p;
		p += utf8_next(p, (size_t)(end - p), &c);
		if (c == UTF8_BAD || c < 0x20)
			return NULL;
	}
}

/* The four hexadecimal digits of \u at p; UTF8_BAD where they are none. */
static uint32_t
flat_hex(const char *p, const char *end)
{
	uint32_t c = 0;
	int i;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return UTF8_BAD;
	for (i = 2; i < 6; i++) {
		c <<= 4;
		if (p[i] >= '0' && p[i] <= '9')
			c |= (uint32_t)(p[i] - '0');
		else if (p[i] >= 'a' && p[i] <= 'f')
			c |= (uint32_t)(p[i] - 'a' + 10);
		else if (p[i] >= 'A' && p[i] <= 'F')
			c |= (uint32_t)(p[i] - 'A' + 10);
		else
			return UTF8_BAD;
	}
	return c;
}

/* Decodes the \u at *p, and the one behind where it takes two, as UTF-8.
 * Returns the end of that, or NULL. */
static char *
flat_unicode(const char **p, const char *end, char *out)
{
	uint32_t c = flat_hex(*p, end), low;

	if (c == UTF8_BAD || (c >= 0xdc00 && c <= 0xdfff))
		return NULL;
	*p += 6;
	if (c >= 0xd800 && c <= 0xdbff) {
		low = flat_hex(*p, end);
		if (low < 0xdc00 || low > 0xdfff)
			return NULL;
		*p += 6;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	if (c < 0x80) {
		*out++ = (char)c;
		return out;
	}
	if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*out++ = (char)(0xe0 | c >> 12);
		} else {
			*out++ = (char)(0xf0 | c >> 18);
			*out++ = (char)(0x80 | (c >> 12 & 0x3f));
		}
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*out++ = (char)(0x80 | (c & 0x3f));
	return out;
}

/* Decodes the escape whose backslash is at *p. */
static char *
flat_escape(const char **p, const char *end, char *out)
{
	static const char meant[UCHAR_MAX + 1] = {['"'] = '"',
	    ['\\'] = '\\',
	    ['/'] = '/',
	    ['b'] = '\b',
	    ['f'] = '\f',
	    ['n'] = '\n',
	    ['r'] = '\r',
	    ['t'] = '\t'};
	unsigned char c;

	if (end - *p < 2)
		return NULL;
	c = (unsigned char)(*p)[1];
	if (c == 'u')
		return flat_unicode(p, end, out);
	if (meant[c] == '\0')
		return NULL;
	*out++ = meant[c];
	*p += 2;
	return out;
}

/* A string whose first quote has been read, up to a backslash at stop. */
static bool
flat_decode(struct reader *r, const char *stop, struct flat_value *v)
{
	const char *p = r->p;
	char *out;

	/* No string, nor all that follow, is longer than it is spelt. */
	if (r->room == NULL)
		r->room = arena_alloc((size_t)(r->end - p));
	if (r->room == NULL)
		return false;
	out = r->room;
	for (;;) {
		memcpy(out, p, (size_t)(stop - p));
		out += stop - p;
		p = stop;
		if (*p == '"')
			break;
		out = flat_escape(&p, r->end, out);
		if (out == NULL)
			return false;
		stop = flat_stop(p, r->end);
		if (stop == NULL)
			return false;
	}
	v->s = r->room;
	v->len = (size_t)(out - r->room);
	r->room = out;
	r->p = p + 1;
	return true;
}

static bool
flat_string(struct reader *r, struct flat_value *v)
{
	const char *stop = flat_stop(r->p, r->end);

	v->kind = FLAT_STRING;
	if (stop == NULL)
		return false;
	if (*stop == '\\')
		return flat_decode(r, stop, v);
	v->s = r->p;
	v->len = (size_t)(stop - r->p);
	r->p = stop + 1;
	return true;
}

static bool
flat_digits(struct reader *r)
{
	const char *begin = r->p;

	while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
		r->p++;
	return r->p > begin;
}

static bool
flat_number(struct reader *r)
{
	const char *begin = r->p;

	if (*r->p == '-')
		r->p++;
	/* What follows a leading 0 is seen not to be a comma. */
	if (r->p < r->end && *r->p == '0')
		r->p++;
	else if (!flat_digits(r))
		return false;
	if (r->p < r->end && *r->p == '.') {
		r->p++;
		if (!flat_digits(r))
			return false;
	}
	return r->p - begin <= FLAT_DIGITS;
}

static bool
flat_word(struct reader *r, const char *word, size_t len)
{
	if ((size_t)(r->end - r->p) < len || memcmp(r->p, word, len) != 0)
		return false;
	r->p += len;
	return true;
}

static bool
flat_value(struct reader *r, struct flat_value *v)
{
	if (r->p == r->end)
		return false;
	switch (*r->p) {
	case '"':
		r->p++;
		return flat_string(r, v);
	case 't':
		v->kind = FLAT_TRUE;
		return flat_word(r, "true", 4);
	case 'f':
		v->kind = FLAT_FALSE;
		return flat_word(r, "false", 5);
	case 'n':
		v->kind = FLAT_NULL;
		return flat_word(r, "null", 4);
	default:
		v->kind = FLAT_OTHER;
		return flat_number(r);
	}
}

/* Is the last key another than all before it? */
static bool
flat_is_new(const struct flat *f)
{
	const struct flat_member *last = &f->members[f->n - 1], *m;

	for (m = f->members; m < last; m++)
		if (m->key_len == last->key_len &&
		    memcmp(m->key, last->key, last->key_len) == 0)
			return false;
	return true;
}

static bool
flat_member(struct flat *f, struct reader *r)
{
	struct flat_member *m = &f->members[f->n];
	const char *stop;

	if (f->n == FLAT_MEMBERS || !flat_take(r, '"'))
		return false;
	stop = flat_stop(r->p, r->end);
	if (stop == NULL || *stop != '"')
		return false;
	m->key = r->p;
	m->key_len = (size_t)(stop - r->p);
	r->p = stop + 1;
	f->n++;
	if (!flat_is_new(f) || !flat_take(r, ':'))
		return false;
	flat_space(r);
	m->raw = r->p;
	if (!flat_value(r, &m->value))
		return false;
	m->raw_len = (size_t)(r->p - m->raw);
	return true;
}

bool
flat_read(struct flat *f, const char *line, size_t len)
{
	struct reader r = {line, line + len, NULL};

	f->n = 0;
	if (!flat_take(&r, '{'))
		return false;
	if (!flat_take(&r, '}')) {
		do
			if (!flat_member(f, &r))
				return false;
		while (flat_take(&r, ','));
		if (!flat_take(&r, '}'))
			return false;
	}
	flat_space(&r);
	return r.p == r.end;
}
