/* grow.c - see grow.h. */
#include "format/base/grow.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 8u

bool
evt_grow_array(void *array, size_t *cap, size_t need, size_t size)
{
	size_t more = *cap > 0 ? *cap : FIRST_CAP;
	void *old, *grown;

	assert(size > 0);
	if (need <= *cap)
		return true;
	while (more < need) {
		if (__builtin_mul_overflow(more, 2, &more))
			return false;
	}
	/* `array` is a pointer to a pointer of any type: copied as bytes. */
	memcpy(&old, array, sizeof(old));
	grown = reallocarray(old, more, size);
	if (grown == NULL)
		return false;
	memcpy(array, &grown, sizeof(grown));
	*cap = more;
	return true;
}
