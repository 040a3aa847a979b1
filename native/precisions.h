// What the vector types have in common: float32 products, rounding of weights, the polynomial of 2^r.

VN_INLINE uint16_t to_bf16(float v) {  // to the nearest, ties to even
    uint32_t bits;
    memcpy(&bits, &v, 4);
    return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

VN_INLINE uint16_t to_half(float v) {  // to the nearest of IEEE's 16 bits, ties to even; too large becomes infinite
    uint32_t bits;
    memcpy(&bits, &v, 4);
    const uint32_t sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;
    if (size >= 0x47800000) return uint16_t(sign | (size > 0x7f800000 ? 0x7e00 : 0x7c00));
    if (size < 0x38800000) {  // below the smallest whole exponent: the sum lets the hardware round the steps of 2^-24
        float rest;
        memcpy(&rest, &size, 4);
        rest += 0.5f;
        memcpy(&bits, &rest, 4);
        return uint16_t(sign | (bits - 0x3f000000));
    }
    return uint16_t(sign | ((size - 0x38000000 + 0xfff + (size >> 13 & 1)) >> 13));
}

VN_INLINE float from_half(uint16_t h) {  // a finite one: the product moves the exponent, of the smallest too
    const uint32_t size = uint32_t(h & 0x7fff) << 13, sign = uint32_t(h & 0x8000) << 16;
    float v;
    memcpy(&v, &size, 4);
    v *= 5.192296858534828e33f;  // 2^112
    uint32_t bits;
    memcpy(&bits, &v, 4);
    bits |= sign;
    memcpy(&v, &bits, 4);
    return v;
}

VN_INLINE int8_t to_int8(float v) {
    v = v < -127.0f ? -127.0f : v > 127.0f ? 127.0f : v;
    return int8_t(v < 0.0f ? int(v - 0.5f) : int(v + 0.5f));
}

// 2^r for |r| <= 1/2: relative error below 2e-7, or 3e-6 where what follows is rounded to 8 bits or fewer
template <class V, bool fine>
VN_INLINE typename V::F power_of_two(typename V::F r) {
    const typename V::F one = V::set(1.0f);
    if (fine) {
        typename V::F p = V::fma(V::set(1.535336188319500e-4f), r, V::set(1.339887440266574e-3f));
        p = V::fma(p, r, V::set(9.618437357674640e-3f));
        p = V::fma(p, r, V::set(5.550332471162809e-2f));
        p = V::fma(p, r, V::set(2.402264791363012e-1f));
        p = V::fma(p, r, V::set(6.931472028550421e-1f));
        return V::fma(p, r, one);
    }
    const typename V::F square = V::mul(r, r);
    const typename V::F low = V::fma(V::set(0.69312418f), r, one);
    const typename V::F middle = V::fma(V::set(0.05590643f), r, V::set(0.24024099f));
    return V::fma(V::fma(V::set(0.00958285f), square, middle), square, low);
}

template <class V>
struct Floats {
    static constexpr int code = VN_FLOAT32, group = 1;
    static constexpr bool quantised = false, fine = true;
    static constexpr int32_t offset = 0;
    static constexpr float silence = 0.0f;
    using X = float;
    using Weight = float;
    using Acc = typename V::F;
    using Bare = float;
    using Spread = typename V::F;
    static VN_INLINE int32_t weight(float v, Weight* to) { return *to = v, 0; }
    static VN_INLINE Acc zero() { return V::set(0.0f); }
    static VN_INLINE Acc start(const int32_t*, size_t) { return zero(); }
    static VN_INLINE Acc again(const Bare* p) { return V::load(p); }
    static VN_INLINE void keep(Bare* p, Acc a) { V::store(p, a); }
    static VN_INLINE Acc plus(Acc a, Acc b) { return V::add(a, b); }
    static VN_INLINE Acc load(const Weight* p) { return V::load(p); }
    static VN_INLINE Spread spread(const X* p) { return V::set(*p); }
    static VN_INLINE Acc dot(Acc a, Acc w, Spread x) { return V::fma(w, x, a); }
    static VN_INLINE typename V::F value(Acc a, const float*, size_t, typename V::F base) { return V::add(a, base); }
    static VN_INLINE void put(X* to, typename V::F v, const float*, size_t) { V::store(to, v); }
    static VN_INLINE void copy(X* to, const X* from, size_t count) {
        for (size_t i = 0; i < count; i += V::W) V::store(to + i, V::load(from + i));
    }
};

// bfloat16 without its own instructions: a pair is two floats that lack their lower halves. `V` gives `low` and `high`
// (the two floats of each pair in 32-bit lanes of memory) and `halve` (rounds W floats to bfloat16 and stores them).
template <class V>
struct Halves {
    static constexpr int code = VN_BF16, group = 2;
    static constexpr bool quantised = false, fine = false;
    static constexpr int32_t offset = 0;
    static constexpr uint16_t silence = 0;
    using X = uint16_t;
    using Weight = uint16_t;
    using Acc = typename V::F;
    using Bare = float;
    struct Spread {
        typename V::F low, high;
    };
    static VN_INLINE int32_t weight(float v, Weight* to) { return *to = to_bf16(v), 0; }
    static VN_INLINE Acc zero() { return V::set(0.0f); }
    static VN_INLINE Acc start(const int32_t*, size_t) { return zero(); }
    static VN_INLINE Acc again(const Bare* p) { return V::load(p); }
    static VN_INLINE void keep(Bare* p, Acc a) { V::store(p, a); }
    static VN_INLINE Acc plus(Acc a, Acc b) { return V::add(a, b); }
    static VN_INLINE Spread load(const Weight* p) { return {V::low(p), V::high(p)}; }
    static VN_INLINE Spread spread(const X* p) {
        const uint32_t low = uint32_t(p[0]) << 16, high = uint32_t(p[1]) << 16;
        float a, b;
        memcpy(&a, &low, 4);
        memcpy(&b, &high, 4);
        return {V::set(a), V::set(b)};
    }
    static VN_INLINE Acc dot(Acc a, Spread w, Spread x) { return V::fma(w.high, x.high, V::fma(w.low, x.low, a)); }
    static VN_INLINE typename V::F value(Acc a, const float*, size_t, typename V::F base) { return V::add(a, base); }
    static VN_INLINE void put(X* to, typename V::F v, const float*, size_t) { V::halve(to, v); }
    static VN_INLINE void copy(X* to, const X* from, size_t count) { memcpy(to, from, count * sizeof(X)); }
};

// 8-bit products of signed numbers. `V` gives `I` (W sums of 32 bits) with `zeros`, `load_sums`, `store_sums`, `add_sums`,
// `to_floats`, `fours` (4 W weights), `spread_four` (one group of activations for all lanes), `dot_four` and `narrow`
// (rounds W floats to -127 … 127 and stores them).
template <class V>
struct Eighths {
    static constexpr int code = VN_INT8, group = 4;
    static constexpr bool quantised = true, fine = false;
    static constexpr int32_t offset = 0;
    static constexpr int8_t silence = 0;
    using X = int8_t;
    using Weight = int8_t;
    using Acc = typename V::I;
    using Bare = int32_t;
    using Spread = typename V::Four;
    static VN_INLINE int32_t weight(float v, Weight* to) { return *to = to_int8(v); }
    static VN_INLINE Acc zero() { return V::zeros(); }
    static VN_INLINE Acc start(const int32_t*, size_t) { return zero(); }
    static VN_INLINE Acc again(const Bare* p) { return V::load_sums(p); }
    static VN_INLINE void keep(Bare* p, Acc a) { V::store_sums(p, a); }
    static VN_INLINE Acc plus(Acc a, Acc b) { return V::add_sums(a, b); }
    static VN_INLINE typename V::Fours load(const Weight* p) { return V::fours(p); }
    static VN_INLINE Spread spread(const X* p) { return V::spread_four(p); }
    static VN_INLINE Acc dot(Acc a, typename V::Fours w, Spread x) { return V::dot_four(a, w, x); }
    static VN_INLINE typename V::F value(Acc a, const float* scale, size_t n, typename V::F base) {
        return V::fma(V::to_floats(a), V::load(scale + n), base);
    }
    static VN_INLINE void put(X* to, typename V::F v, const float* inverse, size_t n) {
        V::narrow(to, V::within(V::mul(v, V::load(inverse + n)), 127.0f));
    }
    static VN_INLINE void copy(X* to, const X* from, size_t count) { memcpy(to, from, count); }
};
