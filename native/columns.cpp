// The sums of `Mel` and `Parallel` for one voice; see columns.h.
#include "columns.h"

#include <algorithm>
#include <cmath>

namespace {
constexpr double kPi = 3.14159265358979323846;
}

Shapes::Shapes(const Choice& c)
    : hop_(c.hop), size_(c.size), bands_(c.bands), fade_(c.fade), doubt_(c.doubt), silent_(c.silent),
      filters_(c.filters, c.bands, c.size / 2 + 1, size_t(c.size / 2 + 1), 1), taper_(c.taper, c.taper + c.size),
      usual_(c.usual, c.usual + c.bands), spread_(c.spread, c.spread + c.bands), heard_(c.size), power_(c.size / 2 + 1),
      firsts_(c.bands), seconds_(c.bands), fourier_(c.size), spectrum_(c.size) {}

void Shapes::extend(const float* wave, int count, float* shapes) {
    for (int n = 0; n < count; ++n) {
        std::copy(heard_.begin() + hop_, heard_.end(), heard_.begin());
        std::copy(wave + size_t(n) * hop_, wave + size_t(n + 1) * hop_, heard_.end() - hop_);
        shaped(shapes + size_t(n) * bands_);
    }
}

void Shapes::shaped(float* shape) {
    for (int n = 0; n < size_; ++n) spectrum_[n] = {heard_[n] * taper_[n], 0.0f};
    fourier_.transform(spectrum_.data());
    for (int k = 0; k <= size_ / 2; ++k)
        power_[k] = spectrum_[k].re * spectrum_[k].re + spectrum_[k].im * spectrum_[k].im;
    double energy = silent_;
    for (int b = 0; b < bands_; ++b) energy += shape[b] = filters_.times(b, power_.data());
    for (int b = 0; b < bands_; ++b) shape[b] = std::log(shape[b] / float(energy) + 1e-5f);
    if (fade_ > 0.0) return normalised(float(std::pow(std::max(0.0, energy - 2.0 * silent_), 0.25)), shape);
    for (int b = 0; b < bands_; ++b) shape[b] = (shape[b] - usual_[b]) / spread_[b];
}

void Shapes::normalised(float weight, float* shape) {
    weight_ = weight_ * fade_ + weight;
    loudest_ = std::max(double(weight), loudest_ * fade_);
    const double frames = weight_ / std::max(loudest_, 1e-9), whole = std::max(weight_, 1e-9);
    const float share = float(frames / (frames + doubt_));
    for (int b = 0; b < bands_; ++b) {
        firsts_[b] = firsts_[b] * fade_ + double(weight) * shape[b];
        seconds_[b] = seconds_[b] * fade_ + double(weight) * (shape[b] * shape[b]);
        const float usual = usual_[b] * usual_[b] + spread_[b] * spread_[b];
        const float mean = usual_[b] + share * (float(firsts_[b] / whole) - usual_[b]);
        const float square = usual + share * (float(seconds_[b] / whole) - usual);
        shape[b] = (shape[b] - mean) / std::sqrt(std::max(square - mean * mean, 0.01f));
    }
}

Sums::Sums(const Choice& c)
    : c_(c), size_(c.overlap * c.hop), bins_(size_ / 2 + 1), waiting_(c.wait - c.ahead),
      window_(c.window, c.window + size_), to_phases_(size_t(c.bands) * bins_),
      tones_(size_t(c.wait + c.overlap - 1) * c.hop), noises_(tones_.size()), levels_(c.wait + c.overlap),
      curves_(size_t(waiting_) * 3 * c.bands), sounding_(size_), angle_(bins_), fourier_(size_), frame_(size_),
      spectrum_(bins_) {
    c_.window = nullptr;
}

void Sums::reshape(const float* to_bins, const float* to_phases) {
    to_bins_ = Narrow(to_bins, bins_, c_.bands, 1, size_t(bins_));
    std::copy(to_phases, to_phases + to_phases_.size(), to_phases_.begin());
}

bool Sums::extend(const Told& told, float* sung) {
    const int hop = c_.hop, curve = 3 * c_.bands, left = waiting_ + told.curves - told.columns;
    if (left < 0 || size_t(left) * curve > curves_.size()) return false;
    for (int n = 0; n < told.columns; ++n, sung += hop) {
        std::copy(tones_.begin() + hop, tones_.end(), tones_.begin());
        std::copy(noises_.begin() + hop, noises_.end(), noises_.begin());
        std::copy(levels_.begin() + 1, levels_.end(), levels_.begin());
        pulsed(told.pitch + size_t(n) * hop, told.flags + n, tones_.data() + tones_.size() - hop);
        std::copy(told.noise + size_t(n) * hop, told.noise + size_t(n + 1) * hop, noises_.end() - hop);
        levels_.back() = told.powers[n];
        const float* next = n < waiting_ ? &curves_[size_t(n) * curve] : told.drawn + size_t(n - waiting_) * curve;
        filtered(next, told.breath);
        sounded(sung);
    }
    const int kept = std::max(0, waiting_ - told.columns);  // of those that waited before
    const auto waited = curves_.begin() + size_t(waiting_) * curve;
    std::copy(waited - size_t(kept) * curve, waited, curves_.begin());
    const float* fresh = told.drawn + size_t(told.curves - (left - kept)) * curve;
    std::copy(fresh, fresh + size_t(left - kept) * curve, curves_.begin() + size_t(kept) * curve);
    waiting_ = left;
    return true;
}

// A column of pulses, (hop): all harmonics that there is room for, equally loud; the phase goes on in double precision.
void Sums::pulsed(const float* pitch, const float* flags, float* tone) {
    const int hop = c_.hop, half = hop / 2;
    double periods = 0.0, way = phase_;
    for (int n = 0; n < hop; ++n) {
        const float hertz = std::min(std::max(pitch[n], c_.lowest), c_.highest);
        periods += double(hertz);
        way = periods / c_.rate + phase_;
        const float place = float(way - std::rint(way) + 1e-12);
        const float room = 0.5f * float(c_.rate) / hertz, count = std::floor(room), rest = room - count;
        float turn = count * place;
        turn = (turn - std::rint(turn)) * float(2.0 * kPi);
        float sum = (std::sin(turn) / std::tan(place * float(kPi)) - 1.0f) * 0.5f + std::cos(turn) * (rest - 0.5f);
        sum /= std::sqrt((rest * rest + count - 1.0f) * 0.5f);
        const float share = (float(n) + 0.5f) / float(hop) + (n < half ? 0.5f : -0.5f);  // between two centres
        const float* pair = flags + (n < half ? 0 : 1);
        tone[n] = sum * (pair[0] + share * (pair[1] - pair[0]));
    }
    phase_ = way - std::floor(way);
}

// The spectrum of the oldest frame: one transform of tone and noise as if they were one complex wave.
void Sums::filtered(const float* curve, float breath) {
    const float most = c_.loudest;
    float power = 0.0f;
    for (int n = 0; n < c_.overlap; ++n) power += levels_[n];
    const float loudness = 0.5f * std::log(power / float(c_.overlap) + 1e-10f);
    for (int n = 0; n < size_; ++n) frame_[n] = {tones_[n] * window_[n], noises_[n] * window_[n]};
    fourier_.transform(frame_.data());
    for (int k = 0; k < bins_; ++k) angle_[k] = to_bins_.times(k, curve + c_.bands);
    for (int b = 0; b < c_.bands; ++b) {
        const float level = curve[b], *phases = &to_phases_[size_t(b) * bins_];
        for (int k = 0; k < bins_; ++k) angle_[k] += level * phases[k];
    }
    for (int k = 0; k < bins_; ++k) {
        const Complex z = frame_[k], mirrored = frame_[k ? size_ - k : 0];
        const Complex tone = {0.5f * (z.re + mirrored.re), 0.5f * (z.im - mirrored.im)};
        const Complex noise = {0.5f * (z.im + mirrored.im), 0.5f * (mirrored.re - z.re)};
        const float size = std::exp(std::min(to_bins_.times(k, curve) + loudness, most));
        const float air = std::exp(std::min(to_bins_.times(k, curve + 2 * c_.bands) + (loudness + breath), most));
        const float re = size * std::cos(angle_[k]), im = size * std::sin(angle_[k]);
        spectrum_[k] = {tone.re * re - tone.im * im + noise.re * air, tone.re * im + tone.im * re + noise.im * air};
    }
}

// Back to samples, windowed and added to what sounds; the first column of it is final, (hop).
void Sums::sounded(float* sung) {
    frame_[0] = {spectrum_[0].re, 0.0f};
    for (int k = 1; k < bins_; ++k) {  // conjugates, which turn the transform into its inverse
        frame_[k] = {spectrum_[k].re, -spectrum_[k].im};
        frame_[size_ - k] = spectrum_[k];
    }
    if (size_ % 2 == 0) frame_[size_ / 2].im = 0.0f;
    fourier_.transform(frame_.data());
    const float share = 2.0f / float(c_.overlap) / float(size_);
    for (int n = 0; n < size_; ++n) sounding_[n] += frame_[n].re * window_[n] * share;
    std::copy(sounding_.begin(), sounding_.begin() + c_.hop, sung);
    std::copy(sounding_.begin() + c_.hop, sounding_.end(), sounding_.begin());
    std::fill(sounding_.end() - c_.hop, sounding_.end(), 0.0f);
}
