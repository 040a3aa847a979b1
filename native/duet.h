// One stream on two cores. Included by engine.h.
//
//   singer ──gated outputs, layer by layer──▶ helper: skips, head, the level drawn ──▶ singer
//          ◀──older taps of the next 8 samples, of layers that look back 16 or more──
//
// Only the singer changes the stream. The helper writes to memory of its own and offers what it found; whoever moves
// `ticket` first decides. If the helper does not answer within microseconds (its core was taken away) the singer does
// the work itself, in the same order of summation, and sings alone for a while. What a helper that was left behind reads
// may be half overwritten: what it makes of it is discarded, and can lead nowhere, for it only ever computes numbers.

template <class P>
struct Duet {
    alignas(64) std::atomic<int64_t> ticket;    // 2 t: step t waits for an answer; 2 t + 1: there is one; -1: none wanted
    alignas(64) std::atomic<int64_t> progress;  // t · depth + layers whose gated outputs are there
    alignas(64) std::atomic<int64_t> now;       // the singer's clock
    alignas(64) std::atomic<int> present, done;
    alignas(64) int level;                  // the helper's answer
    alignas(64) int64_t rest;               // how many steps the singer still sings alone
    int64_t penance;                        // and how many after the next disappointment
    int64_t start;                          // the clock at the beginning of the call
    int patience;                           // looks at the ticket before the work is taken back
    typename P::X* kept;                    // gated outputs, (2, depth, Rp)
    Head<P> head;                           // the helper's
    typename P::Bare** forward;             // the helper's older taps, (2, depth) pointers or null
    std::atomic<int64_t>* ready;            // (depth), the block that the helper has finished
    int* far;                               // layers that look back far enough
    int fars;
};

template <class P>
Duet<P>* duet(const Packed* m, Arena& arena) {
    const bool real = arena.base != nullptr;
    Duet<P>* const place = arena.take<Duet<P>>(1);
    auto* kept = arena.take<typename P::X>(size_t(2) * m->depth * m->Rp);
    Head<P> head{arena.take<float>(m->Sp), arena.take<float>(m->Ap), arena.take<float>(m->Ap),
                 arena.take<float>(m->Sp), arena.take<float>(m->Sp)};
    auto** forward = arena.take<typename P::Bare*>(size_t(2) * m->depth);
    auto* ready = arena.take<std::atomic<int64_t>>(m->depth);
    int* far = arena.take<int>(m->depth);
    int fars = 0;
    for (int l = 0; l < m->depth; ++l) {
        if (real) new (ready + l) std::atomic<int64_t>(-1);
        if (l == 0 || m->layers[l].dilation < 2 * kAhead) continue;
        for (int parity = 0; parity < 2; ++parity) {
            auto* taps = arena.take<typename P::Bare>(size_t(kAhead) * 2 * m->Rp);
            if (real) forward[parity * m->depth + l] = taps;
        }
        if (real) far[fars] = l;
        ++fars;
    }
    if (!real) return nullptr;
    Duet<P>* d = new (place) Duet<P>();
    d->kept = kept, d->head = head, d->forward = forward, d->ready = ready, d->far = far, d->fars = fars;
    d->penance = 64;
    d->patience = 400 + int(size_t(m->depth) * m->Rp * m->Rp * 7 * sizeof(typename P::Weight) / 8192);
    return d;
}

// Before a call: nobody is there yet.
template <class P>
void call(Section<P>* s) {
    Duet<P>* d = s->duet;
    d->start = s->clock;
    d->rest = 0;
    d->present.store(0), d->done.store(0), d->ticket.store(-1), d->progress.store(-1), d->now.store(s->clock);
    for (int l = 0; l < s->model->depth; ++l) d->ready[l].store(-1);
}

template <class P>
VN_INLINE void dismiss(Section<P>* s) {
    s->duet->ticket.store(-1, std::memory_order_release);
    s->duet->done.store(1, std::memory_order_release);
    for (int l = 0; l < s->model->depth; ++l) {  // the next call may come without a helper, in the middle of a block
        if (s->from[l] == s->forward[l] || !s->from[l]) continue;
        memcpy(s->forward[l], s->from[l], size_t(kAhead) * 2 * s->model->Rp * sizeof(typename P::Bare));
        s->from[l] = s->forward[l];
    }
}

// Whether this step is shared.
template <class P>
VN_INLINE bool invited(Section<P>* s) {
    Duet<P>* d = s->duet;
    d->now.store(s->clock, std::memory_order_release);
    if (d->rest > 0) return --d->rest, false;
    return d->present.load(std::memory_order_acquire) != 0;
}

template <class P>
VN_INLINE void reached(Section<P>* s, int l) {
    s->duet->progress.store(s->clock * s->model->depth + l + 1, std::memory_order_release);
}

// The helper's older taps for the block that begins now, if they are there.
template <class P>
VN_INLINE typename P::Bare* helped(const Section<P>* s, int l) {
    const Duet<P>* d = s->duet;
    const int64_t block = s->clock / kAhead;
    if (s->model->layers[l].dilation < 2 * kAhead || d->ready[l].load(std::memory_order_acquire) != block) return nullptr;
    return d->forward[(block & 1) * s->model->depth + l];
}

template <class P>
VN_INLINE void add_aside(const Section<P>* s, int l, const typename P::X* z, float* skip) {
    Taps<P> taps;
    taps.stride = s->model->Rp, taps.ahead = nullptr, taps.first = 0, taps.count = 1, taps.x[0] = z;
    product<P>(s->model->layers[l].aside, taps, 1, Aside<P>{skip});
}

template <class P>
VN_INLINE typename P::X* kept_of(const Section<P>* s, int64_t clock, int l) {
    return s->duet->kept + (size_t(clock & 1) * s->model->depth + l) * s->model->Rp;
}

template <class P>
void begin_skips(const Section<P>* s, float* skip);
template <class P>
void leave(const Section<P>* s, const Head<P>& h);
template <class P>
int chosen(const Section<P>* s, const vn_job* job, int64_t step, int row, const Head<P>& h);
template <class P>
void note(Section<P>* s, const vn_job* job, int64_t step, int row, const float* logits, int level);
template <class P>
void conclude(Section<P>* s, const vn_job* job, int64_t step);
template <class P>
void climb(Section<P>* s, int l, typename P::X* kept);
template <class P>
void look_ahead(const Section<P>* s, int l, int64_t clock, int block, typename P::Bare* to);

// One step of the singer, `enter` being done.
template <class P>
VN_NOINLINE void share(Section<P>* s, const vn_job* job, int64_t step) {
    Duet<P>* d = s->duet;
    const int64_t waiting = 2 * s->clock;
    d->ticket.store(waiting, std::memory_order_release);
    for (int l = 0; l < s->model->depth; ++l) climb(s, l, kept_of(s, s->clock, l));
    bool answered = false;
    for (int look = 0; look < d->patience && !answered; ++look) {
        answered = d->ticket.load(std::memory_order_acquire) == waiting + 1;
        if (!answered) VN_PAUSE();
    }
    int64_t expected = waiting;
    if (!answered && d->ticket.compare_exchange_strong(expected, -1)) {
        d->rest = d->penance;
        d->penance = d->penance < 8192 ? 2 * d->penance : 8192;
        begin_skips(s, s->skip);
        for (int l = 0; l < s->model->depth; ++l) add_aside(s, l, kept_of(s, s->clock, l), s->skip);
        return conclude(s, job, step);
    }
    if (d->penance > 64 && (s->clock & 63) == 0) d->penance /= 2;
    note(s, job, step, 0, d->head.logits, d->level);
}

// The helper: answers whoever waits, until the singer is done.
template <class P>
void help_section(Section<P>* s, const vn_job* job) {
    Duet<P>* d = s->duet;
    const int depth = s->model->depth;
    d->present.store(1, std::memory_order_release);
    for (int64_t last = -1, idle = 0; !d->done.load(std::memory_order_acquire);) {
        const int64_t ticket = d->ticket.load(std::memory_order_acquire);
        if (ticket < 0 || ticket & 1 || ticket == last) {
            if (++idle < 20000)
                VN_PAUSE();
            else
                vn_yield();
            continue;
        }
        idle = 0, last = ticket;
        const int64_t clock = ticket / 2;
        begin_skips(s, d->head.skip);
        bool left = false;  // behind
        for (int l = 0; l < depth && !left; ++l) {
            while (d->progress.load(std::memory_order_acquire) < clock * depth + l + 1 && !left) {
                VN_PAUSE();
                left = d->ticket.load(std::memory_order_acquire) != ticket || d->done.load(std::memory_order_acquire);
            }
            if (!left) add_aside(s, l, kept_of(s, clock, l), d->head.skip);
        }
        if (left) continue;
        leave(s, d->head);
        d->level = chosen(s, job, clock - d->start, 0, d->head);
        int64_t expected = ticket;
        if (!d->ticket.compare_exchange_strong(expected, ticket + 1)) continue;
        const int64_t block = clock / kAhead + 1, at = clock % kAhead;
        for (int64_t n = at * d->fars / kAhead; n < (at + 1) * d->fars / kAhead; ++n) {
            const int l = d->far[n];
            look_ahead(s, l, block * kAhead, kAhead, d->forward[(block & 1) * depth + l]);
            std::atomic_thread_fence(std::memory_order_acquire);
            if (d->now.load(std::memory_order_acquire) / kAhead < block) d->ready[l].store(block, std::memory_order_release);
        }
    }
}
