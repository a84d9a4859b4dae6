/* strings.c - see strings.h. */
#include "format/base/strings.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/grow.h"

bool
evt_strings_add(evt_strings *list, const char *text, size_t len)
{
	char *copy;

	assert(text != NULL);
	if (!evt_grow(&list->item, &list->cap, list->n + 1))
		return false;
	copy = strndup(text, len);
	if (copy == NULL)
		return false;
	list->item[list->n++] = copy;
	return true;
}

bool
evt_strings_add_split(evt_strings *list, const char *text)
{
	assert(text != NULL);
	while (*text != '\0') {
		size_t len = strcspn(text, ",");

		if (len > 0 && !evt_strings_add(list, text, len))
			return false;
		text += len;
		text += *text == ',';
	}
	return true;
}

bool
evt_strings_add_all(evt_strings *list, const evt_strings *from)
{
	for (size_t i = 0; i < from->n; i++) {
		const char *text = from->item[i];

		if (!evt_strings_add(list, text, strlen(text)))
			return false;
	}
	return true;
}

bool
evt_strings_has(const evt_strings *list, const char *text, size_t len)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *item = list->item[i];

		if (strncmp(item, text, len) == 0 && item[len] == '\0')
			return true;
	}
	return false;
}

void
evt_strings_free(evt_strings *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->item[i]);
	free(list->item);
	*list = (evt_strings){ 0 };
}
