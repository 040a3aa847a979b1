// Vectors of 4 floats: NEON as every 64-bit ARM has it.
struct V {
    using F = float32x4_t;
    using I = int32x4_t;
    static constexpr int W = 4, tile = 16;
    static VN_INLINE F load(const float* p) { return vld1q_f32(p); }
    static VN_INLINE void store(float* p, F v) { vst1q_f32(p, v); }
    static VN_INLINE F half(const uint16_t* p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
    static VN_INLINE F set(float v) { return vdupq_n_f32(v); }
    static VN_INLINE F add(F a, F b) { return vaddq_f32(a, b); }
    static VN_INLINE F sub(F a, F b) { return vsubq_f32(a, b); }
    static VN_INLINE F mul(F a, F b) { return vmulq_f32(a, b); }
    static VN_INLINE F fma(F a, F b, F c) { return vfmaq_f32(c, a, b); }
    static VN_INLINE F max(F a, F b) { return vmaxq_f32(a, b); }
    static VN_INLINE F within(F v, float limit) { return vminq_f32(vmaxq_f32(v, set(-limit)), set(limit)); }
    static VN_INLINE F bounded(F v, float limit) { return within(v, limit); }
    static VN_INLINE F over(F a, F b) { return vdivq_f32(a, b); }
    static VN_INLINE float sum(F v) { return vaddvq_f32(v); }
    static VN_INLINE float highest(F v) { return vmaxvq_f32(v); }
    template <bool fine>
    static VN_INLINE F exp2(F v) {  // |v| <= 120
        const I whole = vcvtnq_s32_f32(v);
        const F power = power_of_two<V, fine>(sub(v, vcvtq_f32_s32(whole)));
        return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(power), vshlq_n_s32(whole, 23)));
    }
    static VN_INLINE uint32x4_t pairs(const uint16_t* p) { return vreinterpretq_u32_u16(vld1q_u16(p)); }
    static VN_INLINE F low(const uint16_t* p) { return vreinterpretq_f32_u32(vshlq_n_u32(pairs(p), 16)); }
    static VN_INLINE F high(const uint16_t* p) {
        return vreinterpretq_f32_u32(vandq_u32(pairs(p), vdupq_n_u32(0xffff0000u)));
    }
    static VN_INLINE void halve(uint16_t* to, F v) {
        const uint32x4_t bits = vreinterpretq_u32_f32(v);
        const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
        vst1_u16(to, vshrn_n_u32(vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff))), 16));
    }
    using Four = int8x8_t;
    using Fours = int8x16_t;
    static VN_INLINE I zeros() { return vdupq_n_s32(0); }
    static VN_INLINE I load_sums(const int32_t* p) { return vld1q_s32(p); }
    static VN_INLINE void store_sums(int32_t* p, I v) { vst1q_s32(p, v); }
    static VN_INLINE I add_sums(I a, I b) { return vaddq_s32(a, b); }
    static VN_INLINE F to_floats(I v) { return vcvtq_f32_s32(v); }
    static VN_INLINE Fours fours(const int8_t* p) { return vld1q_s8(p); }
    static VN_INLINE Four spread_four(const int8_t* p) {
        int32_t four;
        memcpy(&four, p, 4);
        return vreinterpret_s8_s32(vdup_n_s32(four));
    }
    static VN_INLINE I dot_four(I a, Fours w, Four x) {  // 127 · 127 fits into 16 bits
        const I first = vpaddlq_s16(vmull_s8(vget_low_s8(w), x)), second = vpaddlq_s16(vmull_s8(vget_high_s8(w), x));
        return vaddq_s32(a, vpaddq_s32(first, second));
    }
    static VN_INLINE void narrow(int8_t* to, F v) {
        const int16x4_t half = vmovn_s32(vcvtnq_s32_f32(v));
        const int8x8_t bytes = vmovn_s16(vcombine_s16(half, half));
        const int32_t four = vget_lane_s32(vreinterpret_s32_s8(bytes), 0);
        memcpy(to, &four, 4);
    }
};

struct F32 : Floats<V> {};
struct B16 : Halves<V> {};
struct I8 : Eighths<V> {};
