/*
 * clients.h - a client of the stand-in, without a network.
 *
 * Each test records a short tape, loads the table at a time and plays the
 * frames as a deck would. The messages to the client are kept, and compared
 * either byte for byte or in short form: "state 1:5" is a state of source 1
 * whose member n is 5, "batch 1:5 2:6" a batch of two (in the order of their
 * ids).
 */
#ifndef EVT_TESTS_UNIT_LIB_CLIENTS_H
#define EVT_TESTS_UNIT_LIB_CLIENTS_H

#include "tests/unit/lib/tapes.h"

#include "replay/standin/standin.h"

#define T0 INT64_C(1700000000000000000) /* 2023-11-14 22:13:20 UTC */
#define MS INT64_C(1000000)
#define SEC (1000 * MS)

/* The user is six hours west of Greenwich. */
#define USER_TIME "\"user_time\":\"2023-11-14 16:13:20\","
#define OBJECT(id, n)                                            \
	"{\"source_id\":" #id ",\"gsm\":{\"level\":3},\"n\":" #n \
	",\"last_update\":\"2023-11-14 16:13:19\"}"
#define STATE(id, n)                                         \
	"{\"type\":\"event\",\"event\":\"state\"," USER_TIME \
	"\"data\":" OBJECT(id, n) "}"
#define ITEM(id, n) \
	"{\"type\":\"source_state_event\",\"state\":" OBJECT(id, n) "}"
#define BATCH(items)                                               \
	"{\"type\":\"event\",\"event\":\"state_batch\"," USER_TIME \
	"\"data\":[" items "]}"
#define LIFE(id, what)                                          \
	"{\"type\":\"event\",\"event\":\"lifecycle\",\"data\":" \
	"{\"source_id\":" #id ",\"lifecycle_event\":\"" what "\"}}"
#define READING(id, n) \
	"{\"type\":\"readings_event\",\"tracker_id\":" #id ",\"n\":" #n "}"
#define READINGS(items)                                     \
	"{\"type\":\"event\",\"event\":\"readings_batch\"," \
	"\"data\":[" items "]}"
#define IOT(items)                                                \
	"{\"type\":\"event\",\"event\":\"iot_monitor\",\"data\":" \
	"{\"iot_last_values\":[" items "]}}"
#define LOGOUT                                               \
	"{\"type\":\"event\",\"event\":\"logout\",\"data\":" \
	"\"session closed\"}"
#define ANSWER(statuses)                                           \
	"{\"type\":\"response\",\"action\":"                       \
	"\"subscription/"                                          \
	"subscribe\",\"events\":[\"state\"],\"data\":{\"state\":{" \
	"\"value\":{" statuses "},\"success\":true}}}"

#define OLD(ids)                                               \
	"{\"action\":\"subscribe\",\"hash\":\"h\",\"events\":" \
	"[\"state\"],\"trackers\":[" ids "]}"
#define ASK(requests)                               \
	"{\"action\":\"subscribe\",\"hash\":\"h\"," \
	"\"requests\":[" requests "]}"
#define STOP(requests)                                \
	"{\"action\":\"unsubscribe\",\"hash\":\"h\"," \
	"\"requests\":[" requests "]}"
#define ALL(kind, more) \
	"{\"type\":\"" kind "\",\"target\":{\"type\":\"all\"}" more "}"
#define SOME(kind, ids, more)                          \
	"{\"type\":\"" kind "\",\"target\":{\"type\":" \
	"\"selected\",\"tracker_ids\":[" ids "]}" more "}"
#define EVERY(limit) ",\"rate_limit\":\"" limit "\""

/* A frame of a tape. */
struct line {
	int ms;
	uint32_t conn;
	const char *text;
};

/* Make a tape of these lines. */
void record_lines(const char *path, const struct line *line, size_t n);

struct client {
	char *dir;
	evt_tape *tape;
	evt_tape_set tapes;
	evt_cursor *cursor;
	evt_state_table *table;
	evt_broadcast broadcast;
	evt_standin *client;
	char **sent; /* to the client */
	size_t n, cap;
	bool broken; /* sending fails */
};

/* A client at a tape of these lines, the deck at T0 + at_ms; finish() it. */
struct client *begin(const struct line *line, size_t n, int at_ms);
#define BEGIN(lines, at_ms) \
	begin(lines, sizeof(lines) / sizeof((lines)[0]), at_ms)
void finish(struct client *x);
/* Replace the client by a new one, which must give this hash. */
void new_client(struct client *x, const char *hash);

/* The client says something, at T0 + at_ms. */
void say(struct client *x, int at_ms, const char *text);
/* Hand out the next n frames; marks are no frames. */
void play(struct client *x, unsigned n);
void tick(struct client *x, int at_ms);
/* Put the deck at T0 + at_ms without a call to the client; or move it there, as
 * a playback does. */
void place(struct client *x, int at_ms);
void move(struct client *x, int at_ms);
/* When the next gathered batch is due, in ms; -1: no batch is due. */
int64_t due_ms(const struct client *x);

/* The messages to the client since the last call, in short form. */
void heard(struct client *x, const char *want);
/* The same, where it is one message, to the byte. */
void heard_exactly(struct client *x, const char *want);
/* Drop the messages to the client since the last call. */
void forget(struct client *x);

#endif
