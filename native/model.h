// What every part of the sampler shares: sizes, weights as PyTorch holds them, one call's work, and a variant's table.
//
//   binding ──C interface──▶ dispatch (memory, threads, choice) ──table──▶ a variant (arithmetic only)
//
// Variants are compiled with flags that not every processor bears. They therefore hold plain data and use nothing of the
// standard library that a linker could share with the rest of the binary.
#pragma once
#include <cstddef>
#include <cstdint>

enum vn_precision { VN_FLOAT32 = 0, VN_BF16 = 1, VN_INT8 = 2 };

struct vn_shape {
    int residual, skip, depth, kernel, levels;
    const int* dilations;  // (depth)
};

// Row-major float32, read once at packing. Biases of the convolutions and of `mix` come with the condition.
struct vn_weights {
    const float *stem, *stem_bias;        // (residual, kernel), (residual)
    const float *skip_stem, *skip_bias;   // (skip, kernel) of the signal itself; (skip), all layers' biases in it
    const float* conv;                    // (depth, 2 residual, kernel · residual), the oldest tap first
    const float *through, *through_bias;  // (depth - 1, residual, residual), (depth - 1, residual)
    const float* aside;                   // (depth, skip, residual)
    const float* mix;                     // (skip, skip)
    const float *out, *out_bias;          // (levels, skip), (levels)
    // What one step of an 8-bit number stands for, channel by channel; null where the precision is another.
    const float *x_scale, *z_scale;  // (depth, residual)
};

struct vn_job {
    int frames, hop;
    const float* layers;  // (rows, frames, depth, 2 residual), biases in it
    const float* head;    // (rows, frames, skip), bias in it
    const float* luck;    // (rows, frames · hop) in [0, 1), or null: nothing is drawn
    const float* forced;  // (rows, frames · hop): what is taken as sung in place of what was drawn, or null
    float* sung;          // (rows, frames · hop), what was drawn
    float* logits;        // (rows, frames · hop, levels), or null
    float temperature;    // 0: the likeliest level
};

struct vn_section;  // some rows that one thread sings
struct vn_packed;   // a model as a variant wants it
struct vn_stepper;

struct vn_variant {
    const char* name;
    bool (*runs)();  // whether this processor can
    size_t (*model_bytes)(const vn_shape*, int precision);
    vn_packed* (*pack)(const vn_shape*, const vn_weights*, int precision, void* memory);
    size_t (*section_bytes)(const vn_packed*, int rows);
    vn_section* (*begin)(const vn_packed*, int rows, int first, int all, void* memory);
    void (*renew)(vn_section*, int row);  // a row of the section
    void (*sing)(vn_section*, const vn_job*);
    // One row on two cores: `call_helper`, then `sing_shared` on one thread and `help` on another, which returns by itself.
    bool (*worth_sharing)(const vn_section*);
    void (*call_helper)(vn_section*);
    void (*sing_shared)(vn_section*, const vn_job*);
    void (*help)(vn_section*, const vn_job*);
    const vn_stepper* stepper;  // of ConvNeXt stacks; see stack.h
};

const vn_variant* vn_avx512();
const vn_variant* vn_avx2();
const vn_variant* vn_neon();
const vn_variant* vn_portable();
