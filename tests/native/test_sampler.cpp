// The C interface against a WaveNet written out in doubles: every variant that this processor runs, odd sizes, faults.
// Built with the address and undefined-behaviour sanitizers by tests/sampling/test_native_build.py.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "checks.h"
#include "sampler.h"

namespace {
struct Net {
    int R, S, L, K, A;
    std::vector<int> dilations;
    std::vector<float> stem, stem_bias, skip_stem, skip_bias, conv, through, through_bias, aside, mix, out, out_bias;
    std::vector<float> x_scale, z_scale;

    Net(int r, int s, int k, int a, std::vector<int> d) : R(r), S(s), L(int(d.size())), K(k), A(a), dilations(d) {
        stem = normal(R * K, 1), stem_bias = normal(R, 0.3), skip_stem = normal(S * K, 0.5), skip_bias = normal(S, 0.3);
        conv = normal(size_t(L) * 2 * R * K * R, 1 / std::sqrt(K * R)), through_bias = normal((L - 1) * R, 0.1);
        through = normal(size_t(L - 1) * R * R, 1 / std::sqrt(R)), aside = normal(size_t(L) * S * R, 1 / std::sqrt(R));
        mix = normal(S * S, 1 / std::sqrt(S)), out = normal(A * S, 1 / std::sqrt(S)), out_bias = normal(A, 0.3);
        x_scale.assign(L * R, 8.0f / 127), z_scale.assign(L * R, 1.0f / 127);
    }
    vn_shape shape() const { return vn_shape{R, S, L, K, A, dilations.data()}; }
    vn_weights weights() const {
        return vn_weights{stem.data(),  stem_bias.data(),    skip_stem.data(), skip_bias.data(), conv.data(),
                          through.data(), through_bias.data(), aside.data(),     mix.data(),       out.data(),
                          out_bias.data(), x_scale.data(),     z_scale.data()};
    }
};

// All logits of one row, in doubles: (steps, A)
std::vector<double> truth(const Net& n, const float* layers, const float* head, const float* forced, int frames, int hop) {
    const int steps = frames * hop;
    std::vector<std::vector<double>> xs(size_t(n.L) * steps, std::vector<double>(n.R));
    std::vector<double> found;
    for (int t = 0; t < steps; ++t) {
        std::vector<double> x(n.stem_bias.begin(), n.stem_bias.end()), skip(n.skip_bias.begin(), n.skip_bias.end());
        for (int k = 0; k < n.K; ++k) {
            const int past = t - (n.K - k);
            const double v = past >= 0 ? forced[past] : 0.0;
            for (int r = 0; r < n.R; ++r) x[r] += n.stem[r * n.K + k] * v;
            for (int s = 0; s < n.S; ++s) skip[s] += n.skip_stem[s * n.K + k] * v;
        }
        for (int l = 0; l < n.L; ++l) {
            xs[size_t(l) * steps + t] = x;
            std::vector<double> g(2 * n.R), z(n.R);
            for (int o = 0; o < 2 * n.R; ++o) {
                g[o] = layers[(size_t(t / hop) * n.L + l) * 2 * n.R + o];
                for (int k = 0; k < n.K; ++k) {
                    const int past = t - (n.K - 1 - k) * n.dilations[l];
                    for (int r = 0; past >= 0 && r < n.R; ++r)
                        g[o] += n.conv[(size_t(l) * 2 * n.R + o) * n.K * n.R + k * n.R + r] * xs[size_t(l) * steps + past][r];
                }
            }
            for (int r = 0; r < n.R; ++r) z[r] = std::tanh(g[r]) / (1 + std::exp(-g[n.R + r]));
            for (int s = 0; s < n.S; ++s)
                for (int r = 0; r < n.R; ++r) skip[s] += n.aside[(size_t(l) * n.S + s) * n.R + r] * z[r];
            for (int o = 0; l < n.L - 1 && o < n.R; ++o) {
                x[o] += n.through_bias[l * n.R + o];
                for (int r = 0; r < n.R; ++r) x[o] += n.through[(size_t(l) * n.R + o) * n.R + r] * z[r];
            }
        }
        std::vector<double> mixed(n.S);
        for (int o = 0; o < n.S; ++o) {
            mixed[o] = head[size_t(t / hop) * n.S + o];
            for (int s = 0; s < n.S; ++s) mixed[o] += n.mix[o * n.S + s] * std::fmax(skip[s], 0.0);
        }
        for (int a = 0; a < n.A; ++a) {
            double logit = n.out_bias[a];
            for (int s = 0; s < n.S; ++s) logit += n.out[a * n.S + s] * std::fmax(mixed[s], 0.0);
            found.push_back(logit);
        }
    }
    return found;
}

void agrees(const vn_variant* variant, const Net& n, int precision, double bound) {
    const int rows = 3, frames = 5, hop = 7, steps = frames * hop;
    const auto layers = normal(size_t(rows) * frames * n.L * 2 * n.R, 0.5), head = normal(size_t(rows) * frames * n.S, 0.5);
    std::vector<float> forced = normal(rows * steps, 0.2), luck(rows * steps), sung(rows * steps);
    std::vector<float> logits(size_t(rows) * steps * n.A), again(logits.size()), alone(logits.size() / rows);
    for (float& one : luck) one = float(std::uniform_real_distribution<double>(0, 1)(dice));
    luck[0] = 0.0f, luck[1] = std::nextafter(1.0f, 0.0f);
    const char* error = nullptr;
    const vn_shape shape = n.shape();
    const vn_weights weights = n.weights();
    vn_model* model = vn_model_new(variant, &shape, &weights, precision, &error);
    CHECK(model && !error && vn_model_bytes(model) > 0);
    vn_job job{frames, hop, layers.data(), head.data(), luck.data(), forced.data(), sung.data(), logits.data(), 1.0f};
    for (int threads : {1, 2, 5}) {
        vn_streams* streams = vn_streams_new(model, rows, threads, &error);
        CHECK(streams && vn_streams_bytes(streams) > 0);
        job.logits = threads == 1 ? logits.data() : again.data();
        CHECK(vn_streams_sing(streams, &job, &error) == 0);
        CHECK(threads == 1 || std::memcmp(logits.data(), again.data(), logits.size() * sizeof(float)) == 0);
        CHECK(vn_streams_renew(streams, rows, &error) == -1 && vn_streams_renew(streams, -1, &error) == -1);
        for (int row = 0; row < rows; ++row) CHECK(vn_streams_renew(streams, row, &error) == 0);
        job.logits = again.data();
        CHECK(vn_streams_sing(streams, &job, &error) == 0);
        CHECK(std::memcmp(logits.data(), again.data(), logits.size() * sizeof(float)) == 0);
        vn_streams_free(streams);
    }
    double worst = 0;
    for (int row = 0; row < rows; ++row) {
        const size_t at = size_t(row) * frames;
        const float* told = layers.data() + at * n.L * 2 * n.R;
        const auto known = truth(n, told, head.data() + at * n.S, forced.data() + row * steps, frames, hop);
        for (size_t i = 0; i < known.size(); ++i) {
            const double off = std::fabs(known[i] - double(logits[size_t(row) * known.size() + i]));
            CHECK(off == off);
            worst = std::fmax(worst, off);
        }
        vn_streams* one = vn_streams_new(model, 1, 1, &error);  // alone it is what it was beside others
        vn_job own{frames, hop, told, head.data() + at * n.S, nullptr, forced.data() + row * steps, nullptr, alone.data(), 1.0f};
        CHECK(vn_streams_sing(one, &own, &error) == 0);
        CHECK(std::memcmp(alone.data(), logits.data() + row * alone.size(), alone.size() * sizeof(float)) == 0);
        vn_streams_free(one);
    }
    for (float value : sung) CHECK(value >= -0.5f && value <= 0.5f);
    std::printf("%-9s precision %d R%d S%d K%d A%d: off by %.2g\n", variant->name, precision, n.R, n.S, n.K, n.A, worst);
    CHECK(worst < bound);
    job.forced = nullptr, job.logits = nullptr;
    for (float temperature : {0.0f, 1e-30f, 1e-3f, 1.0f, 1e30f}) {  // it sings, whatever it is asked
        vn_streams* streams = vn_streams_new(model, rows, 2, &error);
        job.temperature = temperature;
        CHECK(vn_streams_sing(streams, &job, &error) == 0);
        for (float value : sung) CHECK(value >= -0.5f && value <= 0.5f);
        vn_streams_free(streams);
    }
    vn_model_free(model);
}

void refuses() {
    Net n(4, 4, 2, 4, {1, 2});
    const vn_weights weights = n.weights();
    const int odd[] = {1, 3}, none[] = {0, 1}, huge[] = {1, 1 << 20};
    const vn_shape shapes[] = {{0, 4, 2, 2, 4, n.dilations.data()},     {4, 1 << 20, 2, 2, 4, n.dilations.data()},
                               {4, 4, 0, 2, 4, n.dilations.data()},     {4, 4, 2, 1, 4, n.dilations.data()},
                               {4, 4, 2, 2, 1, n.dilations.data()},     {4, 4, 2, 2, 1 << 30, n.dilations.data()},
                               {4, 4, 2, 2, 4, odd},                    {4, 4, 2, 2, 4, none},
                               {4, 4, 2, 2, 4, huge},                   {-4, 4, 2, 2, 4, n.dilations.data()}};
    for (const vn_shape& shape : shapes) {
        const char* error = nullptr;
        CHECK(!vn_model_new(vn_choose(""), &shape, &weights, VN_FLOAT32, &error) && error);
    }
    const char* error = nullptr;
    const vn_shape shape = n.shape();
    vn_model* model = vn_model_new(vn_choose(""), &shape, &weights, VN_FLOAT32, &error);
    CHECK(model);
    for (int rows : {0, -1, 1 << 20}) CHECK(!vn_streams_new(model, rows, 1, &error) && error);
    CHECK(!vn_streams_new(model, 1, 0, &error));
    CHECK(!vn_choose("abacus"));
    vn_model_free(model);
}
}  // namespace

void test_live();  // test_live.cpp

int main() {
    const vn_variant* list[8];
    const int count = vn_variants(list, 8);
    CHECK(count >= 1);
    const Net nets[] = {Net(16, 24, 2, 32, {1, 2, 4, 8, 16, 1}), Net(5, 3, 3, 7, {1, 4, 2}), Net(33, 70, 2, 256, {8}),
                        Net(64, 64, 4, 20, {1, 2, 4})};
    for (int i = 0; i < count; ++i)
        for (const Net& net : nets) {
            agrees(list[i], net, VN_FLOAT32, 1e-4);
            agrees(list[i], net, VN_BF16, 0.3);
            agrees(list[i], net, VN_INT8, 2.0);
        }
    refuses();
    test_live();
    std::puts("all is well");
}
