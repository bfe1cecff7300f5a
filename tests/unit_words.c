#include <check.h>
#include <string.h>

#include "suite.h"
#include "words.h"

static const char *
say(const char *word)
{
	static char msg[512];

	words_wrong_event(word, strlen(word), msg, sizeof(msg));
	ck_assert_ptr_null(strchr(msg, '\n'));
	return msg;
}

#define WHOLE	"closed (or complete: a file is whole)"
#define COMING	"renamed (or created: from outside)"
#define LEAVING "renamed (or deleted: to outside)"
#define CLOSING "opened or accessed: closing tells no more"

static const struct {
	const char *word;
	const char *ours;
} answers[] = {
    /* inotifywait(1), and the same in C */
    {"access", "accessed"},
    {"modify", "modified"},
    {"close_write", WHOLE},
    {"close_nowrite", CLOSING},
    {"close", "closed"},
    {"open", "opened"},
    {"moved_to", COMING},
    {"moved_from", LEAVING},
    {"move", "renamed"},
    {"move_self", "lost"},
    {"create", "created"},
    {"CREATE", "created"},
    {"delete", "deleted"},
    {"delete_self", "lost"},
    {"unmount", "lost"},
    {"IN_CREATE", "created"},
    {"IN_CLOSE_WRITE", WHOLE},
    {"IN_Q_OVERFLOW", "overflow"},
    {"IN_ATTRIB", "attrib"},
    {"IN_ALL_EVENTS", "all"},
    /* fswatch(1) */
    {"Created", "created"},
    {"Updated", "modified"},
    {"Removed", "deleted"},
    {"Renamed", "renamed"},
    {"OwnerModified", "attrib"},
    {"AttributeModified", "attrib"},
    {"MovedFrom", LEAVING},
    {"MovedTo", COMING},
    {"IsFile", "-t file"},
    {"IsDir", "-t dir"},
    {"IsSymLink", "-t symlink"},
    {"Link", "created or deleted"},
    {"CloseWrite", WHOLE},
    {"Overflow", "overflow"},
    /* fsnotify and watchexec(1) */
    {"Create", "created"},
    {"Write", "modified"},
    {"Remove", "deleted"},
    {"Rename", "renamed"},
    {"Chmod", "attrib"},
    {"metadata", "attrib"},
    /* chokidar and fs.watch() */
    {"add", "created"},
    {"addDir", "created (with -t dir)"},
    {"change", "modified"},
    {"unlink", "deleted"},
    {"unlinkDir", "deleted (with -t dir)"},
    /* Python's watchdog */
    {"on_created", "created"},
    {"on_moved", "renamed"},
    {"on_any_event", NULL},
    {"closed_no_write", CLOSING},
    /* kqueue(2), fanotify(7), java.nio, FSEvents, .NET */
    {"NOTE_WRITE", "modified"},
    {"NOTE_EXTEND", "modified"},
    {"NOTE_REVOKE", "lost"},
    {"FAN_MODIFY", "modified"},
    {"ENTRY_CREATE", "created"},
    {"ItemInodeMetaMod", "attrib"},
    {"kFSEventStreamEventFlagItemRemoved", "deleted"},
    {"Changed", "modified"},
    /* with a sign, and in one's own way */
    {"+close_write", WHOLE},
    {"-Deleted", "deleted"},
    {"Close-Write", WHOLE},
};

START_TEST(a_word_of_another_tool_is_answered_with_ours)
{
	const char *msg = say(answers[_i].word);
	char want[256];

	if (answers[_i].ours == NULL) {
		ck_assert_ptr_nonnull(strstr(msg, "no such event"));
		return;
	}
	(void)strlcpy(want, "-e ", sizeof(want));
	(void)strlcat(want, answers[_i].word, sizeof(want));
	(void)strlcat(want, ": here this is ", sizeof(want));
	(void)strlcat(want, answers[_i].ours, sizeof(want));
	ck_assert_str_eq(msg, want);
}
END_TEST

START_TEST(a_slip_is_answered_with_the_nearest_and_nonsense_with_all)
{
	ck_assert_str_eq(say("creatd"),
	    "-e creatd: no such event; did you mean created?");
	ck_assert_str_eq(say("IN_RENAMD"),
	    "-e IN_RENAMD: no such event; did you mean renamed?");
	ck_assert_ptr_nonnull(strstr(say("frob"), "there are exists, created"));
	ck_assert_ptr_nonnull(strstr(say("frob"), "found, default and all"));
}
END_TEST

START_TEST(an_expression_is_pointed_to_x)
{
	static const char *const expressions[] = {"\\.git", "*.o", "a/b", "^a",
	    "+.*", "(a|b)$"};
	size_t i;

	for (i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++)
		ck_assert_ptr_nonnull(strstr(say(expressions[i]), "use -x"));
}
END_TEST

START_TEST(what_is_empty_or_without_end_has_an_answer)
{
	char word[4096];

	ck_assert_ptr_nonnull(strstr(say(""), "-e : no such event; there are"));
	ck_assert_ptr_nonnull(strstr(say("+"), "no such event"));
	ck_assert_ptr_nonnull(strstr(say("IN_"), "no such event"));
	ck_assert_ptr_nonnull(strstr(say("_"), "no such event"));
	memset(word, 'q', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	ck_assert_ptr_nonnull(strstr(say(word), "default and all"));
	memcpy(word, "IN_", 3);
	ck_assert_ptr_nonnull(strstr(say(word), "default and all"));
	/* Only what belongs to the word is looked at. */
	words_wrong_event("movexxxx", 4, word, sizeof(word));
	ck_assert_str_eq(word, "-e move: here this is renamed");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("words");
	TCase *core = tcase_create("Core");
	TCase *hostile = tcase_create("Hostile");

	tcase_add_loop_test(core, a_word_of_another_tool_is_answered_with_ours,
	    0, sizeof(answers) / sizeof(answers[0]));
	tcase_add_test(core,
	    a_slip_is_answered_with_the_nearest_and_nonsense_with_all);
	tcase_add_test(core, an_expression_is_pointed_to_x);
	tcase_add_test(hostile, what_is_empty_or_without_end_has_an_answer);
	suite_add_tcase(s, core);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
