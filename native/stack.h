// ConvNeXt stacks for singing live: one voice, one step at a time, weights in 32 bits or, as voice files may hold them, 16.
// Nothing here throws; what returns null leaves a sentence in `error`.
#pragma once
#include <cstddef>

#include "model.h"

struct vn_stack_shape {
    int incoming, width, wide, blocks, memory, out;  // memory: columns before one that a block's convolution hears
};

// Row-major float32, read once at packing.
struct vn_stack_weights {
    const float *stem, *stem_bias;      // (width, incoming), (width)
    const float* first;                 // (2, width): a norm's scale and shift
    const float *taps, *tap_bias;       // (blocks, memory + 1, width), the oldest first; (blocks, width)
    const float* norms;                 // (blocks, 2, width)
    const float *widen, *widen_bias;    // (blocks, wide, width), (blocks, wide)
    const float *narrow, *narrow_bias;  // (blocks, width, wide), (blocks, width)
    const float* scale;                 // (blocks, width)
    const float* last;                  // (2, width)
    const float *head, *head_bias;      // (out, width), (out)
    float epsilon;                      // of the norms
};

struct vn_stack_packed;  // a stack as a variant wants it
struct vn_stack_past;    // what a stack remembers, and where it computes

struct vn_stepper {  // a variant's part; see model.h
    size_t (*bytes)(const vn_stack_shape*, bool half);
    vn_stack_packed* (*pack)(const vn_stack_shape*, const vn_stack_weights*, bool half, void* memory);
    size_t (*past_bytes)(const vn_stack_packed*);
    vn_stack_past* (*begin)(const vn_stack_packed*, void* memory);
    void (*step)(vn_stack_past*, const float* told, float* drawn);
};

extern "C" {
struct vn_stack;
struct vn_past;

// With `half` the weights of matrices are rounded to 16 bits, which changes none that came from 16 bits.
vn_stack* vn_stack_new(const vn_variant*, const vn_stack_shape*, const vn_stack_weights*, bool half, const char** error);
void vn_stack_free(vn_stack*);
size_t vn_stack_bytes(const vn_stack*);

vn_past* vn_past_new(const vn_stack*, const char** error);  // silence; the stack must outlive it
void vn_past_free(vn_past*);
// (steps, incoming) -> (steps, out)
void vn_past_extend(vn_past*, const float* told, int steps, float* drawn);
}
