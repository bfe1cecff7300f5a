#include <check.h>
#include <stdio.h>
#include <string.h>

#include "event.h"
#include "filter.h"
#include "suite.h"
#include "watch_options.h"

#define MAX_ARGS 32

static struct watch_options o;
static char msg[WATCH_OPTIONS_MSG];

/* Words separated by one blank, as a command line behind the program's name.
 * They live until the next call, as the options point to them. */
static int
parse(const char *words)
{
	static char line[1024];
	static char *argv[MAX_ARGS];
	char *rest = line;
	int argc = 0;

	watch_options_free(&o);
	msg[0] = '\0';
	(void)strlcpy(line, words, sizeof(line));
	argv[argc++] = (char *)(uintptr_t) "fswatch-events";
	while (rest != NULL && *line != '\0') {
		ck_assert_int_lt(argc, MAX_ARGS - 1);
		argv[argc++] = strsep(&rest, " ");
	}
	argv[argc] = NULL;
	return watch_options_parse(&o, argc, argv, msg, sizeof(msg));
}

static void
good(const char *words)
{
	ck_assert_msg(parse(words) == 0, "%s: %s", words, msg);
	ck_assert_str_eq(msg, "");
}

/* The line is refused in these words. */
static void
refused(const char *words, const char *want)
{
	ck_assert_int_eq(parse(words), -1);
	ck_assert_str_eq(msg, want);
	ck_assert_ptr_null(o.filter);
	ck_assert_ptr_null(o.roots);
}

static void
teardown(void)
{
	watch_options_free(&o);
}

START_TEST(a_path_alone_gets_the_defaults)
{
	good("dir");
	ck_assert_uint_eq(o.nroots, 1);
	ck_assert_str_eq(o.roots[0], "dir");
	ck_assert(!o.roots_from_stdin);
	ck_assert_uint_eq(o.nprune, 0);
	ck_assert_uint_eq(o.depth, 1);
	ck_assert(!o.follow && !o.one_file_system && !o.wait);
	ck_assert(o.claim);
	ck_assert_int_eq(o.poll_ms, 2000);
	ck_assert_uint_eq(o.events, EVENT_DEFAULT);
	ck_assert(!o.existing && !o.stat && !o.once);
	ck_assert_int_eq(o.format, EMIT_JSON);
	ck_assert_int_eq(o.verbosity, 0);
	ck_assert_int_eq(o.timeout_ms, -1);
	ck_assert(!o.help && !o.version);
	ck_assert(filter_shows(o.filter, "a", EVENT_OTHER));
	ck_assert(!filter_enters(o.filter, "a", 1));
}
END_TEST

START_TEST(each_switch_sets_its_field)
{
	good("-r -L -w -1 -0 a");
	ck_assert_uint_eq(o.depth, SIZE_MAX);
	ck_assert(o.follow && o.wait && o.once);
	ck_assert_int_eq(o.format, EMIT_PRINT0);
	ck_assert(filter_enters(o.filter, "a/b/c", 3));
	good("--recursive --follow --wait --once --print0 a");
	ck_assert_uint_eq(o.depth, SIZE_MAX);
	ck_assert(o.follow && o.wait && o.once);
	ck_assert_int_eq(o.format, EMIT_PRINT0);
	good("--one-file-system --stat --no-claim --pretty a");
	ck_assert(o.one_file_system && o.stat && !o.claim);
	ck_assert_int_eq(o.format, EMIT_PRETTY);
	good("-p a");
	ck_assert_int_eq(o.format, EMIT_PRETTY);
	good("-vv a");
	ck_assert_int_eq(o.verbosity, 2);
	good("--verbose a");
	ck_assert_int_eq(o.verbosity, 1);
	good("--quiet a");
	ck_assert_int_eq(o.verbosity, -1);
	good("-q -v a");
	ck_assert_int_eq(o.verbosity, 1);
}
END_TEST

START_TEST(operands_keep_their_order_and_a_dash_is_stdin)
{
	good("a -r - b --stat c");
	ck_assert_uint_eq(o.nroots, 3);
	ck_assert_str_eq(o.roots[0], "a");
	ck_assert_str_eq(o.roots[1], "b");
	ck_assert_str_eq(o.roots[2], "c");
	ck_assert(o.roots_from_stdin && o.stat);
	ck_assert_uint_eq(o.depth, SIZE_MAX);
	good("-");
	ck_assert_uint_eq(o.nroots, 0);
	ck_assert(o.roots_from_stdin);
	good("-- -r --stat");
	ck_assert_uint_eq(o.nroots, 2);
	ck_assert_str_eq(o.roots[0], "-r");
	ck_assert(!o.stat);
	good("--prune a --prune=b/c x");
	ck_assert_uint_eq(o.nprune, 2);
	ck_assert_str_eq(o.prune[0], "a");
	ck_assert_str_eq(o.prune[1], "b/c");
}
END_TEST

START_TEST(depth_implies_recursion_and_limits_it)
{
	good("--depth 3 a");
	ck_assert_uint_eq(o.depth, 3);
	ck_assert(filter_enters(o.filter, "a/b", 2));
	ck_assert(!filter_enters(o.filter, "a/b/c", 3));
	good("--depth=1 -r a");
	ck_assert_uint_eq(o.depth, 1);
}
END_TEST

START_TEST(events_and_types_add_up_over_options)
{
	good("-e created,deleted --events closed a");
	ck_assert_uint_eq(o.events,
	    EVENT_BIT(EVENT_CREATED) | EVENT_BIT(EVENT_DELETED) |
		EVENT_BIT(EVENT_CLOSED));
	good("-e -modified -e +ready a");
	ck_assert_uint_eq(o.events,
	    (EVENT_DEFAULT & ~EVENT_BIT(EVENT_MODIFIED)) |
		EVENT_BIT(EVENT_READY));
	good("--existing a");
	ck_assert(o.existing);
	ck_assert_uint_eq(o.events, EVENT_DEFAULT | EVENT_BIT(EVENT_EXISTS));
	good("--existing -e closed a");
	ck_assert_uint_eq(o.events,
	    EVENT_BIT(EVENT_CLOSED) | EVENT_BIT(EVENT_EXISTS));
	good("-t f --types symlink a");
	ck_assert(filter_shows(o.filter, "a", EVENT_FILE));
	ck_assert(filter_shows(o.filter, "a", EVENT_SYMLINK));
	ck_assert(!filter_shows(o.filter, "a", EVENT_DIR));
	ck_assert(!filter_shows(o.filter, "a", EVENT_OTHER));
}
END_TEST

START_TEST(expressions_keep_the_order_they_are_given_in)
{
	good("-x \\.c$ -i ^keep a");
	ck_assert(filter_shows(o.filter, "keep.c", EVENT_FILE));
	ck_assert(!filter_shows(o.filter, "a.c", EVENT_FILE));
	ck_assert(filter_shows(o.filter, "a.h", EVENT_FILE));
	good("--include ^keep --exclude \\.c$ a");
	ck_assert(!filter_shows(o.filter, "keep.c", EVENT_FILE));
	ck_assert(filter_shows(o.filter, "keep.h", EVENT_FILE));
	ck_assert(!filter_shows(o.filter, "a.h", EVENT_FILE));
	good("--no-junk a");
	ck_assert(!filter_shows(o.filter, "a~", EVENT_FILE));
}
END_TEST

START_TEST(seconds_may_have_a_fraction)
{
	static const struct {
		const char *line;
		int64_t ms;
	} cases[] = {
	    {"--timeout 1 a", 1000},
	    {"--timeout 0.5 a", 500},
	    {"--timeout .25 a", 250},
	    {"--timeout 1.2345 a", 1235}, /* up */
	    {"--timeout 1.2340 a", 1234},
	    {"--timeout 0.0001 a", 1},
	    {"--timeout 1000000000 a", INT64_C(1000000000000)},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		good(cases[i].line);
		ck_assert_int_eq(o.timeout_ms, cases[i].ms);
	}
	good("--poll 0.1 a");
	ck_assert_int_eq(o.poll_ms, 100);
}
END_TEST

START_TEST(what_is_no_number_of_seconds_is_refused)
{
	static const char *const bad[] = {"0", "0.0", "-1", "+1", "", ".", "1.",
	    "1s", "1e3", "0x10", "inf", "nan", "1000000001",
	    "99999999999999999999999999"};
	char line[128], want[128];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(line, sizeof(line), "--timeout=%s a", bad[i]);
		(void)snprintf(want, sizeof(want),
		    "--timeout %s: not a number of seconds above 0", bad[i]);
		refused(line, want);
	}
	refused("--poll=0 a", "--poll 0: not a number of seconds above 0");
}
END_TEST

START_TEST(what_is_no_depth_is_refused)
{
	refused("--depth 0 a", "--depth 0: not a number from 1 on");
	refused("--depth -1 a", "--depth -1: not a number from 1 on");
	refused("--depth 2x a", "--depth 2x: not a number from 1 on");
	refused("--depth= a", "--depth : not a number from 1 on");
}
END_TEST

START_TEST(help_and_version_ask_for_nothing_else)
{
	good("-h");
	ck_assert(o.help && !o.version);
	good("--version");
	ck_assert(o.version && !o.help);
	good("-V -z");
	ck_assert(o.version);
}
END_TEST

START_TEST(help_is_short_and_every_option_in_it_is_known)
{
	const char *s = watch_options_help();
	char line[128], name[64];
	size_t lines = 0, len, known = 0;

	while (*s != '\0') {
		len = strcspn(s, "\n");
		ck_assert_uint_le(len, 80);
		s += len + 1;
		lines++;
	}
	ck_assert_uint_le(lines, 40);
	for (s = watch_options_help(); (s = strstr(s, "--")) != NULL; s++) {
		len = strspn(s + 2, "abcdefghijklmnopqrstuvwxyz0-");
		if (len == 0)
			continue;
		(void)strlcpy(name, s + 2, len + 1);
		(void)snprintf(line, sizeof(line), "--%s=\x01 a", name);
		/* Known, or there would be another word. */
		if (parse(line) == -1)
			ck_assert_msg(strstr(msg, "unknown") == NULL &&
				strstr(msg, "more than one") == NULL,
			    "%s", msg);
		known++;
	}
	ck_assert_uint_ge(known, 20);
}
END_TEST

START_TEST(a_misspelt_option_is_answered_with_the_nearest)
{
	refused("--existng a",
	    "--existng: unknown option; did you mean --existing?");
	refused("--recursvie a",
	    "--recursvie: unknown option; did you mean --recursive?");
	refused("--exclud3=x a",
	    "--exclud3: unknown option; did you mean --exclude?");
	refused("--frobnicate a",
	    "--frobnicate: unknown option; --help lists them");
	refused("--no a", "--no: could be more than one option");
	refused("-z a", "-z: unknown option; --help lists them");
	refused("-rz a", "-z: unknown option; --help lists them");
	refused("a --stat -z", "-z: unknown option; --help lists them");
	refused("--stat=1 a", "--stat: takes no argument");
	refused("a --depth", "--depth: needs an argument");
	refused("a -re", "-e: needs an argument");
	good("--exist a"); /* a beginning that is the only one will do */
	ck_assert(o.existing);
}
END_TEST

START_TEST(settle_takes_a_quiet_time_and_a_longest_one)
{
	good("a");
	ck_assert_int_eq(o.settle_ms, 0);
	good("-s 1.5 a");
	ck_assert_int_eq(o.settle_ms, 1500);
	ck_assert_int_eq(o.settle_max_ms, 15000);
	good("--settle .1,2 a");
	ck_assert_int_eq(o.settle_ms, 100);
	ck_assert_int_eq(o.settle_max_ms, 2000);
	good("-s 2,2 a");
	ck_assert_int_eq(o.settle_max_ms, 2000);
	refused("-s 0 a",
	    "-s 0: not a number of seconds above 0, nor two of them with a "
	    "comma between");
	refused("-s 1, a",
	    "-s 1,: not a number of seconds above 0, nor two of them with a "
	    "comma between");
	refused("-s 1,2,3 a",
	    "-s 1,2,3: not a number of seconds above 0, nor two of them with "
	    "a comma between");
	refused("-s ,2 a",
	    "-s ,2: not a number of seconds above 0, nor two of them with a "
	    "comma between");
	refused("-s 2,1 a",
	    "-s 2,1: the longest time is less than the quiet one");
}
END_TEST

START_TEST(content_has_a_limit_and_an_encoding)
{
	good("a");
	ck_assert(!o.content && !o.base64);
	good("-c a");
	ck_assert(o.content && !o.base64);
	ck_assert_uint_eq(o.content_limit, 1024 * 1024);
	good("--content --content-limit 0 --encoding base64 a");
	ck_assert(o.content && o.base64);
	ck_assert_uint_eq(o.content_limit, 0);
	good("-c --content-limit 1073741824 a");
	ck_assert_uint_eq(o.content_limit, 1073741824);
	refused("-c --content-limit 1073741825 a",
	    "--content-limit 1073741825: not a number of bytes up to "
	    "1073741824");
	refused("-c --content-limit -1 a",
	    "--content-limit -1: not a number of bytes up to 1073741824");
	refused("-c --content-limit 1M a",
	    "--content-limit 1M: not a number of bytes up to 1073741824");
	refused("-c --encoding utf-8 a",
	    "--encoding utf-8: only base64; without this option text is told "
	    "as text");
}
END_TEST

START_TEST(content_goes_with_what_can_carry_it)
{
	refused("--content-limit 5 a", "--content-limit: only with --content");
	refused("--encoding base64 a", "--encoding: only with --content");
	refused("-c -0 a", "--content and -0: content is for JSON only");
	refused("-p -c a", "--content and -p: content is for JSON only");
	refused("-c -e +opened a",
	    "--content and -e opened or accessed: reading the content would "
	    "be told, too; add -opened,-accessed");
	refused("-c -e all,-opened a",
	    "--content and -e opened or accessed: reading the content would "
	    "be told, too; add -opened,-accessed");
	good("-c -e all,-opened,-accessed a");
}
END_TEST

START_TEST(options_of_the_future_are_unknown_today)
{
	static const char *const later[] = {"--state", "--ignore-file"};
	size_t i;
	char line[64];

	for (i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		(void)snprintf(line, sizeof(line), "%s a", later[i]);
		ck_assert_int_eq(parse(line), -1);
		ck_assert_ptr_nonnull(strstr(msg, "unknown option"));
	}
}
END_TEST

START_TEST(an_unknown_event_is_answered_with_what_there_is)
{
	refused("-e frob a",
	    "-e frob: no such event; there are exists, created, modified, "
	    "closed, complete, attrib, renamed, deleted, opened, accessed, "
	    "quiet, ready, overflow, resynced, lost, found, default and all");
	refused("-e creatd a",
	    "-e creatd: no such event; did you mean created?");
	refused("-e created,+renmaed a",
	    "-e +renmaed: no such event; did you mean renamed?");
}
END_TEST

START_TEST(the_words_of_other_tools_are_answered_with_ours)
{
	refused("-e close_write a",
	    "-e close_write: here this is closed (or complete: a file is "
	    "whole)");
	refused("-e moved_to a",
	    "-e moved_to: here this is renamed (or created: from outside)");
	refused("-e modify,create a", "-e modify: here this is modified");
	refused("-e IN_CREATE a", "-e IN_CREATE: here this is created");
}
END_TEST

START_TEST(an_expression_after_e_points_to_x)
{
	refused("-e \\.git a",
	    "-e \\.git: not an event; to leave out paths by an expression "
	    "use -x");
	refused("-e .* a",
	    "-e .*: not an event; to leave out paths by an expression use -x");
	refused("-e (a|b)$ a",
	    "-e (a|b)$: not an event; to leave out paths by an expression "
	    "use -x");
}
END_TEST

START_TEST(a_bad_expression_says_what_and_why)
{
	ck_assert_int_eq(parse("-x (a b"), -1);
	ck_assert_int_eq(strncmp(msg, "-x (a: ", 7), 0);
	ck_assert_uint_gt(strlen(msg), 10);
	ck_assert_int_eq(parse("--include [z b"), -1);
	ck_assert_int_eq(strncmp(msg, "-i [z: ", 7), 0);
	refused("-i= -x  b", "-x \"\": Empty expression");
}
END_TEST

START_TEST(other_wrong_usage_is_one_line_with_its_subject)
{
	refused("", "no path given; --help tells more");
	refused("-r", "no path given; --help tells more");
	refused("--", "no path given; --help tells more");
	refused("a  b", "\"\": an empty path");
	refused("-0 -p a", "-0 and -p: only one of them");
	refused("-t socket a",
	    "-t socket: no such type; there are file (f), dir (d), symlink "
	    "(l) and other (o)");
	refused("-e -default a", "-e: leaves no event to tell");
	good("-e -default --existing a");
	good("-0 -0 a");
}
END_TEST

START_TEST(a_word_without_end_leaves_room_for_the_reason)
{
	static const char *const options[] = {"-e", "-t", "-x(", "-i[",
	    "--depth=", "--timeout=", "--poll=", "--", "--depth", "-e+", "-e.",
	    "-ecreated,"};
	char line[1024];
	size_t i, len;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		(void)strlcpy(line, options[i], sizeof(line));
		len = strlen(line);
		memset(line + len, 'q', 900);
		line[len + 900] = '\0';
		(void)strlcat(line, " a", sizeof(line));
		ck_assert_int_eq(parse(line), -1);
		ck_assert_uint_gt(strlen(msg), 5);
		/* Not cut off: the reason stands at its end. */
		ck_assert_uint_lt(strlen(msg), sizeof(msg) - 1);
		ck_assert_ptr_null(strchr(msg, '\n'));
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("watch_options");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_checked_fixture(core, NULL, teardown);
	tcase_add_checked_fixture(limits, NULL, teardown);
	tcase_add_checked_fixture(hostile, NULL, teardown);
	tcase_add_test(core, a_path_alone_gets_the_defaults);
	tcase_add_test(core, each_switch_sets_its_field);
	tcase_add_test(core, operands_keep_their_order_and_a_dash_is_stdin);
	tcase_add_test(core, depth_implies_recursion_and_limits_it);
	tcase_add_test(core, events_and_types_add_up_over_options);
	tcase_add_test(core, expressions_keep_the_order_they_are_given_in);
	tcase_add_test(core, help_and_version_ask_for_nothing_else);
	tcase_add_test(core, help_is_short_and_every_option_in_it_is_known);
	tcase_add_test(limits, seconds_may_have_a_fraction);
	tcase_add_test(limits, what_is_no_number_of_seconds_is_refused);
	tcase_add_test(limits, what_is_no_depth_is_refused);
	tcase_add_test(hostile, a_misspelt_option_is_answered_with_the_nearest);
	tcase_add_test(hostile, settle_takes_a_quiet_time_and_a_longest_one);
	tcase_add_test(hostile, content_has_a_limit_and_an_encoding);
	tcase_add_test(hostile, content_goes_with_what_can_carry_it);
	tcase_add_test(hostile, options_of_the_future_are_unknown_today);
	tcase_add_test(hostile,
	    an_unknown_event_is_answered_with_what_there_is);
	tcase_add_test(hostile,
	    the_words_of_other_tools_are_answered_with_ours);
	tcase_add_test(hostile, an_expression_after_e_points_to_x);
	tcase_add_test(hostile, a_bad_expression_says_what_and_why);
	tcase_add_test(hostile, other_wrong_usage_is_one_line_with_its_subject);
	tcase_add_test(hostile, a_word_without_end_leaves_room_for_the_reason);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
