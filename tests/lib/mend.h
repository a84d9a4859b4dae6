/*
 * mend.h - put the checksums of altered tape bytes right.
 *
 * Without it, nearly every input of a fuzzer ends at a checksum, and what
 * stands behind it is never tried.
 */
#ifndef EVT_TESTS_LIB_MEND_H
#define EVT_TESTS_LIB_MEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Give the block that seems to begin at p (n bytes are there) its magics,
 * version and sums.  The contents are what is there of the sizes in the
 * header.  false: there is no room for a header. */
bool mend_block(uint8_t *p, size_t n);

/* The sums of the block at p alone, and the size that follows from others; it
 * has a header. */
void mend_sums(uint8_t *p, size_t n);

/* Put right the sums of all blocks of a segment file whose magics stand, and
 * of the directory if the file ends in one. */
void mend_segment(uint8_t *p, size_t n);

/* Put right the header of a journal file, which begins with first_seq, and
 * the sums of its records, as far as their lengths lead. */
void mend_journal(uint8_t *p, size_t n, uint64_t first_seq);

#endif
