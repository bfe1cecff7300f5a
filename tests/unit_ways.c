#include <sys/stat.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "claim.h"
#include "mounts.h"
#include "scratch.h"
#include "suite.h"
#include "ways.h"

static struct scratch dir;
static struct ways_cache cache;
static struct ways ways;

static void
setup(void)
{
	scratch_open(&dir);
	ck_assert_int_eq(fchdir(dir.fd), 0);
	ck_assert_int_eq(mkdir("a", 0755), 0);
	ck_assert_int_eq(mkdir("a/b", 0755), 0);
	ck_assert_int_eq(mkdir("n", 0755), 0);
	memset(&cache, 0, sizeof(cache));
	memset(&ways, 0, sizeof(ways));
	ways_round(&cache);
}

static void
teardown(void)
{
	ways_free(&cache, &ways);
	ck_assert_uint_eq(cache.nopen, 0);
	ck_assert_ptr_null(cache.nodes);
	ways_cache_free(&cache);
	scratch_close(&dir);
}

static struct mounts_id
identify(const char *path)
{
	struct mounts_id id;
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	ck_assert_msg(fd != -1, "%s: %s", path, strerror(errno));
	ck_assert_int_eq(mounts_identify(fd, &id), 0);
	(void)close(fd);
	return id;
}

static void
walk(struct ways *w, const char *path)
{
	struct mounts_id id = identify(path);
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_eq(ways_walk(&cache, w, fd, &id, NULL), 0);
	(void)close(fd);
}

/* Holds a flat claim. */
static int
hold(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_eq(claim_take(fd, &(struct claim){.kind = CLAIM_FLAT}),
	    0);
	return fd;
}

START_TEST(a_way_leads_from_the_directory_to_the_root)
{
	struct mounts_id want[] = {identify("a/b"), identify("a"),
	    identify(".")};
	struct mounts_id root = identify("/");
	const struct way *w;
	size_t i;

	walk(&ways, "a/b");
	ck_assert_uint_eq(ways.n, 1);
	w = &ways.v[0];
	ck_assert(ways.keep && !w->blocked);
	ck_assert_uint_gt(w->n, 3);
	for (i = 0; i < 3; i++)
		ck_assert(mounts_same_place(&w->v[i]->id, &want[i]));
	ck_assert(mounts_same_dir(&w->v[w->n - 1]->id, &root));
}
END_TEST

START_TEST(claims_are_asked_for_once_a_round)
{
	int fd = hold("a");

	walk(&ways, "a/b");
	ck_assert_uint_eq(ways.v[0].v[0]->nclaims, 0);
	ck_assert_uint_eq(ways.v[0].v[1]->nclaims, 1);
	ck_assert_int_eq(ways.v[0].v[1]->claims[0].kind, CLAIM_FLAT);
	(void)close(fd);
	ck_assert_int_eq(ways_ask(&cache, &ways), 0);
	ck_assert_uint_eq(ways.v[0].v[1]->nclaims, 1);
	ways_round(&cache);
	ck_assert_int_eq(ways_ask(&cache, &ways), 0);
	ck_assert_uint_eq(ways.v[0].v[1]->nclaims, 0);
	fd = hold("a");
	ck_assert_int_eq(ways_ask(&cache, &ways), 0);
	ck_assert_uint_eq(ways.v[0].v[1]->nclaims, 0);
	ck_assert_int_eq(ways_ask_again(&cache, ways.v[0].v[1]), 0);
	ck_assert_uint_eq(ways.v[0].v[1]->nclaims, 1);
	(void)close(fd);
}
END_TEST

START_TEST(what_lies_on_several_ways_is_held_once)
{
	struct ways other = {0};
	size_t n;

	walk(&ways, "a/b");
	n = cache.nopen;
	walk(&other, "n");
	ck_assert_uint_eq(cache.nopen, n + 1);
	ck_assert_ptr_eq(other.v[0].v[1], ways.v[0].v[2]);
	ways_free(&cache, &ways);
	ck_assert_uint_eq(cache.nopen, n - 1);
	ck_assert_int_eq(ways_ask(&cache, &other), 0);
	ways_free(&cache, &other);
}
END_TEST

START_TEST(what_is_known_of_the_directory_above_spares_the_way)
{
	struct ways other = {0};
	struct mounts_id id = identify("a/b");
	int fd = open("a/b", O_PATH | O_DIRECTORY | O_CLOEXEC), held;
	size_t i;

	held = hold("a/b");
	walk(&ways, "a");
	/* Whoever goes there himself will see it elsewhere. */
	ck_assert_int_eq(rename("a", "n/a"), 0);
	ck_assert_int_eq(ways_walk(&cache, &other, fd, &id, &ways), 0);
	ck_assert_uint_eq(other.v[0].n, ways.v[0].n + 1);
	for (i = 0; i < ways.v[0].n; i++)
		ck_assert_ptr_eq(other.v[0].v[i + 1], ways.v[0].v[i]);
	ck_assert_uint_eq(other.v[0].v[0]->nclaims, 1);
	ck_assert(other.keep);
	ways_free(&cache, &ways);
	ck_assert_int_eq(ways_ask_again(&cache, other.v[0].v[1]), 0);
	ck_assert_int_eq(ways_walk(&cache, &other, fd, &id, NULL), 0);
	ck_assert(mounts_same_dir(&other.v[0].v[2]->id,
	    &(struct mounts_id){identify("n").dev, identify("n").ino, 0}));
	ways_free(&cache, &other);
	(void)close(fd);
	(void)close(held);
}
END_TEST

START_TEST(another_walk_finds_where_the_directory_is_now)
{
	struct mounts_id n = identify("n");

	walk(&ways, "a/b");
	ck_assert_int_eq(rename("a/b", "n/b"), 0);
	walk(&ways, "n/b");
	ck_assert(mounts_same_place(&ways.v[0].v[1]->id, &n));
}
END_TEST

START_TEST(each_place_of_a_mounted_directory_is_a_way_until_settled)
{
	struct mounts_id a, n;
	bool below_a = false, below_n = false;
	size_t i;

	if (!scratch_mounts()) {
		printf("skip - each place of a mounted directory is a way"
		       " until settled - no mount namespaces here\n");
		return;
	}
	ck_assert_int_eq(chdir(dir.path), 0);
	ck_assert_int_eq(mkdir("n/m", 0755), 0);
	ck_assert_int_eq(mount("a/b", "n/m", NULL, MS_BIND, NULL), 0);
	a = identify("a");
	n = identify("n");
	walk(&ways, "n/m");
	ck_assert_uint_eq(ways.n, 2);
	for (i = 0; i < ways.n; i++) {
		below_a |= mounts_same_dir(&ways.v[i].v[1]->id, &a);
		below_n |= mounts_same_dir(&ways.v[i].v[1]->id, &n);
	}
	ck_assert(below_a && below_n && !ways.keep);
	ways_settle(&cache, &ways);
	ck_assert_uint_eq(ways.n, 1);
	ck_assert(mounts_same_dir(&ways.v[0].v[1]->id, &n));
	ways_free(&cache, &ways);
	ck_assert_int_eq(umount("n/m"), 0);
}
END_TEST

START_TEST(a_very_long_way_gives_its_descriptors_back)
{
	size_t i;

	for (i = 0; i < 100; i++) {
		ck_assert_int_eq(mkdir("d", 0755), 0);
		ck_assert_int_eq(chdir("d"), 0);
	}
	walk(&ways, ".");
	ck_assert(!ways.keep);
	ck_assert_uint_gt(ways.v[0].n, 100);
	ck_assert_int_eq(ways.v[0].v[90]->fd, -1);
	ck_assert_int_ne(ways.v[0].v[0]->fd, -1);
	ck_assert_int_eq(ways_ask_again(&cache, ways.v[0].v[90]), 0);
	ck_assert_int_eq(fchdir(dir.fd), 0);
}
END_TEST

START_TEST(what_is_no_directory_has_no_way)
{
	struct mounts_id id = identify("a");
	int fd;

	scratch_put(dir.fd, "file", "x");
	fd = open("file", O_PATH | O_CLOEXEC);
	ck_assert_int_eq(ways_walk(&cache, &ways, fd, &id, NULL), -1);
	ck_assert_int_eq(errno, ENOTDIR);
	(void)close(fd);
	ck_assert_int_eq(ways_walk(&cache, &ways, fd, &id, NULL), -1);
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ways");
	TCase *core = tcase_create("Core");
	TCase *limits = tcase_create("Limits");
	TCase *hostile = tcase_create("Hostile");
	TCase *all[] = {core, limits, hostile};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		tcase_add_checked_fixture(all[i], setup, teardown);
		suite_add_tcase(s, all[i]);
	}
	tcase_add_test(core, a_way_leads_from_the_directory_to_the_root);
	tcase_add_test(core, claims_are_asked_for_once_a_round);
	tcase_add_test(core, what_lies_on_several_ways_is_held_once);
	tcase_add_test(core,
	    what_is_known_of_the_directory_above_spares_the_way);
	tcase_add_test(core, another_walk_finds_where_the_directory_is_now);
	tcase_add_test(core,
	    each_place_of_a_mounted_directory_is_a_way_until_settled);
	tcase_add_test(limits, a_very_long_way_gives_its_descriptors_back);
	tcase_add_test(hostile, what_is_no_directory_has_no_way);
	return suite_main(s);
}
