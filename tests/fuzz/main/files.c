/*
 * files.c - give a fuzz target the files, and all files of the folders, of the
 * command line: inputs that failed once must not fail again, with any compiler
 * and without libFuzzer.
 *
 * usage: fuzz_TARGET FILE|FOLDER...
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format/base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/* libFuzzer's, which mutators of targets call; here nothing is altered. */
size_t
LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
	(void)data;
	return size < max_size ? size : max_size;
}

static void
fail(const char *what, const char *path)
{
	fprintf(stderr, "cannot %s %s\n", what, path);
	exit(1);
}

static void
give_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	evt_buf b = { 0 };
	uint8_t *exact;
	size_t n;

	if (f == NULL)
		fail("open", path);
	do {
		if (!evt_buf_reserve(&b, 65536))
			fail("hold", path);
		n = fread(b.data + b.len, 1, 65536, f);
		b.len += n;
	} while (n > 0);
	if (ferror(f))
		fail("read", path);
	fclose(f);
	/* Print the name first, so that the file that fails is known. */
	fprintf(stderr, "%s\n", path);
	/* No byte longer than the input, so that a sanitizer sees its end. */
	exact = malloc(b.len > 0 ? b.len : 1);
	if (exact == NULL)
		fail("hold", path);
	memcpy(exact, b.data, b.len);
	n = b.len;
	evt_buf_free(&b);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
}

static unsigned
give_folder(const char *path)
{
	struct dirent **list;
	int n = scandir(path, &list, NULL, alphasort);
	unsigned given = 0;

	if (n < 0)
		fail("read folder", path);
	for (int i = 0; i < n; i++) {
		evt_buf name = { 0 };

		if (list[i]->d_name[0] != '.') {
			if (!evt_buf_printf(&name, "%s/%s", path,
			        list[i]->d_name))
				fail("name a file of", path);
			give_file((char *)name.data);
			evt_buf_free(&name);
			given++;
		}
		free(list[i]);
	}
	free(list);
	return given;
}

int
main(int argc, char **argv)
{
	unsigned given = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) != 0)
			fail("look at", argv[i]);
		if (S_ISDIR(st.st_mode)) {
			given += give_folder(argv[i]);
		} else {
			give_file(argv[i]);
			given++;
		}
	}
	printf("%u inputs\n", given);
	return given > 0 ? 0 : 1;
}
