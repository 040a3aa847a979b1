// Matrix by columns, in register tiles. A part of engine.h, which includes it.

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
