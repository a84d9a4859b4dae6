/* server_file.h - a file that the server answers a GET with, from memory. */
#ifndef EVT_REPLAY_SERVE_SERVER_FILE_H
#define EVT_REPLAY_SERVE_SERVER_FILE_H

#include <stddef.h>
#include <stdint.h>

typedef struct evt_server_file {
	const char *path; /* "/", "/console.js" */
	const char *type; /* its media type */
	const uint8_t *data;
	size_t len;
} evt_server_file;

#endif
