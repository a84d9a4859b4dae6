/*
 * fuzz_credential.c - secrets and texts of any bytes.
 *
 * The first line of the input is a secret, the rest is a text.  Blotting changes
 * bytes of the text into asterisks and does nothing else, and leaves no secret.  The
 * secret is found whole as any of four encoders write it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/wire/credential.h"
#include "format/wire/unescape.h"
#include "tests/fuzz/lib/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(evt_credential *s, const uint8_t *secret, size_t n,
    const uint8_t *text, size_t len)
{
	uint8_t *copy = malloc(len + 1);
	size_t changed = 0;

	must(copy != NULL);
	memcpy(copy, text, len);
	must(evt_credential_blot(s, copy, len) <= len);
	for (size_t i = 0; i < len; i++) {
		must(copy[i] == text[i] || copy[i] == '*');
		changed += copy[i] != text[i];
	}
	if (memmem(text, len, secret, n) != NULL)
		must(changed > 0 || memchr(secret, '*', n) != NULL);
	if (memchr(secret, '*', n) == NULL)
		must(memmem(copy, len, secret, n) == NULL);
	free(copy);
}

/* Whether enough of the secret is left without its escapes to look for that. */
static bool
has_forms(const uint8_t *secret, size_t n)
{
	evt_unescape *u = calloc(1, sizeof(*u));
	bool enough;

	must(u != NULL);
	for (size_t i = 0; i < n; i++)
		evt_unescape_add(u, secret[i], i);
	enough = u->n >= EVT_CREDENTIAL_MIN && u->slash == EVT_UNESCAPE_NONE;
	free(u);
	return enough;
}

static void
check_forms(evt_credential *s, const uint8_t *secret, size_t n)
{
	static const char *const forms[] = { "%%%02x", "\\u%04X", "&#%u;",
		"%%25%02X" };

	for (size_t k = 0; k < sizeof(forms) / sizeof(forms[0]); k++) {
		evt_buf b = { 0 };
		bool ascii = true;

		must(evt_buf_add_byte(&b, '<'));
		for (size_t i = 0; i < n; i++) {
			char one[16];

			ascii = ascii && secret[i] < 0x80;
			snprintf(one, sizeof(one), forms[k], secret[i]);
			must(evt_buf_add_str(&b, one));
		}
		must(evt_buf_add_byte(&b, '>'));
		/* Others are characters, and not bytes, in two of them. */
		if (ascii || forms[k][0] == '%') {
			evt_credential_blot(s, b.data, b.len);
			for (size_t i = 1; i + 1 < b.len; i++)
				must(b.data[i] == '*');
		}
		evt_buf_free(&b);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
	size_t n = end != NULL ? (size_t)(end - data) : 0;
	evt_credential *s;
	uint8_t *sent;

	/* Text with the placeholder is not learned. */
	if (n < EVT_CREDENTIAL_LEARN_MIN || n > 255 ||
	    memmem(data, n, EVT_CREDENTIAL_MARK, strlen(EVT_CREDENTIAL_MARK)) !=
	        NULL)
		return 0;
	s = evt_credential_new(NULL, NULL);
	must(s != NULL && evt_credential_learn(s, (const char *)data, n));
	check_text(s, data, n, end + 1, size - n - 1);
	if (has_forms(data, n))
		check_forms(s, data, n);
	sent = malloc(size);
	must(sent != NULL);
	memcpy(sent, data, size);
	must(evt_credential_blot_sent(s, sent, size) <= 2 * size);
	free(sent);
	evt_credential_free(s);
	return 0;
}
