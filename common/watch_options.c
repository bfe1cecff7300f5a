#include "watch_options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "event.h"
#include "filter.h"
#include "misspelt.h"
#include "words.h"

#define POLL_DEFAULT_MS 2000
#define SECONDS_MAX	1000000000 /* some thirty years */
/* How many times --settle's quiet time something is held at most, where that
 * is not said. */
#define SETTLE_MAX	10
#define CONTENT_DEFAULT ((size_t)1024 * 1024)
#define CONTENT_MAX	(1024LL * 1024 * 1024)

/* Options without a letter. */
enum {
	OPT_DEPTH = UCHAR_MAX + 1,
	OPT_NO_JUNK,
	OPT_EXISTING,
	OPT_STAT,
	OPT_BACKEND,
	OPT_POLL,
	OPT_RESCAN,
	OPT_ONE_FILE_SYSTEM,
	OPT_PRUNE,
	OPT_TIMEOUT,
	OPT_NO_CLAIM,
	OPT_CONTENT_LIMIT,
	OPT_ENCODING,
};

/* The colon: tell a missing argument from an unknown option. */
static const char letters[] = ":re:t:i:x:s:cwL10pqvhV";

static const struct option longs[] = {
    {"recursive", no_argument, NULL, 'r'},
    {"depth", required_argument, NULL, OPT_DEPTH},
    {"events", required_argument, NULL, 'e'},
    {"types", required_argument, NULL, 't'},
    {"include", required_argument, NULL, 'i'},
    {"exclude", required_argument, NULL, 'x'},
    {"no-junk", no_argument, NULL, OPT_NO_JUNK},
    {"existing", no_argument, NULL, OPT_EXISTING},
    {"settle", required_argument, NULL, 's'},
    {"rescan", required_argument, NULL, OPT_RESCAN},
    {"stat", no_argument, NULL, OPT_STAT},
    {"content", no_argument, NULL, 'c'},
    {"content-limit", required_argument, NULL, OPT_CONTENT_LIMIT},
    {"encoding", required_argument, NULL, OPT_ENCODING},
    {"backend", required_argument, NULL, OPT_BACKEND},
    {"poll", required_argument, NULL, OPT_POLL},
    {"wait", no_argument, NULL, 'w'},
    {"follow", no_argument, NULL, 'L'},
    {"one-file-system", no_argument, NULL, OPT_ONE_FILE_SYSTEM},
    {"prune", required_argument, NULL, OPT_PRUNE},
    {"once", no_argument, NULL, '1'},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"print0", no_argument, NULL, '0'},
    {"pretty", no_argument, NULL, 'p'},
    {"no-claim", no_argument, NULL, OPT_NO_CLAIM},
    {"quiet", no_argument, NULL, 'q'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static int
add_events(struct watch_options *o, bool *given, char *msg, size_t msg_size)
{
	const char *bad;
	size_t len;

	if (event_parse_kinds(optarg, &o->events, given, &bad, &len) == 0)
		return 0;
	words_wrong_event(bad, len, msg, msg_size);
	return -1;
}

/* The events that are named in one argument of -e, other than by `all`. */
static unsigned
named_events(const char *list)
{
	char word[32];
	unsigned named = 0, set;
	bool given;
	const char *bad;
	size_t len;

	for (;; list += len + 1) {
		len = strcspn(list, ",");
		set = 0;
		given = true;
		if (*list != '-' && len < sizeof(word)) {
			memcpy(word, list, len);
			word[len] = '\0';
			(void)event_parse_kinds(word, &set, &given, &bad, &len);
			len = strlen(word);
		}
		if (set != EVENT_ALL)
			named |= set;
		if (list[len] == '\0')
			return named;
	}
}

static int
add_types(unsigned *types, char *msg, size_t msg_size)
{
	const char *bad;
	size_t len;

	if (event_parse_types(optarg, types, &bad, &len) == 0)
		return 0;
	(void)snprintf(msg, msg_size,
	    "-t %.*s: no such type; there are file (f), dir (d), symlink (l) "
	    "and other (o)",
	    misspelt_clip(len), bad);
	return -1;
}

static int
add_expression(struct filter *f, int letter, char *msg, size_t msg_size)
{
	char why[128];

	if (filter_add(f, letter == 'i' ? FILTER_INCLUDE : FILTER_EXCLUDE,
		optarg, why, sizeof(why)) == 0)
		return 0;
	/* The reason is worth more than the end of the expression. */
	(void)snprintf(msg, msg_size, "-%c %.*s: %s", letter, 256,
	    *optarg != '\0' ? optarg : "\"\"", why);
	return -1;
}

/* Seconds with a fraction or without, as milliseconds, rounded up so that
 * they never become 0. Returns what is behind them, or NULL. */
static const char *
read_seconds(const char *s, int64_t *ret_ms)
{
	int64_t ms = 0, unit = 1000;
	bool more = false;

	if (!isdigit((unsigned char)*s) && *s != '.')
		return NULL;
	for (; isdigit((unsigned char)*s); s++) {
		ms = ms * 10 + (*s - '0') * 1000;
		if (ms > (int64_t)SECONDS_MAX * 1000)
			return NULL;
	}
	if (*s == '.') {
		if (!isdigit((unsigned char)*++s))
			return NULL;
		for (; isdigit((unsigned char)*s); s++) {
			unit /= 10;
			ms += unit * (*s - '0');
			if (unit == 0 && *s != '0')
				more = true;
		}
	}
	if (more)
		ms++;
	if (ms == 0)
		return NULL;
	*ret_ms = ms;
	return s;
}

static int
parse_seconds(const char *name, int64_t *ret_ms, char *msg, size_t msg_size)
{
	const char *end = read_seconds(optarg, ret_ms);

	if (end != NULL && *end == '\0')
		return 0;
	(void)snprintf(msg, msg_size,
	    "--%s %.64s: not a number of seconds above 0", name, optarg);
	return -1;
}

/* QUIET or QUIET,MAX */
static int
parse_settle(struct watch_options *o, char *msg, size_t msg_size)
{
	const char *end = read_seconds(optarg, &o->settle_ms);

	o->settle_max_ms = o->settle_ms * SETTLE_MAX;
	if (end != NULL && *end == ',')
		end = read_seconds(end + 1, &o->settle_max_ms);
	if (end == NULL || *end != '\0') {
		(void)snprintf(msg, msg_size,
		    "-s %.64s: not a number of seconds above 0, nor two of "
		    "them with a comma between",
		    optarg);
		return -1;
	}
	if (o->settle_max_ms >= o->settle_ms)
		return 0;
	(void)snprintf(msg, msg_size,
	    "-s %.64s: the longest time is less than the quiet one", optarg);
	return -1;
}

static int
parse_depth(size_t *ret_depth, char *msg, size_t msg_size)
{
	const char *why;
	long long n;

	n = strtonum(optarg, 1, INT_MAX, &why);
	if (why != NULL) {
		(void)snprintf(msg, msg_size,
		    "--depth %.64s: not a number from 1 on", optarg);
		return -1;
	}
	*ret_depth = (size_t)n;
	return 0;
}

static int
parse_limit(size_t *ret_limit, char *msg, size_t msg_size)
{
	const char *why;
	long long n;

	n = strtonum(optarg, 0, CONTENT_MAX, &why);
	if (why != NULL) {
		(void)snprintf(msg, msg_size,
		    "--content-limit %.64s: not a number of bytes up to %lld",
		    optarg, CONTENT_MAX);
		return -1;
	}
	*ret_limit = (size_t)n;
	return 0;
}

static int
set_encoding(struct watch_options *o, char *msg, size_t msg_size)
{
	if (strcmp(optarg, "base64") != 0) {
		(void)snprintf(msg, msg_size,
		    "--encoding %.64s: only base64; without this option text "
		    "is told as text",
		    optarg);
		return -1;
	}
	o->base64 = true;
	return 0;
}

/* What goes together with --content, and what only with it. */
static int
check_content(const struct watch_options *o, bool limit, char *msg,
    size_t msg_size)
{
	const unsigned readers =
	    EVENT_BIT(EVENT_OPENED) | EVENT_BIT(EVENT_ACCESSED);

	if (!o->content && (limit || o->base64)) {
		(void)snprintf(msg, msg_size, "%s: only with --content",
		    limit ? "--content-limit" : "--encoding");
		return -1;
	}
	if (o->content && o->format != EMIT_JSON) {
		(void)snprintf(msg, msg_size,
		    "--content and %s: content is for JSON only",
		    o->format == EMIT_PRINT0 ? "-0" : "-p");
		return -1;
	}
	if (o->content && (o->events & readers)) {
		(void)snprintf(msg, msg_size,
		    "--content and -e opened or accessed: reading the content "
		    "would be told, too; add -opened,-accessed");
		return -1;
	}
	return 0;
}

static int
set_backend(struct watch_options *o, char *msg, size_t msg_size)
{
	size_t i, used;

	for (i = 0; backends[i] != NULL; i++) {
		if (strcmp(optarg, backends[i]->name) == 0) {
			o->backend = backends[i];
			o->backend_given = true;
			return 0;
		}
	}
	(void)snprintf(msg, msg_size, "--backend %.64s: this build has",
	    optarg);
	for (i = 0; backends[i] != NULL; i++) {
		used = strlen(msg);
		(void)snprintf(msg + used, msg_size - used, "%s %s",
		    i == 0			? "" :
			backends[i + 1] == NULL ? " and" :
						  ",",
		    backends[i]->name);
	}
	return -1;
}

/* What only some back ends can tell. */
static const struct {
	enum event_kind kind;
	unsigned needs;
} special[] = {
    {EVENT_CLOSED, BACKEND_CLOSED},
    {EVENT_ATTRIB, BACKEND_ATTRIB},
    {EVENT_OPENED, BACKEND_OPENED},
    {EVENT_ACCESSED, BACKEND_ACCESSED},
};
#define NSPECIAL (sizeof(special) / sizeof(special[0]))

bool
watch_options_told(const struct watch_options *o, const struct backend_ops *ops)
{
	size_t i;

	for (i = 0; i < NSPECIAL; i++)
		if ((o->events & EVENT_BIT(special[i].kind)) &&
		    !(ops->tells & special[i].needs))
			return false;
	return true;
}

/* `all` means all that the back end can tell; what is named, just that. */
static int
check_events(struct watch_options *o, unsigned named, char *msg,
    size_t msg_size)
{
	const char *best;
	size_t i;

	for (i = 0; i < NSPECIAL; i++) {
		if (!(o->events & EVENT_BIT(special[i].kind)) ||
		    (o->backend->tells & special[i].needs))
			continue;
		o->events &= ~EVENT_BIT(special[i].kind);
		if (!(named & EVENT_BIT(special[i].kind)))
			continue;
		best = backends[0]->tells & special[i].needs ?
		    backends[0]->name :
		    NULL;
		(void)snprintf(msg, msg_size,
		    "-e %s: the back end %s cannot tell it; %s%s",
		    event_kind_name(special[i].kind), o->backend->name,
		    best != NULL ? "take --backend " : "leave it out",
		    best != NULL ? best : "");
		return -1;
	}
	return 0;
}

static int
set_format(struct watch_options *o, enum emit_format format, char *msg,
    size_t msg_size)
{
	if (o->format != EMIT_JSON && o->format != format) {
		(void)snprintf(msg, msg_size, "-0 and -p: only one of them");
		return -1;
	}
	o->format = format;
	return 0;
}

static int
add_operands(struct watch_options *o, int argc, char *argv[], char *msg,
    size_t msg_size)
{
	if (argc == 0) {
		(void)snprintf(msg, msg_size,
		    "no path given; --help tells more");
		return -1;
	}
	o->roots = calloc((size_t)argc, sizeof(*o->roots));
	if (o->roots == NULL) {
		*msg = '\0';
		return -1;
	}
	for (; argc > 0; argc--, argv++) {
		if (strcmp(*argv, "-") == 0) {
			o->roots_from_stdin = true;
		} else if (**argv == '\0') {
			(void)snprintf(msg, msg_size, "\"\": an empty path");
			return -1;
		} else {
			o->roots[o->nroots++] = *argv;
		}
	}
	return 0;
}

int
watch_options_parse(struct watch_options *o, int argc, char *argv[], char *msg,
    size_t msg_size)
{
	bool given = false, recursive = false, limit = false;
	size_t depth = 0;
	unsigned types = 0, named = 0;
	int c;

	*o = (struct watch_options){
	    .events = EVENT_DEFAULT,
	    .claim = true,
	    .backend = backends[0],
	    .poll_ms = POLL_DEFAULT_MS,
	    .timeout_ms = -1,
	    .content_limit = CONTENT_DEFAULT,
	};
	o->filter = filter_new();
	/* No more --prune can be given than there are arguments. */
	o->prune = calloc((size_t)argc + 1, sizeof(*o->prune));
	if (o->filter == NULL || o->prune == NULL) {
		*msg = '\0';
		goto fail;
	}
	opterr = 0;
	optind = 0; /* start anew, whoever used it before */
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		switch (c) {
		case 'r':
			recursive = true;
			break;
		case OPT_DEPTH:
			if (parse_depth(&depth, msg, msg_size) == -1)
				goto fail;
			break;
		case 'e':
			if (add_events(o, &given, msg, msg_size) == -1)
				goto fail;
			named |= named_events(optarg);
			break;
		case 't':
			if (add_types(&types, msg, msg_size) == -1)
				goto fail;
			break;
		case 'i':
		case 'x':
			if (add_expression(o->filter, c, msg, msg_size) == -1)
				goto fail;
			break;
		case OPT_NO_JUNK:
			filter_no_junk(o->filter);
			break;
		case OPT_EXISTING:
			o->existing = true;
			break;
		case 's':
			if (parse_settle(o, msg, msg_size) == -1)
				goto fail;
			break;
		case OPT_RESCAN:
			if (parse_seconds("rescan", &o->rescan_ms, msg,
				msg_size) == -1)
				goto fail;
			break;
		case OPT_STAT:
			o->stat = true;
			break;
		case 'c':
			o->content = true;
			break;
		case OPT_CONTENT_LIMIT:
			if (parse_limit(&o->content_limit, msg, msg_size) == -1)
				goto fail;
			limit = true;
			break;
		case OPT_ENCODING:
			if (set_encoding(o, msg, msg_size) == -1)
				goto fail;
			break;
		case OPT_BACKEND:
			if (set_backend(o, msg, msg_size) == -1)
				goto fail;
			break;
		case OPT_POLL:
			if (parse_seconds("poll", &o->poll_ms, msg, msg_size) ==
			    -1)
				goto fail;
			break;
		case 'w':
			o->wait = true;
			break;
		case 'L':
			o->follow = true;
			break;
		case OPT_ONE_FILE_SYSTEM:
			o->one_file_system = true;
			break;
		case OPT_PRUNE:
			o->prune[o->nprune++] = optarg;
			break;
		case '1':
			o->once = true;
			break;
		case OPT_TIMEOUT:
			if (parse_seconds("timeout", &o->timeout_ms, msg,
				msg_size) == -1)
				goto fail;
			break;
		case '0':
			if (set_format(o, EMIT_PRINT0, msg, msg_size) == -1)
				goto fail;
			break;
		case 'p':
			if (set_format(o, EMIT_PRETTY, msg, msg_size) == -1)
				goto fail;
			break;
		case OPT_NO_CLAIM:
			o->claim = false;
			break;
		case 'q':
			o->verbosity = -1;
			break;
		case 'v':
			o->verbosity = o->verbosity < 0 ? 1 : o->verbosity + 1;
			break;
		case 'h':
			o->help = true;
			return 0;
		case 'V':
			o->version = true;
			return 0;
		default:
			misspelt_option(longs, c, argv[optind - 1], msg,
			    msg_size);
			goto fail;
		}
	}
	if (o->existing)
		o->events |= EVENT_BIT(EVENT_EXISTS);
	if (check_events(o, named, msg, msg_size) == -1)
		goto fail;
	if (o->events == 0) {
		(void)snprintf(msg, msg_size, "-e: leaves no event to tell");
		goto fail;
	}
	if (check_content(o, limit, msg, msg_size) == -1)
		goto fail;
	if (types != 0)
		filter_set_types(o->filter, types);
	o->depth = depth > 0 ? depth : recursive ? SIZE_MAX : 1;
	o->flat = o->depth == 1 && depth == 0;
	filter_set_depth(o->filter, o->depth);
	if (add_operands(o, argc - optind, argv + optind, msg, msg_size) == -1)
		goto fail;
	return 0;
fail:
	c = errno;
	watch_options_free(o);
	errno = c;
	return -1;
}

void
watch_options_free(struct watch_options *o)
{
	filter_free(o->filter);
	free(o->prune);
	free(o->roots);
	*o = (struct watch_options){0};
}

const char *
watch_options_help(void)
{
	return "\
usage: fswatch-events [options] path ...\n\
Tells what happens to the paths, one JSON object a line; - reads more paths.\n\
\n\
What to watch:\n\
  -r, --recursive        everything below; without it, a directory's names\n\
      --depth N          at most N levels below (implies -r)\n\
  -L, --follow           enter symbolic links to directories\n\
      --one-file-system  stay out of other file systems\n\
      --prune DIR        leave DIR out, and let fswrite write there\n\
  -w, --wait             wait for paths that are not there yet\n\
      --no-claim         do not let fswrite know that this is watched\n\
Which events:\n\
  -e, --events LIST      created modified renamed deleted (the default), exists\n\
                         closed complete attrib opened accessed quiet ready\n\
                         overflow resynced lost found, all; +name, -name\n\
  -t, --types LIST       only file, dir, symlink, other (f, d, l, o)\n\
  -i, --include ERE      tell only names that match; the last match counts\n\
  -x, --exclude ERE      leave out, and do not enter, names that match\n\
      --no-junk          leave out what editors and desktops leave behind\n\
      --existing         first list what is there\n\
  -s, --settle QUIET[,MAX]  the net effect, once a path is quiet so long\n\
How they are told:\n\
  -p, --pretty           aligned columns for people\n\
  -0, --print0           only paths, each ended by NUL\n\
      --stat             carry what stat(2) says\n\
  -c, --content          carry the content of regular files\n\
      --content-limit BYTES  of files up to this size (1048576)\n\
      --encoding base64  carry it in base64, though it be text\n\
  -q, --quiet; -v, --verbose\n\
How changes are seen:\n\
      --backend NAME     inotify, kqueue or poll for everything\n\
      --poll SECONDS     how often to look where the kernel tells nothing (2)\n\
      --rescan SECONDS   how often to compare everything with the disk\n\
When to end:\n\
  -1, --once             after the first burst of events\n\
      --timeout SECONDS  after so long without an event (exit status 3)\n\
  -h, --help; -V, --version\n\
Examples:\n\
  fswatch-events -rp .\n\
  fswatch-events -r -e complete -0 inbox | xargs -0 -n1 gzip -k\n\
";
}
