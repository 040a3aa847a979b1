// Vectors of 8 floats: AVX2 with fused multiply-add.
struct V {
    using F = __m256;
    using I = __m256i;
    static constexpr int W = 8, tile = 8;
    static VN_INLINE F load(const float* p) { return _mm256_loadu_ps(p); }
    static VN_INLINE void store(float* p, F v) { _mm256_storeu_ps(p, v); }
    static VN_INLINE F half(const uint16_t* p) {
        return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    }
    static VN_INLINE F set(float v) { return _mm256_set1_ps(v); }
    static VN_INLINE F add(F a, F b) { return _mm256_add_ps(a, b); }
    static VN_INLINE F sub(F a, F b) { return _mm256_sub_ps(a, b); }
    static VN_INLINE F mul(F a, F b) { return _mm256_mul_ps(a, b); }
    static VN_INLINE F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
    static VN_INLINE F max(F a, F b) { return _mm256_max_ps(a, b); }
    static VN_INLINE F within(F v, float limit) { return _mm256_min_ps(_mm256_max_ps(v, set(-limit)), set(limit)); }
    static VN_INLINE F bounded(F v, float limit) { return within(v, limit); }
    static VN_INLINE F over(F a, F b) { return _mm256_div_ps(a, b); }
    static VN_INLINE float sum(F v) {
        __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
        s = _mm_add_ps(s, _mm_movehl_ps(s, s));
        return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
    }
    static VN_INLINE float highest(F v) {
        __m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
        s = _mm_max_ps(s, _mm_movehl_ps(s, s));
        return _mm_cvtss_f32(_mm_max_ss(s, _mm_shuffle_ps(s, s, 1)));
    }
    template <bool fine>
    static VN_INLINE F exp2(F v) {  // |v| <= 120
        const F whole = _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        const I exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(whole), 23);
        return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(power_of_two<V, fine>(sub(v, whole))), exponent));
    }
    static VN_INLINE I pairs(const uint16_t* p) { return _mm256_loadu_si256(reinterpret_cast<const I*>(p)); }
    static VN_INLINE F low(const uint16_t* p) { return _mm256_castsi256_ps(_mm256_slli_epi32(pairs(p), 16)); }
    static VN_INLINE F high(const uint16_t* p) {
        return _mm256_castsi256_ps(_mm256_and_si256(pairs(p), _mm256_set1_epi32(int32_t(0xffff0000u))));
    }
    static VN_INLINE void halve(uint16_t* to, F v) {
        const I bits = _mm256_castps_si256(v);
        const I odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
        const I wide = _mm256_srli_epi32(_mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
        const I packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(wide, wide), 0x08);
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(packed));
    }
    // Bytes are widened to 16 bits, even and odd ones apart: the sum of two products then fits into 32 bits and nothing
    // saturates, as it would with the instruction for bytes.
    struct Four {
        I even, odd;
    };
    using Fours = Four;
    static VN_INLINE Four split(I v) { return {_mm256_srai_epi16(_mm256_slli_epi16(v, 8), 8), _mm256_srai_epi16(v, 8)}; }
    static VN_INLINE I zeros() { return _mm256_setzero_si256(); }
    static VN_INLINE I load_sums(const int32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const I*>(p)); }
    static VN_INLINE void store_sums(int32_t* p, I v) { _mm256_storeu_si256(reinterpret_cast<I*>(p), v); }
    static VN_INLINE I add_sums(I a, I b) { return _mm256_add_epi32(a, b); }
    static VN_INLINE F to_floats(I v) { return _mm256_cvtepi32_ps(v); }
    static VN_INLINE Fours fours(const int8_t* p) { return split(_mm256_loadu_si256(reinterpret_cast<const I*>(p))); }
    static VN_INLINE Four spread_four(const int8_t* p) {
        int32_t four;
        memcpy(&four, p, 4);
        return split(_mm256_set1_epi32(four));
    }
    static VN_INLINE I dot_four(I a, Fours w, Four x) {
        return add_sums(a, add_sums(_mm256_madd_epi16(w.even, x.even), _mm256_madd_epi16(w.odd, x.odd)));
    }
    static VN_INLINE void narrow(int8_t* to, F v) {
        const I wide = _mm256_cvtps_epi32(v);
        const __m128i half = _mm_packs_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
        _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_packs_epi16(half, half));
    }
};

struct F32 : Floats<V> {};
struct B16 : Halves<V> {};
struct I8 : Eighths<V> {};
