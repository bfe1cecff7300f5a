#include <check.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "misspelt.h"
#include "suite.h"

static const struct option longs[] = {
    {"existing", no_argument, NULL, 'E'},
    {"exclude", required_argument, NULL, 'x'},
    {"depth", required_argument, NULL, 'd'},
    {0},
};

/* What is said to this one word. */
static const char *
say(const char *word)
{
	static char msg[256], program[] = "p";
	char *copy = strdup(word);
	char *argv[] = {program, copy, NULL};
	int c;

	ck_assert_ptr_nonnull(copy);
	opterr = 0;
	optind = 0;
	c = getopt_long(2, argv, ":Ex:d:", longs, NULL);
	ck_assert(c == '?' || c == ':');
	misspelt_option(longs, c, argv[optind - 1], msg, sizeof(msg));
	free(copy);
	return msg;
}

static const struct {
	const char *word;
	const char *says;
} said[] = {
    {"--existng", "--existng: unknown option; did you mean --existing?"},
    {"--dpeth=3", "--dpeth: unknown option; did you mean --depth?"},
    {"--ex", "--ex: could be more than one option"},
    {"--nothing-like-it",
	"--nothing-like-it: unknown option; --help lists them"},
    {"--existing=1", "--existing: takes no argument"},
    {"--depth", "--depth: needs an argument"},
    {"-d", "-d: needs an argument"},
    {"-Q", "-Q: unknown option; --help lists them"},
};

START_TEST(what_is_said_fits_the_slip)
{
	ck_assert_str_eq(say(said[_i].word), said[_i].says);
}
END_TEST

START_TEST(the_nearest_word_wins)
{
	size_t best = SIZE_MAX;

	ck_assert(!misspelt_nearer("zzzz", 4, "depth", &best));
	ck_assert_uint_eq(best, SIZE_MAX);
	ck_assert(misspelt_nearer("deth", 4, "death", &best));
	ck_assert_uint_eq(best, 1);
	/* As near is not nearer. */
	ck_assert(!misspelt_nearer("deth", 4, "depth", &best));
	ck_assert(misspelt_nearer("deth", 4, "deth", &best));
	ck_assert_uint_eq(best, 0);
}
END_TEST

START_TEST(only_the_given_length_is_compared)
{
	size_t best = SIZE_MAX;

	ck_assert(misspelt_nearer("depth=12345678", 5, "depth", &best));
	ck_assert_uint_eq(best, 0);
}
END_TEST

START_TEST(a_very_long_word_is_cut_and_what_follows_is_not)
{
	char word[5000];
	const char *msg;

	memset(word, 'x', sizeof(word));
	memcpy(word, "--", 2);
	word[sizeof(word) - 1] = '\0';
	msg = say(word);
	ck_assert_uint_lt(strlen(msg), 128);
	ck_assert_ptr_nonnull(strstr(msg, ": unknown option; --help lists"));
	ck_assert_int_eq(misspelt_clip(sizeof(word)), 64);
	ck_assert_int_eq(misspelt_clip(3), 3);
}
END_TEST

START_TEST(words_too_long_to_be_slips_are_near_to_nothing)
{
	const char *longest = "a-name-of-more-than-thirty-two-bytes-in-all";
	size_t best = SIZE_MAX;
	char word[100];

	memset(word, 'x', sizeof(word));
	ck_assert(!misspelt_nearer(longest, strlen(longest), longest, &best));
	ck_assert(!misspelt_nearer(word, sizeof(word), "xxx", &best));
	ck_assert(!misspelt_nearer("", 0, "a", &best));
	ck_assert_uint_eq(best, SIZE_MAX);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("misspelt");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_loop_test(core, what_is_said_fits_the_slip, 0,
	    sizeof(said) / sizeof(said[0]));
	tcase_add_test(core, the_nearest_word_wins);
	tcase_add_test(core, only_the_given_length_is_compared);
	tcase_add_test(limits, a_very_long_word_is_cut_and_what_follows_is_not);
	tcase_add_test(hostile, words_too_long_to_be_slips_are_near_to_nothing);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
