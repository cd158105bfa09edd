// The structs of the Arrow C data interface, as its specification lays them out, and what is done to them in C.
#ifndef DARRAY_CDATA_TAKEN_H
#define DARRAY_CDATA_TAKEN_H

#include <stddef.h>
#include <stdint.h>

struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema** children;
  struct ArrowSchema* dictionary;
  void (*release)(struct ArrowSchema*);
  void* private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void** buffers;
  struct ArrowArray** children;
  struct ArrowArray* dictionary;
  void (*release)(struct ArrowArray*);
  void* private_data;
};

// What was moved out of a caller's structs, and the copies of it that the importer gets: releasing a copy releases the original, and counts
// as done even if the producer's callback does not say so, where the importer would abort.
struct darray_taken {
  struct ArrowArray array;
  struct ArrowSchema schema;
  struct ArrowArray handed_array;
  struct ArrowSchema handed_schema;
};

// Moves what lies at the addresses, either of which may be 0 or released; NULL where there is no memory, and then moves nothing.
struct darray_taken* darray_take(uintptr_t array, uintptr_t schema);
// Fills the copies.
void darray_hand(struct darray_taken* taken);
// Releases what has not been, and frees.
void darray_drop(struct darray_taken* taken);

// One struct of each kind, zero; NULL where there is no memory.
struct darray_structs {
  struct ArrowArray array;
  struct ArrowSchema schema;
};
struct darray_structs* darray_structs_new(void);
void darray_structs_free(struct darray_structs* structs);

uintptr_t darray_structs_array(struct darray_structs* structs);
uintptr_t darray_structs_schema(struct darray_structs* structs);

// The addresses of the copies.
uintptr_t darray_handed_array(struct darray_taken* taken);
uintptr_t darray_handed_schema(struct darray_taken* taken);

// Children, without a look at how many there are.
struct ArrowArray* darray_array_child(struct ArrowArray* array, int64_t i);
struct ArrowSchema* darray_schema_child(struct ArrowSchema* schema, int64_t i);

// Moves the structs to these addresses, whatever lies there; to 0 none.
void darray_structs_move(struct darray_structs* structs, uintptr_t array, uintptr_t schema);
void darray_set_nullable(struct darray_structs* structs);

// Whether metadata has at most so many pairs, and bytes in all, of lengths that are not negative. NULL has none.
int darray_metadata_ok(const char* metadata, int32_t pairs, int64_t bytes);
// Whether a string ends within so many bytes.
int darray_string_ok(const char* s, size_t bytes);

#endif
