// The WaveNet step (van den Oord et al., 2016; stepped as in Paine et al., 2016), for any vector type.
//
//   x ─┬─▶ ring                      ┌─▶ through ─▶ + x, the next layer's
//      └─▶ conv(x[t-d], x[t]) ─gate─▶ z
//                                    └─▶ aside ───▶ + skip ─▶ relu, mix, relu, out ─▶ logits ─▶ a level ─▶ the next x
//
// Included by each variant inside a namespace of its own, after it has defined `V` (vectors) and `F32`, `B16`, `I8`
// (precisions). Outputs lie in the lanes of vectors, inputs are broadcast. Whatever the number of rows, the order in
// which a dot product is added up is fixed by the matrix alone: taps from the oldest, inputs in order, in `chains`
// interleaved chains that are added up at the end of each tap. The first layer's convolution, whose inputs are large, and
// the head, whose errors nothing smooths, are float32 in every precision: on a trained voice most of the error was theirs.

constexpr int kAhead = 8;  // samples for which older taps are computed at once

struct Matrix {
    void* w;         // [tap][panel][inputs / P::group][no][V::W · P::group]
    float* scale;    // per output, 8 bits only
    int32_t* start;  // per output, what takes the activations' offset away; 8 bits only
    int vectors, no, chains, groups, taps;
    size_t panel, tap;  // strides in elements of w
};

struct Layer {
    Matrix conv, through, aside;
    const float *through_bias, *x_inverse, *z_inverse;
    int dilation, ring;  // ring: its slots, a power of two
};

struct Packed {
    int precision, depth, kernel, R, S, A;  // as they are
    int Rp, Sp, Ap;                         // padded
    Layer* layers;
    Matrix mix, out;
    const float *stem, *stem_bias, *skip_stem, *skip_bias, *out_bias;
};

struct Arena {  // hands out memory, or only counts it
    char* base;
    size_t used = 0;
    template <class T>
    T* take(size_t count) {
        T* place = reinterpret_cast<T*>(reinterpret_cast<uintptr_t>(base) + used);
        used += (count * sizeof(T) + 63) / 64 * 64;
        return place;
    }
};

VN_INLINE int padded(int n) {
    constexpr int unit = 2 * V::W > 16 ? 2 * V::W : 16;
    return (n + unit - 1) / unit * unit;
}

// A few sums at a time hide the time that one addition takes: 4 vectors of a panel, or fewer in 2 chains.
VN_INLINE int chains_of(int vectors) { return vectors >= 8 && vectors % 4 == 0 ? 1 : 2; }

#include "packing.h"
#include "products.h"
#include "epilogues.h"
#include "sections.h"
#include "climbing.h"

template <class Do>
VN_INLINE auto in_precision(int precision, const Do& act) {
    return precision == VN_FLOAT32 ? act(F32()) : precision == VN_BF16 ? act(B16()) : act(I8());
}

size_t model_bytes(const vn_shape* shape, int precision) {
    Arena arena{nullptr};
    in_precision(precision, [&](auto p) { return assemble<decltype(p)>(shape, nullptr, arena), 0; });
    return arena.used;
}

vn_packed* pack(const vn_shape* shape, const vn_weights* weights, int precision, void* memory) {
    Arena arena{static_cast<char*>(memory)};
    Packed* p = in_precision(precision, [&](auto p) { return assemble<decltype(p)>(shape, weights, arena); });
    return reinterpret_cast<vn_packed*>(p);
}

VN_INLINE const Packed* opened(const vn_packed* model) { return reinterpret_cast<const Packed*>(model); }

size_t section_bytes(const vn_packed* model, int rows) {
    Arena arena{nullptr};
    in_precision(opened(model)->precision,
                 [&](auto p) { return section<decltype(p)>(opened(model), rows, 0, rows, arena), 0; });
    return arena.used;
}

vn_section* begin(const vn_packed* model, int rows, int first, int all, void* memory) {
    Arena arena{static_cast<char*>(memory)};
    return in_precision(opened(model)->precision, [&](auto p) {
        auto* s = section<decltype(p)>(opened(model), rows, first, all, arena);
        for (int row = 0; row < rows; ++row) forget(s, row);
        return reinterpret_cast<vn_section*>(s);
    });
}

VN_INLINE int precision_of(const vn_section* s) {  // every section begins with its model
    return (*reinterpret_cast<const Packed* const*>(s))->precision;
}

void renew(vn_section* s, int row) {
    in_precision(precision_of(s), [&](auto p) { return forget(reinterpret_cast<Section<decltype(p)>*>(s), row), 0; });
}

void sing(vn_section* s, const vn_job* job) {
    in_precision(precision_of(s), [&](auto p) { return sing_section(reinterpret_cast<Section<decltype(p)>*>(s), job, false), 0; });
}

bool worth_sharing(const vn_section* s) {
    return (*reinterpret_cast<const Packed* const*>(s))->Rp >= 64;  // below, the way to another core costs more than it saves
}

void sing_shared(vn_section* s, const vn_job* job) {
    in_precision(precision_of(s), [&](auto p) { return sing_section(reinterpret_cast<Section<decltype(p)>*>(s), job, true), 0; });
}

void help(vn_section* s, const vn_job* job) {
    in_precision(precision_of(s), [&](auto p) { return help_section(reinterpret_cast<Section<decltype(p)>*>(s), job), 0; });
}

void call_helper(vn_section* s) {
    in_precision(precision_of(s), [&](auto p) { return call(reinterpret_cast<Section<decltype(p)>*>(s)), 0; });
}
