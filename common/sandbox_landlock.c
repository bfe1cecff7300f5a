#include "sandbox.h"

#include <errno.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Rights that came after the first headers; kernels are asked for what they
 * know, so it does no harm to name them all. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif

/* What fswrite does below its directory. */
#define SANDBOX_GRANTED                                                    \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |   \
	    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | \
	    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_TRUNCATE)

/* What nobody of us does, and so is granted nowhere. READ_DIR and READ_FILE
 * are not here: the loop check reads directories above the root. */
#define SANDBOX_DENIED                                                     \
	(LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_SOCK |     \
	    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | \
	    LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_IOCTL_DEV)

/* The rights of each version of the interface: those of the versions before
 * it, and these. */
static const uint64_t since[] = {
    0,
    LANDLOCK_ACCESS_FS_REFER - 1, /* 1: all bits below */
    LANDLOCK_ACCESS_FS_REFER,
    LANDLOCK_ACCESS_FS_TRUNCATE,
    0,
    LANDLOCK_ACCESS_FS_IOCTL_DEV,
};

int
sandbox_writer(int rootfd, bool moves)
{
	struct landlock_ruleset_attr ruleset = {0};
	struct landlock_path_beneath_attr rule = {0};
	uint64_t known = 0, granted = SANDBOX_GRANTED;
	size_t i;
	long version;
	int fd, rc = -1, saved;

	version = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	if (version == -1)
		return -1;
	/* The first version forbids all moves between directories. */
	if (version < 2 && moves) {
		errno = EOPNOTSUPP;
		return -1;
	}
	for (i = 0; i < sizeof(since) / sizeof(since[0]); i++)
		if ((long)i <= version)
			known |= since[i];
	if (moves)
		granted |= LANDLOCK_ACCESS_FS_REFER;
	/* A right to move that is not handled is denied. */
	ruleset.handled_access_fs = known &
	    (SANDBOX_GRANTED | SANDBOX_DENIED | LANDLOCK_ACCESS_FS_REFER);
	rule.allowed_access = known & granted;
	rule.parent_fd = rootfd;
	fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset,
	    sizeof(ruleset), 0);
	if (fd == -1)
		return -1;
	if (syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH,
		&rule, 0) == -1)
		goto out;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		goto out;
	if (syscall(SYS_landlock_restrict_self, fd, 0) == -1)
		goto out;
	rc = 0;
out:
	saved = errno;
	(void)close(fd);
	errno = saved;
	return rc;
}
