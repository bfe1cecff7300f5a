/*
 * libFuzzer's way into flat_read(): what it takes jansson takes, too, with the
 * same values, and the command is the same (judge.h).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *what;
	bool taken;

	what = judge_line((const char *)data, size, &taken);
	if (what != NULL) {
		(void)fprintf(stderr, "they differ in %s\n", what);
		abort();
	}
	return 0;
}
