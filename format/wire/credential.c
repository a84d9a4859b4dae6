/* credential.c - see credential.h. */
#include "format/wire/credential.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
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
};

struct needles {
	struct needle *item;
	size_t n, cap;
};

struct evt_credential {
	char *file;
	char *given;        /* from the environment */
	char *text;         /* the credential in use, NULL: none */
	char *url;          /* percent-encoded */
	struct needles own; /* the forms of text */
	struct needles learned;
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
credential_needles_add(struct needles *l, const void *p, size_t n)
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
	l->item[l->n++] = (struct needle){ copy, n };
	return true;
}

evt_credential *
evt_credential_new(const char *file, const char *text)
{
	evt_credential *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
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
	credential_needles_free(&s->own);
	credential_needles_free(&s->learned);
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

/* As inside a JSON string, with slashes escaped (as some servers do) or not. */
static bool
credential_add_json_forms(struct needles *l, const char *text)
{
	evt_buf plain = { 0 }, slashed = { 0 };
	bool ok = evt_buf_add_json(&plain, text, strlen(text));

	for (size_t i = 1; ok && i + 1 < plain.len; i++) {
		if (plain.data[i] == '/')
			ok = evt_buf_add_byte(&slashed, '\\');
		ok = ok && evt_buf_add_byte(&slashed, plain.data[i]);
	}
	ok = ok && credential_needles_add(l, plain.data + 1, plain.len - 2) &&
	    credential_needles_add(l, slashed.data, slashed.len);
	if (plain.len > 0)
		explicit_bzero(plain.data, plain.len);
	if (slashed.len > 0)
		explicit_bzero(slashed.data, slashed.len);
	evt_buf_free(&plain);
	evt_buf_free(&slashed);
	return ok;
}

/* Use `text` as the credential from now on. */
static int
credential_adopt(evt_credential *s, const char *text, evt_error *err)
{
	struct needles own = { 0 };
	evt_buf url = { 0 };
	char *copy = strdup(text);

	if (copy == NULL || !credential_percent_encode(text, &url) ||
	    !evt_buf_add_byte(&url, '\0') ||
	    !credential_needles_add(&own, text, strlen(text)) ||
	    !credential_add_json_forms(&own, text) ||
	    !credential_needles_add(&own, url.data, url.len - 1)) {
		credential_wipe(&copy);
		evt_buf_free(&url);
		credential_needles_free(&own);
		return evt_err_nomem(err);
	}
	credential_wipe(&s->text);
	credential_wipe(&s->url);
	credential_needles_free(&s->own);
	s->text = copy;
	s->url = (char *)url.data;
	s->own = own;
	return EVT_OK;
}

int
evt_credential_load(evt_credential *s, evt_error *err)
{
	char buf[EVT_CREDENTIAL_MAX + 64], *text = buf;
	int r = EVT_OK;

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
	return n < EVT_CREDENTIAL_LEARN_MIN ||
	    credential_needles_add(&s->learned, text, n);
}

int
evt_credential_fill(const evt_credential *s, const char *text, size_t n,
    enum evt_credential_form form, evt_buf *out, evt_error *err)
{
	static const char mark[] = EVT_CREDENTIAL_MARK;
	const char *end = text + n;

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

/* Overwrite the needle everywhere; with `quoted`, only where it is a whole JSON
 * string. */
static size_t
credential_blot_one(const struct needle *nd, bool quoted, uint8_t *p, size_t n)
{
	uint8_t *at = p, *end = p + n;
	size_t blotted = 0;

	for (;;) {
		uint8_t *after;

		at = memmem(at, (size_t)(end - at), nd->data, nd->len);
		if (at == NULL)
			return blotted;
		after = at + nd->len;
		if (!quoted ||
		    (at > p && at[-1] == '"' && after < end && *after == '"')) {
			memset(at, '*', nd->len);
			blotted += nd->len;
		} else {
			after = at + 1;
		}
		at = after;
	}
}

static size_t
credential_blot_all(const struct needles *l, bool quoted, uint8_t *p, size_t n)
{
	size_t blotted = 0;

	for (size_t i = 0; i < l->n; i++)
		blotted += credential_blot_one(&l->item[i], quoted, p, n);
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
evt_credential_blot(const evt_credential *s, uint8_t *p, size_t n)
{
	if (n == 0)
		return 0;
	return credential_blot_all(&s->own, false, p, n) +
	    credential_blot_all(&s->learned, false, p, n);
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
		    (!credential_needles_add(found, node->valuestring,
		         strlen(node->valuestring)) ||
		        !credential_add_json_forms(found, node->valuestring)))
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
