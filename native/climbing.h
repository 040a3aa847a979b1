// Through the layers and out to a level, step by step. A part of engine.h, which includes it.

// What comes after the gate, the same in all layers.
template <class P>
VN_INLINE void pass_on(Section<P>* s, int l, const typename P::X* z, bool skips) {
    const Packed* m = s->model;
    const Layer& layer = m->layers[l];
    Taps<P> taps;
    taps.stride = m->Rp, taps.ahead = nullptr, taps.first = 0, taps.count = 1, taps.x[0] = z;
    if (l < m->depth - 1)
        product<P>(layer.through, taps, s->rows, Through<P>{layer.through_bias, m->layers[l + 1].x_inverse, s->x, s->heard});
    if (skips) product<P>(layer.aside, taps, s->rows, Aside<P>{s->skip});
}

// The first layer, whose convolution is float32.
template <class P>
VN_INLINE void set_off(Section<P>* s, typename P::X* kept) {
    const Packed* m = s->model;
    const Layer& layer = m->layers[0];
    const int older = m->kernel - 1, mask = layer.ring - 1;
    const size_t column = size_t(s->rows) * m->Rp;
    fetch(s, 1);
    Taps<F32> taps;
    taps.stride = m->Rp, taps.ahead = nullptr, taps.first = 0, taps.count = m->kernel;
    for (int tap = 0; tap < older; ++tap)
        taps.x[tap] = s->begun + ((s->clock - int64_t(older - tap) * layer.dilation) & mask) * column;
    taps.x[older] = s->x;
    typename P::X* z = kept ? kept : s->z;
    product<F32>(layer.conv, taps, s->rows, Gate<F32, P>{s->told, layer.z_inverse, z});
    if (kept) reached(s, 0);
    F32::copy(s->begun + (s->clock & mask) * column, s->x, column);
    pass_on(s, 0, z, !kept);
}

// One layer: x and the skips move on. With `kept` the gated output goes there, and somebody else adds the skips.
template <class P>
VN_INLINE void climb(Section<P>* s, int l, typename P::X* kept) {
    if (l == 0) return set_off(s, kept);
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
    product<P>(layer.conv, taps, s->rows, Gate<P, P>{s->told + size_t(l) * s->rows * 2 * m->Rp, layer.z_inverse, z});
    if (kept) reached(s, l);
    P::copy(s->rings[l] + (s->clock & mask) * column, s->heard, column);
    pass_on(s, l, z, !kept);
}

template <class P>
VN_INLINE void leave(const Section<P>* s, const Head<P>& h) {
    const Packed* m = s->model;
    for (int row = 0; row < s->rows; ++row)
        for (int n = 0; n < m->Sp; n += V::W) {
            const size_t place = size_t(row) * m->Sp + n;
            V::store(h.h1 + place, V::max(V::load(h.skip + place), V::set(0.0f)));
        }
    Taps<F32> taps;
    taps.ahead = nullptr, taps.first = 0, taps.count = 1, taps.stride = m->Sp, taps.x[0] = h.h1;
    product<F32>(m->mix, taps, s->rows, Mix{s->head, h.h2});
    taps.x[0] = h.h2;
    product<F32>(m->out, taps, s->rows, Out{m->out_bias, h.logits});
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
