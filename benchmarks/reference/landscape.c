/* W7: the loss of W1's net at θ + a·d1 + b·d2 for many (a, b): each lane is a net of its own, so that nothing
   is summed across lanes and no lane is idle. */
#include "lanes.h"

enum { N = 40, H = 5, L = 3, TOGETHER = REGISTERS / 16 }; /* samples at once: a weight is read once for them */
enum { W_HIDDEN = H, W_NARROW = W_HIDDEN + (L - 1) * H * H, W_OUT = W_NARROW + H };
enum { B = W_OUT + 1, B_NARROW = B + L * H, B_OUT = B_NARROW + 1, SIZE = B_OUT + 1 };

INLINE lanes activated(lanes u) { return u * where_positive(u, splat(1), splat((real)0.01)); }

/* Σ (u − y)² of the next samples. */
INLINE lanes squares(const lanes *restrict w, const real *restrict x, const real *restrict y) {
    lanes z[H][TOGETHER], next[H][TOGETHER], sum = splat(0);
    UNROLL for (int o = 0; o < H; o++) UNROLL for (int n = 0; n < TOGETHER; n++)
        z[o][n] = activated(w[o] * x[n] + w[B + o]);
    UNROLL for (int j = 1; j < L; j++) {
        const lanes *hidden = w + W_HIDDEN + (j - 1) * H * H;
        UNROLL for (int o = 0; o < H; o++) UNROLL for (int n = 0; n < TOGETHER; n++) {
            lanes u = w[B + j * H + o];
            UNROLL for (int i = 0; i < H; i++) u += hidden[o * H + i] * z[i][n];
            next[o][n] = z[o][n] + activated(u);
        }
        UNROLL for (int o = 0; o < H; o++) UNROLL for (int n = 0; n < TOGETHER; n++) z[o][n] = next[o][n];
    }
    UNROLL for (int n = 0; n < TOGETHER; n++) {
        lanes u = w[B_NARROW];
        UNROLL for (int i = 0; i < H; i++) u += w[W_NARROW + i] * z[i][n];
        lanes r = w[W_OUT] * activated(u) + w[B_OUT] - y[n];
        sum += r * r;
    }
    return sum;
}

/* a, b, losses [points], room for whole vectors, at multiples of 64 bytes; theta, d1, d2 [78]; x, y [40] */
void landscape(
    int points, const real *restrict a, const real *restrict b, const real *restrict theta,
    const real *restrict d1, const real *restrict d2, const real *restrict x, const real *restrict y,
    real *restrict losses
) {
    lanes w[SIZE];
    for (int k = 0; k < points; k += V) {
        lanes first = *(const lanes *)(a + k), second = *(const lanes *)(b + k), sum = splat(0);
        for (int i = 0; i < SIZE; i++) w[i] = theta[i] + first * d1[i] + second * d2[i];
        for (int n = 0; n < N; n += TOGETHER) sum += squares(w, x + n, y + n);
        *(lanes *)(losses + k) = sum / (2 * N);
    }
}
