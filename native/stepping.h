// One step of a ConvNeXt stack (Liu et al., 2022), for any vector type: all of it is products of a matrix by one column.
//
//   told ─stem─norm─▶ x ─┬─▶ taps over the past and x ─norm─widen─gelu─narrow─· scale─▶ + x, the next block's
//                        └─▶ past                                         the last one's ─norm─head─▶ drawn
//
// Included by each variant after engine.h. Between two columns of live sound others take the cache, so a step takes as
// long as it takes to fetch the weights: they lie in memory in the order in which they are read, and each is asked for
// some lines ahead. Each sum is added up in the order of its inputs, in every precision.

constexpr int kVectors = V::W == 16 ? 4 : 8;       // of one panel: as many sums as hide the time that one takes
constexpr int kPanel = kVectors * V::W;            // outputs
constexpr int kWarning = 2048;                     // bytes between what is asked for and what is read

struct Whole {
    using Weight = float;
    static VN_INLINE V::F load(const float* p) { return V::load(p); }
    static VN_INLINE float weight(float v) { return v; }
};

struct Half {  // 16 bits of IEEE; what is multiplied is float32
    using Weight = uint16_t;
    static VN_INLINE V::F load(const uint16_t* p) { return V::half(p); }
    static VN_INLINE uint16_t weight(float v) { return to_half(v); }
};

struct Dense {
    const void* w;      // [panel][input][kPanel]
    const float* bias;  // (outputs), padded
    int panels, inputs;
};

struct ConvBlock {
    const float *taps, *tap_bias, *norm, *scale;  // (memory + 1, padded), (padded), (2, padded), (padded)
    Dense widen, narrow;
};

struct Stack {
    vn_stack_shape shape;
    bool half;
    float epsilon;
    int padded;  // width
    Dense stem, head;
    const float *first, *last;  // (2, padded)
    ConvBlock* blocks;
};

struct Past {
    const Stack* stack;
    int clock;  // the oldest column's place
    float *columns, *x, *mixed, *wide, *drawn;  // (blocks, memory, padded), and room for sums
};

VN_INLINE int panelled(int n) { return (n + kPanel - 1) / kPanel * kPanel; }

VN_INLINE const float* after(const float* start, size_t count) { return start ? start + count : start; }

// (rows, columns) -> rows of `width`, padded by zeros
VN_INLINE const float* rows_of(Arena& arena, const float* source, int rows, int columns, int width) {
    float* place = arena.take<float>(size_t(rows) * width);
    if (arena.base)
        for (int r = 0; r < rows; ++r)
            for (int i = 0; i < width; ++i)
                place[size_t(r) * width + i] = i < columns ? source[size_t(r) * columns + i] : 0.0f;
    return place;
}

// source (outputs, inputs)
template <class P>
Dense dense(Arena& arena, const float* source, const float* bias, int outputs, int inputs) {
    Dense d{nullptr, nullptr, panelled(outputs) / kPanel, inputs};
    typename P::Weight* w = arena.take<typename P::Weight>(size_t(d.panels) * inputs * kPanel);
    if (arena.base)
        for (int p = 0; p < d.panels; ++p)
            for (int i = 0; i < inputs; ++i)
                for (int lane = 0; lane < kPanel; ++lane) {
                    const int row = p * kPanel + lane;
                    const float value = row < outputs ? source[size_t(row) * inputs + i] : 0.0f;
                    w[(size_t(p) * inputs + i) * kPanel + lane] = P::weight(value);
                }
    d.w = w;
    d.bias = rows_of(arena, bias, 1, outputs, panelled(outputs));
    return d;
}

// With an arena of no memory this only counts, and `w` is all nulls.
template <class P>
Stack* stacked(const vn_stack_shape* s, const vn_stack_weights* w, Arena& arena) {
    const size_t W = s->width, N = s->wide, T = s->memory + 1;
    Stack scratch{}, *const place = arena.take<Stack>(1), *const k = arena.base ? place : &scratch;
    k->shape = *s, k->epsilon = w->epsilon, k->padded = panelled(s->width);
    const int padded = k->padded;
    k->blocks = arena.take<ConvBlock>(s->blocks);
    k->stem = dense<P>(arena, w->stem, w->stem_bias, s->width, s->incoming);
    k->first = rows_of(arena, w->first, 2, s->width, padded);
    for (int b = 0; b < s->blocks; ++b) {
        ConvBlock block{};
        block.taps = rows_of(arena, after(w->taps, b * T * W), int(T), s->width, padded);
        block.tap_bias = rows_of(arena, after(w->tap_bias, b * W), 1, s->width, padded);
        block.norm = rows_of(arena, after(w->norms, 2 * b * W), 2, s->width, padded);
        block.widen = dense<P>(arena, after(w->widen, b * N * W), after(w->widen_bias, b * N), s->wide, s->width);
        block.narrow = dense<P>(arena, after(w->narrow, b * W * N), after(w->narrow_bias, b * W), s->width, s->wide);
        block.scale = rows_of(arena, after(w->scale, b * W), 1, s->width, padded);
        if (arena.base) k->blocks[b] = block;
    }
    k->last = rows_of(arena, w->last, 2, s->width, padded);
    k->head = dense<P>(arena, w->head, w->head_bias, s->out, s->width);
    return place;
}

// x · Φ(x) = max(x, 0) - |x| erfc(|x| / √2) / 2, by Abramowitz & Stegun (1964), 7.1.26: to 2e-7
VN_INLINE V::F gelu(V::F x) {
    const V::F size = V::max(x, V::sub(V::set(0.0f), x)), one = V::set(1.0f);
    const V::F t = V::over(one, V::fma(size, V::set(0.3275911f * 0.70710678f), one));
    V::F p = V::fma(V::set(1.061405429f), t, V::set(-1.453152027f));
    p = V::fma(p, t, V::set(1.421413741f));
    p = V::fma(p, t, V::set(-0.284496736f));
    p = V::mul(V::fma(p, t, V::set(0.254829592f)), t);
    const V::F fall = V::within(V::mul(V::mul(size, size), V::set(-0.72134752f)), 120.0f);  // e^(-x²/2), x² may overflow
    const V::F tail = V::mul(p, V::template exp2<true>(fall));
    return V::sub(V::max(x, V::set(0.0f)), V::mul(V::mul(size, V::set(0.5f)), tail));
}

struct Put {
    float* to;
    VN_INLINE void operator()(int place, V::F sum) const { V::store(to + place, sum); }
};

struct Bend {
    float* to;
    VN_INLINE void operator()(int place, V::F sum) const { V::store(to + place, gelu(sum)); }
};

struct Join {  // x += scale · sum
    float* x;
    const float* scale;
    VN_INLINE void operator()(int place, V::F sum) const {
        V::store(x + place, V::fma(V::load(scale + place), sum, V::load(x + place)));
    }
};

template <class P, class E>
VN_NOINLINE void multiplied(const Dense& d, const float* x, const E& end) {
    const typename P::Weight* w = static_cast<const typename P::Weight*>(d.w);
    for (int p = 0; p < d.panels; ++p) {
        V::F sums[kVectors];
        VN_UNROLL for (int v = 0; v < kVectors; ++v) sums[v] = V::load(d.bias + p * kPanel + v * V::W);
        for (int i = 0; i < d.inputs; ++i, w += kPanel) {
            VN_UNROLL for (size_t line = 0; line < kPanel * sizeof(*w); line += 64)
                VN_FETCH(reinterpret_cast<const char*>(w) + kWarning + line);
            const V::F input = V::set(x[i]);
            VN_UNROLL for (int v = 0; v < kVectors; ++v) sums[v] = V::fma(P::load(w + v * V::W), input, sums[v]);
        }
        VN_UNROLL for (int v = 0; v < kVectors; ++v) end(p * kPanel + v * V::W, sums[v]);
    }
}

// (padded) -> the same, its first `width` numbers less their mean, by their deviation, times norm[0] plus norm[1]
VN_INLINE void normalised(const Stack* k, const float* norm, const float* x, float* to) {
    V::F sums = V::set(0.0f), squares = V::set(0.0f);
    const int width = k->shape.width, padded = k->padded;
    for (int i = 0; i < padded; i += V::W) sums = V::add(sums, V::load(x + i));
    const V::F mean = V::set(V::sum(sums) / float(width));
    for (int i = 0; i < padded; i += V::W) V::store(to + i, V::sub(V::load(x + i), mean));
    for (int i = width; i < padded; ++i) to[i] = 0.0f;
    for (int i = 0; i < padded; i += V::W) squares = V::fma(V::load(to + i), V::load(to + i), squares);
    const V::F factor = V::set(1.0f / sqrtf(V::sum(squares) / float(width) + k->epsilon));
    for (int i = 0; i < padded; i += V::W)
        V::store(to + i, V::fma(V::mul(V::load(to + i), factor), V::load(norm + i), V::load(norm + padded + i)));
}

// What a block's convolution hears, and x put in place of the oldest column
VN_INLINE void convolved(const Stack* k, const ConvBlock& b, float* columns, int clock, const float* x, float* to) {
    const int memory = k->shape.memory, padded = k->padded;
    for (int i = 0; i < padded; i += V::W) {
        V::F sum = V::load(b.tap_bias + i);
        for (int tap = 0; tap < memory; ++tap) {
            const int place = clock + tap < memory ? clock + tap : clock + tap - memory;
            sum = V::fma(V::load(b.taps + tap * padded + i), V::load(columns + place * padded + i), sum);
        }
        sum = V::fma(V::load(b.taps + memory * padded + i), V::load(x + i), sum);
        if (memory) V::store(columns + clock * padded + i, V::load(x + i));
        V::store(to + i, sum);
    }
}

template <class P>
void stepped(Past* past, const float* told, float* drawn) {
    const Stack* k = past->stack;
    const size_t each = size_t(k->shape.memory) * k->padded;
    multiplied<P>(k->stem, told, Put{past->mixed});
    normalised(k, k->first, past->mixed, past->x);
    for (int b = 0; b < k->shape.blocks; ++b) {
        const ConvBlock& block = k->blocks[b];
        convolved(k, block, past->columns + b * each, past->clock, past->x, past->mixed);
        normalised(k, block.norm, past->mixed, past->mixed);
        multiplied<P>(block.widen, past->mixed, Bend{past->wide});
        multiplied<P>(block.narrow, past->wide, Join{past->x, block.scale});
    }
    if (k->shape.memory) past->clock = (past->clock + 1) % k->shape.memory;
    normalised(k, k->last, past->x, past->mixed);
    multiplied<P>(k->head, past->mixed, Put{past->drawn});
    memcpy(drawn, past->drawn, sizeof(float) * size_t(k->shape.out));
}

Stack* stack_in(const vn_stack_shape* s, const vn_stack_weights* w, bool half, Arena& arena) {
    return half ? stacked<Half>(s, w, arena) : stacked<Whole>(s, w, arena);
}

size_t stack_bytes(const vn_stack_shape* s, bool half) {
    Arena arena{nullptr};
    const vn_stack_weights nothing{};
    stack_in(s, &nothing, half, arena);
    return arena.used;
}

vn_stack_packed* stack_pack(const vn_stack_shape* s, const vn_stack_weights* w, bool half, void* memory) {
    Arena arena{static_cast<char*>(memory)};
    Stack* k = stack_in(s, w, half, arena);
    k->half = half;
    return reinterpret_cast<vn_stack_packed*>(k);
}

Past* past_in(const Stack* k, Arena& arena) {
    Past scratch{}, *const place = arena.take<Past>(1), *const p = arena.base ? place : &scratch;
    p->stack = k, p->clock = 0;
    p->columns = arena.take<float>(size_t(k->shape.blocks) * k->shape.memory * k->padded);
    p->x = arena.take<float>(k->padded), p->mixed = arena.take<float>(k->padded);
    p->wide = arena.take<float>(panelled(k->shape.wide)), p->drawn = arena.take<float>(panelled(k->shape.out));
    return place;
}

size_t past_bytes(const vn_stack_packed* packed) {
    Arena arena{nullptr};
    past_in(reinterpret_cast<const Stack*>(packed), arena);
    return arena.used;
}

vn_stack_past* past_begin(const vn_stack_packed* packed, void* memory) {  // zeros, as they come
    Arena arena{static_cast<char*>(memory)};
    return reinterpret_cast<vn_stack_past*>(past_in(reinterpret_cast<const Stack*>(packed), arena));
}

void past_step(vn_stack_past* place, const float* told, float* drawn) {
    Past* past = reinterpret_cast<Past*>(place);
    past->stack->half ? stepped<Half>(past, told, drawn) : stepped<Whole>(past, told, drawn);
}

const vn_stepper stepper = {stack_bytes, stack_pack, past_bytes, past_begin, past_step};
