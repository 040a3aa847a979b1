// The WaveNet step (van den Oord et al., 2016; stepped as in Paine et al., 2016), for any vector type.
//
//   x ─┬─▶ ring                      ┌─▶ through ─▶ + x, the next layer's
//      └─▶ conv(x[t-d], x[t]) ─gate─▶ z
//                                    └─▶ aside ───▶ + skip ─▶ relu, mix, relu, out ─▶ logits ─▶ a level ─▶ the next x
//
// Included by each variant inside a namespace of its own, after it has defined `V` (vectors) and `F32`, `B16`, `I8`
// (precisions). Outputs lie in the lanes of vectors, inputs are broadcast. Whatever the number of rows, the order in
// which a dot product is added up is fixed by the matrix alone: taps from the oldest, inputs in order, in `chains`
// interleaved chains that are added up at the end of each tap.

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
    const float *stem, *stem_bias, *skip_stem, *skip_bias, *out_bias, *head_inverse;
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

// ---------------------------------------------------------------------------------------------------------- packing

// Which row of the source a lane holds; filter and gate of a channel lie in neighbouring vectors.
VN_INLINE int row_of(int vector, int lane, bool paired, int rows) {
    if (!paired) {
        const int n = vector * V::W + lane;
        return n < rows ? n : -1;
    }
    const int channel = vector / 2 * V::W + lane, half = rows / 2;
    return channel < half ? channel + (vector % 2) * half : -1;
}

template <class P>
Matrix lay(Arena& arena, int rows, int outputs, int columns, int inputs, int taps) {
    (void)rows, (void)columns;
    Matrix m{};
    m.vectors = outputs / V::W;
    m.no = m.vectors % 4 == 0 ? 4 : 2;
    m.chains = chains_of(m.vectors);
    m.groups = inputs / P::group;
    m.taps = taps;
    m.panel = size_t(m.groups) * m.no * V::W * P::group;
    m.tap = m.panel * (m.vectors / m.no);
    m.w = arena.take<typename P::Weight>(m.tap * taps);
    if (P::quantised) {
        m.scale = arena.take<float>(outputs);
        m.start = arena.take<int32_t>(outputs);
    }
    return m;
}

// source (rows, taps · columns); `unit` (columns): what one step of an input stands for
template <class P>
void fill(const Matrix& m, const float* source, int rows, int columns, bool paired, const float* unit) {
    typename P::Weight* w = static_cast<typename P::Weight*>(m.w);
    const int inputs = m.groups * P::group;
    for (int v = 0; v < m.vectors; ++v)
        for (int lane = 0; lane < V::W; ++lane) {
            const int row = row_of(v, lane, paired, rows);
            const float* from = source + size_t(row < 0 ? 0 : row) * m.taps * columns;
            float step = 1.0f;
            if (P::quantised) {
                float most = 0.0f;
                for (int i = 0; row >= 0 && i < m.taps * columns; ++i) {
                    const float value = from[i] * unit[i % columns];
                    most = value > most ? value : -value > most ? -value : most;
                }
                step = most > 1e-30f ? most / 127.0f : 1.0f;
                m.scale[v * V::W + lane] = row >= 0 ? step : 0.0f;
            }
            int32_t sum = 0;
            for (int tap = 0; tap < m.taps; ++tap)
                for (int i = 0; i < inputs; ++i) {
                    const bool real = row >= 0 && i < columns;
                    const float value = real ? from[tap * columns + i] * (P::quantised ? unit[i] : 1.0f) / step : 0.0f;
                    const size_t place = tap * m.tap + v / m.no * m.panel +
                                         ((size_t(i / P::group) * m.no + v % m.no) * V::W + lane) * P::group + i % P::group;
                    sum += P::weight(value, &w[place]);
                }
            if (P::quantised) m.start[v * V::W + lane] = -P::offset * sum;
        }
}

// Copies a vector of numbers and pads it; `of` turns each of them.
VN_INLINE float* spread(Arena& arena, const float* source, int count, int width, float pad, bool inverse) {
    float* place = arena.take<float>(width);
    if (source && arena.base)
        for (int i = 0; i < width; ++i) place[i] = i >= count ? pad : inverse ? 1.0f / source[i] : source[i];
    return place;
}

// (rows, columns) -> columns vectors of `width`
VN_INLINE float* upright(Arena& arena, const float* source, int rows, int columns, int width) {
    float* place = arena.take<float>(size_t(columns) * width);
    if (source && arena.base)
        for (int c = 0; c < columns; ++c)
            for (int i = 0; i < width; ++i) place[c * width + i] = i < rows ? source[i * columns + c] : 0.0f;
    return place;
}

// With an arena of no memory this only counts.
template <class P>
Packed* assemble(const vn_shape* s, const vn_weights* w, Arena& arena) {
    const bool real = arena.base != nullptr;
    Packed scratch{}, *const place = arena.take<Packed>(1), *const p = real ? place : &scratch;
    const int R = s->residual, S = s->skip, A = s->levels, L = s->depth, K = s->kernel;
    const int Rp = padded(R), Sp = padded(S), Ap = padded(A);
    *p = Packed{P::code, L, K, R, S, A, Rp, Sp, Ap, nullptr, {}, {}, 0, 0, 0, 0, 0, 0};
    p->layers = arena.take<Layer>(L);
    for (int l = 0; l < L; ++l) {
        Layer layer{};
        layer.dilation = s->dilations[l];
        for (layer.ring = 1; layer.ring < (K - 1) * layer.dilation;) layer.ring *= 2;
        const float* x_unit = w && P::quantised ? w->x_scale + size_t(l) * R : nullptr;
        const float* z_unit = w && P::quantised ? w->z_scale + size_t(l) * R : nullptr;
        layer.conv = lay<P>(arena, 2 * R, 2 * Rp, R, Rp, K);
        if (real) fill<P>(layer.conv, w->conv + size_t(l) * 2 * R * K * R, 2 * R, R, true, x_unit);
        if (l < L - 1) {
            layer.through = lay<P>(arena, R, Rp, R, Rp, 1);
            if (real) fill<P>(layer.through, w->through + size_t(l) * R * R, R, R, false, z_unit);
            layer.through_bias = spread(arena, w ? w->through_bias + size_t(l) * R : nullptr, R, Rp, 0.0f, false);
        }
        layer.aside = lay<P>(arena, S, Sp, R, Rp, 1);
        if (real) fill<P>(layer.aside, w->aside + size_t(l) * S * R, S, R, false, z_unit);
        if (P::quantised) {
            layer.x_inverse = spread(arena, x_unit, R, Rp, 0.0f, true);
            layer.z_inverse = spread(arena, z_unit, R, Rp, 0.0f, true);
        }
        if (real) p->layers[l] = layer;
    }
    const float* unit = w && P::quantised ? w->head_scale : nullptr;
    p->mix = lay<P>(arena, S, Sp, S, Sp, 1);
    if (real) fill<P>(p->mix, w->mix, S, S, false, unit);
    p->out = lay<P>(arena, A, Ap, S, Sp, 1);
    if (real) fill<P>(p->out, w->out, A, S, false, unit ? unit + S : nullptr);
    p->stem = upright(arena, w ? w->stem : nullptr, R, K, Rp);
    p->stem_bias = spread(arena, w ? w->stem_bias : nullptr, R, Rp, 0.0f, false);
    p->skip_stem = upright(arena, w ? w->skip_stem : nullptr, S, K, Sp);
    p->skip_bias = spread(arena, w ? w->skip_bias : nullptr, S, Sp, 0.0f, false);
    p->out_bias = spread(arena, w ? w->out_bias : nullptr, A, Ap, -1e30f, false);  // what is no level has no share
    if (P::quantised) {
        p->head_inverse = spread(arena, unit, S, Sp, 0.0f, true);
        spread(arena, unit ? unit + S : nullptr, S, Sp, 0.0f, true);  // follows directly: Sp floats are whole lines
    }
    return place;
}

// --------------------------------------------------------------------------------------------------------- products

// Adds one tap: acc[b][i] += w · x[b], for NB rows and MP panels of NO vectors.
template <class P, int NO, int MP, int NB, int SP>
VN_INLINE void add_tap(typename P::Acc (&acc)[NB][MP * NO], const typename P::Weight* w, size_t panel, int groups,
                       const typename P::X* x, size_t stride) {
    typename P::Acc a[SP][NB][MP * NO];
    VN_UNROLL for (int b = 0; b < NB; ++b)
        VN_UNROLL for (int i = 0; i < MP * NO; ++i) {
            a[0][b][i] = acc[b][i];
            VN_UNROLL for (int c = 1; c < SP; ++c) a[c][b][i] = P::zero();
        }
    for (int k = 0; k < groups; k += SP)
        VN_UNROLL for (int c = 0; c < SP; ++c) {
            typename P::Spread xs[NB];
            VN_UNROLL for (int b = 0; b < NB; ++b) xs[b] = P::spread(x + b * stride + size_t(k + c) * P::group);
            VN_UNROLL for (int m = 0; m < MP; ++m)
                VN_UNROLL for (int o = 0; o < NO; ++o) {
                    const auto wv = P::load(w + m * panel + (size_t(k + c) * NO + o) * (V::W * P::group));
                    VN_UNROLL for (int b = 0; b < NB; ++b) a[c][b][m * NO + o] = P::dot(a[c][b][m * NO + o], wv, xs[b]);
                }
        }
    VN_UNROLL for (int b = 0; b < NB; ++b)
        VN_UNROLL for (int i = 0; i < MP * NO; ++i) {
            if (SP == 1) acc[b][i] = a[0][b][i];
            if (SP == 2) acc[b][i] = P::plus(a[0][b][i], a[1 % SP][b][i]);
        }
}

template <class P>
struct Taps {  // taps of a product: the inputs of each, row after row
    const typename P::X* x[64];
    int first, count;
    size_t stride;
    const typename P::Bare* ahead;  // what taps before `first` came to, (rows, outputs), or null
};

template <class P, int NO, int MP, int NB, int SP, class E>
VN_INLINE void tile(const Matrix& m, const Taps<P>& taps, int panel, int row, const E& end) {
    typename P::Acc acc[NB][MP * NO];
    const size_t vector = size_t(panel) * NO, width = size_t(m.vectors) * V::W;
    VN_UNROLL for (int b = 0; b < NB; ++b)
        VN_UNROLL for (int i = 0; i < MP * NO; ++i)
            acc[b][i] = taps.ahead ? P::again(taps.ahead + (row + b) * width + (vector + i) * V::W)
                                   : P::start(m.start, (vector + i) * V::W);
    const typename P::Weight* w = static_cast<const typename P::Weight*>(m.w) + panel * m.panel;
    for (int tap = taps.first; tap < taps.first + taps.count; ++tap)
        add_tap<P, NO, MP, NB, SP>(acc, w + tap * m.tap, m.panel, m.groups, taps.x[tap] + row * taps.stride, taps.stride);
    VN_UNROLL for (int b = 0; b < NB; ++b) end.template take<MP * NO>(row + b, int(vector), acc[b], m);
}

template <class P, int NO, int SP, class E>
VN_INLINE void product_of(const Matrix& m, const Taps<P>& taps, int rows, const E& end) {
    constexpr int most = V::tile / (NO * SP) < 1 ? 1 : V::tile / (NO * SP) > 4 ? 4 : V::tile / (NO * SP);
    const int panels = m.vectors / NO;
    if (rows == 1) {
        int p = 0;
        if constexpr (most >= 4)
            for (; p + 4 <= panels; p += 4) tile<P, NO, 4, 1, SP>(m, taps, p, 0, end);
        if constexpr (most >= 2)
            for (; p + 2 <= panels; p += 2) tile<P, NO, 2, 1, SP>(m, taps, p, 0, end);
        for (; p < panels; ++p) tile<P, NO, 1, 1, SP>(m, taps, p, 0, end);
        return;
    }
    for (int p = 0; p < panels; ++p) {  // the weights of a panel stay in the nearest cache for all rows
        int row = 0;
        if constexpr (most >= 4)
            for (; row + 4 <= rows; row += 4) tile<P, NO, 1, 4, SP>(m, taps, p, row, end);
        if constexpr (most >= 2)
            for (; row + 2 <= rows; row += 2) tile<P, NO, 1, 2, SP>(m, taps, p, row, end);
        for (; row < rows; ++row) tile<P, NO, 1, 1, SP>(m, taps, p, row, end);
    }
}

template <class P, class E>
VN_NOINLINE void product(const Matrix& m, const Taps<P>& taps, int rows, const E& end) {
    if (m.no == 4 && m.chains == 1) return product_of<P, 4, 1>(m, taps, rows, end);
    if (m.no == 4) return product_of<P, 4, 2>(m, taps, rows, end);
    if constexpr (!E::paired) product_of<P, 2, 2>(m, taps, rows, end);  // pairs of vectors come in twos of pairs
}

// ------------------------------------------------------------------------------------------- what follows a product

// tanh(f) · sigmoid(g) with two exponentials and one division
template <class P>
VN_INLINE V::F gated(V::F f, V::F g) {
    const V::F a = V::template exp2<P::fine>(V::bounded(V::mul(f, V::set(-2.8853900817779268f)), 60.0f));
    const V::F b = V::template exp2<P::fine>(V::bounded(V::mul(g, V::set(-1.4426950408889634f)), 60.0f));
    const V::F one = V::set(1.0f);
    return V::over(V::sub(one, a), V::mul(V::add(one, a), V::add(one, b)));
}

template <class P>
struct Keep {  // for later: the older taps
    static constexpr bool paired = true;
    typename P::Bare* to;
    template <int N>
    VN_INLINE void take(int row, int vector, const typename P::Acc* acc, const Matrix& m) const {
        VN_UNROLL for (int i = 0; i < N; ++i)
            P::keep(to + (size_t(row) * m.vectors + vector + i) * V::W, acc[i]);
    }
};

template <class P>
struct Gate {
    static constexpr bool paired = true;
    const float* told;  // (rows, outputs), in the order of the matrix
    const float* inverse;
    typename P::X* z;
    template <int N>
    VN_INLINE void take(int row, int vector, const typename P::Acc* acc, const Matrix& m) const {
        const float* t = told + (size_t(row) * m.vectors + vector) * V::W;
        typename P::X* to = z + (size_t(row) * m.vectors + vector) / 2 * V::W;
        VN_UNROLL for (int i = 0; i < N; i += 2) {
            const V::F f = P::value(acc[i], m.scale, size_t(vector + i) * V::W, V::load(t + i * V::W));
            const V::F g = P::value(acc[i + 1], m.scale, size_t(vector + i + 1) * V::W, V::load(t + (i + 1) * V::W));
            P::put(to + i / 2 * V::W, gated<P>(f, g), inverse, size_t(vector + i) / 2 * V::W);
        }
    }
};

template <class P>
struct Through {  // x += product + bias, and x as the next layer hears it
    static constexpr bool paired = false;
    const float* bias;
    const float* inverse;
    float* x;
    typename P::X* heard;
    template <int N>
    VN_INLINE void take(int row, int vector, const typename P::Acc* acc, const Matrix& m) const {
        const size_t place = (size_t(row) * m.vectors + vector) * V::W;
        VN_UNROLL for (int i = 0; i < N; ++i) {
            const size_t n = size_t(vector + i) * V::W;
            const V::F base = V::add(V::load(x + place + i * V::W), V::load(bias + n));
            const V::F sum = P::value(acc[i], m.scale, n, base);
            V::store(x + place + i * V::W, sum);
            P::put(heard + place + i * V::W, sum, inverse, n);
        }
    }
};

template <class P>
struct Aside {  // skip += product
    static constexpr bool paired = false;
    float* skip;
    template <int N>
    VN_INLINE void take(int row, int vector, const typename P::Acc* acc, const Matrix& m) const {
        float* to = skip + (size_t(row) * m.vectors + vector) * V::W;
        VN_UNROLL for (int i = 0; i < N; ++i)
            V::store(to + i * V::W, P::value(acc[i], m.scale, size_t(vector + i) * V::W, V::load(to + i * V::W)));
    }
};

template <class P>
struct Mix {
    static constexpr bool paired = false;
    const float* told;
    const float* inverse;
    typename P::X* to;
    template <int N>
    VN_INLINE void take(int row, int vector, const typename P::Acc* acc, const Matrix& m) const {
        const size_t place = (size_t(row) * m.vectors + vector) * V::W;
        VN_UNROLL for (int i = 0; i < N; ++i) {
            const size_t n = size_t(vector + i) * V::W;
            const V::F sum = P::value(acc[i], m.scale, n, V::load(told + place + i * V::W));
            P::put(to + place + i * V::W, V::max(sum, V::set(0.0f)), inverse, n);
        }
    }
};

template <class P>
struct Out {
    static constexpr bool paired = false;
    const float* bias;
    float* to;
    template <int N>
    VN_INLINE void take(int row, int vector, const typename P::Acc* acc, const Matrix& m) const {
        float* at = to + (size_t(row) * m.vectors + vector) * V::W;
        VN_UNROLL for (int i = 0; i < N; ++i) {
            const size_t n = size_t(vector + i) * V::W;
            V::store(at + i * V::W, P::value(acc[i], m.scale, n, V::load(bias + n)));
        }
    }
};

// --------------------------------------------------------------------------------------------------------- sections

template <class P>
struct Duet;  // see duet.h

template <class P>
struct Section {
    const Packed* model;
    int rows, first, all, ahead;  // of `all` rows of the job these are `first` and on
    int64_t clock;
    float *x, *skip, *logits, *told, *head, *past, *shares;
    typename P::X *heard, *z, *h1, *h2;
    typename P::X** rings;       // each (slots, rows, Rp)
    typename P::Bare** forward;  // each (ahead, rows, 2 Rp)
    typename P::Bare** from;     // where the older taps of the present block lie: `forward`, or the helper's
    Duet<P>* duet;               // of one row only
};

template <class P>
struct Head {  // what lies between the skips and the logits
    float *skip, *logits, *shares;
    typename P::X *h1, *h2;
};

#include "duet.h"

template <class P>
Section<P>* section(const Packed* m, int rows, int first, int all, Arena& arena) {
    const bool real = arena.base != nullptr;
    Section<P> scratch{}, *const place = arena.take<Section<P>>(1), *const s = real ? place : &scratch;
    int ahead = kAhead;
    while (ahead > 1 && ahead * rows > kAhead) ahead /= 2;
    const size_t n = rows;
    *s = Section<P>{m, rows, first, all, ahead, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    s->x = arena.take<float>(n * m->Rp);
    s->skip = arena.take<float>(n * m->Sp);
    s->logits = arena.take<float>(n * m->Ap);
    s->shares = arena.take<float>(m->Ap);
    s->told = arena.take<float>(n * m->depth * 2 * m->Rp);
    s->head = arena.take<float>(n * m->Sp);
    s->past = arena.take<float>(n * m->kernel);
    s->heard = arena.take<typename P::X>(n * m->Rp);
    s->z = arena.take<typename P::X>(n * m->Rp);
    s->h1 = arena.take<typename P::X>(n * m->Sp);
    s->h2 = arena.take<typename P::X>(n * m->Sp);
    typename P::X** rings = arena.take<typename P::X*>(m->depth);
    typename P::Bare** forward = arena.take<typename P::Bare*>(m->depth);
    s->rings = rings;
    s->forward = forward;
    s->from = arena.take<typename P::Bare*>(m->depth);
    s->duet = rows == 1 ? duet<P>(m, arena) : nullptr;
    for (int l = 0; l < m->depth; ++l) {
        auto* ring = arena.take<typename P::X>(n * m->layers[l].ring * m->Rp);
        const int block = ahead < m->layers[l].dilation ? ahead : m->layers[l].dilation;
        auto* kept = block > 1 ? arena.take<typename P::Bare>(n * block * 2 * m->Rp) : nullptr;
        if (!real) continue;
        rings[l] = ring;
        forward[l] = kept;
    }
    return place;
}

template <class P>
VN_INLINE int block_of(const Section<P>* s, const Layer& layer) {
    return s->ahead < layer.dilation ? s->ahead : layer.dilation;
}

template <class P>
void forget(Section<P>* s, int row) {
    const Packed* m = s->model;
    for (int k = 0; k < m->kernel; ++k) s->past[row * m->kernel + k] = 0.0f;
    for (int l = 0; l < m->depth; ++l) {
        const Layer& layer = m->layers[l];
        for (int slot = 0; slot < layer.ring; ++slot) {
            typename P::X* column = s->rings[l] + (size_t(slot) * s->rows + row) * m->Rp;
            for (int i = 0; i < m->Rp; ++i) column[i] = P::silence;
        }
        const int block = block_of(s, layer);
        s->from[l] = s->forward[l];
        if (block == 1) continue;
        Taps<P> taps;  // silence has come to this, for each of the samples computed ahead
        taps.first = 0, taps.count = m->kernel - 1, taps.stride = m->Rp, taps.ahead = nullptr;
        for (int tap = 0; tap < taps.count; ++tap) taps.x[tap] = s->rings[l] + size_t(row) * m->Rp;
        for (int i = 0; i < block; ++i) {
            Keep<P> keep{s->forward[l] + (size_t(i) * s->rows + row) * 2 * m->Rp};
            product<P>(layer.conv, taps, 1, keep);
        }
    }
}

// The frame's condition in the order of the matrices.
template <class P>
void listen(Section<P>* s, const vn_job* job, int frame) {
    const Packed* m = s->model;
    for (int row = 0; row < s->rows; ++row) {
        const size_t at = size_t(s->first + row) * job->frames + frame;
        const float* layers = job->layers + at * m->depth * 2 * m->R;
        const float* head = job->head + at * m->S;
        for (int l = 0; l < m->depth; ++l) {
            float* to = s->told + (size_t(l) * s->rows + row) * 2 * m->Rp;
            const float* from = layers + size_t(l) * 2 * m->R;
            for (int c = 0; c < m->Rp; ++c) {
                float* pair = to + c / V::W * 2 * V::W + c % V::W;
                pair[0] = c < m->R ? from[c] : 0.0f;
                pair[V::W] = c < m->R ? from[m->R + c] : 0.0f;
            }
        }
        for (int c = 0; c < m->Sp; ++c) s->head[row * m->Sp + c] = c < m->S ? head[c] : 0.0f;
    }
}

// to = bias + Σ column[k] · past[k]
VN_INLINE void linear(float* to, const float* bias, const float* columns, const float* past, int taps, int width) {
    for (int n = 0; n < width; n += V::W) {
        V::F sum = V::load(bias + n);
        for (int k = 0; k < taps; ++k) sum = V::fma(V::load(columns + k * width + n), V::set(past[k]), sum);
        V::store(to + n, sum);
    }
}

template <class P>
VN_INLINE void enter(Section<P>* s) {
    const Packed* m = s->model;
    for (int row = 0; row < s->rows; ++row) {
        const float* past = s->past + row * m->kernel;
        float* x = s->x + size_t(row) * m->Rp;
        linear(x, m->stem_bias, m->stem, past, m->kernel, m->Rp);
        for (int n = 0; n < m->Rp; n += V::W)
            P::put(s->heard + size_t(row) * m->Rp + n, V::load(x + n), m->layers[0].x_inverse, n);
    }
}

template <class P>
VN_INLINE void begin_skips(const Section<P>* s, float* skip) {
    const Packed* m = s->model;
    for (int row = 0; row < s->rows; ++row)
        linear(skip + size_t(row) * m->Sp, m->skip_bias, m->skip_stem, s->past + row * m->kernel, m->kernel, m->Sp);
}

// The older taps of a block of samples, for all rows.
template <class P>
VN_NOINLINE void look_ahead(const Section<P>* s, int l, int64_t clock, int block, typename P::Bare* to) {
    const Packed* m = s->model;
    const Layer& layer = m->layers[l];
    const int older = m->kernel - 1, mask = layer.ring - 1;
    Taps<P> taps;
    taps.stride = m->Rp, taps.ahead = nullptr, taps.first = 0, taps.count = older;
    for (int tap = 0; tap < older; ++tap)
        taps.x[tap] = s->rings[l] + ((clock - int64_t(older - tap) * layer.dilation) & mask) * s->rows * m->Rp;
    product<P>(layer.conv, taps, block * s->rows, Keep<P>{to});
}

// Asks for what the next layer will read of its past; with many rows that comes from far away.
template <class P>
VN_INLINE void fetch(const Section<P>* s, int l) {
    const Packed* m = s->model;
    if (l >= m->depth || s->rows < 4) return;
    const Layer& layer = m->layers[l];
    const size_t column = size_t(s->rows) * m->Rp;
    for (int tap = 0; tap < m->kernel - 1; ++tap) {
        const int64_t slot = (s->clock - int64_t(m->kernel - 1 - tap) * layer.dilation) & (layer.ring - 1);
        const char* place = reinterpret_cast<const char*>(s->rings[l] + slot * column);
        for (size_t byte = 0; byte < column * sizeof(typename P::X); byte += 64) VN_FETCH(place + byte);
    }
}

// One layer: x and the skips move on. With `kept` the gated output goes there, and somebody else adds the skips.
template <class P>
VN_INLINE void climb(Section<P>* s, int l, typename P::X* kept) {
    const Packed* m = s->model;
    const Layer& layer = m->layers[l];
    const int block = block_of(s, layer), older = m->kernel - 1, mask = layer.ring - 1;
    const size_t column = size_t(s->rows) * m->Rp;
    fetch(s, l + 1);
    Taps<P> taps;
    taps.stride = m->Rp, taps.ahead = nullptr, taps.first = 0;
    if (block > 1) {
        const int at = int(s->clock & (block - 1));
        if (at == 0) {
            s->from[l] = kept ? helped<P>(s, l) : nullptr;
            if (!s->from[l]) look_ahead(s, l, s->clock, block, s->from[l] = s->forward[l]);
        }
        taps.ahead = s->from[l] + size_t(at) * s->rows * 2 * m->Rp;
        taps.first = older;
    } else {
        for (int tap = 0; tap < older; ++tap)
            taps.x[tap] = s->rings[l] + ((s->clock - int64_t(older - tap) * layer.dilation) & mask) * column;
    }
    taps.x[older] = s->heard;
    taps.count = m->kernel - taps.first;
    typename P::X* z = kept ? kept : s->z;
    product<P>(layer.conv, taps, s->rows, Gate<P>{s->told + size_t(l) * s->rows * 2 * m->Rp, layer.z_inverse, z});
    if (kept) reached(s, l);
    P::copy(s->rings[l] + (s->clock & mask) * column, s->heard, column);
    taps.ahead = nullptr, taps.first = 0, taps.count = 1, taps.x[0] = z;
    if (l < m->depth - 1)
        product<P>(layer.through, taps, s->rows, Through<P>{layer.through_bias, m->layers[l + 1].x_inverse, s->x, s->heard});
    if (!kept) product<P>(layer.aside, taps, s->rows, Aside<P>{s->skip});
}

template <class P>
VN_INLINE void leave(const Section<P>* s, const Head<P>& h) {
    const Packed* m = s->model;
    for (int row = 0; row < s->rows; ++row)
        for (int n = 0; n < m->Sp; n += V::W) {
            const size_t place = size_t(row) * m->Sp + n;
            P::put(h.h1 + place, V::max(V::load(h.skip + place), V::set(0.0f)), m->head_inverse, n);
        }
    Taps<P> taps;
    taps.ahead = nullptr, taps.first = 0, taps.count = 1, taps.stride = m->Sp, taps.x[0] = h.h1;
    const float* second = P::quantised ? m->head_inverse + m->Sp : nullptr;
    product<P>(m->mix, taps, s->rows, Mix<P>{s->head, second, h.h2});
    taps.x[0] = h.h2;
    product<P>(m->out, taps, s->rows, Out<P>{m->out_bias, h.logits});
}

// The first level whose cumulative share exceeds luck · total; without luck to speak of, the likeliest.
VN_INLINE int draw(const float* logits, float* shares, int levels, int width, float luck, float temperature) {
    V::F top = V::load(logits);
    for (int n = V::W; n < width; n += V::W) top = V::max(top, V::load(logits + n));
    const float most = V::highest(top);
    if (!(temperature > 1e-20f)) {
        for (int n = 0; n < levels; ++n)
            if (logits[n] >= most) return n;
        return levels - 1;
    }
    const V::F scale = V::set(1.4426950408889634f / temperature), base = V::set(most);
    float total = 0.0f;
    for (int n = 0; n < width; n += V::W) {
        const V::F share = V::template exp2<true>(V::within(V::mul(V::sub(V::load(logits + n), base), scale), 120.0f));
        V::store(shares + n, share);
        total += V::sum(share);
    }
    const float goal = luck * total;
    float reached = 0.0f;
    int n = 0;
    for (; n + V::W < width; n += V::W) {
        const float after = reached + V::sum(V::load(shares + n));
        if (after > goal) break;
        reached = after;
    }
    for (const int end = n + V::W; n < end; ++n) {
        reached += shares[n];
        if (reached > goal) break;
    }
    return n < levels ? n : levels - 1;
}

// Writes down what was drawn, and moves the past on.
template <class P>
VN_INLINE void note(Section<P>* s, const vn_job* job, int64_t step, int row, const float* logits, int level) {
    const Packed* m = s->model;
    const int64_t at = (s->first + row) * int64_t(job->frames) * job->hop + step;
    const float value = float(level) / float(m->A - 1) - 0.5f;
    if (job->logits)
        for (int n = 0; n < m->A; ++n) job->logits[at * m->A + n] = logits[n];
    if (job->luck) job->sung[at] = value;
    float* past = s->past + row * m->kernel;
    for (int k = 0; k < m->kernel - 1; ++k) past[k] = past[k + 1];
    past[m->kernel - 1] = job->forced ? job->forced[at] : value;
}

template <class P>
VN_INLINE int chosen(const Section<P>* s, const vn_job* job, int64_t step, int row, const Head<P>& h) {
    if (!job->luck) return 0;
    const float luck = job->luck[(s->first + row) * int64_t(job->frames) * job->hop + step];
    return draw(h.logits + size_t(row) * s->model->Ap, h.shares, s->model->A, s->model->Ap, luck, job->temperature);
}

template <class P>
VN_INLINE Head<P> own_head(const Section<P>* s) {
    return Head<P>{s->skip, s->logits, s->shares, s->h1, s->h2};
}

template <class P>
VN_INLINE void conclude(Section<P>* s, const vn_job* job, int64_t step) {
    const Head<P> head = own_head(s);
    leave(s, head);
    for (int row = 0; row < s->rows; ++row)
        note(s, job, step, row, s->logits + size_t(row) * s->model->Ap, chosen(s, job, step, row, head));
}

template <class P>
void sing_section(Section<P>* s, const vn_job* job, bool helped_by) {
    for (int frame = 0; frame < job->frames; ++frame) {
        listen(s, job, frame);
        for (int i = 0; i < job->hop; ++i) {
            const int64_t step = int64_t(frame) * job->hop + i;
            enter(s);
            if (helped_by && invited(s)) {
                share(s, job, step);
            } else {
                begin_skips(s, s->skip);
                for (int l = 0; l < s->model->depth; ++l) climb(s, l, static_cast<typename P::X*>(nullptr));
                conclude(s, job, step);
            }
            ++s->clock;
        }
    }
    if (helped_by) dismiss(s);
}

// ----------------------------------------------------------------------------------------------- the variant's table

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
