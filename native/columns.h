// The sums round the networks of a live voice, a column at a time: what is heard before the encoder, and what is sung
// after the decoder. Their twins in Python (sampling/shapes.py, sampling/sums.py) say what is meant; these differ by rounding.
//
// While they sing nothing is allocated and nothing throws; `reshape`, for another formant, does take memory.
#pragma once
#include <vector>

#include "fourier.h"

using Floats32 = std::vector<float>;

// Rows of a matrix of which most is zero: for each row, the columns from its first to its last number.
struct Narrow {
    struct Row {
        int first, count;
        size_t place;
    };
    std::vector<Row> rows;
    Floats32 numbers;

    Narrow() = default;
    // `across` and `down` are the strides of the source (rows, columns)
    Narrow(const float* source, int count, int columns, size_t down, size_t across) {
        for (int r = 0; r < count; ++r) {
            int first = columns, last = -1;
            for (int c = 0; c < columns; ++c)
                if (source[r * down + c * across] != 0.0f) first = c < first ? c : first, last = c;
            rows.push_back({last < 0 ? 0 : first, last < 0 ? 0 : last - first + 1, numbers.size()});
            for (int c = first; c <= last; ++c) numbers.push_back(source[r * down + c * across]);
        }
    }
    float times(int row, const float* x) const {
        const Row& r = rows[row];
        float sum = 0.0f;
        for (int n = 0; n < r.count; ++n) sum += numbers[r.place + n] * x[r.first + n];
        return sum;
    }
};

// The shape of a spectrum, less its mean and by its deviation as heard so far (`Mel`).
class Shapes {
public:
    struct Choice {
        int hop, size, bands;
        double fade, doubt, silent;
        const float *filters, *taper, *usual, *spread;  // (bands, size / 2 + 1), (size), (bands), (bands)
    };
    explicit Shapes(const Choice& choice);
    void extend(const float* wave, int count, float* shapes);  // (count · hop) -> (count, bands)

private:
    void shaped(float* shape);
    void normalised(float weight, float* shape);

    int hop_, size_, bands_;
    double fade_, doubt_, silent_, loudest_ = 0.0, weight_ = 0.0;
    Narrow filters_;
    Floats32 taper_, usual_, spread_, heard_, power_;
    std::vector<double> firsts_, seconds_;
    Fourier fourier_;
    std::vector<Complex> spectrum_;
};

// From pulses and noise through the filters that are drawn to a wave (`Parallel`).
class Sums {
public:
    struct Choice {
        int hop, overlap, wait, ahead, bands, rate;
        float lowest, highest, loudest;  // Hz, of the rate, nepers
        const float* window;             // (overlap · hop)
    };
    struct Told {
        int columns, curves;
        const float *pitch, *flags;    // (columns · hop), (columns + 2)
        const float *noise, *powers;   // (columns · hop), (columns)
        const float* drawn;            // (curves, 3 · bands)
        float breath;                  // nepers
    };
    explicit Sums(const Choice& choice);
    void reshape(const float* to_bins, const float* to_phases);  // (bands, bins) each
    bool extend(const Told& told, float* sung);                  // (columns · hop); false: there are not enough curves

private:
    void pulsed(const float* pitch, const float* flags, float* tone);
    void filtered(const float* curve, float breath);
    void sounded(float* sung);

    Choice c_;
    int size_, bins_, waiting_;
    double phase_ = 0.0;
    Narrow to_bins_;
    Floats32 window_, to_phases_, tones_, noises_, levels_, curves_, sounding_, angle_;
    Fourier fourier_;
    std::vector<Complex> frame_, spectrum_;
};
