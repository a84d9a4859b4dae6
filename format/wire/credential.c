/* credential.c - see credential.h. */
#include "format/wire/credential.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "format/base/err.h"
#include "format/base/grow.h"

/* Bytes to look for. */
struct needle {
	uint8_t *data;
	size_t len;
	/* In base64, the characters before and after encode a part of it, too. */
	bool before, after;
};

struct needles {
	struct needle *item;
	size_t n, cap;
};

struct evt_credential {
	char *file;
	char *given; /* from the environment */
	char *text;  /* the credential in use, NULL: none */
	char *url;   /* percent-encoded */
	/* A recorder's network thread adds while its tape thread blots. */
	pthread_mutex_t lock;
	struct needles known; /* the credential, earlier ones, learned texts */
};

static void
credential_wipe(char **text)
{
	if (*text != NULL)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

static void
credential_needles_free(struct needles *l)
{
	for (size_t i = 0; i < l->n; i++) {
		explicit_bzero(l->item[i].data, l->item[i].len);
		free(l->item[i].data);
	}
	free(l->item);
	*l = (struct needles){ 0 };
}

/* Add the n bytes at p, unless the list has them. */
static bool
credential_needles_put(struct needles *l, const void *p, size_t n, bool before,
    bool after)
{
	uint8_t *copy;

	if (n == 0)
		return true;
	for (size_t i = 0; i < l->n; i++) {
		if (l->item[i].len == n && memcmp(l->item[i].data, p, n) == 0)
			return true;
	}
	if (!evt_grow(&l->item, &l->cap, l->n + 1))
		return false;
	copy = malloc(n);
	if (copy == NULL)
		return false;
	memcpy(copy, p, n);
	l->item[l->n++] = (struct needle){ copy, n, before, after };
	return true;
}

static bool
credential_needles_add(struct needles *l, const void *p, size_t n)
{
	return credential_needles_put(l, p, n, false, false);
}

/* Add the characters of base64 text that only these n bytes determine, when `skip`
 * bytes (0 to 2) precede them in their group of three. */
static bool
credential_add_base64(struct needles *l, const char *p, size_t n, size_t skip)
{
	evt_buf plain = { 0 }, coded = { 0 };
	size_t from = (skip * 8 + 5) / 6, to = (skip + n) * 8 / 6;
	bool ok = evt_buf_add(&plain, "\0\0", skip) &&
	    evt_buf_add(&plain, p, n) &&
	    evt_buf_add_base64(&coded, plain.data, plain.len);

	for (int url = 0; ok && url < 2; url++) {
		for (size_t i = 0; url && i < coded.len; i++)
			coded.data[i] = coded.data[i] == '+' ? '-' :
			    coded.data[i] == '/'             ? '_' :
			                                       coded.data[i];
		ok = credential_needles_put(l, coded.data + from, to - from,
		    skip != 0, (skip + n) % 3 != 0);
	}
	if (plain.len > 0)
		explicit_bzero(plain.data, plain.len);
	if (coded.len > 0)
		explicit_bzero(coded.data, coded.len);
	evt_buf_free(&plain);
	evt_buf_free(&coded);
	return ok;
}

/* Look for this text from now on, as it is and in base64. */
static bool
credential_add_all_forms(evt_credential *s, const char *p, size_t n)
{
	bool ok;

	pthread_mutex_lock(&s->lock);
	ok = credential_needles_add(&s->known, p, n);
	for (size_t skip = 0; skip < 3 && ok; skip++)
		ok = credential_add_base64(&s->known, p, n, skip);
	pthread_mutex_unlock(&s->lock);
	return ok;
}

evt_credential *
evt_credential_new(const char *file, const char *text)
{
	evt_credential *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	(void)pthread_mutex_init(&s->lock, NULL); /* cannot fail on Linux */
	if (file != NULL)
		s->file = strdup(file);
	else if (text != NULL)
		s->given = strdup(text);
	if ((file != NULL && s->file == NULL) ||
	    (file == NULL && text != NULL && s->given == NULL)) {
		evt_credential_free(s);
		return NULL;
	}
	return s;
}

void
evt_credential_free(evt_credential *s)
{
	if (s == NULL)
		return;
	free(s->file);
	credential_wipe(&s->given);
	credential_wipe(&s->text);
	credential_wipe(&s->url);
	credential_needles_free(&s->known);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* The file's content, at most EVT_CREDENTIAL_MAX + 1 bytes and a NUL. */
static int
credential_read_file(const char *path, char *buf, size_t size, evt_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;

	if (fd < 0)
		return evt_err_sys(err, errno,
		    "cannot read the credential from %s", path);
	for (;;) {
		ssize_t got = read(fd, buf + n, size - 1 - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int e = errno;

			close(fd);
			return evt_err_sys(err, e,
			    "cannot read the credential from %s", path);
		}
		if (got == 0 || n + (size_t)got == size - 1) {
			n += (size_t)got;
			break;
		}
		n += (size_t)got;
	}
	close(fd);
	buf[n] = '\0';
	if (strlen(buf) != n)
		return evt_err_set(err, EVT_ERR_ARG,
		    "the credential in %s contains a NUL byte", path);
	return EVT_OK;
}

/* Strip white space off both ends, and refuse an invalid credential. */
static int
credential_check(const char *from, char **text, evt_error *err)
{
	static const char space[] = " \t\r\n";
	size_t n;

	*text += strspn(*text, space);
	n = strlen(*text);
	while (n > 0 && strchr(space, (*text)[n - 1]) != NULL)
		(*text)[--n] = '\0';
	if (n == 0)
		return evt_err_set(err, EVT_ERR_ARG,
		    "%s contains no credential", from);
	if (n < EVT_CREDENTIAL_MIN || n > EVT_CREDENTIAL_MAX)
		return evt_err_set(err, EVT_ERR_ARG,
		    "the credential in %s has %zu bytes: it must have %u to %u",
		    from, n, EVT_CREDENTIAL_MIN, EVT_CREDENTIAL_MAX);
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)(*text)[i] < 0x20 || (*text)[i] == 0x7f)
			return evt_err_set(err, EVT_ERR_ARG,
			    "the credential in %s has several lines or a "
			    "control character",
			    from);
	}
	return EVT_OK;
}

static bool
credential_percent_encode(const char *text, evt_buf *out)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		bool plain = (*p >= '0' && *p <= '9') ||
		    ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z') ||
		    strchr("-._~", *p) != NULL;

		if (!(plain ? evt_buf_add_byte(out, *p) :
		              evt_buf_printf(out, "%%%02X", (unsigned)*p)))
			return false;
	}
	return true;
}

/* Use `text` as the credential from now on. */
static int
credential_adopt(evt_credential *s, const char *text, evt_error *err)
{
	evt_buf url = { 0 };
	char *copy = strdup(text);

	if (copy == NULL || !credential_percent_encode(text, &url) ||
	    !evt_buf_add_byte(&url, '\0') ||
	    !credential_add_all_forms(s, text, strlen(text))) {
		credential_wipe(&copy);
		if (url.len > 0)
			explicit_bzero(url.data, url.len);
		evt_buf_free(&url);
		return evt_err_nomem(err);
	}
	credential_wipe(&s->text);
	credential_wipe(&s->url);
	s->text = copy;
	s->url = (char *)url.data;
	return EVT_OK;
}

int
evt_credential_load(evt_credential *s, evt_error *err)
{
	char buf[EVT_CREDENTIAL_MAX + 64], *text = buf;
	int r = EVT_OK;

	assert(s != NULL);
	if (s->file != NULL)
		r = credential_read_file(s->file, buf, sizeof(buf), err);
	else if (s->given != NULL && s->text == NULL &&
	    strlen(s->given) < sizeof(buf))
		memcpy(buf, s->given, strlen(s->given) + 1);
	else if (s->given != NULL && s->text == NULL)
		return evt_err_set(err, EVT_ERR_ARG,
		    "the credential in the environment has more than %u bytes",
		    EVT_CREDENTIAL_MAX);
	else
		return EVT_OK;
	if (r == EVT_OK)
		r = credential_check(s->file != NULL ? s->file :
		                                       "the environment",
		    &text, err);
	if (r == EVT_OK && (s->text == NULL || strcmp(s->text, text) != 0))
		r = credential_adopt(s, text, err);
	explicit_bzero(buf, sizeof(buf));
	return r;
}

const char *
evt_credential_text(const evt_credential *s)
{
	return s->text;
}

bool
evt_credential_learn(evt_credential *s, const char *text, size_t n)
{
	assert(s != NULL && (text != NULL || n == 0));
	return n < EVT_CREDENTIAL_LEARN_MIN ||
	    credential_add_all_forms(s, text, n);
}

int
evt_credential_fill(const evt_credential *s, const char *text, size_t n,
    enum evt_credential_form form, evt_buf *out, evt_error *err)
{
	static const char mark[] = EVT_CREDENTIAL_MARK;
	const char *end = text + n;

	assert(s != NULL && (text != NULL || n == 0) && out != NULL);
	while (text < end) {
		const char *at =
		    memmem(text, (size_t)(end - text), mark, sizeof(mark) - 1);

		if (!evt_buf_add(out, text,
		        (size_t)((at != NULL ? at : end) - text)))
			return evt_err_nomem(err);
		if (at == NULL)
			break;
		if (s->text == NULL)
			return evt_err_set(err, EVT_ERR_ARG,
			    "${CREDENTIAL} is used, but there is no "
			    "credential");
		if (!evt_buf_add_str(out,
		        form == EVT_CREDENTIAL_URL ? s->url : s->text))
			return evt_err_nomem(err);
		text = at + sizeof(mark) - 1;
	}
	return EVT_OK;
}

/* ---- blotting ------------------------------------------------------------ */

/* The value of a digit; 16: not one. */
static unsigned
credential_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10u : 16;
}

/* Whether the bytes at p begin with the byte `c` as `digits` hexadecimal digits. */
static bool
credential_is_hex(const uint8_t *p, size_t n, unsigned digits, uint8_t c)
{
	unsigned v = 0;

	if (n < digits)
		return false;
	for (unsigned i = 0; i < digits; i++) {
		if (credential_digit(p[i]) > 15)
			return false;
		v = v * 16 + credential_digit(p[i]);
	}
	return v == c;
}

/* The length of an HTML entity that is `c`, after its '&'; 0: it is not one. */
static size_t
credential_entity(const uint8_t *p, size_t n, uint8_t c)
{
	static const struct {
		const char *text;
		uint8_t is;
	} names[] = { { "amp;", '&' }, { "lt;", '<' }, { "gt;", '>' },
		{ "quot;", '"' }, { "apos;", '\'' } };
	unsigned base, v = 0;
	size_t i = 1;

	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
		size_t len = strlen(names[k].text);

		if (names[k].is == c && n >= len &&
		    memcmp(p, names[k].text, len) == 0)
			return len;
	}
	if (n < 3 || p[0] != '#')
		return 0;
	base = (p[1] | 0x20) == 'x' ? 16 : 10;
	i += base == 16;
	for (; i < n && i < 10 && credential_digit(p[i]) < base; i++)
		v = v * base + credential_digit(p[i]);
	return i < n && p[i] == ';' && v == c ? i + 1 : 0;
}

/* How many of the n bytes at p are the byte `c` in some form; 0: they are not. */
static size_t
credential_form(const uint8_t *p, size_t n, uint8_t c)
{
	size_t i = 0, entity;

	if (p[0] == c && c != '\\' && c != '&' && c != '%')
		return 1;
	switch (p[0]) {
	case '+':
		return c == ' ';
	case '%': /* also encoded twice: %253d */
		for (i = 1; n - i >= 2 && p[i] == '2' && p[i + 1] == '5' &&
		     credential_is_hex(p + i + 2, n - i - 2, 2, c);)
			return i + 4;
		return credential_is_hex(p + 1, n - 1, 2, c) ? 3 : p[0] == c;
	case '&':
		entity = credential_entity(p + 1, n - 1, c);
		return entity > 0 ? entity + 1 : p[0] == c;
	case '\\': /* JSON, also within JSON: one or more backslashes */
		while (i < n && i < 8 && p[i] == '\\')
			i++;
		if (i + 4 < n && p[i] == 'u' &&
		    credential_is_hex(p + i + 1, n - i - 1, 4, c))
			return i + 5;
		if (c == '\\')
			return i >= 2 ? 2 : 1;
		return i < n && p[i] == c ? i + 1 : 0;
	default:
		return 0;
	}
}

/* The length of the needle in any form at p; 0: it is not there. */
static size_t
credential_match(const struct needle *nd, const uint8_t *p, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < nd->len; i++) {
		size_t len =
		    at < n ? credential_form(p + at, n - at, nd->data[i]) : 0;

		if (len == 0)
			return 0;
		at += len;
	}
	return at;
}

/* Find the needle; `coded`: in any form, and not only as it is.  NULL: it is not
 * there. */
static uint8_t *
credential_find(const struct needle *nd, bool coded, uint8_t *p, size_t n,
    size_t *ret_len)
{
	*ret_len = nd->len;
	if (!coded)
		return memmem(p, n, nd->data, nd->len);
	for (size_t i = 0; i < n; i++) {
		uint8_t c = p[i];

		if (c != nd->data[0] && c != '%' && c != '\\' && c != '&' &&
		    c != '+')
			continue;
		*ret_len = credential_match(nd, p + i, n - i);
		if (*ret_len > 0)
			return p + i;
	}
	return NULL;
}

static bool
credential_is_base64(uint8_t c)
{
	return (c >= '0' && c <= '9') ||
	    ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '+' || c == '/' ||
	    c == '-' || c == '_';
}

/* Overwrite the needle everywhere; with `quoted`, only where it is a whole JSON
 * string. */
static size_t
credential_blot_one(const struct needle *nd, bool coded, bool quoted,
    uint8_t *p, size_t n)
{
	uint8_t *at = p, *end = p + n;
	size_t blotted = 0;

	for (;;) {
		size_t len;
		uint8_t *after;

		at = credential_find(nd, coded, at, (size_t)(end - at), &len);
		if (at == NULL)
			return blotted;
		after = at + len;
		if (quoted &&
		    (at == p || at[-1] != '"' || after == end ||
		        *after != '"')) {
			at++;
			continue;
		}
		if (nd->before && at > p && credential_is_base64(at[-1]))
			at--;
		if (nd->after && after < end && credential_is_base64(*after))
			after++;
		memset(at, '*', (size_t)(after - at));
		blotted += (size_t)(after - at);
		at = after;
	}
}

static size_t
credential_blot_all(const struct needles *l, bool quoted, uint8_t *p, size_t n)
{
	size_t blotted = 0;
	bool coded;

	if (n == 0 || l->n == 0)
		return 0;
	/* Each other form has one of these characters. */
	coded = memchr(p, '\\', n) != NULL || memchr(p, '%', n) != NULL ||
	    memchr(p, '&', n) != NULL || memchr(p, '+', n) != NULL;

	for (size_t i = 0; i < l->n; i++) {
		const struct needle *nd = &l->item[i];

		/* As it is: a secret may itself look like an encoded text. */
		blotted += credential_blot_one(nd, false, quoted, p, n);
		if (coded)
			blotted += credential_blot_one(nd, true, quoted, p, n);
	}
	return blotted;
}

void
evt_credential_wipe(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

size_t
evt_credential_blot(evt_credential *s, uint8_t *p, size_t n)
{
	size_t blotted;

	pthread_mutex_lock(&s->lock);
	blotted = credential_blot_all(&s->known, false, p, n);
	pthread_mutex_unlock(&s->lock);
	return blotted;
}

/* Gather the string values of members that are surely secrets. */
static bool
credential_gather(const cJSON *node, struct needles *found)
{
	for (; node != NULL; node = node->next) {
		if (cJSON_IsString(node) && node->string != NULL &&
		    strlen(node->valuestring) > 0 &&
		    evt_credential_name(node->string, strlen(node->string)) ==
		        EVT_CREDENTIAL_SURE &&
		    !credential_needles_add(found, node->valuestring,
		        strlen(node->valuestring)))
			return false;
		if (node->child != NULL &&
		    !credential_gather(node->child, found))
			return false;
	}
	return true;
}

size_t
evt_credential_blot_sent(evt_credential *s, uint8_t *p, size_t n)
{
	size_t blotted = evt_credential_blot(s, p, n);
	struct needles found = { 0 };
	cJSON *json = cJSON_ParseWithLength((const char *)p, n);

	if (json != NULL && credential_gather(json, &found)) {
		for (size_t i = 0; i < found.n; i++) {
			const struct needle *nd = &found.item[i];

			if (nd->data[0] != '*' &&
			    !evt_credential_learn(s, (const char *)nd->data,
			        nd->len))
				break;
		}
		blotted += credential_blot_all(&found, true, p, n);
	}
	credential_needles_free(&found);
	cJSON_Delete(json);
	return blotted;
}

enum evt_credential_likely
evt_credential_name(const char *name, size_t n)
{
	static const char *const sure[] = { "hash", "token", "accesstoken",
		"authtoken", "idtoken", "refreshtoken", "bearertoken", "apikey",
		"accesskey", "secretkey", "password", "passwd", "pwd", "secret",
		"clientsecret", "signature", "sessionid", "sessionkey",
		"sessiontoken", "authorization", "proxyauthorization",
		"credential", "credentials", "jwt", "xapikey", "xauthtoken" };
	static const char *const maybe[] = { "key", "auth", "session", "sid",
		"sig", "listenkey", "cookie" };
	char bare[32];
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		if (name[i] == '-' || name[i] == '_')
			continue;
		if (len == sizeof(bare) - 1)
			return EVT_CREDENTIAL_NOT;
		bare[len++] = name[i];
	}
	bare[len] = '\0';
	for (size_t i = 0; i < sizeof(sure) / sizeof(sure[0]); i++) {
		if (strcasecmp(bare, sure[i]) == 0)
			return EVT_CREDENTIAL_SURE;
	}
	for (size_t i = 0; i < sizeof(maybe) / sizeof(maybe[0]); i++) {
		if (strcasecmp(bare, maybe[i]) == 0)
			return EVT_CREDENTIAL_MAYBE;
	}
	return EVT_CREDENTIAL_NOT;
}
