// Vectors of 4 floats in plain C++, for processors that no other variant knows.
struct V {
    struct F {
        float v[4];
    };
    struct I {
        int32_t v[4];
    };
    static constexpr int W = 4, tile = 4;
    template <class Do>
    static VN_INLINE F each(const Do& act) {
        return F{{act(0), act(1), act(2), act(3)}};
    }
    static VN_INLINE F load(const float* p) { return each([&](int i) { return p[i]; }); }
    static VN_INLINE void store(float* p, F a) {
        for (int i = 0; i < 4; ++i) p[i] = a.v[i];
    }
    static VN_INLINE F half(const uint16_t* p) { return each([&](int i) { return from_half(p[i]); }); }
    static VN_INLINE F set(float a) { return F{{a, a, a, a}}; }
    static VN_INLINE F add(F a, F b) { return each([&](int i) { return a.v[i] + b.v[i]; }); }
    static VN_INLINE F sub(F a, F b) { return each([&](int i) { return a.v[i] - b.v[i]; }); }
    static VN_INLINE F mul(F a, F b) { return each([&](int i) { return a.v[i] * b.v[i]; }); }
    static VN_INLINE F fma(F a, F b, F c) { return each([&](int i) { return a.v[i] * b.v[i] + c.v[i]; }); }
    static VN_INLINE F max(F a, F b) { return each([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; }); }
    static VN_INLINE F within(F a, float limit) {
        return each([&](int i) { return a.v[i] > -limit ? (a.v[i] < limit ? a.v[i] : limit) : -limit; });  // also of NaN
    }
    static VN_INLINE F bounded(F v, float limit) { return within(v, limit); }
    static VN_INLINE F over(F a, F b) { return each([&](int i) { return a.v[i] / b.v[i]; }); }
    static VN_INLINE float sum(F a) { return (a.v[0] + a.v[1]) + (a.v[2] + a.v[3]); }
    static VN_INLINE float highest(F a) {
        const float low = a.v[0] > a.v[1] ? a.v[0] : a.v[1], high = a.v[2] > a.v[3] ? a.v[2] : a.v[3];
        return low > high ? low : high;
    }
    static VN_INLINE int32_t nearest(float a) { return int32_t(a < 0.0f ? a - 0.5f : a + 0.5f); }
    template <bool fine>
    static VN_INLINE F exp2(F a) {  // |a| <= 120
        const F whole = each([&](int i) { return float(nearest(a.v[i])); });
        const F power = power_of_two<V, fine>(sub(a, whole));
        return each([&](int i) {
            const uint32_t bits = uint32_t(int32_t(whole.v[i]) + 127) << 23;
            float scale;
            memcpy(&scale, &bits, 4);
            return power.v[i] * scale;
        });
    }
    static VN_INLINE float wide(uint16_t half) {
        const uint32_t bits = uint32_t(half) << 16;
        float a;
        memcpy(&a, &bits, 4);
        return a;
    }
    static VN_INLINE F low(const uint16_t* p) { return each([&](int i) { return wide(p[2 * i]); }); }
    static VN_INLINE F high(const uint16_t* p) { return each([&](int i) { return wide(p[2 * i + 1]); }); }
    static VN_INLINE void halve(uint16_t* to, F a) {
        for (int i = 0; i < 4; ++i) to[i] = to_bf16(a.v[i]);
    }
    struct Four {
        int8_t v[4];
    };
    struct Fours {
        int8_t v[16];
    };
    static VN_INLINE I zeros() { return I{{0, 0, 0, 0}}; }
    static VN_INLINE I load_sums(const int32_t* p) { return I{{p[0], p[1], p[2], p[3]}}; }
    static VN_INLINE void store_sums(int32_t* p, I a) {
        for (int i = 0; i < 4; ++i) p[i] = a.v[i];
    }
    static VN_INLINE I add_sums(I a, I b) {
        for (int i = 0; i < 4; ++i) a.v[i] += b.v[i];
        return a;
    }
    static VN_INLINE F to_floats(I a) { return each([&](int i) { return float(a.v[i]); }); }
    static VN_INLINE Fours fours(const int8_t* p) {
        Fours w;
        memcpy(w.v, p, 16);
        return w;
    }
    static VN_INLINE Four spread_four(const int8_t* p) { return Four{{p[0], p[1], p[2], p[3]}}; }
    static VN_INLINE I dot_four(I a, Fours w, Four x) {
        for (int i = 0; i < 4; ++i)
            for (int k = 0; k < 4; ++k) a.v[i] += int32_t(w.v[4 * i + k]) * x.v[k];
        return a;
    }
    static VN_INLINE void narrow(int8_t* to, F a) {
        for (int i = 0; i < 4; ++i) to[i] = to_int8(a.v[i]);
    }
};

struct F32 : Floats<V> {};
struct B16 : Halves<V> {};
struct I8 : Eighths<V> {};
