#include "answer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "json.h"
#include "plain.h"

static const struct {
	int error;
	const char *name;
} names[] = {
    {EACCES, "EACCES"},
    {EAGAIN, "EAGAIN"},
    {EBADF, "EBADF"},
    {EBUSY, "EBUSY"},
    {EDQUOT, "EDQUOT"},
    {EEXIST, "EEXIST"},
    {EFBIG, "EFBIG"},
    {EINTR, "EINTR"},
    {EINVAL, "EINVAL"},
    {EIO, "EIO"},
    {EISDIR, "EISDIR"},
    {ELOOP, "ELOOP"},
    {EMFILE, "EMFILE"},
    {EMLINK, "EMLINK"},
    {ENAMETOOLONG, "ENAMETOOLONG"},
    {ENFILE, "ENFILE"},
    {ENODEV, "ENODEV"},
    {ENOENT, "ENOENT"},
    {ENOLCK, "ENOLCK"},
    {ENOMEM, "ENOMEM"},
    {ENOSPC, "ENOSPC"},
    {ENOSYS, "ENOSYS"},
    {ENOTDIR, "ENOTDIR"},
    {ENOTEMPTY, "ENOTEMPTY"},
    {ENXIO, "ENXIO"},
    {EOPNOTSUPP, "EOPNOTSUPP"},
    {EOVERFLOW, "EOVERFLOW"},
    {EPERM, "EPERM"},
    {EROFS, "EROFS"},
    {ESTALE, "ESTALE"},
    {ETIMEDOUT, "ETIMEDOUT"},
    {ETXTBSY, "ETXTBSY"},
    {EXDEV, "EXDEV"},
};

const char *
answer_errno(int error)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].error == error)
			return names[i].name;
	return "errno";
}

const char *
answer_strerror(int error)
{
	switch (error) {
	case ELOOP:
		return "Symbolic links are not followed";
	case EXDEV:
		return "On another file system (see --allow-mounts)";
	default:
		return strerror(error);
	}
}

void
answer_emit(const struct answer *a, struct buf *b)
{
	json_open(b);
	json_key(b, "ok");
	json_bool(b, a->ok);
	json_key(b, "line");
	json_uint(b, a->line);
	if (a->id != NULL) {
		json_key(b, "id");
		buf_add(b, a->id, a->id_len);
	}
	if (a->op != NULL) {
		json_key(b, "op");
		(void)json_cstring(b, a->op);
	}
	if (a->path != NULL) {
		json_key(b, "path");
		if (!json_cstring(b, a->path)) {
			json_key(b, "path_base64");
			json_base64(b, a->path, strlen(a->path));
		}
	}
	if (a->has_size) {
		json_key(b, "size");
		json_uint(b, a->size);
	}
	if (a->already) {
		json_key(b, "already");
		json_bool(b, true);
	}
	if (a->torn) {
		json_key(b, "torn");
		json_bool(b, true);
	}
	if (!a->ok) {
		json_key(b, "error");
		(void)json_cstring(b, a->error);
		json_key(b, "message");
		(void)json_cstring(b, a->message);
	}
	json_close(b);
	buf_addc(b, '\n');
}

void
answer_describe(const struct answer *a, struct buf *b)
{
	char number[32];

	(void)snprintf(number, sizeof(number), "line %" PRIu64 ": ", a->line);
	buf_adds(b, number);
	if (a->op != NULL) {
		buf_adds(b, a->op);
		if (a->path != NULL) {
			buf_addc(b, ' ');
			plain_add(b, a->path);
		}
		buf_adds(b, ": ");
	}
	plain_add(b, a->ok ? "done" : a->message);
	if (a->torn)
		buf_adds(b, "; a part of it is in the file");
}
