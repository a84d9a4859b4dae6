/* evtape_program.c - how the server calls the program evtape. */
#include "tools/evtape-replay/evtape_program.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "format/base/buf.h"

void
evtape_program_find(char ret_path[PATH_MAX])
{
	static const char name[] = "/evtape";
	ssize_t n = readlink("/proc/self/exe", ret_path, PATH_MAX - 1);
	char *slash = NULL;

	if (n > 0) {
		ret_path[n] = '\0';
		slash = strrchr(ret_path, '/');
	}
	if (slash != NULL &&
	    (size_t)(slash - ret_path) + sizeof(name) <= PATH_MAX) {
		memcpy(slash, name, sizeof(name));
		if (access(ret_path, X_OK) == 0)
			return;
	}
	snprintf(ret_path, PATH_MAX, "%s", name + 1);
}

static bool
evtape_program_add(evt_strings *argv, const char *text)
{
	return evt_strings_add(argv, text, strlen(text));
}

/* Add "--name=text": a text can never be taken for an option. */
static bool
evtape_program_set(evt_strings *argv, const char *name, const char *text)
{
	evt_buf b = { 0 };
	bool ok = evt_buf_printf(&b, "--%s=%s", name, text) &&
	    evt_strings_add(argv, (char *)b.data, b.len);

	evt_buf_free(&b);
	return ok;
}

static bool
evtape_program_set_int(evt_strings *argv, const char *name, const char *before,
    int64_t value, const char *after)
{
	char text[40];

	snprintf(text, sizeof(text), "%s%" PRId64 "%s", before, value, after);
	return evtape_program_set(argv, name, text);
}

/* Those of the arguments "name=text" that are among the names. */
static bool
evtape_program_set_given(evt_strings *argv, const evt_strings *args,
    const char *const *names)
{
	for (size_t i = 0; i < args->n; i++) {
		const char *equals = strchr(args->item[i], '=');
		size_t n =
		    equals == NULL ? 0 : (size_t)(equals - args->item[i]);

		for (size_t k = 0; names[k] != NULL; k++) {
			if (equals != NULL && equals[1] != '\0' &&
			    strlen(names[k]) == n &&
			    memcmp(names[k], args->item[i], n) == 0 &&
			    !evtape_program_set(argv, names[k], equals + 1))
				return false;
		}
	}
	return true;
}

bool
evtape_program_differences(const void *ctx,
    const evt_programs_differences *what, evt_strings *argv)
{
	static const char *const given[] = { "source", "event", "ignore",
		NULL };

	return evtape_program_add(argv, ctx) &&
	    evtape_program_add(argv, "diff") &&
	    evtape_program_add(argv, "--json") &&
	    evtape_program_add(argv, "--quiet") &&
	    evtape_program_set_int(argv, "from", "@", what->from_ns, "") &&
	    evtape_program_set_int(argv, "to", "@", what->to_ns, "") &&
	    evtape_program_set_int(argv, "offset", "", what->offset_ns, "ns") &&
	    evtape_program_set_int(argv, "limit", "", what->limit, "") &&
	    evtape_program_set_given(argv, what->args, given) &&
	    evtape_program_add(argv, "--") &&
	    evtape_program_add(argv, what->played) &&
	    evtape_program_add(argv, what->compared);
}

bool
evtape_program_bookmark(const void *ctx, const evt_programs_bookmark *what,
    evt_strings *argv)
{
	bool ok = evtape_program_add(argv, ctx) &&
	    evtape_program_add(argv, "mark") &&
	    evtape_program_add(argv, "--quiet");

	if (what->removes > 0)
		return ok &&
		    evtape_program_set_int(argv, "remove", "#", what->removes,
		        "") &&
		    evtape_program_add(argv, "--") &&
		    evtape_program_add(argv, what->tape);
	return ok &&
	    evtape_program_set_int(argv, "at", "@", what->time_ns, "") &&
	    evtape_program_add(argv, "--") &&
	    evtape_program_add(argv, what->tape) &&
	    evtape_program_add(argv, what->text);
}

bool
evtape_program_export(const void *ctx, const evt_programs_export *what,
    evt_strings *argv)
{
	static const char *const given[] = { "source", "event", NULL };

	return evtape_program_add(argv, ctx) &&
	    evtape_program_add(argv, "export") &&
	    evtape_program_add(argv, what->format) &&
	    evtape_program_add(argv, "--quiet") &&
	    evtape_program_set_int(argv, "from", "@", what->from_ns, "") &&
	    evtape_program_set_int(argv, "to", "@", what->to_ns, "") &&
	    evtape_program_set_given(argv, what->args, given) &&
	    evtape_program_add(argv, "--") &&
	    evtape_program_add(argv, what->tape);
}
