/*
 * mend.h - correct the checksums of altered tape bytes.
 *
 * Without this, a checksum stops nearly every input of a fuzzer, and the code
 * after it is never reached.
 */
#ifndef EVT_TESTS_LIB_MEND_H
#define EVT_TESTS_LIB_MEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Correct the magics, version and checksums of the block that seems to begin at
 * p; n bytes follow. Its contents are as many of the bytes as the sizes in the
 * header say. false: n is too small for a header. */
bool mend_block(uint8_t *p, size_t n);

/* The sums of the block at p alone, and the size that follows from others; it
 * has a header. */
void mend_sums(uint8_t *p, size_t n);

/* Correct the checksums of all blocks of a segment file that have their magics,
 * and of the directory if the file ends in one. */
void mend_segment(uint8_t *p, size_t n);

/* Put right the header of a journal file, which begins with first_seq, and
 * the sums of its records, as far as their lengths lead. */
void mend_journal(uint8_t *p, size_t n, uint64_t first_seq);

#endif
