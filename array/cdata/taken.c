#include "taken.h"

#include <stdlib.h>
#include <string.h>

static void release_array(struct ArrowArray* array) {
  if (array->release != NULL) {
    array->release(array);
    array->release = NULL;
  }
}

static void release_schema(struct ArrowSchema* schema) {
  if (schema->release != NULL) {
    schema->release(schema);
    schema->release = NULL;
  }
}

static void release_handed_array(struct ArrowArray* array) {
  release_array(&((struct darray_taken*)array->private_data)->array);
  array->release = NULL;
}

static void release_handed_schema(struct ArrowSchema* schema) {
  release_schema(&((struct darray_taken*)schema->private_data)->schema);
  schema->release = NULL;
}

struct darray_taken* darray_take(uintptr_t array, uintptr_t schema) {
  struct darray_taken* taken = calloc(1, sizeof(*taken));
  if (taken == NULL) return NULL;
  struct ArrowArray* a = (struct ArrowArray*)array;
  if (a != NULL && a->release != NULL) {
    taken->array = *a;
    a->release = NULL;
  }
  struct ArrowSchema* s = (struct ArrowSchema*)schema;
  if (s != NULL && s->release != NULL) {
    taken->schema = *s;
    s->release = NULL;
  }
  return taken;
}

void darray_hand(struct darray_taken* taken) {
  taken->handed_array = taken->array;
  taken->handed_array.release = release_handed_array;
  taken->handed_array.private_data = taken;
  taken->handed_schema = taken->schema;
  taken->handed_schema.release = release_handed_schema;
  taken->handed_schema.private_data = taken;
}

void darray_drop(struct darray_taken* taken) {
  release_schema(&taken->schema);
  release_array(&taken->array);
  free(taken);
}

struct darray_structs* darray_structs_new(void) { return calloc(1, sizeof(struct darray_structs)); }

void darray_structs_free(struct darray_structs* structs) {
  release_schema(&structs->schema);
  release_array(&structs->array);
  free(structs);
}

uintptr_t darray_structs_array(struct darray_structs* structs) { return (uintptr_t)&structs->array; }

uintptr_t darray_structs_schema(struct darray_structs* structs) { return (uintptr_t)&structs->schema; }

uintptr_t darray_handed_array(struct darray_taken* taken) { return (uintptr_t)&taken->handed_array; }

uintptr_t darray_handed_schema(struct darray_taken* taken) { return (uintptr_t)&taken->handed_schema; }

struct ArrowArray* darray_array_child(struct ArrowArray* array, int64_t i) { return array->children[i]; }

struct ArrowSchema* darray_schema_child(struct ArrowSchema* schema, int64_t i) { return schema->children[i]; }

void darray_structs_move(struct darray_structs* structs, uintptr_t array, uintptr_t schema) {
  if (array != 0) {
    *(struct ArrowArray*)array = structs->array;
    structs->array.release = NULL;
  }
  if (schema != 0) {
    *(struct ArrowSchema*)schema = structs->schema;
    structs->schema.release = NULL;
  }
}

void darray_set_nullable(struct darray_structs* structs) {
  structs->schema.flags |= 2;  // ARROW_FLAG_NULLABLE
}

int darray_metadata_ok(const char* metadata, int32_t pairs, int64_t bytes) {
  if (metadata == NULL) return 1;
  int32_t n;
  memcpy(&n, metadata, sizeof(n));
  if (n < 0 || n > pairs) return 0;
  const char* at = metadata + sizeof(n);
  for (int64_t i = 0; i < 2 * (int64_t)n; i++) {
    int32_t length;
    memcpy(&length, at, sizeof(length));
    if (length < 0 || length > bytes) return 0;
    bytes -= length;
    at += sizeof(length) + length;
  }
  return 1;
}

int darray_string_ok(const char* s, size_t bytes) { return memchr(s, 0, bytes) != NULL; }
