#include "cannot.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *backend;
	const char *test;
	const char *reason;
} table[] = {
    {"poll", "closed_follows_writing_only", "polling sees no file closed"},
    {"poll", "e_with_signs_changes_the_default", "polling sees no file closed"},
    {"poll", "e_default_and_all_are_groups", "polling sees no file closed"},
    {"poll", "opened_and_accessed_are_told_on_request_and_not_for_directories",
	"polling sees no file opened"},
    {"poll", "e_chooses_by_name",
	"polling sees nothing that comes and goes between two looks"},
    {"poll", "an_event_has_its_keys_in_their_order_and_no_more",
	"polling tells what was made and written at once as created"},
    {"poll", "complete_is_told_when_a_file_has_its_content",
	"polling takes a file that was moved in for one that was made"},
    {"poll", "beyond_the_limit_of_watches_the_rest_is_polled",
	"polling takes no watches"},
    {"kqueue", "closed_follows_writing_only",
	"what is closed before it can be watched is not told (a new file)"},
    {"kqueue", "e_default_and_all_are_groups",
	"what comes and goes between two looks is not told"},
    {"kqueue", "e_chooses_by_name",
	"what comes and goes between two looks is not told"},
    {"kqueue", "an_event_has_its_keys_in_their_order_and_no_more",
	"all but closing, opening and reading is found by looking: synthetic"},
    {"kqueue", "complete_is_told_when_a_file_has_its_content",
	"a file that was moved in is taken for one that was made"},
    {"kqueue", "beyond_the_limit_of_watches_the_rest_is_polled",
	"the limit is that of descriptors (e2e_kqueue)"},
    {"kqueue", "too_many_instances_are_told_with_the_setting_and_all_is_polled",
	"a kqueue is limited by descriptors alone"},
    {"kqueue", "after_an_overflow_the_stream_is_the_tree",
	"a kqueue does not overflow: notes coalesce"},
    {"kqueue", "the_audit_log_of_many_files_is_complete_and_in_order",
	"what comes and goes between two looks is not told"},
    {"poll", "too_many_instances_are_told_with_the_setting_and_all_is_polled",
	"polling takes no instances"},
    {"poll", "after_an_overflow_the_stream_is_the_tree",
	"polling has no queue that could overflow"},
};

const char *
cannot(const char *backend, const char *test)
{
	size_t i;

	for (i = 0; backend != NULL && i < sizeof(table) / sizeof(table[0]);
	     i++)
		if (strcmp(table[i].backend, backend) == 0 &&
		    strcmp(table[i].test, test) == 0)
			return table[i].reason;
	return NULL;
}
