#include "peer.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct schema {
  const char *format, *name, *metadata;
  int64_t flags, n_children;
  struct schema **children, *dictionary;
  void (*release)(struct schema*);
  void* private_data;
};

struct array {
  int64_t length, null_count, offset, n_buffers, n_children;
  const void** buffers;
  struct array **children, *dictionary;
  void (*release)(struct array*);
  void* private_data;
};

static int bit(const uint8_t* bits, int64_t i) { return bits == NULL || (bits[i / 8] >> (i % 8) & 1); }

static int width(char format) {
  switch (format) {
    case 'c': case 'C': return 1;
    case 's': case 'S': return 2;
    case 'i': case 'I': case 'f': return 4;
    case 'l': case 'L': case 'g': return 8;
  }
  return 0;
}

static double element(const void* values, char format, int64_t i, uint64_t* bits) {
  const char* at = (const char*)values + i * width(format);
  *bits = 0;
  memcpy(bits, at, width(format));
  switch (format) {
    case 'c': return *(const int8_t*)at;
    case 'C': return *(const uint8_t*)at;
    case 's': return *(const int16_t*)at;
    case 'S': return *(const uint16_t*)at;
    case 'i': return *(const int32_t*)at;
    case 'I': return *(const uint32_t*)at;
    case 'l': return (double)*(const int64_t*)at;
    case 'L': return (double)*(const uint64_t*)at;
    case 'f': return *(const float*)at;
  }
  return *(const double*)at;
}

static void note(struct tally* t, uint64_t bits) { t->digest = (t->digest ^ bits) * 0x9e3779b97f4a7c15u + 1; }

// Elements [lo, lo+n) of a, counted from its offset.
static void go_over(struct tally* t, const struct array* a, const struct schema* s, int64_t lo, int64_t n) {
  if (a->release == NULL || s->release == NULL) {
    t->error = "released";
    return;
  }
  if (lo + n > a->length) {
    t->error = "too short";
    return;
  }
  lo += a->offset;
  if (strncmp(s->format, "+w:", 3) == 0) {
    int64_t each = atoll(s->format + 3);
    go_over(t, a->children[0], s->children[0], lo * each, n * each);
    return;
  }
  if (strcmp(s->format, "+s") == 0) {
    for (int64_t i = 0; i < s->n_children; i++) go_over(t, a->children[i], s->children[i], lo, n);
    return;
  }
  char format = s->format[0];
  if (s->format[1] != 0 || (format != 'b' && width(format) == 0)) {
    t->error = "unknown format";
    return;
  }
  for (int64_t i = lo; i < lo + n; i++) {
    if (!bit(a->buffers[0], i)) {
      note(t, 0x5bd1e995);
      continue;
    }
    uint64_t bits;
    double x = format == 'b' ? (double)(bits = bit(a->buffers[1], i)) : element(a->buffers[1], format, i, &bits);
    note(t, bits);
    t->sum += x;
    t->valid++;
  }
}

struct tally peer_sum(uintptr_t array, uintptr_t schema) {
  struct tally t = {0};
  go_over(&t, (struct array*)array, (struct schema*)schema, 0, ((struct array*)array)->length);
  return t;
}

void peer_release_array(uintptr_t array) {
  struct array* a = (struct array*)array;
  if (a->release != NULL) a->release(a);
}

void peer_release_schema(uintptr_t schema) {
  struct schema* s = (struct schema*)schema;
  if (s->release != NULL) s->release(s);
}

struct releases {
  atomic_llong arrays, schemas;
};

// All that an array or schema of the producer points to, so that release needs none of its public fields, which tests write over.
struct owned {
  struct releases* releases;
  int n;
  void** blocks;
};

static void* own(struct owned* o, size_t bytes) {
  o->blocks = realloc(o->blocks, (o->n + 1) * sizeof(void*));
  return o->blocks[o->n++] = calloc(1, bytes ? bytes : 1);
}

static void disown(struct owned* o) {
  for (int i = 0; i < o->n; i++) free(o->blocks[i]);
  free(o->blocks);
  free(o);
}

static void release_array(struct array* a) {
  ((struct owned*)a->private_data)->releases->arrays++;
  disown(a->private_data);
  a->release = NULL;
}

static void release_schema(struct schema* s) {
  ((struct owned*)s->private_data)->releases->schemas++;
  disown(s->private_data);
  s->release = NULL;
}

// What belongs to its parent.
static void release_child_array(struct array* a) { a->release = NULL; }
static void release_child_schema(struct schema* s) { s->release = NULL; }

static void numbers(struct owned* o, struct array* a, int64_t n, int64_t offset, int nulls) {
  int64_t* values = own(o, (n + offset) * sizeof(int64_t));
  uint8_t* valid = own(o, (n + offset + 7) / 8);
  for (int64_t i = 0; i < n + offset; i++) values[i] = i < offset ? -1 : i - offset;
  for (int64_t i = 0; i < n; i++)
    if (i % 3 != 0) valid[(i + offset) / 8] |= 1 << ((i + offset) % 8);
  a->length = n;
  a->offset = offset;
  a->null_count = nulls ? (n + 2) / 3 : 0;
  a->n_buffers = 2;
  a->buffers = own(o, 2 * sizeof(void*));
  a->buffers[0] = nulls ? valid : NULL;
  a->buffers[1] = values;
  a->release = release_child_array;
}

static char* text(struct owned* o, const char* s) { return strcpy(own(o, strlen(s) + 1), s); }

struct releases* peer_numbers(uintptr_t array, uintptr_t schema, int64_t n, int64_t offset, int nulls, int children) {
  struct owned* ao = calloc(1, sizeof(*ao));
  struct owned* so = calloc(1, sizeof(*so));
  struct array a = {0};
  struct schema s = {0};
  ao->releases = so->releases = calloc(1, sizeof(struct releases));
  if (children == 0) {
    numbers(ao, &a, n, offset, nulls);
    s.format = text(so, "l");
  } else {
    a.length = n;
    a.n_buffers = 1;
    a.buffers = own(ao, sizeof(void*));
    s.format = text(so, "+s");
    a.n_children = s.n_children = children;
    a.children = own(ao, children * sizeof(void*));
    s.children = own(so, children * sizeof(void*));
    for (int i = 0; i < children; i++) {
      a.children[i] = own(ao, sizeof(struct array));
      numbers(ao, a.children[i], n, offset, nulls);
      s.children[i] = own(so, sizeof(struct schema));
      s.children[i]->format = text(so, "l");
      s.children[i]->name = text(so, (char[]){(char)('a' + i % 26), 0});
      s.children[i]->release = release_child_schema;
    }
  }
  s.flags = 2;
  a.release = release_array;
  a.private_data = ao;
  s.release = release_schema;
  s.private_data = so;
  *(struct array*)array = a;
  *(struct schema*)schema = s;
  return so->releases;
}

void peer_poke(uintptr_t at, int word, int64_t value) { ((int64_t*)at)[word] = value; }
int64_t peer_peek(uintptr_t at, int word) { return ((int64_t*)at)[word]; }


int64_t peer_released_arrays(struct releases* of) { return of->arrays; }
int64_t peer_released_schemas(struct releases* of) { return of->schemas; }

static void careless(void* unused) { (void)unused; }
uintptr_t peer_careless(void) { return (uintptr_t)careless; }
