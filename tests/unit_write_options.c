#include <check.h>
#include <getopt.h>
#include <string.h>

#include "command.h"
#include "suite.h"
#include "write_options.h"

static struct write_options o;
static char why[256];

static enum write_options_result
parse(char **argv)
{
	int argc = 0;

	while (argv[argc] != NULL)
		argc++;
	return write_options_parse(&o, argc, argv, why, sizeof(why));
}

#define PARSE(...) parse((char *[]){"fswrite", __VA_ARGS__, NULL})

START_TEST(defaults_are_those_of_the_manual)
{
	ck_assert_int_eq(PARSE("out"), WRITE_OPTIONS_RUN);
	ck_assert_str_eq(o.dir, "out");
	ck_assert(!o.ack && !o.sync && !o.stop_on_error && !o.mounts);
	ck_assert(!o.dry_run && !o.quiet && !o.verbose && !o.force);
	ck_assert(!o.chain);
	ck_assert_uint_eq(o.ops, COMMAND_ALL);
	ck_assert_uint_eq(o.max_line, 16 << 20);
	ck_assert_uint_eq(o.retries, 0);
	ck_assert(o.retry_delay >= 1 && o.retry_delay <= 1);
	ck_assert_uint_eq(o.nwatched, 0);
	write_options_free(&o);
}
END_TEST

START_TEST(all_options_are_understood)
{
	ck_assert_int_eq(PARSE("--ack", "--sync", "--stop-on-error", "--retry",
			     "3", "--retry-delay=0.25", "--ops", "append,write",
			     "--max-line", "100", "--watched", "a", "--watched",
			     "b", "--chain", "--force", "--allow-mounts",
			     "-nqv", "--", "-out"),
	    WRITE_OPTIONS_RUN);
	ck_assert(o.ack && o.sync && o.stop_on_error && o.mounts);
	ck_assert(o.dry_run && o.quiet && o.verbose && o.force && o.chain);
	ck_assert_uint_eq(o.retries, 3);
	ck_assert(o.retry_delay > 0.24 && o.retry_delay < 0.26);
	ck_assert_uint_eq(o.ops,
	    COMMAND_BIT(COMMAND_APPEND) | COMMAND_BIT(COMMAND_WRITE));
	ck_assert_uint_eq(o.max_line, 100);
	ck_assert_uint_eq(o.nwatched, 2);
	ck_assert_str_eq(o.watched[1], "b");
	ck_assert_str_eq(o.dir, "-out");
	write_options_free(&o);
}
END_TEST

START_TEST(help_and_version_are_asked_for_by_both_names)
{
	ck_assert_int_eq(PARSE("-h"), WRITE_OPTIONS_HELP);
	ck_assert_int_eq(PARSE("--help"), WRITE_OPTIONS_HELP);
	ck_assert_int_eq(PARSE("-V"), WRITE_OPTIONS_VERSION);
	ck_assert_int_eq(PARSE("--version"), WRITE_OPTIONS_VERSION);
	ck_assert_ptr_nonnull(strstr(write_options_help(), "--stop-on-error"));
}
END_TEST

START_TEST(nonsense_is_refused_with_a_reason)
{
	ck_assert_int_eq(parse((char *[]){"fswrite", NULL}), WRITE_OPTIONS_BAD);
	ck_assert_str_eq(why, "no directory given; --help tells more");
	ck_assert_int_eq(PARSE("a", "b"), WRITE_OPTIONS_BAD);
	ck_assert_str_eq(why, "more than one directory given");
	ck_assert_int_eq(PARSE("--nope", "a"), WRITE_OPTIONS_BAD);
	ck_assert_str_eq(why, "--nope: unknown option; --help lists them");
	ck_assert_int_eq(PARSE("--synk", "a"), WRITE_OPTIONS_BAD);
	ck_assert_str_eq(why, "--synk: unknown option; did you mean --sync?");
	ck_assert_int_eq(PARSE("-nZ", "a"), WRITE_OPTIONS_BAD);
	ck_assert_str_eq(why, "-Z: unknown option; --help lists them");
	ck_assert_int_eq(PARSE("--retry"), WRITE_OPTIONS_BAD);
	ck_assert_str_eq(why, "--retry: needs an argument");
	ck_assert_int_eq(PARSE("--ack=x", "a"), WRITE_OPTIONS_BAD);
	ck_assert_str_eq(why, "--ack: takes no argument");
	ck_assert_int_eq(PARSE("--s", "a"), WRITE_OPTIONS_BAD);
	ck_assert_str_eq(why, "--s: could be more than one option");
	ck_assert_int_eq(PARSE("--retry", "-1", "a"), WRITE_OPTIONS_BAD);
	ck_assert_ptr_nonnull(strstr(why, "--retry -1"));
	ck_assert_int_eq(PARSE("--retry", "x", "a"), WRITE_OPTIONS_BAD);
	ck_assert_int_eq(PARSE("--retry-delay", "nan", "a"), WRITE_OPTIONS_BAD);
	ck_assert_int_eq(PARSE("--retry-delay", "-1", "a"), WRITE_OPTIONS_BAD);
	ck_assert_int_eq(PARSE("--retry-delay", "1s", "a"), WRITE_OPTIONS_BAD);
	ck_assert_int_eq(PARSE("--max-line", "0", "a"), WRITE_OPTIONS_BAD);
	ck_assert_int_eq(PARSE("--max-line", "1e3", "a"), WRITE_OPTIONS_BAD);
	ck_assert_int_eq(PARSE("--max-line", "99999999999999999999", "a"),
	    WRITE_OPTIONS_BAD);
	ck_assert_int_eq(PARSE("--ops", "append,rm", "a"), WRITE_OPTIONS_BAD);
	ck_assert_str_eq(why,
	    "--ops rm: no such operation; did you mean delete?");
	ck_assert_int_eq(PARSE("--ops", "apend,write", "a"), WRITE_OPTIONS_BAD);
	ck_assert_str_eq(why,
	    "--ops apend: no such operation; did you mean append?");
	ck_assert_int_eq(PARSE("--ops", "frob", "a"), WRITE_OPTIONS_BAD);
	ck_assert_str_eq(why,
	    "--ops frob: no such operation; there are write, append, "
	    "overwrite, delete, mkdir and rename");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("write_options");
	TCase *core = tcase_create("Core");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_test(core, defaults_are_those_of_the_manual);
	tcase_add_test(core, all_options_are_understood);
	tcase_add_test(core, help_and_version_are_asked_for_by_both_names);
	tcase_add_test(hostile, nonsense_is_refused_with_a_reason);
	suite_add_tcase(s, core);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
