#include "monotonic.h"

#include <limits.h>
#include <time.h>

int64_t
monotonic_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
monotonic_ms(void)
{
	return monotonic_us() / 1000;
}

void
monotonic_sooner(int *timeout, int64_t ms)
{
	if (ms < 0)
		ms = 0;
	if (*timeout == -1 || ms < *timeout)
		*timeout = ms > INT_MAX ? INT_MAX : (int)ms;
}
