/* credential.c - see credential.h. */
#include "format/wire/credential.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/base/json_view.h"
#include "format/base/key_table.h"
#include "format/wire/needle_set.h"
#include "format/wire/unescape.h"

/* Tags of needles in base64: the character before, or after, encodes a part of the
 * secret, too. */
#define EDGE_BEFORE 1u
#define EDGE_AFTER 2u
/* A secret, or a part of one, as it is: all its forms are in the set, too. */
#define WHOLE 4u

/* A longer secret is looked for in parts of up to this many bytes. */
#define PART_MAX 255u
/* Unescaped bytes that are searched again with those that follow. */
#define OVERLAP (EVT_NEEDLE_SET_MAX + EVT_UNESCAPE_LAST)

/* Parts of a frame that are overwritten without the need for memory. */
#define SPANS 64u

/* Secrets to look for. */
enum {
	GIVEN,  /* that the user gave, beside the credential */
	RECENT, /* the credential, earlier ones, and those of sent messages */
	OLDER,  /* what was RECENT before there were too many */
	SETS
};

/* Parts of a text to overwrite; they may overlap. */
struct spans {
	struct span {
		size_t from, to;
	} * item;
	size_t n, cap;
	bool nomem;
};

struct evt_credential {
	char *file;
	char *given; /* from the environment */
	char *text;  /* the credential in use, NULL: none */
	char *url;   /* percent-encoded */
	/* A recorder's network thread adds while its tape thread blots. */
	pthread_mutex_t lock;
	evt_needle_set *set[SETS]; /* NULL: empty */
	size_t recent;             /* secrets in RECENT */
	evt_unescape *unescape;    /* NULL: all sets are empty */
	struct spans found;
};

static void
credential_wipe(char **text)
{
	if (*text != NULL)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

/* ---- what to look for ---------------------------------------------------- */

/* Look for these n bytes, as they are and without escapes; unless too few are left
 * without them. */
static bool
credential_add_needle(evt_credential *s, evt_needle_set *set, const void *p,
    size_t n, unsigned tags)
{
	evt_unescape *u = s->unescape;
	const uint8_t *bytes = p;

	u->n = 0;
	u->slash = EVT_UNESCAPE_NONE;
	for (size_t i = 0; i < n; i++)
		evt_unescape_add(u, bytes[i], i);
	return (u->n < EVT_NEEDLE_SET_MIN ||
	           evt_needle_set_add(set, u->text, u->n, tags & ~WHOLE)) &&
	    evt_needle_set_add(set, p, n, tags);
}

/* Look for the characters of base64 text that only these n bytes determine, when
 * `skip` bytes (0 to 2) precede them in their group of three. */
static bool
credential_add_base64(evt_credential *s, evt_needle_set *set, const char *p,
    size_t n, size_t skip)
{
	evt_buf plain = { 0 }, coded = { 0 };
	size_t from = (skip * 8 + 5) / 6, to = (skip + n) * 8 / 6;
	unsigned edges = (skip != 0 ? EDGE_BEFORE : 0) |
	    ((skip + n) % 3 != 0 ? EDGE_AFTER : 0);
	bool ok = evt_buf_add(&plain, "\0\0", skip) &&
	    evt_buf_add(&plain, p, n) &&
	    evt_buf_add_base64(&coded, plain.data, plain.len);

	for (int url = 0; ok && url < 2; url++) {
		for (size_t i = 0; url && i < coded.len; i++)
			coded.data[i] = coded.data[i] == '+' ? '-' :
			    coded.data[i] == '/'             ? '_' :
			                                       coded.data[i];
		ok = credential_add_needle(s, set, coded.data + from, to - from,
		    edges);
	}
	if (plain.len > 0)
		explicit_bzero(plain.data, plain.len);
	if (coded.len > 0)
		explicit_bzero(coded.data, coded.len);
	evt_buf_free(&plain);
	evt_buf_free(&coded);
	return ok;
}

/* Look for the n bytes (EVT_CREDENTIAL_MIN to PART_MAX) in all forms. */
static bool
credential_add_part(evt_credential *s, evt_needle_set *set, const char *p,
    size_t n)
{
	char plus[PART_MAX];
	unsigned tags;
	size_t at;
	bool ok = true;

	if (evt_needle_set_find(set, (const uint8_t *)p, n, 0, &at, &tags) ==
	        n &&
	    (tags & WHOLE) != 0)
		return true;
	for (size_t skip = 0; skip < 3 && ok; skip++)
		ok = credential_add_base64(s, set, p, n, skip);
	/* As forms are encoded. */
	for (size_t i = 0; i < n; i++)
		plus[i] = p[i] == ' ' ? '+' : p[i];
	ok = ok && credential_add_needle(s, set, plus, n, 0) &&
	    credential_add_needle(s, set, p, n, WHOLE);
	explicit_bzero(plus, sizeof(plus));
	return ok;
}

/* Add a secret to a set.  Returns whether it could be added. */
static bool
credential_add(evt_credential *s, int to, const char *p, size_t n)
{
	_Static_assert(PART_MAX / 3 * 4 + 4 <= EVT_NEEDLE_SET_MAX &&
	        EVT_CREDENTIAL_MIN >= EVT_NEEDLE_SET_MIN,
	    "each form of a part is a needle");
	bool ok;

	if (s->unescape == NULL)
		s->unescape = calloc(1, sizeof(*s->unescape));
	if (s->set[to] == NULL)
		s->set[to] = evt_needle_set_new();
	ok = s->unescape != NULL && s->set[to] != NULL &&
	    evt_grow(&s->found.item, &s->found.cap, SPANS);
	/* In parts of about the same length. */
	for (size_t parts = (n - 1) / PART_MAX + 1; ok && parts > 0; parts--) {
		size_t part = n / parts;

		ok = credential_add_part(s, s->set[to], p, part);
		p += part;
		n -= part;
	}
	return ok;
}

/* Blot out this text from now on, until there are too many newer ones. */
static bool
credential_remember(evt_credential *s, const char *p, size_t n)
{
	size_t before;
	bool ok = true;

	pthread_mutex_lock(&s->lock);
	if (s->recent == EVT_CREDENTIAL_REMEMBERED) {
		evt_needle_set_free(s->set[OLDER]);
		s->set[OLDER] = s->set[RECENT];
		s->set[RECENT] = NULL;
		s->recent = 0;
		/* The credential in use is never too old. */
		if (s->text != NULL)
			ok =
			    credential_add(s, RECENT, s->text, strlen(s->text));
	}
	before =
	    s->set[RECENT] != NULL ? evt_needle_set_count(s->set[RECENT]) : 0;
	ok = ok && credential_add(s, RECENT, p, n);
	s->recent += ok && evt_needle_set_count(s->set[RECENT]) > before;
	pthread_mutex_unlock(&s->lock);
	return ok;
}

/* ---- the credential ------------------------------------------------------- */

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
	for (int i = 0; i < SETS; i++)
		evt_needle_set_free(s->set[i]);
	if (s->unescape != NULL)
		explicit_bzero(s->unescape, sizeof(*s->unescape));
	free(s->unescape);
	free(s->found.item);
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
	    !credential_remember(s, text, strlen(text))) {
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

/* Learn a text of at least `least` bytes. */
static bool
credential_learn(evt_credential *s, const char *text, size_t n, size_t least)
{
	static const char mark[] = EVT_CREDENTIAL_MARK;
	bool ok;

	assert(s != NULL && (text != NULL || n == 0));
	if (n < least || memmem(text, n, mark, sizeof(mark) - 1) != NULL)
		return true;
	pthread_mutex_lock(&s->lock);
	ok = credential_add(s, GIVEN, text, n);
	pthread_mutex_unlock(&s->lock);
	return ok;
}

bool
evt_credential_learn(evt_credential *s, const char *text, size_t n)
{
	return credential_learn(s, text, n, EVT_CREDENTIAL_LEARN_MIN);
}

bool
evt_credential_learn_param(evt_credential *s, const char *name, size_t name_len,
    const char *value, size_t n)
{
	enum evt_credential_likely likely = evt_credential_name(name, name_len);

	return likely == EVT_CREDENTIAL_NOT ||
	    credential_learn(s, value, n,
	        likely == EVT_CREDENTIAL_SURE ? EVT_CREDENTIAL_MIN :
	                                        EVT_CREDENTIAL_LEARN_MIN);
}

bool
evt_credential_learn_cookie(evt_credential *s, const char *name,
    size_t name_len, const char *value, size_t n)
{
	bool sure = evt_credential_name(name, name_len) == EVT_CREDENTIAL_SURE;

	return credential_learn(s, value, n,
	    sure ? EVT_CREDENTIAL_MIN : EVT_CREDENTIAL_LEARN_MIN);
}

static bool
credential_is_name(const char *name, size_t n, const char *is)
{
	return n == strlen(is) && strncasecmp(name, is, n) == 0;
}

/* Learn the cookies of a header Cookie, or the first of Set-Cookie. */
static bool
credential_learn_cookies(evt_credential *s, const char *p, size_t n, bool all)
{
	const char *end = p + n;
	bool ok = true;

	while (ok && p < end) {
		const char *stop = memchr(p, ';', (size_t)(end - p)), *eq;

		if (stop == NULL)
			stop = end;
		while (p < stop && *p == ' ')
			p++;
		eq = memchr(p, '=', (size_t)(stop - p));
		if (eq != NULL)
			ok = evt_credential_learn_cookie(s, p, (size_t)(eq - p),
			    eq + 1, (size_t)(stop - eq - 1));
		p = all && stop < end ? stop + 1 : end;
	}
	return ok;
}

/* Learn user and password of Basic authentication, and the password alone. */
static bool
credential_learn_basic(evt_credential *s, const char *p, size_t n)
{
	evt_buf text = { 0 };
	bool valid, ok = evt_buf_add_unbase64(&text, p, n, &valid);

	if (ok && text.len > 0) {
		const char *pair = (const char *)text.data,
		           *colon = memchr(pair, ':', text.len);

		ok = credential_learn(s, pair, text.len, EVT_CREDENTIAL_MIN);
		if (ok && colon != NULL)
			ok = credential_learn(s, colon + 1,
			    text.len - (size_t)(colon + 1 - pair),
			    EVT_CREDENTIAL_MIN);
		explicit_bzero(text.data, text.cap);
	}
	evt_buf_free(&text);
	return ok;
}

bool
evt_credential_learn_header(evt_credential *s, const char *name,
    size_t name_len, const char *value, size_t n)
{
	const char *space;
	size_t scheme;

	for (; n > 0 && (*value == ' ' || *value == '\t'); n--)
		value++;
	while (n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'))
		n--;
	if (n == 0)
		return true;
	if (credential_is_name(name, name_len, "Cookie") ||
	    credential_is_name(name, name_len, "Set-Cookie"))
		return credential_learn_cookies(s, value, n, name_len == 6);
	if (!evt_credential_learn_param(s, name, name_len, value, n))
		return false;
	space = memchr(value, ' ', n);
	if (space == NULL)
		return true;
	scheme = (size_t)(space - value);
	if (credential_is_name(value, scheme, "Basic") &&
	    evt_credential_name(name, name_len) != EVT_CREDENTIAL_NOT &&
	    !credential_learn_basic(s, space + 1, n - scheme - 1))
		return false;
	return evt_credential_learn_param(s, name, name_len, space + 1,
	    n - scheme - 1);
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

static void
credential_add_span(struct spans *l, size_t from, size_t to)
{
	struct span *last = l->n > 0 ? &l->item[l->n - 1] : NULL;

	if (last != NULL && from >= last->from && from <= last->to) {
		if (last->to < to)
			last->to = to;
	} else if (evt_grow(&l->item, &l->cap, l->n + 1)) {
		assert(l->item != NULL);
		l->item[l->n++] = (struct span){ from, to };
	} else {
		l->nomem = true;
	}
}

/* Overwrite the spans, and forget them.  Without memory for them, overwrite the whole
 * text: rather a frame is lost than a secret shown. */
static size_t
credential_blot_spans(struct spans *l, uint8_t *p, size_t n)
{
	size_t blotted = 0;

	if (l->nomem) {
		memset(p, '*', n);
		blotted = n;
		l->n = 0;
	}
	for (size_t i = 0; i < l->n; i++) {
		for (size_t k = l->item[i].from; k < l->item[i].to; k++) {
			blotted += p[k] != '*';
			p[k] = '*';
		}
	}
	l->n = 0;
	l->nomem = false;
	return blotted;
}

static bool
credential_is_base64(uint8_t c)
{
	return (c >= '0' && c <= '9') ||
	    ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '+' || c == '/' ||
	    c == '-' || c == '_';
}

/* Find all needles.  `from`: where each byte comes from, and the end; NULL: from its
 * own place. */
static void
credential_search(const evt_credential *s, const uint8_t *p, size_t n,
    const size_t *from, struct spans *found)
{
	for (int i = 0; i < SETS; i++) {
		size_t at = 0, len;
		unsigned tags;

		for (; s->set[i] != NULL; at++) {
			size_t a, b;

			len = evt_needle_set_find(s->set[i], p, n, at, &at,
			    &tags);
			if (len == 0)
				break;
			a = at;
			b = at + len;
			if ((tags & EDGE_BEFORE) != 0 && a > 0 &&
			    credential_is_base64(p[a - 1]))
				a--;
			if ((tags & EDGE_AFTER) != 0 && b < n &&
			    credential_is_base64(p[b]))
				b++;
			credential_add_span(found, from != NULL ? from[a] : a,
			    from != NULL ? from[b] : b);
		}
	}
}

/* Find all needles in the text without its escapes. */
static void
credential_search_unescaped(const evt_credential *s, const uint8_t *p, size_t n,
    struct spans *found)
{
	evt_unescape *u = s->unescape;

	u->n = 0;
	u->slash = EVT_UNESCAPE_NONE;
	for (size_t i = 0; i < n; i++) {
		evt_unescape_add(u, p[i], i);
		if (u->n + EVT_UNESCAPE_STEP <= EVT_UNESCAPE_ROOM)
			continue;
		evt_unescape_end(u, i + 1);
		credential_search(s, u->text, u->n, u->from, found);
		evt_unescape_keep(u, OVERLAP);
	}
	evt_unescape_end(u, n);
	credential_search(s, u->text, u->n, u->from, found);
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
	size_t blotted = 0;

	assert(s != NULL && (p != NULL || n == 0));
	pthread_mutex_lock(&s->lock);
	if (s->unescape != NULL && n > 0) {
		credential_search(s, p, n, NULL, &s->found);
		/* Each escape begins with one of these characters. */
		if (memchr(p, '\\', n) != NULL || memchr(p, '%', n) != NULL ||
		    memchr(p, '&', n) != NULL)
			credential_search_unescaped(s, p, n, &s->found);
		blotted = credential_blot_spans(&s->found, p, n);
	}
	pthread_mutex_unlock(&s->lock);
	return blotted;
}

/* ---- messages that are sent ----------------------------------------------- */

/* Find the next string of a JSON text at or after *at: its quotes are at *at and
 * *ret_end.  false: there is none. */
static bool
credential_next_string(const uint8_t *p, size_t n, size_t *at, size_t *ret_end)
{
	const uint8_t *quote = *at < n ? memchr(p + *at, '"', n - *at) : NULL;
	size_t end;

	if (quote == NULL)
		return false;
	*at = (size_t)(quote - p);
	for (end = *at + 1; end < n && p[end] != '"'; end++)
		end += p[end] == '\\';
	*ret_end = end;
	return end < n;
}

static bool
credential_decode(const uint8_t *p, size_t at, size_t end, evt_buf *out)
{
	out->len = 0;
	return evt_json_view_text(evt_json_view_make(p + at, end + 1 - at),
	    out);
}

/* Whether the n bytes at p are what is between a member's name and its value. */
static bool
credential_is_colon(const uint8_t *p, size_t n)
{
	size_t colons = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == ':')
			colons++;
		else if (p[i] != ' ' && (p[i] < '\t' || p[i] > '\r'))
			return false;
	}
	return colons == 1;
}

static bool
credential_is_blotted(evt_key key)
{
	for (uint32_t i = 0; i < key.len; i++) {
		if (key.text[i] != '*')
			return false;
	}
	return true;
}

/* Gather the string values of members that are surely secrets. */
static bool
credential_gather(const uint8_t *p, size_t n, evt_buf *text,
    evt_key_table *found)
{
	bool secret = false; /* the last string is the name of a secret */

	for (size_t at = 0, end, last = 0;
	     credential_next_string(p, n, &at, &end); last = at = end + 1) {
		bool value = secret && credential_is_colon(p + last, at - last);

		if (!credential_decode(p, at, end, text))
			return false;
		secret = !value &&
		    evt_credential_name((const char *)text->data, text->len) ==
		        EVT_CREDENTIAL_SURE;
		if (!value || text->len == 0)
			continue;
		if (text->len > UINT32_MAX ||
		    !evt_key_table_reserve(found, 1) ||
		    !evt_buf_reserve(&found->text, text->len))
			return false;
		evt_key_table_add(found, (const char *)text->data,
		    (uint32_t)text->len, false);
	}
	return true;
}

/* Find the strings that are in the table. */
static bool
credential_find_strings(const uint8_t *p, size_t n, evt_buf *text,
    const evt_key_table *table, struct spans *found)
{
	for (size_t at = 0, end; credential_next_string(p, n, &at, &end);
	     at = end + 1) {
		if (!credential_decode(p, at, end, text))
			return false;
		if (text->len <= UINT32_MAX &&
		    evt_key_table_find(table, (const char *)text->data,
		        (uint32_t)text->len, false) != UINT32_MAX)
			credential_add_span(found, at + 1, end);
	}
	return true;
}

size_t
evt_credential_blot_sent(evt_credential *s, uint8_t *p, size_t n)
{
	size_t blotted = evt_credential_blot(s, p, n);
	evt_key_table secrets = { 0 };
	struct spans found = { 0 };
	evt_buf text = { 0 };

	found.nomem = !credential_gather(p, n, &text, &secrets);
	if (!found.nomem && secrets.n > 0)
		found.nomem =
		    !credential_find_strings(p, n, &text, &secrets, &found);
	for (uint32_t i = 0; i < secrets.n && !found.nomem; i++) {
		evt_key key = evt_key_table_key(&secrets, i);

		if (key.len >= EVT_CREDENTIAL_LEARN_MIN &&
		    !credential_is_blotted(key))
			found.nomem =
			    !credential_remember(s, key.text, key.len);
	}
	blotted += credential_blot_spans(&found, p, n);
	free(found.item);
	if (text.cap > 0)
		explicit_bzero(text.data, text.cap);
	if (secrets.text.cap > 0)
		explicit_bzero(secrets.text.data, secrets.text.cap);
	evt_key_table_free(&secrets);
	evt_buf_free(&text);
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
