// What is done with a product while it is still in registers. A part of engine.h, which includes it.

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

template <class P, class Q>
struct Gate {  // of a product in P, for what goes on in Q
    static constexpr bool paired = true;
    const float* told;  // (rows, outputs), in the order of the matrix
    const float* inverse;
    typename Q::X* z;
    template <int N>
    VN_INLINE void take(int row, int vector, const typename P::Acc* acc, const Matrix& m) const {
        const float* t = told + (size_t(row) * m.vectors + vector) * V::W;
        typename Q::X* to = z + (size_t(row) * m.vectors + vector) / 2 * V::W;
        VN_UNROLL for (int i = 0; i < N; i += 2) {
            const V::F f = P::value(acc[i], m.scale, size_t(vector + i) * V::W, V::load(t + i * V::W));
            const V::F g = P::value(acc[i + 1], m.scale, size_t(vector + i + 1) * V::W, V::load(t + (i + 1) * V::W));
            Q::put(to + i / 2 * V::W, gated<Q>(f, g), inverse, size_t(vector + i) / 2 * V::W);
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

struct Mix {  // the head is float32, whatever the layers are
    static constexpr bool paired = false;
    const float* told;
    float* to;
    template <int N>
    VN_INLINE void take(int row, int vector, const F32::Acc* acc, const Matrix& m) const {
        const size_t place = (size_t(row) * m.vectors + vector) * V::W;
        VN_UNROLL for (int i = 0; i < N; ++i) {
            const size_t n = size_t(vector + i) * V::W;
            const V::F sum = F32::value(acc[i], m.scale, n, V::load(told + place + i * V::W));
            V::store(to + place + i * V::W, V::max(sum, V::set(0.0f)));
        }
    }
};

struct Out {
    static constexpr bool paired = false;
    const float* bias;
    float* to;
    template <int N>
    VN_INLINE void take(int row, int vector, const F32::Acc* acc, const Matrix& m) const {
        float* at = to + (size_t(row) * m.vectors + vector) * V::W;
        VN_UNROLL for (int i = 0; i < N; ++i) {
            const size_t n = size_t(vector + i) * V::W;
            V::store(at + i * V::W, F32::value(acc[i], m.scale, n, V::load(bias + n)));
        }
    }
};
