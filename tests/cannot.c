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
    {"poll", "an_unknown_back_end_and_content_of_what_is_opened_are_refused",
	"polling sees no file opened"},
    {"poll", "e_chooses_by_name",
	"polling sees nothing that comes and goes between two looks"},
    {"poll", "an_event_has_its_keys_in_their_order_and_no_more",
	"polling tells what was made and written at once as created"},
    {"poll", "complete_is_told_when_a_file_has_its_content",
	"polling takes a file that was moved in for one that was made"},
    {"poll", "beyond_the_limit_of_watches_the_rest_is_polled",
	"polling takes no watches"},
    {"poll", "a_thousand_renames_at_once_are_all_paired",
	"what moves while it is looked at may be told as deleted and created"},
    {"poll", "a_save_that_leaves_a_backup_is_told_as_modified",
	"polling sees a rename and a new file, not the name it had between"},
    {"poll", "a_directory_made_anew_is_told_as_deleted_and_created",
	"one that is made anew may have the number of the old: it is that"},
    {"poll", "nothing_wakes_up_while_nothing_is_held",
	"polling wakes up by the clock"},
    {"poll", "a_file_that_is_closed_all_the_time_is_told_whole_or_not",
	"polling sees no file closed"},
    {"poll", "after_an_overflow_only_what_has_changed_is_told",
	"polling has no queue that could overflow"},
    {"poll", "comparing_all_costs_one_look_at_each_file",
	"polling has no queue that could overflow"},
    {"poll", "each_swap_of_two_directories_is_told_as_it_was_done",
	"several renames between two looks are told as one, or none"},
    {"poll", "renames_in_a_chain_are_told_as_such",
	"several renames between two looks are told as one, or none"},
    {"poll", "of_100000_renames_nearly_all_are_told_as_such",
	"several renames between two looks are told as one, or none"},
    {"kqueue",
	"opened_and_accessed_are_told_on_request_and_not_for_directories",
	"what is read before it can be watched is not told (a new file)"},
    {"kqueue", "a_thousand_renames_at_once_are_all_paired",
	"what moves while it is looked at may be told as deleted and created"},
    {"kqueue", "a_save_that_leaves_a_backup_is_told_as_modified",
	"looking sees a rename and a new file, not the name it had between"},
    {"kqueue", "nothing_wakes_up_while_nothing_is_held",
	"the emulation wakes up by its clock, to see what was removed"},
    {"kqueue", "after_an_overflow_only_what_has_changed_is_told",
	"a kqueue does not overflow: notes coalesce"},
    {"kqueue", "comparing_all_costs_one_look_at_each_file",
	"a kqueue does not overflow: notes coalesce"},
    {"kqueue", "each_swap_of_two_directories_is_told_as_it_was_done",
	"several renames between two looks are told as one, or none"},
    {"kqueue", "renames_in_a_chain_are_told_as_such",
	"several renames between two looks are told as one, or none"},
    {"kqueue", "of_100000_renames_nearly_all_are_told_as_such",
	"several renames between two looks are told as one, or none"},
    {"kqueue", "twenty_thousand_files_are_unpacked",
	"each takes a descriptor, and there may be fewer (e2e_kqueue)"},
    {"kqueue", "closed_follows_writing_only",
	"what is closed before it can be watched is not told (a new file)"},
    {"kqueue", "e_with_signs_changes_the_default",
	"what comes and goes between two looks is not told"},
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
    {"kqueue", "after_an_overflow_the_settled_stream_is_the_tree",
	"a kqueue does not overflow: notes coalesce"},
    {"kqueue", "the_audit_log_of_many_files_is_complete_and_in_order",
	"what comes and goes between two looks is not told"},
    {"poll", "too_many_instances_are_told_with_the_setting_and_all_is_polled",
	"polling takes no instances"},
    {"poll", "after_an_overflow_the_stream_is_the_tree",
	"polling has no queue that could overflow"},
    {"poll", "after_an_overflow_the_settled_stream_is_the_tree",
	"polling has no queue that could overflow"},
    {"portable", "what_was_renamed_and_written_is_told_as_both",
	"nobody knows when a file was born"},
    {"portable", "an_exchange_is_one_and_what_changed_in_both_is_told",
	"nobody knows when a file was born"},
    {"portable", "a_file_that_changes_places_with_a_directory_is_looked_at",
	"nobody knows when a file was born"},
    {"portable", "a_new_directory_or_file_is_not_one_that_is_gone",
	"nobody knows when a file was born"},
    {"portable", "a_file_that_is_written_is_complete_when_it_is_left_alone",
	"nobody can be asked whether a file is open"},
    {"portable", "what_was_being_written_when_it_was_polled_is_complete_once",
	"nobody can be asked whether a file is open"},
    {"portable", "complete_is_told_as_far_as_can_be_known",
	"nobody can be asked whether a file is open"},
    {"portable", "the_stream_with_content_is_the_tree_with_content",
	"nobody can be asked whether a file is open"},
    {"portable", "complete_with_content_is_the_tree_with_content",
	"nobody can be asked whether a file is open"},
    {"portable", "what_has_piled_up_is_told_with_content",
	"nobody can be asked whether a file is open"},
    {"portable", "bind_mounts_that_come_and_go_are_the_tree_in_the_end",
	"nobody tells of mounts"},
    {"portable", "another_size_or_time_is_new_content",
	"nobody can be asked whether a file is open"},
    {"portable", "a_mount_and_an_unmount_below_a_root_are_told",
	"nobody tells of mounts"},
    {"portable", "a_mount_that_comes_later_is_polled_from_then_on",
	"nobody tells of mounts"},
    {"portable", "a_pseudo_file_system_is_polled_and_what_is_beside_it_is_not",
	"nobody tells of what kind a file system is"},
    {"portable", "events_that_polling_cannot_tell_are_not_missed_in_silence",
	"nobody tells of what kind a file system is"},
    {"portable", "a_change_behind_a_fuse_mount_is_seen",
	"nobody tells of what kind a file system is"},
    {"portable",
	"a_root_behind_a_directory_that_may_not_be_read_is_found_by_looking",
	"no directory is entered that may not be read"},
    {"portable", "without_openat2_paths_are_walked_just_as_safely",
	"openat2 is never called"},
    {"portable", "landlock_of_any_version_is_used_as_far_as_it_goes",
	"there is no Landlock"},
    {"portable", "rename_exchanges_when_told_to",
	"nothing exchanges two names"},
    {"portable", "mount_points_are_not_crossed_unless_allowed",
	"a bind mount of the same file system is not told from it"},
    {"portable", "what_cannot_be_listed_is_an_error",
	"the directory is opened anew, and can be listed"},
};

/* How this build was made. */
#ifdef FSP_PORTABLE
static const char build[] = "portable";
#else
static const char build[] = "";
#endif

const char *
cannot(const char *backend, const char *test)
{
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(table[i].test, test) != 0)
			continue;
		if (strcmp(table[i].backend, build) == 0 ||
		    (backend != NULL && strcmp(table[i].backend, backend) == 0))
			return table[i].reason;
	}
	return NULL;
}
