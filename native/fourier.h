// Fourier transforms of any length, quick where its factors are small (Stockham's order, which needs no sorting).
#pragma once
#include <cmath>
#include <cstddef>
#include <vector>

struct Complex {
    float re, im;
};

class Fourier {
public:
    explicit Fourier(int size) : size_(size), roots_(size), room_(size) {
        const double turn = -2.0 * 3.14159265358979323846 / size;
        for (int n = 0; n < size; ++n) roots_[n] = {float(std::cos(turn * n)), float(std::sin(turn * n))};
        for (int rest = size; rest > 1;) {
            int factor = rest % 4 == 0 ? 4 : 2;
            while (rest % factor) ++factor;
            factors_.push_back(factor), rest /= factor;
        }
    }
    int size() const { return size_; }

    // (size) in place
    void transform(Complex* x) {
        Complex *from = x, *to = room_.data();
        int left = size_, stride = 1;
        for (const int factor : factors_) {
            left /= factor;
            switch (factor) {
                case 2: pass<2>(from, to, 2, left, stride); break;
                case 3: pass<3>(from, to, 3, left, stride); break;
                case 4: pass<4>(from, to, 4, left, stride); break;
                case 5: pass<5>(from, to, 5, left, stride); break;
                default: pass<0>(from, to, factor, left, stride);
            }
            stride *= factor;
            Complex* const other = from;
            from = to, to = other;
        }
        if (from != x)
            for (int n = 0; n < size_; ++n) x[n] = from[n];
    }

private:
    // One factor: y[q + s (r p + k)] = w^(p k) Σ_j ω^(j k) x[q + s (p + m j)], all roots from one table
    template <int fixed>
    void pass(const Complex* x, Complex* y, int factor, int left, int stride) const {
        const int r = fixed ? fixed : factor;
        for (int p = 0; p < left; ++p)
            for (int k = 0; k < r; ++k) {
                const Complex twist = roots_[p * k * stride];
                Complex* const to = y + stride * (r * p + k);
                Complex turns[fixed ? fixed : 1];
                for (int j = 0; fixed && j < r; ++j) turns[fixed ? j : 0] = times(twist, root(j, k, r));
                for (int q = 0; q < stride; ++q) {
                    Complex sum{0.0f, 0.0f};
                    for (int j = 0; j < r; ++j) {
                        const Complex turn = fixed ? turns[fixed ? j : 0] : times(twist, root(j, k, r));
                        const Complex add = times(x[q + stride * (p + left * j)], turn);
                        sum.re += add.re, sum.im += add.im;
                    }
                    to[q] = sum;
                }
            }
    }
    Complex root(int j, int k, int r) const { return roots_[std::size_t(j) * k % r * (size_ / r)]; }  // ω^(j k)
    static Complex times(Complex a, Complex b) { return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }

    int size_;
    std::vector<int> factors_;
    std::vector<Complex> roots_, room_;
};
