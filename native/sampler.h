// The plain C interface of the sampler. Nothing here throws; what returns null or -1 leaves a sentence in `error`.
#pragma once
#include "model.h"

extern "C" {
struct vn_model;
struct vn_streams;

// The variant in use: the one asked for by name if this processor runs it, null if it does not, the best one for "".
const vn_variant* vn_choose(const char* name);
int vn_variants(const vn_variant** list, int room);  // all in this binary that this processor runs, best first

vn_model* vn_model_new(const vn_variant*, const vn_shape*, const vn_weights*, int precision, const char** error);
void vn_model_free(vn_model*);
size_t vn_model_bytes(const vn_model*);

// `rows` streams that keep time together, shared out in equal parts over `threads` threads. The model must outlive them.
vn_streams* vn_streams_new(const vn_model*, int rows, int threads, const char** error);
void vn_streams_free(vn_streams*);
int vn_streams_renew(vn_streams*, int row, const char** error);
int vn_streams_sing(vn_streams*, const vn_job*, const char** error);
size_t vn_streams_bytes(const vn_streams*);
}
