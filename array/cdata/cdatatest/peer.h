// A consumer and a producer of the C data interface, written from its specification and not with the structs of the package that they test.
#ifndef DARRAY_CDATATEST_PEER_H
#define DARRAY_CDATATEST_PEER_H

#include <stdint.h>

struct tally {
  double sum;       // of the elements that are not null
  int64_t valid;    // how many they are
  uint64_t digest;  // of the bits of all elements, in order, and of which are null
  const char* error;
};

struct releases;

// Goes over an array of numbers or bools, of fixed-size lists of them, or a struct of such columns.
struct tally peer_sum(uintptr_t array, uintptr_t schema);
void peer_release_array(uintptr_t array);
void peer_release_schema(uintptr_t schema);

// The numbers 0 to n-1 as int64, after offset others; null where nulls is not 0 and the number divides by 3. As children: a struct of so many
// columns, or, if 0, the column itself. Returns where it counts their releases, which stays.
struct releases* peer_numbers(uintptr_t array, uintptr_t schema, int64_t n, int64_t offset, int nulls, int children);
// A null_count of -1, say.
void peer_poke(uintptr_t at, int word, int64_t value);
int64_t peer_peek(uintptr_t at, int word);
// How often the release callbacks of these were called.
int64_t peer_released_arrays(struct releases* of);
int64_t peer_released_schemas(struct releases* of);
// The address of a release callback that does nothing, not even say that it has been called.
uintptr_t peer_careless(void);

#endif
