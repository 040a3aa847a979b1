// How weights are laid out before anything is sung. A part of engine.h, which includes it.

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
    *p = Packed{P::code, L, K, R, S, A, Rp, Sp, Ap, nullptr, {}, {}, 0, 0, 0, 0, 0};
    p->layers = arena.take<Layer>(L);
    for (int l = 0; l < L; ++l) {
        Layer layer{};
        layer.dilation = s->dilations[l];
        for (layer.ring = 1; layer.ring < (K - 1) * layer.dilation;) layer.ring *= 2;
        const float* x_unit = w && P::quantised ? w->x_scale + size_t(l) * R : nullptr;
        const float* z_unit = w && P::quantised ? w->z_scale + size_t(l) * R : nullptr;
        layer.conv = l ? lay<P>(arena, 2 * R, 2 * Rp, R, Rp, K) : lay<F32>(arena, 2 * R, 2 * Rp, R, Rp, K);
        const float* conv = w ? w->conv + size_t(l) * 2 * R * K * R : nullptr;
        if (real) l ? fill<P>(layer.conv, conv, 2 * R, R, true, x_unit) : fill<F32>(layer.conv, conv, 2 * R, R, true, nullptr);
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
    p->mix = lay<F32>(arena, S, Sp, S, Sp, 1);
    if (real) fill<F32>(p->mix, w->mix, S, S, false, nullptr);
    p->out = lay<F32>(arena, A, Ap, S, Sp, 1);
    if (real) fill<F32>(p->out, w->out, A, S, false, nullptr);
    p->stem = upright(arena, w ? w->stem : nullptr, R, K, Rp);
    p->stem_bias = spread(arena, w ? w->stem_bias : nullptr, R, Rp, 0.0f, false);
    p->skip_stem = upright(arena, w ? w->skip_stem : nullptr, S, K, Sp);
    p->skip_bias = spread(arena, w ? w->skip_bias : nullptr, S, Sp, 0.0f, false);
    p->out_bias = spread(arena, w ? w->out_bias : nullptr, A, Ap, -1e30f, false);  // what is no level has no share
    return place;
}
