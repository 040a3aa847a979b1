// What sings live, written out in doubles: stacks on every variant that this processor runs, transforms, sums, a tracker.
#include <cmath>
#include <complex>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "checks.h"
#include "columns.h"
#include "sampler.h"
#include "stack.h"
#include "tracker.h"

namespace {
using Numbers = std::vector<float>;
using Exact = std::vector<double>;

struct Net {
    int I, W, N, B, M, O;
    Numbers stem, stem_bias, first, taps, tap_bias, norms, widen, widen_bias, narrow, narrow_bias, scale, last, head;
    Numbers head_bias;

    Net(int i, int w, int n, int b, int m, int o) : I(i), W(w), N(n), B(b), M(m), O(o) {
        stem = normal(size_t(W) * I, 1 / std::sqrt(I)), stem_bias = normal(W, 0.3), first = normal(2 * W, 1);
        taps = normal(size_t(B) * (M + 1) * W, 0.5), tap_bias = normal(B * W, 0.3), norms = normal(2 * B * W, 1);
        widen = normal(size_t(B) * N * W, 1 / std::sqrt(W)), widen_bias = normal(B * N, 0.3);
        narrow = normal(size_t(B) * W * N, 1 / std::sqrt(N)), narrow_bias = normal(B * W, 0.3);
        scale = normal(B * W, 0.5), last = normal(2 * W, 1), head = normal(size_t(O) * W, 0.2);
        head_bias = normal(O, 0.3);
    }
    vn_stack_shape shape() const { return vn_stack_shape{I, W, N, B, M, O}; }
    vn_stack_weights weights() const {
        return vn_stack_weights{stem.data(),        stem_bias.data(), first.data(),     taps.data(),  tap_bias.data(),
                                norms.data(),       widen.data(),     widen_bias.data(), narrow.data(), narrow_bias.data(),
                                scale.data(),       last.data(),      head.data(),      head_bias.data(), 1e-5f};
    }
};

Exact product(const float* w, const float* bias, const Exact& x, int outputs) {
    Exact y(bias, bias + outputs);
    for (int o = 0; o < outputs; ++o)
        for (size_t i = 0; i < x.size(); ++i) y[o] += w[o * x.size() + i] * x[i];
    return y;
}

Exact norm(const float* pair, const Exact& x) {
    double mean = 0, square = 0;
    for (double v : x) mean += v / x.size();
    for (double v : x) square += (v - mean) * (v - mean) / x.size();
    Exact y;
    for (size_t i = 0; i < x.size(); ++i)
        y.push_back((x[i] - mean) / std::sqrt(square + 1e-5) * pair[i] + pair[x.size() + i]);
    return y;
}

Exact truth(const Net& n, const Numbers& told, int steps) {
    std::vector<std::vector<Exact>> pasts(n.B, std::vector<Exact>(n.M, Exact(n.W, 0.0)));
    Exact drawn;
    for (int t = 0; t < steps; ++t) {
        const Exact heard(&told[t * n.I], &told[t * n.I] + n.I);
        Exact x = norm(n.first.data(), product(n.stem.data(), n.stem_bias.data(), heard, n.W));
        for (int b = 0; b < n.B; ++b) {
            pasts[b].push_back(x);
            Exact mixed(&n.tap_bias[b * n.W], &n.tap_bias[b * n.W] + n.W);
            for (int m = 0; m <= n.M; ++m)
                for (int i = 0; i < n.W; ++i) mixed[i] += n.taps[(b * (n.M + 1) + m) * n.W + i] * pasts[b][m][i];
            pasts[b].erase(pasts[b].begin());
            mixed = norm(&n.norms[2 * b * n.W], mixed);
            Exact wide = product(&n.widen[size_t(b) * n.N * n.W], &n.widen_bias[b * n.N], mixed, n.N);
            for (double& v : wide) v *= 0.5 * std::erfc(-v / std::sqrt(2.0));
            const Exact narrow = product(&n.narrow[size_t(b) * n.W * n.N], &n.narrow_bias[b * n.W], wide, n.W);
            for (int i = 0; i < n.W; ++i) x[i] += n.scale[b * n.W + i] * narrow[i];
        }
        for (double v : product(n.head.data(), n.head_bias.data(), norm(n.last.data(), x), n.O)) drawn.push_back(v);
    }
    return drawn;
}

void steps_agree(const vn_variant* variant, const Net& n, bool half, double bound) {
    const int steps = 2 * n.M + 5, odd = n.M + 2;
    const Numbers told = normal(size_t(steps) * n.I, 1.0);
    Numbers drawn(size_t(steps) * n.O), again(drawn.size());
    const vn_stack_shape shape = n.shape();
    const vn_stack_weights weights = n.weights();
    const char* error = nullptr;
    vn_stack* stack = vn_stack_new(variant, &shape, &weights, half, &error);
    CHECK(stack && !error && vn_stack_bytes(stack) > 0);
    vn_past *whole = vn_past_new(stack, &error), *pieces = vn_past_new(stack, &error);
    CHECK(whole && pieces);
    vn_past_extend(whole, told.data(), steps, drawn.data());
    vn_past_extend(pieces, told.data(), odd, again.data());
    vn_past_extend(pieces, told.data(), 0, again.data());
    vn_past_extend(pieces, &told[size_t(odd) * n.I], steps - odd, &again[size_t(odd) * n.O]);
    CHECK(std::memcmp(drawn.data(), again.data(), drawn.size() * sizeof(float)) == 0);
    const Exact known = truth(n, told, steps);
    double worst = 0, most = 0;
    for (size_t i = 0; i < known.size(); ++i) {
        CHECK(drawn[i] == drawn[i]);
        worst = std::fmax(worst, std::fabs(known[i] - drawn[i])), most = std::fmax(most, std::fabs(known[i]));
    }
    const int bits = half ? 16 : 32;
    std::printf("%-9s stack of %d blocks, width %d, %d bits: off by %.2g\n", variant->name, n.B, n.W, bits, worst / most);
    CHECK(worst < bound * most);
    vn_past_free(whole), vn_past_free(pieces), vn_stack_free(stack);
}

// What is no number, or too large for one, is heard for as long as a stack remembers and then forgotten.
void steps_forget(const vn_variant* variant, const Net& n, bool half) {
    const int memory = n.B * n.M + 1;
    const Numbers told = normal(size_t(memory + 1) * n.I, 1.0);
    Numbers once(size_t(memory + 1) * n.O), again(once.size());
    const vn_stack_shape shape = n.shape();
    const vn_stack_weights weights = n.weights();
    const char* error = nullptr;
    vn_stack* stack = vn_stack_new(variant, &shape, &weights, half, &error);
    vn_past *fresh = vn_past_new(stack, &error), *troubled = vn_past_new(stack, &error);
    CHECK(fresh && troubled);
    const float infinite = std::numeric_limits<float>::infinity();
    for (const float trouble : {std::numeric_limits<float>::quiet_NaN(), infinite, -infinite, 3e38f, 1e-42f}) {
        const Numbers wrong(n.I, trouble);
        vn_past_extend(troubled, wrong.data(), 1, again.data());
    }
    vn_past_extend(fresh, told.data(), memory + 1, once.data());
    vn_past_extend(troubled, told.data(), memory + 1, again.data());
    const size_t last = size_t(memory) * n.O;
    CHECK(once[last] == once[last]);
    CHECK(std::memcmp(&once[last], &again[last], n.O * sizeof(float)) == 0);
    vn_past_free(fresh), vn_past_free(troubled), vn_stack_free(stack);
}

void refuses() {
    const Net n(3, 4, 8, 2, 2, 5);
    const vn_stack_weights weights = n.weights();
    const int huge = 1 << 30;
    const vn_stack_shape shapes[] = {
        {0, 4, 8, 2, 2, 5},    {3, 0, 8, 2, 2, 5},    {3, 4, 0, 2, 2, 5},    {3, 4, 8, 0, 2, 5},
        {3, 4, 8, 2, -1, 5},   {3, 4, 8, 2, 64, 5},   {3, 4, 8, 2, 2, 0},    {huge, 4, 8, 2, 2, 5},
        {3, huge, 8, 2, 2, 5}, {3, 4, huge, 2, 2, 5}, {3, 4, 8, huge, 2, 5}, {3, 4, 8, 2, 2, huge}};
    for (const vn_stack_shape& shape : shapes) {
        const char* error = nullptr;
        CHECK(!vn_stack_new(vn_choose(""), &shape, &weights, false, &error) && error);
    }
}

void transforms_agree() {
    for (const int size : {1, 2, 7, 60, 97, 480, 882, 1323}) {
        const Numbers re = normal(size, 1), im = normal(size, 1);
        std::vector<Complex> x(size);
        for (int n = 0; n < size; ++n) x[n] = {re[n], im[n]};
        Fourier(size).transform(x.data());
        double worst = 0;
        for (int k = 0; k < size; ++k) {
            std::complex<double> sum = 0;
            for (int n = 0; n < size; ++n)
                sum += std::complex<double>(re[n], im[n]) * std::polar(1.0, -2 * 3.14159265358979 * (double(k) * n / size));
            worst = std::fmax(worst, std::abs(sum - std::complex<double>(x[k].re, x[k].im)));
        }
        CHECK(worst < 1e-5 * std::sqrt(size) * 4);
    }
}

// Whatever comes in, what comes out is as long as it should be, and no memory but its own is touched.
void sums_bear_everything() {
    for (const int hop : {1, 3, 160, 441})
        for (const int overlap : {2, 3}) {
            const int size = hop * overlap, bins = size / 2 + 1, bands = 5, wait = 2;
            Sums sums({hop, overlap, wait, 1, bands, 16000, 20.0f, 4000.0f, 6.0f, normal(size, 1).data()});
            sums.reshape(normal(bands * bins, 0.1).data(), normal(bands * bins, 0.1).data());
            for (const int columns : {1, 1, 4, 2}) {
                Numbers pitch(columns * hop, 220.0f), flags(columns + 2, 1.0f), noise = normal(columns * hop, 1);
                Numbers powers(columns, 0.1f), sung(columns * hop), drawn = normal(size_t(columns) * 3 * bands, 1);
                if (columns == 4) pitch[0] = std::numeric_limits<float>::quiet_NaN(), noise[0] = 1e30f, flags[1] = -5.0f;
                Sums::Told told{columns,      columns + 7,   pitch.data(), flags.data(),
                                noise.data(), powers.data(), drawn.data(), 0.0f};
                CHECK(!sums.extend(told, sung.data()));
                told.curves = columns;
                CHECK(sums.extend(told, sung.data()));
            }
            const Numbers filters = normal(bands * bins, 1), taper = normal(size, 1), usual = normal(bands, 1);
            const Numbers spread(bands, 1.0f);
            Shapes shapes({hop, size, bands, 0.99, 250.0, 1e-9, filters.data(), taper.data(), usual.data(), spread.data()});
            Numbers wave = normal(3 * hop, 1), shaped(3 * bands);
            for (const float factor : {1.0f, 0.0f, 1e30f, std::numeric_limits<float>::quiet_NaN()}) {
                for (float& one : wave) one *= factor;
                shapes.extend(wave.data(), 3, shaped.data());
            }
        }
}

void tracker_bears_everything() {
    const int every = 2, step = 120, late = 12, half = 3 * step / 2 - late, hop = 240;
    const Exact filter(2 * late * every + 1, 1.0 / (2 * late * every + 1));
    Tracker::Choice choice{every, step, half,  10,    194,   hop, 12000.0, 0.03, 0.35, 0.12,
                           0.46,  0.2,  0.02, -50.0, -70.0, 0.4, 120.0,   72.0, 96.0, filter};
    Tracker tracker(choice);
    Numbers pitch(11);
    double phase = 0;
    for (int turn = 0; turn < 8; ++turn) {
        Numbers wave = normal(10 * hop, turn % 4 == 1 ? 0.0 : 0.01);
        for (float& one : wave) one += turn % 4 < 2 ? float(std::sin(phase += 2 * 3.14159265358979 * 200 / 24000)) : 0.0f;
        if (turn == 6) wave[5] = std::numeric_limits<float>::quiet_NaN(), wave[900] = std::numeric_limits<float>::infinity();
        if (turn == 7) wave[5] = 3e38f;
        const int found = tracker.extend(wave.data(), 10, pitch.data());
        CHECK(found == (turn ? 10 : 9));
        CHECK(turn != 1 || std::fabs(pitch[5] - 200.0f) < 0.5f);
    }
}
}  // namespace

void test_live() {
    const vn_variant* list[8];
    const Net nets[] = {Net(80, 48, 96, 2, 6, 130), Net(5, 7, 21, 3, 2, 9), Net(33, 70, 70, 1, 0, 64)};
    for (int i = 0, count = vn_variants(list, 8); i < count; ++i)
        for (const Net& net : nets) {
            steps_agree(list[i], net, false, 1e-5);
            steps_agree(list[i], net, true, 2e-2);
            steps_forget(list[i], net, false), steps_forget(list[i], net, true);
        }
    refuses();
    transforms_agree();
    sums_bear_everything();
    tracker_bears_everything();
}
