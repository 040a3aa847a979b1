// Vectors of 16 floats: AVX-512 with its dot products of pairs (BF16) and of fours (VNNI).
struct V {
    using F = __m512;
    static constexpr int W = 16, tile = 16;
    static VN_INLINE F load(const float* p) { return _mm512_loadu_ps(p); }
    static VN_INLINE void store(float* p, F v) { _mm512_storeu_ps(p, v); }
    static VN_INLINE F half(const uint16_t* p) {
        return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    }
    static VN_INLINE F set(float v) { return _mm512_set1_ps(v); }
    static VN_INLINE F add(F a, F b) { return _mm512_add_ps(a, b); }
    static VN_INLINE F sub(F a, F b) { return _mm512_sub_ps(a, b); }
    static VN_INLINE F mul(F a, F b) { return _mm512_mul_ps(a, b); }
    static VN_INLINE F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
    static VN_INLINE F max(F a, F b) { return _mm512_max_ps(a, b); }
    static VN_INLINE F within(F v, float limit) { return _mm512_min_ps(_mm512_max_ps(v, set(-limit)), set(limit)); }
    static VN_INLINE F bounded(F v, float limit) { return _mm512_min_ps(v, set(limit)); }  // 2^-1000 is 0 here
    static VN_INLINE float sum(F v) { return _mm512_reduce_add_ps(v); }
    static VN_INLINE float highest(F v) { return _mm512_reduce_max_ps(v); }
    static VN_INLINE F over(F a, F b) {  // one step of Newton's method after a guess of 14 bits
        const F guess = _mm512_rcp14_ps(b);
        return mul(a, mul(guess, _mm512_fnmadd_ps(b, guess, set(2.0f))));
    }
    template <bool fine>
    static VN_INLINE F exp2(F v) {
        const F whole = _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        return _mm512_scalef_ps(power_of_two<V, fine>(sub(v, whole)), whole);
    }
};

struct F32 : Floats<V> {};

struct B16 {
    static constexpr int code = VN_BF16, group = 2;
    static constexpr bool quantised = false, fine = false;
    static constexpr int32_t offset = 0;
    static constexpr uint16_t silence = 0;
    using X = uint16_t;
    using Weight = uint16_t;
    using Acc = __m512;
    using Bare = float;
    using Spread = __m512bh;
    static VN_INLINE int32_t weight(float v, Weight* to) { return *to = to_bf16(v), 0; }
    static VN_INLINE Acc zero() { return _mm512_setzero_ps(); }
    static VN_INLINE Acc start(const int32_t*, size_t) { return zero(); }
    static VN_INLINE Acc again(const Bare* p) { return V::load(p); }
    static VN_INLINE void keep(Bare* p, Acc a) { V::store(p, a); }
    static VN_INLINE Acc plus(Acc a, Acc b) { return V::add(a, b); }
    static VN_INLINE __m512bh load(const Weight* p) { return (__m512bh)_mm512_loadu_si512(p); }
    static VN_INLINE Spread spread(const X* p) {
        int32_t pair;
        __builtin_memcpy(&pair, p, 4);
        return (__m512bh)_mm512_set1_epi32(pair);
    }
    static VN_INLINE Acc dot(Acc a, __m512bh w, Spread x) { return _mm512_dpbf16_ps(a, w, x); }
    static VN_INLINE V::F value(Acc a, const float*, size_t, V::F base) { return V::add(a, base); }
    static VN_INLINE void put(X* to, V::F v, const float*, size_t) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), (__m256i)_mm512_cvtneps_pbh(v));
    }
    static VN_INLINE void copy(X* to, const X* from, size_t count) {
        for (size_t i = 0; i < count; i += 16)
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i)));
    }
};

struct I8 {  // activations are kept as 0 … 255 around 128, as the instruction wants them
    static constexpr int code = VN_INT8, group = 4;
    static constexpr bool quantised = true, fine = false;
    static constexpr int32_t offset = 128;
    static constexpr uint8_t silence = 128;
    using X = uint8_t;
    using Weight = int8_t;
    using Acc = __m512i;
    using Bare = int32_t;
    using Spread = __m512i;
    static VN_INLINE int32_t weight(float v, Weight* to) { return *to = to_int8(v); }
    static VN_INLINE Acc zero() { return _mm512_setzero_si512(); }
    static VN_INLINE Acc start(const int32_t* s, size_t n) { return _mm512_loadu_si512(s + n); }
    static VN_INLINE Acc again(const Bare* p) { return _mm512_loadu_si512(p); }
    static VN_INLINE void keep(Bare* p, Acc a) { _mm512_storeu_si512(p, a); }
    static VN_INLINE Acc plus(Acc a, Acc b) { return _mm512_add_epi32(a, b); }
    static VN_INLINE __m512i load(const Weight* p) { return _mm512_loadu_si512(p); }
    static VN_INLINE Spread spread(const X* p) {
        int32_t four;
        __builtin_memcpy(&four, p, 4);
        return _mm512_set1_epi32(four);
    }
    static VN_INLINE Acc dot(Acc a, __m512i w, Spread x) { return _mm512_dpbusd_epi32(a, x, w); }
    static VN_INLINE V::F value(Acc a, const float* scale, size_t n, V::F base) {
        return V::fma(_mm512_cvtepi32_ps(a), V::load(scale + n), base);
    }
    static VN_INLINE void put(X* to, V::F v, const float* inverse, size_t n) {
        const __m512i q = _mm512_cvtps_epi32(V::fma(v, V::load(inverse + n), V::set(128.0f)));
        const __m512i low = _mm512_max_epi32(q, _mm512_set1_epi32(1));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtusepi32_epi8(low));
    }
    static VN_INLINE void copy(X* to, const X* from, size_t count) {
        for (size_t i = 0; i < count; i += 16)
            _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i)));
    }
};
