#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cannot.h"
#include "backend.h"
#include "changes.h"
#include "moves.h"
#include "recorder.h"
#include "statat.h"
#include "suite.h"
#include "tree.h"

/*
 * The index is made by hand here: what changes.h promises is a matter of
 * names. Where a file has to be looked at it is made on the disk too.
 */

static struct recorder r;

static void
begin(const char *options)
{
	recorder_open(&r, options);
	recorder_index(&r);
	r.top->flags |= DIR_ENTERED;
}

static void
end(void)
{
	recorder_close(&r);
}

static struct dir *
dir_at(const char *path)
{
	struct dir *d = r.top;
	size_t len;

	for (; *path != '\0'; path += len + (path[len] == '/')) {
		len = strcspn(path, "/");
		d = tree_find(d, path, len)->dir;
	}
	return d;
}

/* Adds name to the directory at that path. */
static struct entry *
add(const char *path, const char *name, enum event_type type)
{
	struct entry *e = tree_new(r.core.pool, name, strlen(name), type, 0);

	ck_assert_ptr_nonnull(e);
	ck_assert_int_eq(tree_link(dir_at(path), e), 0);
	if (type == EVENT_DIR)
		e->dir->flags |= DIR_ENTERED;
	return e;
}

static struct entry *
entry_at(const char *path, const char *name)
{
	return tree_find(dir_at(path), name, strlen(name));
}

/* s with s/f, s/t and s/t/g. */
static void
add_tree(void)
{
	(void)add("", "s", EVENT_DIR);
	(void)add("s", "f", EVENT_FILE);
	(void)add("s", "t", EVENT_DIR);
	(void)add("s/t", "g", EVENT_FILE);
}

/* Moves top's name from to another one. */
static const char *
moved(const char *from, const char *to)
{
	struct entry *e;

	e = moves_renamed(&r.core, r.top, entry_at("", from), r.top, to, NULL);
	ck_assert_ptr_nonnull(e);
	ck_assert_str_eq(e->name, to);
	ck_assert_ptr_eq(entry_at("", to), e);
	ck_assert_ptr_null(entry_at("", from));
	return recorder_told(&r);
}

START_TEST(an_event_is_told_when_the_set_and_the_filter_are_for_it)
{
	begin("-e created,deleted -t f -x ^no");
	change_tell(&r.core, EVENT_CREATED, r.top, "a", EVENT_FILE, NULL);
	change_tell(&r.core, EVENT_MODIFIED, r.top, "a", EVENT_FILE, NULL);
	change_tell(&r.core, EVENT_CREATED, r.top, "s", EVENT_DIR, NULL);
	change_tell(&r.core, EVENT_CREATED, r.top, "not", EVENT_FILE, NULL);
	ck_assert_str_eq(recorder_told(&r), "created f d/a\n");
	r.scope.silent = true;
	change_tell(&r.core, EVENT_DELETED, r.top, "a", EVENT_FILE, NULL);
	ck_assert_str_eq(recorder_told(&r), "");
	end();
}
END_TEST

START_TEST(a_root_of_one_name_tells_of_that_name_only)
{
	begin("-r");
	r.scope.only = "a";
	r.scope.path = "d/a";
	change_tell(&r.core, EVENT_CREATED, r.top, "b", EVENT_FILE, NULL);
	change_tell(&r.core, EVENT_CREATED, r.top, "a", EVENT_FILE, NULL);
	ck_assert_str_eq(recorder_told(&r), "created f d/a\n");
	ck_assert(!change_enters(&r.core, r.top, add("", "s", EVENT_DIR)));
	end();
}
END_TEST

START_TEST(a_stat_of_another_type_is_not_passed_on)
{
	struct event_stat st = {.mode = S_IFDIR | 0755};

	/* (The recorder fails on an event whose stat does not fit.) */
	begin("");
	change_tell(&r.core, EVENT_CREATED, r.top, "a", EVENT_FILE, &st);
	ck_assert_str_eq(recorder_told(&r), "created f d/a\n");
	end();
}
END_TEST

START_TEST(notes_are_told_when_asked_for)
{
	begin("-e lost,quiet");
	change_note(&r.core, EVENT_LOST, "d");
	change_note(&r.core, EVENT_FOUND, "d");
	change_note(&r.core, EVENT_QUIET, NULL);
	ck_assert_str_eq(recorder_told(&r), "lost d\nquiet\n");
	ck_assert_uint_eq(r.core.nevents, 2);
	end();
}
END_TEST

START_TEST(what_appears_is_told_before_what_is_below_it)
{
	begin("-r");
	r.marks_synthetic = true;
	add_tree();
	change_appeared(&r.core, r.top, entry_at("", "s"), COMPLETE_NOT);
	/* What is below was found by listing. */
	ck_assert_str_eq(recorder_told(&r),
	    "created d d/s\ncreated f d/s/f synthetic\n"
	    "created d d/s/t synthetic\ncreated f d/s/t/g synthetic\n");
	end();
}
END_TEST

START_TEST(what_goes_is_told_after_what_is_below_it_and_forgotten)
{
	begin("-r");
	add_tree();
	core_doubt(&r.core, dir_at("s/t"), "g");
	change_gone(&r.core, r.top, entry_at("", "s"));
	ck_assert_str_eq(recorder_told(&r),
	    "deleted f d/s/t/g\ndeleted d d/s/t\ndeleted f d/s/f\n"
	    "deleted d d/s\n");
	ck_assert_ptr_null(entry_at("", "s"));
	ck_assert_uint_eq(r.core.doubts.n, 0);
	add_tree();
	change_gone_below(&r.core, r.top);
	ck_assert_uint_eq(r.top->count, 0);
	ck_assert_ptr_nonnull(
	    strstr(recorder_told(&r), "deleted f d/s/f\ndeleted d d/s\n"));
	end();
}
END_TEST

START_TEST(a_directory_that_is_unknown_again_is_emptied_but_stays)
{
	begin("-r");
	add_tree();
	dir_at("s")->ino = 7;
	change_unknown(&r.core, dir_at("s"));
	ck_assert_str_eq(recorder_told(&r),
	    "deleted f d/s/t/g\ndeleted d d/s/t\ndeleted f d/s/f\n");
	ck_assert_uint_eq(dir_at("s")->count, 0);
	ck_assert_uint_eq(dir_at("s")->ino, 0);
	ck_assert_uint_eq(dir_at("s")->flags & DIR_ENTERED, 0);
	end();
}
END_TEST

START_TEST(a_directory_moves_with_all_below_it_in_one_event)
{
	begin("-r");
	add_tree();
	ck_assert_str_eq(moved("s", "z"), "renamed d d/s -> d/z\n");
	ck_assert_ptr_nonnull(entry_at("z/t", "g"));
	/* Into another directory. */
	(void)add("", "u", EVENT_DIR);
	ck_assert_ptr_nonnull(moves_renamed(&r.core, r.top, entry_at("", "z"),
	    dir_at("u"), "y", NULL));
	ck_assert_str_eq(recorder_told(&r), "renamed d d/z -> d/u/y\n");
	ck_assert_ptr_nonnull(entry_at("u/y/t", "g"));
	end();
}
END_TEST

START_TEST(what_stood_at_the_new_name_is_replaced)
{
	begin("-r");
	(void)add("", "a", EVENT_FILE);
	(void)add("", "b", EVENT_FILE);
	ck_assert_str_eq(moved("a", "b"), "renamed f d/a -> d/b replaced\n");
	ck_assert_uint_eq(r.top->count, 1);
	(void)add("", "e", EVENT_DIR);
	(void)add("e", "1", EVENT_FILE);
	(void)add("", "s", EVENT_DIR);
	ck_assert_str_eq(moved("s", "e"),
	    "deleted f d/e/1\nrenamed d d/s -> d/e replaced\n");
	end();
}
END_TEST

START_TEST(a_hidden_directory_has_its_content_told_singly)
{
	begin("-r -t f");
	add_tree();
	ck_assert_str_eq(moved("s", "z"),
	    "renamed f d/s/f -> d/z/f\nrenamed f d/s/t/g -> d/z/t/g\n");
	end();
}
END_TEST

START_TEST(without_renamed_all_goes_deepest_first_then_all_comes)
{
	begin("-r -e created,deleted,modified");
	add_tree();
	ck_assert_str_eq(moved("s", "z"),
	    "deleted f d/s/t/g\ndeleted d d/s/t\ndeleted f d/s/f\n"
	    "deleted d d/s\ncreated d d/z\ncreated f d/z/f\n"
	    "created d d/z/t\ncreated f d/z/t/g\n");
	end();
	begin("-r -e created");
	add_tree();
	ck_assert_str_eq(moved("s", "z"),
	    "created d d/z\ncreated f d/z/f\ncreated d d/z/t\n"
	    "created f d/z/t/g\n");
	end();
	begin("-r -e created,deleted,modified");
	(void)add("", "a", EVENT_FILE);
	(void)add("", "b", EVENT_FILE);
	ck_assert_str_eq(moved("a", "b"), "deleted f d/a\nmodified f d/b\n");
	(void)add("", "l", EVENT_SYMLINK);
	ck_assert_str_eq(moved("b", "l"),
	    "deleted s d/l\ndeleted f d/b\ncreated f d/l\n");
	end();
}
END_TEST

START_TEST(the_filter_is_asked_about_both_names)
{
	begin("-r -x [.]o$ -x ^skip$");
	(void)add("", "a.o", EVENT_FILE);
	ck_assert_str_eq(moved("a.o", "a"), "created f d/a\n");
	ck_assert_str_eq(moved("a", "b.o"), "deleted f d/a\n");
	ck_assert_str_eq(moved("b.o", "c.o"), "");
	(void)add("", "c", EVENT_FILE);
	ck_assert_str_eq(moved("c.o", "c"), "modified f d/c\n");
	add_tree();
	(void)add("s", "x.o", EVENT_FILE);
	ck_assert_str_eq(moved("s", "skip"),
	    "deleted f d/s/t/g\ndeleted d d/s/t\ndeleted f d/s/f\n"
	    "deleted d d/s\n");
	/* It is not entered any more. */
	ck_assert_uint_eq(dir_at("skip")->count, 0);
	ck_assert_str_eq(moved("skip", "s"), "created d d/s\n");
	/* And now it is: to be looked at. */
	ck_assert_uint_eq(r.core.doubts.n, 1);
	end();
}
END_TEST

START_TEST(names_below_are_judged_by_their_whole_path)
{
	begin("-r -x ^z/t/");
	add_tree();
	ck_assert_str_eq(moved("s", "z"),
	    "renamed d d/s -> d/z\ndeleted f d/z/t/g\n");
	ck_assert_str_eq(moved("z", "s"),
	    "renamed d d/z -> d/s\ncreated f d/s/t/g\n");
	end();
}
END_TEST

START_TEST(an_exchange_swaps_objects_and_keeps_names)
{
	begin("-r");
	add_tree();
	(void)add("", "a", EVENT_FILE);
	moves_exchanged(&r.core, r.top, entry_at("", "s"), r.top,
	    entry_at("", "a"));
	ck_assert_str_eq(recorder_told(&r), "renamed d d/s -> d/a exchanged\n");
	ck_assert_int_eq(entry_at("", "s")->type, EVENT_FILE);
	ck_assert_ptr_nonnull(entry_at("a/t", "g"));
	end();
}
END_TEST

START_TEST(an_exchange_that_a_filter_hides_half_of_is_told_as_gone_and_come)
{
	begin("-r -x [.]o$");
	(void)add("", "a", EVENT_FILE);
	(void)add("", "b.o", EVENT_SYMLINK);
	moves_exchanged(&r.core, r.top, entry_at("", "a"), r.top,
	    entry_at("", "b.o"));
	ck_assert_str_eq(recorder_told(&r), "deleted f d/a\ncreated s d/a\n");
	end();
	begin("-r -e created,deleted");
	(void)add("", "a", EVENT_FILE);
	(void)add("", "b", EVENT_SYMLINK);
	moves_exchanged(&r.core, r.top, entry_at("", "a"), r.top,
	    entry_at("", "b"));
	ck_assert_str_eq(recorder_told(&r),
	    "deleted f d/a\ndeleted s d/b\ncreated s d/a\ncreated f d/b\n");
	end();
}
END_TEST

START_TEST(what_exists_is_told_oldest_first)
{
	static const char *const names[] = {"c", "a", "b"};
	struct timespec times[2] = {{0, 0}, {0, 0}};
	char path[8];
	size_t i;

	begin("-r -e exists");
	for (i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "d/%s", names[i]);
		make_file(path);
		times[1].tv_sec = 1000;
		times[1].tv_nsec = (long)i;
		ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
		(void)add("", names[(i + 1) % 3], EVENT_FILE);
	}
	ck_assert_int_eq(change_exists(&r.core, &r.top, 1), 0);
	ck_assert_str_eq(recorder_told(&r),
	    "exists f d/c\nexists f d/a\nexists f d/b\n");
	ck_assert_int_eq(change_exists(&r.core, NULL, 0), 0);
	end();
}
END_TEST

START_TEST(complete_is_told_as_far_as_can_be_known)
{
	struct event_stat st;
	struct entry *e;
	int fd;

	begin("-e complete");
	scratch_put(AT_FDCWD, "d/a", "text");
	e = add("", "a", EVENT_FILE);
	ck_assert_int_eq(stat_at(AT_FDCWD, "d/a", false, &st), 0);
	change_complete(&r.core, r.top, e, &st, COMPLETE_NOT);
	ck_assert_str_eq(recorder_told(&r), "");
	change_complete(&r.core, r.top, e, &st, COMPLETE_FOUND);
	ck_assert_str_eq(recorder_told(&r), "complete f d/a\n");
	fd = open("d/a", O_WRONLY | O_CLOEXEC);
	change_complete(&r.core, r.top, e, &st, COMPLETE_ASK);
	change_complete(&r.core, r.top, e, &st, COMPLETE_FOUND);
	ck_assert_str_eq(recorder_told(&r), "");
	change_complete(&r.core, r.top, e, &st, COMPLETE_SURE);
	ck_assert_str_eq(recorder_told(&r), "complete f d/a\n");
	(void)close(fd);
	change_complete(&r.core, r.top, e, &st, COMPLETE_ASK);
	ck_assert_str_eq(recorder_told(&r), "complete f d/a\n");
	/* An empty file is about to be written; one with two names is
	 * linked. */
	st.size = 0;
	change_complete(&r.core, r.top, e, &st, COMPLETE_ASK);
	ck_assert_str_eq(recorder_told(&r), "");
	st.nlink = 2;
	change_complete(&r.core, r.top, e, &st, COMPLETE_NOT);
	ck_assert_str_eq(recorder_told(&r), "complete f d/a\n");
	change_complete(&r.core, r.top, add("", "s", EVENT_DIR), NULL,
	    COMPLETE_SURE);
	ck_assert_str_eq(recorder_told(&r), "");
	end();
}
END_TEST

START_TEST(directories_are_entered_by_the_users_choices)
{
	char *pruned[] = {"pruned"};

	begin("--depth 2 -x ^out$ -i nothing");
	r.scope.pruned = pruned;
	r.scope.npruned = 1;
	ck_assert(change_enters(&r.core, r.top, add("", "s", EVENT_DIR)));
	ck_assert(!change_enters(&r.core, r.top, add("", "out", EVENT_DIR)));
	ck_assert(!change_enters(&r.core, r.top, add("", "pruned", EVENT_DIR)));
	ck_assert(
	    !change_enters(&r.core, dir_at("s"), add("s", "t", EVENT_DIR)));
	end();
	begin("");
	ck_assert(!change_enters(&r.core, r.top, add("", "s", EVENT_DIR)));
	end();
}
END_TEST

START_TEST(trees_deeper_than_any_stack_are_told)
{
	struct entry *e;
	struct dir *d;
	int i;

	/* Hidden but for the one at the very end: else the names alone would
	 * be gigabytes. */
	begin("-r -t f");
	for (i = 0, d = r.top; i < 50000; i++, d = e->dir) {
		e = tree_new(r.core.pool, "x", 1, EVENT_DIR, 0);
		ck_assert_ptr_nonnull(e);
		ck_assert_int_eq(tree_link(d, e), 0);
	}
	r.scope.silent = true;
	change_gone(&r.core, r.top, entry_at("", "x"));
	ck_assert_uint_eq(r.top->count, 0);
	r.scope.silent = false;
	for (i = 0, d = r.top; i < 1500; i++, d = e->dir) {
		e = tree_new(r.core.pool, "x", 1, EVENT_DIR, 0);
		ck_assert_ptr_nonnull(e);
		ck_assert_int_eq(tree_link(d, e), 0);
		e->dir->flags |= DIR_ENTERED;
	}
	ck_assert_int_eq(tree_link(d,
			     tree_new(r.core.pool, "f", 1, EVENT_FILE, 0)),
	    0);
	ck_assert_int_eq(strncmp(moved("x", "y"), "renamed f d/x/x/", 16), 0);
	change_gone(&r.core, r.top, entry_at("", "y"));
	ck_assert_int_eq(strncmp(recorder_told(&r), "deleted f d/y/x/", 16), 0);
	end();
}
END_TEST

START_TEST(names_that_look_like_expressions_or_paths_are_bytes)
{
	begin("-r -x ^[*]$");
	(void)add("", "*", EVENT_FILE);
	ck_assert_str_eq(moved("*", "\xff\n"), "created f d/\xff\n\n");
	ck_assert_str_eq(moved("\xff\n", ".."), "renamed f d/\xff\n -> d/..\n");
	end();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("changes");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");

	tcase_set_timeout(limits, 60);
	tcase_add_test(core,
	    an_event_is_told_when_the_set_and_the_filter_are_for_it);
	tcase_add_test(core, a_root_of_one_name_tells_of_that_name_only);
	tcase_add_test(core, a_stat_of_another_type_is_not_passed_on);
	tcase_add_test(core, notes_are_told_when_asked_for);
	tcase_add_test(core, what_appears_is_told_before_what_is_below_it);
	tcase_add_test(core,
	    what_goes_is_told_after_what_is_below_it_and_forgotten);
	tcase_add_test(core,
	    a_directory_that_is_unknown_again_is_emptied_but_stays);
	tcase_add_test(core, a_directory_moves_with_all_below_it_in_one_event);
	tcase_add_test(core, what_stood_at_the_new_name_is_replaced);
	tcase_add_test(core, a_hidden_directory_has_its_content_told_singly);
	tcase_add_test(core,
	    without_renamed_all_goes_deepest_first_then_all_comes);
	tcase_add_test(core, the_filter_is_asked_about_both_names);
	tcase_add_test(core, names_below_are_judged_by_their_whole_path);
	tcase_add_test(core, an_exchange_swaps_objects_and_keeps_names);
	tcase_add_test(core,
	    an_exchange_that_a_filter_hides_half_of_is_told_as_gone_and_come);
	tcase_add_test(core, what_exists_is_told_oldest_first);
	tcase_add_test(core, complete_is_told_as_far_as_can_be_known);
	tcase_add_test(core, directories_are_entered_by_the_users_choices);
	tcase_add_test(limits, trees_deeper_than_any_stack_are_told);
	tcase_add_test(hostile,
	    names_that_look_like_expressions_or_paths_are_bytes);
	suite_add_tcase(s, core);
	suite_add_tcase(s, limits);
	suite_add_tcase(s, hostile);
	return suite_main(s);
}
