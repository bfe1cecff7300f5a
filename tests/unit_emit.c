#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "buf.h"
#include "emit.h"
#include "event.h"
#include "suite.h"
#include "utf8.h"

#define WIDE "\xe6\x97\xa5\xe6\x9c\xac" /* U+65E5, U+672C: 4 columns */

static const struct event_stat some_stat = {
    .dev = 2049,
    .ino = UINT64_C(18446744073709551615),
    .nlink = 1,
    .size = 12,
    .mode = S_IFREG | 0644,
    .uid = 1000,
    .gid = 100,
    .mtime = {1763723662, 123456789},
    .ctime = {1763723662, 999},
    .btime = {1763723000, 0},
};

static const struct event created = {
    .kind = EVENT_CREATED,
    .type = EVENT_FILE,
    .root = "inbox",
    .name = "a/b",
    .time = {1763723662, 123456789},
};

/* What em makes of ev, as a string that lives until the next call. */
static const char *
text_of(struct emit *em, const struct event *ev)
{
	static struct buf b = BUF_INIT;

	buf_clear(&b);
	ck_assert(emit_event(em, ev, &b));
	buf_addc(&b, '\0');
	ck_assert(!b.failed);
	return b.data;
}

static const char *
json_of(const struct event *ev)
{
	struct emit em = {.format = EMIT_JSON};

	return text_of(&em, ev);
}

START_TEST(a_line_has_its_keys_in_order)
{
	struct event ev = created;

	ck_assert_str_eq(json_of(&ev),
	    "{\"event\":\"created\",\"type\":\"file\",\"path\":\"inbox/a/b\","
	    "\"root\":\"inbox\",\"name\":\"a/b\",\"time\":1763723662.123456,"
	    "\"seq\":1}\n");
	ev.kind = EVENT_RENAMED;
	ev.name = "a/c";
	ev.old_root = "inbox";
	ev.old_name = "a/b";
	ev.st = &some_stat;
	ck_assert_str_eq(json_of(&ev),
	    "{\"event\":\"renamed\",\"type\":\"file\",\"path\":\"inbox/a/c\","
	    "\"root\":\"inbox\",\"name\":\"a/c\",\"old_path\":\"inbox/a/b\","
	    "\"old_name\":\"a/b\",\"size\":12,\"time\":1763723662.123456,"
	    "\"seq\":1}\n");
}
END_TEST

START_TEST(every_key_stands_where_the_header_says)
{
	struct emit em = {.format = EMIT_JSON, .stat = true, .seq = 40};
	struct event ev = {
	    .kind = EVENT_RENAMED,
	    .type = EVENT_FILE,
	    .root = "n\xff",
	    .name = "\xfe",
	    .old_root = "o\xfd",
	    .old_name = "\xfc",
	    .replaced = true,
	    .exchanged = true,
	    .synthetic = true,
	    .st = &some_stat,
	    .time = {5, 6000},
	    .content = "x",
	    .content_len = 1,
	    .truncated = true,
	};

	ck_assert_str_eq(text_of(&em, &ev),
	    "{\"event\":\"renamed\",\"type\":\"file\","
	    "\"path\":\"n\xef\xbf\xbd/\xef\xbf\xbd\",\"path_base64\":\"bv8v/"
	    "g==\","
	    "\"root\":\"n\xef\xbf\xbd\",\"root_base64\":\"bv8=\","
	    "\"name\":\"\xef\xbf\xbd\",\"name_base64\":\"/g==\","
	    "\"old_path\":\"o\xef\xbf\xbd/\xef\xbf\xbd\","
	    "\"old_path_base64\":\"b/0v/A==\","
	    "\"old_root\":\"o\xef\xbf\xbd\",\"old_root_base64\":\"b/0=\","
	    "\"old_name\":\"\xef\xbf\xbd\",\"old_name_base64\":\"/A==\","
	    "\"replaced\":true,\"exchanged\":true,\"size\":12,"
	    "\"dev\":\"2049\",\"ino\":\"18446744073709551615\",\"nlink\":1,"
	    "\"mode\":\"0644\",\"uid\":1000,\"gid\":100,"
	    "\"mtime\":1763723662.123456,\"ctime\":1763723662.000000,"
	    "\"btime\":1763723000.000000,"
	    "\"content\":\"x\",\"encoding\":\"utf-8\",\"truncated\":true,"
	    "\"synthetic\":true,\"time\":5.000006,\"seq\":41}\n");
}
END_TEST

START_TEST(lines_are_counted_from_one)
{
	struct emit em = {.format = EMIT_JSON};
	struct event ev = created;

	ck_assert_ptr_nonnull(strstr(text_of(&em, &ev), "\"seq\":1}"));
	ck_assert_ptr_nonnull(strstr(text_of(&em, &ev), "\"seq\":2}"));
	ck_assert_uint_eq(em.seq, 2);
}
END_TEST

START_TEST(a_path_is_as_the_user_would_type_it)
{
	static const struct {
		const char *root, *name;
		bool root_is_name;
		const char *path;
	} cases[] = {
	    {"dir", "a", false, "dir/a"},
	    {"dir/", "a/b", false, "dir/a/b"},
	    {"dir///", "a", false, "dir/a"},
	    {"/", "etc/passwd", false, "/etc/passwd"},
	    {"//", "etc", false, "/etc"},
	    {".", "a", false, "./a"},
	    {"..", "a", false, "../a"},
	    {"dir/file", "file", true, "dir/file"},
	    {"dir/", NULL, false, "dir/"},
	    {"/", NULL, false, "/"},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct emit em = {.format = EMIT_JSON};
		struct event ev = created;
		struct buf b = BUF_INIT;
		json_t *line, *path;

		emit_path(&b, cases[i].root, cases[i].name,
		    cases[i].root_is_name);
		ck_assert_uint_eq(b.len, strlen(cases[i].path));
		ck_assert_mem_eq(b.data, cases[i].path, b.len);
		buf_free(&b);
		ev.root = cases[i].root;
		ev.name = cases[i].name;
		ev.root_is_name = cases[i].root_is_name;
		line = json_loads(text_of(&em, &ev), 0, NULL);
		path = json_object_get(line, "path");
		ck_assert_str_eq(json_string_value(path), cases[i].path);
		ck_assert((json_object_get(line, "name") == NULL) ==
		    (cases[i].name == NULL));
		json_decref(line);
	}
}
END_TEST

START_TEST(old_root_is_told_where_it_differs)
{
	struct event ev = created;

	ev.kind = EVENT_RENAMED;
	ev.old_root = "outbox";
	ev.old_name = "b";
	ck_assert_ptr_nonnull(strstr(json_of(&ev),
	    "\"old_path\":\"outbox/b\",\"old_root\":\"outbox\","
	    "\"old_name\":\"b\""));
	ev.old_root = "inbox";
	ck_assert_ptr_null(strstr(json_of(&ev), "old_root"));
}
END_TEST

START_TEST(notes_carry_what_they_are_about)
{
	struct event ready = {
	    .kind = EVENT_READY,
	    .roots = 1,
	    .directories = 2,
	    .entries = 3,
	    .time = {1, 0},
	};
	struct event lost = {
	    .kind = EVENT_LOST,
	    .root = "inbox",
	    .synthetic = true,
	    .time = {1, 0},
	};
	struct event quiet = {.kind = EVENT_QUIET, .time = {1, 0}};

	ck_assert_str_eq(json_of(&ready),
	    "{\"event\":\"ready\",\"roots\":1,\"directories\":2,"
	    "\"entries\":3,\"time\":1.000000,\"seq\":1}\n");
	ready.kind = EVENT_RESYNCED;
	ck_assert_ptr_nonnull(strstr(json_of(&ready), "\"entries\":3"));
	ck_assert_str_eq(json_of(&lost),
	    "{\"event\":\"lost\",\"path\":\"inbox\",\"root\":\"inbox\","
	    "\"synthetic\":true,\"time\":1.000000,\"seq\":1}\n");
	ck_assert_str_eq(json_of(&quiet),
	    "{\"event\":\"quiet\",\"time\":1.000000,\"seq\":1}\n");
}
END_TEST

START_TEST(size_is_for_files_and_mode_for_attrib)
{
	struct event_stat st = some_stat;
	struct event ev = created;

	ev.st = &st;
	ck_assert_ptr_nonnull(strstr(json_of(&ev), "\"size\":12,\"time\""));
	ev.type = EVENT_DIR;
	st.mode = S_IFDIR | S_ISVTX | 0777;
	ck_assert_ptr_null(strstr(json_of(&ev), "size"));
	ck_assert_ptr_null(strstr(json_of(&ev), "mode"));
	ev.kind = EVENT_ATTRIB;
	ck_assert_ptr_nonnull(strstr(json_of(&ev),
	    "\"name\":\"a/b\",\"mode\":\"1777\",\"uid\":1000,\"gid\":100,"
	    "\"time\""));
	st.mode = S_IFDIR;
	ck_assert_ptr_nonnull(strstr(json_of(&ev), "\"mode\":\"0000\""));
}
END_TEST

START_TEST(content_is_text_or_base64)
{
	struct emit em = {.format = EMIT_JSON};
	struct event ev = created;

	ev.content = "caf\xc3\xa9\n";
	ev.content_len = 6;
	ck_assert_ptr_nonnull(strstr(text_of(&em, &ev),
	    "\"name\":\"a/b\",\"content\":\"caf\xc3\xa9\\n\","
	    "\"encoding\":\"utf-8\",\"time\""));
	ev.content = "x\xff";
	ev.content_len = 2;
	ck_assert_ptr_nonnull(strstr(text_of(&em, &ev),
	    "\"name\":\"a/b\",\"content\":\"eP8=\",\"encoding\":\"base64\","
	    "\"time\""));
	em.base64 = true;
	ev.content = "a";
	ev.content_len = 1;
	ck_assert_ptr_nonnull(strstr(text_of(&em, &ev),
	    "\"content\":\"YQ==\",\"encoding\":\"base64\""));
	em.base64 = false;
	ev.content = "";
	ev.content_len = 0;
	ck_assert_ptr_nonnull(strstr(text_of(&em, &ev),
	    "\"content\":\"\",\"encoding\":\"utf-8\""));
	ev.content = NULL;
	ev.truncated = true;
	ck_assert_ptr_nonnull(
	    strstr(text_of(&em, &ev), "\"name\":\"a/b\",\"truncated\":true"));
	ck_assert_ptr_null(strstr(text_of(&em, &ev), "content"));
}
END_TEST

START_TEST(times_keep_six_decimals_and_their_sign)
{
	static const struct {
		struct timespec t;
		const char *text;
	} cases[] = {
	    {{0, 0}, "\"mtime\":0.000000,"},
	    {{0, 999}, "\"mtime\":0.000000,"},
	    {{1, 1000}, "\"mtime\":1.000001,"},
	    {{1, 999999999}, "\"mtime\":1.999999,"},
	    {{-1, 0}, "\"mtime\":-1.000000,"},
	    {{-1, 500000000}, "\"mtime\":-0.500000,"},
	    {{-2, 750000000}, "\"mtime\":-1.250000,"},
	    {{INT64_MAX, 1000}, "\"mtime\":9223372036854775807.000001,"},
	    {{INT64_MIN, 0}, "\"mtime\":-9223372036854775808.000000,"},
	};
	struct emit em = {.format = EMIT_JSON, .stat = true};
	struct event_stat st = some_stat;
	struct event ev = created;
	size_t i;

	ev.st = &st;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		st.mtime = cases[i].t;
		ck_assert_msg(strstr(text_of(&em, &ev), cases[i].text) != NULL,
		    "%s", cases[i].text);
	}
	st.btime.tv_sec = 0;
	st.btime.tv_nsec = -1;
	ck_assert_ptr_null(strstr(text_of(&em, &ev), "btime"));
}
END_TEST

START_TEST(print0_ends_each_path_with_nul)
{
	struct emit em = {.format = EMIT_PRINT0};
	struct event ev = created;
	struct event quiet = {.kind = EVENT_QUIET};
	struct event lost = {.kind = EVENT_LOST, .root = "inbox"};
	struct buf b = BUF_INIT;

	ev.name = "a\n\xff";
	ck_assert(emit_event(&em, &ev, &b));
	ck_assert(!emit_event(&em, &quiet, &b));
	ck_assert_uint_eq(em.seq, 1);
	ck_assert(emit_event(&em, &lost, &b));
	ck_assert_uint_eq(b.len, 16);
	ck_assert_mem_eq(b.data, "inbox/a\n\xff\0inbox\0", 16);
	buf_free(&b);
}
END_TEST

static const char *
pretty_of(const struct event *ev, int width)
{
	struct emit em = {.format = EMIT_PRETTY, .width = width};

	return text_of(&em, ev);
}

START_TEST(a_pretty_line_is_aligned)
{
	struct event ev = created;

	ck_assert_int_eq(setenv("TZ", "UTC0", 1), 0);
	tzset();
	ev.st = &some_stat;
	ck_assert_str_eq(pretty_of(&ev, 0),
	    "11:14:22.123 created  file       12 inbox/a/b\n");
	ev.type = EVENT_DIR;
	ck_assert_str_eq(pretty_of(&ev, 80),
	    "11:14:22.123 created  dir           inbox/a/b\n");
	ev.kind = EVENT_RENAMED;
	ev.type = EVENT_SYMLINK;
	ev.old_root = "inbox";
	ev.old_name = "a/x";
	ck_assert_str_eq(pretty_of(&ev, 0),
	    "11:14:22.123 renamed  symlink       inbox/a/x -> inbox/a/b\n");
	ev.replaced = true;
	ck_assert_ptr_nonnull(
	    strstr(pretty_of(&ev, 0), "a/x -> inbox/a/b (replaced)\n"));
	ev.replaced = false;
	ev.exchanged = true;
	ck_assert_ptr_nonnull(strstr(pretty_of(&ev, 0), "a/x <-> inbox/a/b\n"));
	ev = (struct event){.kind = EVENT_READY,
	    .roots = 1,
	    .directories = 2,
	    .entries = 1,
	    .time = ev.time};
	ck_assert_str_eq(pretty_of(&ev, 0),
	    "11:14:22.123 ready                  "
	    "1 root, 2 directories, 1 entry\n");
	ev.kind = EVENT_QUIET;
	ck_assert_str_eq(pretty_of(&ev, 0), "11:14:22.123 quiet\n");
}
END_TEST

START_TEST(colours_change_nothing_but_colour)
{
	struct emit em = {.format = EMIT_PRETTY, .color = true};
	struct event ev = created;
	char stripped[256], plain[256];
	const char *s;
	size_t n = 0;

	(void)strlcpy(plain, pretty_of(&ev, 0), sizeof(plain));
	s = text_of(&em, &ev);
	ck_assert_ptr_nonnull(strchr(s, '\033'));
	for (; *s != '\0'; s++) {
		if (*s == '\033')
			s += strcspn(s, "m");
		else
			stripped[n++] = *s;
	}
	stripped[n] = '\0';
	ck_assert_str_eq(stripped, plain);
}
END_TEST

START_TEST(sizes_read_easily)
{
	static const struct {
		uint64_t size;
		const char *text;
	} cases[] = {
	    {0, "     0 "},
	    {1023, "  1023 "},
	    {1024, "  1.0K "},
	    {1024 * 10 - 1, "  9.9K "},
	    {1024 * 10, "   10K "},
	    {1024 * 1024 - 1, " 1023K "},
	    {1024 * 1024, "  1.0M "},
	    {UINT64_C(1536) * 1024 * 1024, "  1.5G "},
	    {UINT64_MAX, "   15E "},
	};
	struct event_stat st = some_stat;
	struct event ev = created;
	size_t i;

	ev.st = &st;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		st.size = cases[i].size;
		ck_assert_msg(strstr(pretty_of(&ev, 0), cases[i].text) != NULL,
		    "%s: %s", cases[i].text, pretty_of(&ev, 0));
	}
}
END_TEST

START_TEST(names_that_could_deceive_are_quoted)
{
	static const struct {
		const char *name, *shown;
	} cases[] = {
	    {"plain", "plain"},
	    {"two words", "two words"},
	    {"caf\xc3\xa9", "caf\xc3\xa9"},
	    {"it's", "it's"},
	    {"back\\slash", "back\\slash"},
	    {"a\nb", "$'a\\nb'"},
	    {"a\nb'c\\", "$'a\\nb\\'c\\\\'"},
	    {"\x1b[31m", "$'\\e[31m'"},
	    {"\x01\x7f", "$'\\x01\\x7f'"},
	    {"\xff\xc3", "$'\\xff\\xc3'"},
	    {"\xe2\x82", "$'\\xe2\\x82'"},
	    {"\xe2\x80\xae"
	     "gpj.exe",
		"$'\\u202egpj.exe'"},
	    {"\xe2\x81\xa6", "$'\\u2066'"},
	    {"\xc2\x9b"
	     "31m",
		"$'\\u009b31m'"},
	    {"\xe2\x80\xa8", "$'\\u2028'"},
	    {"\xd8\x9c", "$'\\u061c'"},
	    {"\xf3\xa0\x80\x81", "$'\\U000e0001'"},
	    {"$'x'", "$'$\\'x\\''"},
	    {"a -> b", "$'a -> b'"},
	    {"a <-> b", "$'a <-> b'"},
	    {"end ", "$'end '"},
	    {" start", "$' start'"},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct event ev = created;
		const char *line;
		size_t len = strlen(cases[i].shown);

		ev.root = cases[i].name;
		ev.name = NULL;
		line = pretty_of(&ev, 0);
		ck_assert_uint_gt(strlen(line), 36 + len);
		ck_assert_msg(strncmp(line + 36, cases[i].shown, len) == 0 &&
			strcmp(line + 36 + len, "\n") == 0,
		    "%s", line);
	}
}
END_TEST

/* Columns of a line, where only those of WIDE take two. */
static size_t
columns(const char *s)
{
	size_t len = strcspn(s, "\n"), n = 0, i;
	uint32_t c;
	bool printable = true;

	/* One assertion for all of it: Check writes each into a pipe. */
	for (i = 0; i < len; n++) {
		i += utf8_next(s + i, len - i, &c);
		if (c == UTF8_BAD || c < 0x20 || (c >= 0x7f && c < 0xa0))
			printable = false;
		if (c == 0x65e5 || c == 0x672c)
			n++;
	}
	ck_assert_msg(printable && strcmp(s + len, "\n") == 0, "%s", s);
	return n;
}

START_TEST(no_line_is_wider_than_the_terminal)
{
	static const char *const names[] = {"short",
	    "a/rather/long/name/that/does/not/fit/into/what/is/left.txt",
	    WIDE WIDE WIDE WIDE WIDE WIDE WIDE WIDE WIDE WIDE WIDE WIDE,
	    "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n",
	    "\xff\xfe\xff\xfe\xff\xfe\xff\xfe\xff\xfe\xff\xfe\xff\xfe"};
	struct event_stat st = some_stat;
	size_t i, kind;
	int width;

	st.size = UINT64_MAX;
	for (width = 1; width < 130; width++) {
		for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			for (kind = 0; kind < EVENT_NKINDS; kind++) {
				struct event ev = created;

				ev.kind = (enum event_kind)kind;
				ev.name = names[i];
				ev.st = &st;
				ev.old_root = "some/old/root/of/the/tree";
				ev.old_name = names[i];
				ev.replaced = width % 2 == 0;
				ev.roots = ev.entries = UINT64_MAX;
				ck_assert_uint_le(columns(
						      pretty_of(&ev, width)),
				    (size_t)width);
			}
		}
	}
}
END_TEST

START_TEST(what_is_too_long_loses_its_beginning)
{
	struct event ev = created;

	ck_assert_int_eq(setenv("TZ", "UTC0", 1), 0);
	tzset();
	ev.name = "one/two/three/four/five/six.txt";
	ck_assert_str_eq(pretty_of(&ev, 60),
	    "11:14:22.123 created  file          "
	    "\xe2\x80\xa6three/four/five/six.txt\n");
	ck_assert_uint_eq(columns(pretty_of(&ev, 60)), 60);
	ck_assert_str_eq(pretty_of(&ev, 24),
	    "created \xe2\x80\xa6ur/five/six.txt\n");
}
END_TEST

/* Takes a quoted name apart again, as bash would. */
static size_t
unquote(const char *s, size_t len, char *out)
{
	static const char letters[] = "abtnvfre\\'";
	static const char named[] = "\a\b\t\n\v\f\r\x1b\\'";
	size_t i, n = 0;

	if (len < 3 || strncmp(s, "$'", 2) != 0) {
		memcpy(out, s, len);
		return len;
	}
	for (i = 2; i < len - 1; i++) {
		const char *letter;
		char digits[9] = "";
		uint32_t c;
		size_t want;

		if (s[i] == '\'')
			ck_abort_msg("a quote within: %s", s);
		if (s[i] != '\\') {
			out[n++] = s[i];
			continue;
		}
		i++;
		letter = strchr(letters, s[i]);
		if (letter != NULL) {
			out[n++] = named[letter - letters];
			continue;
		}
		want = s[i] == 'x' ? 2 : s[i] == 'u' ? 4 : 8;
		ck_assert(i + want < len - 1);
		memcpy(digits, s + i + 1, want);
		c = (uint32_t)strtoul(digits, NULL, 16);
		i += want;
		if (want == 2) {
			out[n++] = (char)c;
		} else if (c < 0x800) {
			out[n++] = (char)(0xc0 | c >> 6);
			out[n++] = (char)(0x80 | (c & 0x3f));
		} else if (c < 0x10000) {
			out[n++] = (char)(0xe0 | c >> 12);
			out[n++] = (char)(0x80 | (c >> 6 & 0x3f));
			out[n++] = (char)(0x80 | (c & 0x3f));
		} else {
			out[n++] = (char)(0xf0 | c >> 18);
			out[n++] = (char)(0x80 | (c >> 12 & 0x3f));
			out[n++] = (char)(0x80 | (c >> 6 & 0x3f));
			out[n++] = (char)(0x80 | (c & 0x3f));
		}
	}
	return n;
}

START_TEST(a_quoted_name_can_be_read_back)
{
	static const char *const bits[] = {"a", " ", "'", "\\", "\n", "\033",
	    "\xff", "\xe2\x80", "\xe2\x80\xae", "\xc2\x85", "$'", "->",
	    "\xf3\xa0\x81\x81", "\xc3\xa9", "\x7f", "\xed\xa0\x80", "f"};
	char name[64], back[64];
	int round;

	srandom(11);
	for (round = 0; round < 20000; round++) {
		struct event ev = created;
		const char *line;
		size_t n, i, len;

		name[0] = '\0';
		n = 1 + (size_t)random() % 8;
		for (i = 0; i < n; i++)
			(void)strlcat(name,
			    bits[(size_t)random() %
				(sizeof(bits) / sizeof(bits[0]))],
			    sizeof(name));
		ev.root = name;
		ev.name = NULL;
		line = pretty_of(&ev, 0);
		(void)columns(line);
		len = unquote(line + 36, strlen(line + 36) - 1, back);
		ck_assert_uint_eq(len, strlen(name));
		ck_assert_mem_eq(back, name, len);
	}
}
END_TEST

START_TEST(any_name_can_be_recovered_from_json)
{
	struct emit em = {.format = EMIT_JSON};
	char name[64];
	int round;

	srandom(13);
	for (round = 0; round < 20000; round++) {
		struct event ev = created;
		struct buf want = BUF_INIT;
		const char *line;
		json_error_t error;
		json_t *object;
		size_t n, i;

		n = 1 + (size_t)random() % (sizeof(name) - 1);
		for (i = 0; i < n; i++)
			do
				name[i] = (char)(round % 2 ? random() :
							     random() & 0x7f);
			while (name[i] == '\0');
		name[n] = '\0';
		ev.name = name;
		line = text_of(&em, &ev);
		ck_assert_uint_eq(strcspn(line, "\n"), strlen(line) - 1);
		object = json_loads(line, JSON_REJECT_DUPLICATES, &error);
		ck_assert_msg(object != NULL, "%s", error.text);
		/* Exact bytes travel as base64 if, and only if, they must. */
		if (json_object_get(object, "path_base64") == NULL) {
			emit_path(&want, "inbox", name, false);
			buf_addc(&want, '\0');
			ck_assert_str_eq(json_string_value(
					     json_object_get(object, "path")),
			    want.data);
			ck_assert_str_eq(json_string_value(
					     json_object_get(object, "name")),
			    name);
		} else {
			ck_assert_ptr_nonnull(
			    json_object_get(object, "name_base64"));
			ck_assert_ptr_nonnull(strstr(line, "\xef\xbf\xbd"));
		}
		json_decref(object);
		buf_free(&want);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("emit");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_test(core, a_line_has_its_keys_in_order);
	tcase_add_test(core, every_key_stands_where_the_header_says);
	tcase_add_test(core, lines_are_counted_from_one);
	tcase_add_test(core, a_path_is_as_the_user_would_type_it);
	tcase_add_test(core, old_root_is_told_where_it_differs);
	tcase_add_test(core, notes_carry_what_they_are_about);
	tcase_add_test(core, size_is_for_files_and_mode_for_attrib);
	tcase_add_test(core, content_is_text_or_base64);
	tcase_add_test(core, print0_ends_each_path_with_nul);
	tcase_add_test(core, a_pretty_line_is_aligned);
	tcase_add_test(core, colours_change_nothing_but_colour);
	tcase_add_test(core, sizes_read_easily);
	tcase_add_test(limits, times_keep_six_decimals_and_their_sign);
	tcase_add_test(limits, no_line_is_wider_than_the_terminal);
	tcase_add_test(limits, what_is_too_long_loses_its_beginning);
	tcase_add_test(hostile, names_that_could_deceive_are_quoted);
	tcase_add_test(hostile, a_quoted_name_can_be_read_back);
	tcase_add_test(hostile, any_name_can_be_recovered_from_json);
	tcase_set_timeout(limits, 60);
	tcase_set_timeout(hostile, 60);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
