// A thread's streams: memory, first layer, older taps. A part of engine.h, which includes it.

template <class P>
struct Duet;  // see duet.h

template <class P>
struct Section {
    const Packed* model;
    int rows, first, all, ahead;  // of `all` rows of the job these are `first` and on
    int64_t clock;
    float *x, *skip, *logits, *told, *head, *past, *shares;
    float *h1, *h2;
    float* begun;  // the first layer's ring, (slots, rows, Rp)
    typename P::X *heard, *z;
    typename P::X** rings;       // of the other layers, each (slots, rows, Rp)
    typename P::Bare** forward;  // each (ahead, rows, 2 Rp)
    typename P::Bare** from;     // where the older taps of the present block lie: `forward`, or the helper's
    Duet<P>* duet;               // of one row only
};

template <class P>
struct Head {  // what lies between the skips and the logits
    float *skip, *logits, *shares, *h1, *h2;
};

#include "duet.h"

template <class P>
Section<P>* section(const Packed* m, int rows, int first, int all, Arena& arena) {
    const bool real = arena.base != nullptr;
    Section<P> scratch{}, *const place = arena.take<Section<P>>(1), *const s = real ? place : &scratch;
    int ahead = kAhead;
    while (ahead > 1 && ahead * rows > kAhead) ahead /= 2;
    const size_t n = rows;
    *s = Section<P>{m, rows, first, all, ahead, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    s->x = arena.take<float>(n * m->Rp);
    s->skip = arena.take<float>(n * m->Sp);
    s->logits = arena.take<float>(n * m->Ap);
    s->shares = arena.take<float>(m->Ap);
    s->told = arena.take<float>(n * m->depth * 2 * m->Rp);
    s->head = arena.take<float>(n * m->Sp);
    s->past = arena.take<float>(n * m->kernel);
    s->heard = arena.take<typename P::X>(n * m->Rp);
    s->z = arena.take<typename P::X>(n * m->Rp);
    s->h1 = arena.take<float>(n * m->Sp);
    s->h2 = arena.take<float>(n * m->Sp);
    s->begun = arena.take<float>(n * m->layers[0].ring * m->Rp);
    typename P::X** rings = arena.take<typename P::X*>(m->depth);
    typename P::Bare** forward = arena.take<typename P::Bare*>(m->depth);
    s->rings = rings;
    s->forward = forward;
    s->from = arena.take<typename P::Bare*>(m->depth);
    s->duet = rows == 1 ? duet<P>(m, arena) : nullptr;
    for (int l = 1; l < m->depth; ++l) {
        auto* ring = arena.take<typename P::X>(n * m->layers[l].ring * m->Rp);
        const int block = ahead < m->layers[l].dilation ? ahead : m->layers[l].dilation;
        auto* kept = block > 1 ? arena.take<typename P::Bare>(n * block * 2 * m->Rp) : nullptr;
        if (!real) continue;
        rings[l] = ring;
        forward[l] = kept;
    }
    return place;
}

template <class P>
VN_INLINE int block_of(const Section<P>* s, const Layer& layer) {
    return s->ahead < layer.dilation ? s->ahead : layer.dilation;
}

template <class P>
void forget(Section<P>* s, int row) {
    const Packed* m = s->model;
    for (int k = 0; k < m->kernel; ++k) s->past[row * m->kernel + k] = 0.0f;
    for (int slot = 0; slot < m->layers[0].ring; ++slot)
        for (int i = 0; i < m->Rp; ++i) s->begun[(size_t(slot) * s->rows + row) * m->Rp + i] = 0.0f;
    for (int l = 1; l < m->depth; ++l) {
        const Layer& layer = m->layers[l];
        for (int slot = 0; slot < layer.ring; ++slot) {
            typename P::X* column = s->rings[l] + (size_t(slot) * s->rows + row) * m->Rp;
            for (int i = 0; i < m->Rp; ++i) column[i] = P::silence;
        }
        const int block = block_of(s, layer);
        s->from[l] = s->forward[l];
        if (block == 1) continue;
        Taps<P> taps;  // silence has come to this, for each of the samples computed ahead
        taps.first = 0, taps.count = m->kernel - 1, taps.stride = m->Rp, taps.ahead = nullptr;
        for (int tap = 0; tap < taps.count; ++tap) taps.x[tap] = s->rings[l] + size_t(row) * m->Rp;
        for (int i = 0; i < block; ++i) {
            Keep<P> keep{s->forward[l] + (size_t(i) * s->rows + row) * 2 * m->Rp};
            product<P>(layer.conv, taps, 1, keep);
        }
    }
}

// The frame's condition in the order of the matrices.
template <class P>
void listen(Section<P>* s, const vn_job* job, int frame) {
    const Packed* m = s->model;
    for (int row = 0; row < s->rows; ++row) {
        const size_t at = size_t(s->first + row) * job->frames + frame;
        const float* layers = job->layers + at * m->depth * 2 * m->R;
        const float* head = job->head + at * m->S;
        for (int l = 0; l < m->depth; ++l) {
            float* to = s->told + (size_t(l) * s->rows + row) * 2 * m->Rp;
            const float* from = layers + size_t(l) * 2 * m->R;
            for (int c = 0; c < m->Rp; ++c) {
                float* pair = to + c / V::W * 2 * V::W + c % V::W;
                pair[0] = c < m->R ? from[c] : 0.0f;
                pair[V::W] = c < m->R ? from[m->R + c] : 0.0f;
            }
        }
        for (int c = 0; c < m->Sp; ++c) s->head[row * m->Sp + c] = c < m->S ? head[c] : 0.0f;
    }
}

// to = bias + Σ column[k] · past[k]
VN_INLINE void linear(float* to, const float* bias, const float* columns, const float* past, int taps, int width) {
    for (int n = 0; n < width; n += V::W) {
        V::F sum = V::load(bias + n);
        for (int k = 0; k < taps; ++k) sum = V::fma(V::load(columns + k * width + n), V::set(past[k]), sum);
        V::store(to + n, sum);
    }
}

template <class P>
VN_INLINE void enter(Section<P>* s) {
    const Packed* m = s->model;
    for (int row = 0; row < s->rows; ++row) {
        const float* past = s->past + row * m->kernel;
        linear(s->x + size_t(row) * m->Rp, m->stem_bias, m->stem, past, m->kernel, m->Rp);
    }
}

template <class P>
VN_INLINE void begin_skips(const Section<P>* s, float* skip) {
    const Packed* m = s->model;
    for (int row = 0; row < s->rows; ++row)
        linear(skip + size_t(row) * m->Sp, m->skip_bias, m->skip_stem, s->past + row * m->kernel, m->kernel, m->Sp);
}

// The older taps of a block of samples, for all rows.
template <class P>
VN_NOINLINE void look_ahead(const Section<P>* s, int l, int64_t clock, int block, typename P::Bare* to) {
    const Packed* m = s->model;
    const Layer& layer = m->layers[l];
    const int older = m->kernel - 1, mask = layer.ring - 1;
    Taps<P> taps;
    taps.stride = m->Rp, taps.ahead = nullptr, taps.first = 0, taps.count = older;
    for (int tap = 0; tap < older; ++tap)
        taps.x[tap] = s->rings[l] + ((clock - int64_t(older - tap) * layer.dilation) & mask) * s->rows * m->Rp;
    product<P>(layer.conv, taps, block * s->rows, Keep<P>{to});
}

// Asks for what the next layer will read of its past; with many rows that comes from far away.
template <class P>
VN_INLINE void fetch(const Section<P>* s, int l) {
    const Packed* m = s->model;
    if (l >= m->depth || s->rows < 4) return;
    const Layer& layer = m->layers[l];
    const size_t column = size_t(s->rows) * m->Rp;
    for (int tap = 0; tap < m->kernel - 1; ++tap) {
        const int64_t slot = (s->clock - int64_t(m->kernel - 1 - tap) * layer.dilation) & (layer.ring - 1);
        const char* place = reinterpret_cast<const char*>(s->rings[l] + slot * column);
        for (size_t byte = 0; byte < column * sizeof(typename P::X); byte += 64) VN_FETCH(place + byte);
    }
}
