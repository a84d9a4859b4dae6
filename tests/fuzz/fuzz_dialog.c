/*
 * fuzz_dialog.c - a message of a feed: its pieces are joined, and the
 * platform's protocol reads it.
 *
 * The first byte is the limit of a message in eights of a byte, the second how
 * the bytes are cut into pieces.
 */
#include <stdlib.h>
#include <string.h>

#include "format/base/timetext.h"
#include "format/wire/ws_message.h"
#include "format/base/line_splitter.h"
#include "format/navixy/navixy.h"
#include "tests/fuzz/lib/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_message(const uint8_t *p, size_t n)
{
	static evt_navixy *navixy;
	evt_navixy_handshake shake;
	evt_navixy_answer answer;

	if (navixy == NULL)
		must(evt_navixy_new(&navixy, NULL) == EVT_OK);
	if (evt_navixy_is_handshake(p, n, &shake)) {
		must(shake.id[0] != '\0' &&
		    strlen(shake.id) <= EVT_NAVIXY_ID_MAX);
		must(shake.beat_ns == 0 ||
		    (shake.beat_ns >= EVT_NS_PER_S &&
		        shake.beat_ns <= 3600 * EVT_NS_PER_S));
	}
	evt_navixy_read(navixy, p, n, &answer);
	must(memchr(answer.text, '\0', sizeof(answer.text)) != NULL);
	must(strpbrk(answer.text, "\r\n") == NULL);
	must(answer.type != EVT_NAVIXY_ERROR || answer.text[0] != '\0');
}

/* All pieces of one message, then its beginning again, which is forgotten. */
static void
assemble(uint8_t *p, size_t n, size_t max, size_t step)
{
	evt_ws_message a = { .max = max };
	enum evt_ws_message_state state = EVT_WS_MESSAGE_MORE;
	size_t at = 0;
	uint64_t len;
	uint8_t *got;

	do {
		size_t piece = n - at < step ? n - at : step;
		/* A piece of its own, so that nothing is read beside it. */
		uint8_t *own = malloc(piece > 0 ? piece : 1);

		must(own != NULL && state == EVT_WS_MESSAGE_MORE);
		memcpy(own, p + at, piece);
		at += piece;
		state = evt_ws_message_add(&a, own, piece, at == n, &got, &len);
		must((state == EVT_WS_MESSAGE_MORE) == (at < n));
		if (state == EVT_WS_MESSAGE_DONE) {
			must(n <= max && len == n && memcmp(got, p, n) == 0);
			read_message(got, n);
		} else if (state == EVT_WS_MESSAGE_SKIPPED) {
			must(n > max && len == n);
		}
		free(own);
	} while (at < n);
	if (n > 0) {
		must(evt_ws_message_add(&a, p, 1, false, &got, &len) ==
		    EVT_WS_MESSAGE_MORE);
		must(evt_ws_message_reset(&a) == 1);
	}
	evt_buf_free(&a.buf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	if (size < 2)
		return 0;
	copy = malloc(size);
	must(copy != NULL);
	memcpy(copy, data + 2, size - 2);
	assemble(copy, size - 2, 1 + (size_t)data[0] * 8,
	    1 + (size_t)data[1] * 4);
	read_message(data + 2, size - 2);
	free(copy);
	return 0;
}
