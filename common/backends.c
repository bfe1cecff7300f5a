#include "backend.h"

/* The Makefile knows which ones are built. */
const struct backend_ops *const backends[] = {FSP_BACKENDS NULL};
