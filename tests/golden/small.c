/* small of a test.
   Written by deltaplan 0.1.0; float32.

   x[2]: i0, i1
   y[1]: t0

   cc -std=c99 -O2 -DSMALL_SELF_TEST small.c -lm && ./a.out checks this file.

   Flash: 124 bytes of constants, and the code.
   RAM:   32 bytes on the stack during a prediction; with -DSMALL_STATIC they lie in static
     memory, and one prediction at a time is made.
          Training: 100 bytes for theta, 408 for the state; both are yours. */

#include "small.h"

#include <math.h>

#ifdef SMALL_STATIC
static float a[8];
#define SMALL_MEMORY
#else
#define SMALL_MEMORY float a[8];
#endif

const float small_weights[25] = {
    ...
};

static const float x_mean[2] = {
    ...
};

static const float x_scale[2] = {
    ...
};

/* of the random numbers */
static const uint32_t key[2] = {0x4A38C322u, 0xFD55FECEu};

/* the larger number; what is not a number comes through */
static inline float largest(float a, float b)
{
    return a > b || a != a ? a : b;
}

/* four uniform numbers of [0, 1): Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011) at a counter */
static void draw(uint32_t step, uint32_t node, uint32_t sample, uint32_t group, float *out)
{
    uint32_t c[4] = {step, node, sample, group};
    uint32_t k0 = key[0], k1 = key[1];
    for (int turn = 0; turn < 10; turn++) {
        const uint64_t p = (uint64_t)0xD2511F53u * c[0];
        const uint64_t q = (uint64_t)0xCD9E8D57u * c[2];
        c[0] = (uint32_t)(q >> 32) ^ c[1] ^ k0;
        c[1] = (uint32_t)q;
        c[2] = (uint32_t)(p >> 32) ^ c[3] ^ k1;
        c[3] = (uint32_t)p;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (int i = 0; i < 4; i++)
        out[i] = (float)(c[i] >> 8) / (float)16777216;
}

/* v1 = W1 z1 + b1
   z2 = tanh(v1) */
static void dense1(const float *W, const float *z, const float *b, float *out)
{
    for (int j = 0; j < 3; j++) {
        float sum = b[j];
        for (int k = 0; k < 2; k++)
            sum += W[2 * j + k] * z[k];
        out[j] = tanhf(sum);
    }
}

/* v2 = W2 z2 + b2
   z3 = z2 + relu(v2) */
static void dense2(const float *W, const float *z, const float *b, float *out)
{
    for (int j = 0; j < 3; j++) {
        float sum = b[j];
        for (int k = 0; k < 3; k++)
            sum += W[3 * j + k] * z[k];
        out[j] = largest(sum, 0.0f) + z[j];
    }
}

/* z4 = W3 z3 + b3 */
static void output(const float *W, const float *z, float b, float *out)
{
    float sum = b;
    for (int k = 0; k < 3; k++)
        sum += W[k] * z[k];
    out[0] = sum;
}

/* for penalty.l2 */
static void penalty_l2(const float *theta, float *tmp)
{
    float sum = 0.0f;
    for (int i = 0; i < 18; i++) {
        const float u = theta[i];
        sum += u * u;
    }
    tmp[0] = sum;
}

/* for dense1 */
static void dense1_2(const float *W, const float *z, float *tmp)
{
    for (int j = 0; j < 3; j++) {
        float sum = 0.0f;
        for (int k = 0; k < 2; k++)
            sum += W[2 * j + k] * z[k];
        tmp[j] = sum;
    }
}

/* t1 = uniform(0, 1) */
static void dropout1(float *tmp, uint32_t sample, uint32_t step)
{
    float d[4];
    draw(step, 3, sample, (uint32_t)0, d);
    tmp[0] = d[0];
    tmp[1] = d[1];
    tmp[2] = d[2];
}

/* v1 = W1 z1 + b1
   z2 = tanh(v1)
   dropout1 = where(t1 < 0.5, 2*z2, 0) */
static void dropout1_2(const float *tmp, const float *b, const float *tmp_2, float *z,
        float *dropout)
{
    for (int j = 0; j < 3; j++) {
        const float u = tanhf(tmp[j] + b[j]);
        const float u2 = 0.5f > tmp_2[j] ? u / 0.5f : 0.0f;
        z[j] = u;
        dropout[j] = u2;
    }
}

/* v2 = W2 dropout1 + b2
   z3 = dropout1 + relu(v2) */
static void dense2_2(const float *W, const float *dropout, const float *b, float *v, float *z)
{
    for (int j = 0; j < 3; j++) {
        float sum = b[j];
        for (int k = 0; k < 3; k++)
            sum += W[3 * j + k] * dropout[k];
        const float u = largest(sum, 0.0f) + dropout[j];
        v[j] = sum;
        z[j] = u;
    }
}

/* z4 = W3 z3 + b3 */
static void output_2(const float *W, const float *z, float b, float y, float *out, float *tmp)
{
    float sum = b;
    for (int k = 0; k < 3; k++)
        sum += W[k] * z[k];
    const float u = sum - y;
    const float u2 = u * u;
    out[0] = sum;
    tmp[0] = u2;
}

/* for loss.squared_error */
static void loss_squared_error(float tmp, float *out)
{
    out[0] = tmp;
}

/* l = sum((z4 - y)^2)/2 */
static void loss_squared_error_2(float tmp, float *l)
{
    l[0] = tmp / 2.0f;
}

/* for loss.squared_error */
static void loss_squared_error_sum(float l, float *suml)
{
    suml[0] += l;
}

/* for loss.squared_error */
static void loss_squared_error_back(float scale, float *tmp)
{
    tmp[0] = scale / 2.0f;
}

/* delta4 = dL/dz4 = scale*(z4 - y) */
static void loss_squared_error_back_2(float z, float y, float tmp, float *delta)
{
    delta[0] = 2.0f * (z - y) * tmp;
}

/* db3 = sum_B delta4 */
static void output_sum(float delta, float *db)
{
    db[0] += delta;
}

/* dW3 = delta4 z3^T */
static void output_sum_2(float delta, const float *z, float *dW)
{
    for (int k = 0; k < 3; k++)
        dW[k] += delta * z[k];
}

/* delta3 = W3^T delta4
   dv2 = delta3 * relu'(v2) */
static void output_back(const float *W, float delta, float *out, const float *v, float *dv)
{
    for (int j = 0; j < 3; j++) {
        const float u = W[j] * delta;
        out[j] = u;
        dv[j] = v[j] > 0.0f ? u : 0.0f;
    }
}

/* db2 = sum_B dv2
   and so for other layers */
static void dense2_sum(const float *dv, float *db)
{
    for (int i = 0; i < 3; i++)
        db[i] += dv[i];
}

/* dW2 = dv2 dropout1^T */
static void dense2_sum_2(const float *dv, const float *dropout, float *dW)
{
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            dW[3 * i + k] += dv[i] * dropout[k];
}

/* ddropout1 = W2^T dv2 + delta3
   delta2 = where(t1 < 0.5, 2*ddropout1, 0)
   dv1 = delta2 * tanh'(v1) */
static void dense2_back(const float *W, const float *dv, const float *delta, const float *tmp,
        const float *z, float *out)
{
    for (int j = 0; j < 3; j++) {
        float sum = delta[j];
        for (int k = 0; k < 3; k++)
            sum += W[3 * k + j] * dv[k];
        const float u = z[j];
        out[j] = (1.0f - u * u) * (0.5f > tmp[j] ? sum / 0.5f : 0.0f);
    }
}

/* dW1 = dv1 z1^T */
static void dense1_sum(const float *dv, const float *z, float *dW)
{
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 2; k++)
            dW[2 * i + k] += dv[i] * z[k];
}

/* Omega = 0.05*sum(theta(W1...W3)^2)
   L = scale sum_B l
   J = L + Omega */
static void penalty_l2_2(float scale, float suml, float tmp, float *J)
{
    J[0] = scale * suml + 0.05f * tmp;
}

/* dtheta(W1...W3) <- dtheta(W1...W3) + 0.1*theta(W1...W3) */
static void penalty_l2_back(const float *theta, float *dtheta)
{
    for (int i = 0; i < 18; i++)
        dtheta[i] += 2.0f * theta[i] * 0.05f;
}

/* m' = 0.9*m + 0.1*g
   v' = 0.999*v + 0.001*g^2
   theta' = theta - s1*(m'/(sqrt(s2*v') + 1e-08)) */
static void adam(float s1, const float *g, float s2, float *theta, float *m, float *v)
{
    for (int i = 0; i < 25; i++) {
        const float u = g[i];
        const float u2 = 0.9f * m[i] + 0.1f * u;
        const float u3 = 0.999f * v[i] + 0.001f * (u * u);
        const float u4 = theta[i] - s1 * (u2 / (sqrtf(s2 * u3) + 1e-08f));
        theta[i] = u4;
        m[i] = u2;
        v[i] = u3;
    }
}

/* the layers, one after the other; a is memory for what lies between */
static void model(const float *theta, const float *x, float *a)
{
    for (int i = 0; i < 2; i++)
        a[i] = (x[i] - x_mean[i]) / x_scale[i];
    dense1(theta, a, theta + 18, a + 2); /* z2 */
    dense2(theta + 6, a + 2, theta + 21, a + 5); /* z3 */
    output(theta + 15, a + 5, theta[24], a); /* z4 */
}

void small_predict_with(const float theta[SMALL_PARAMETERS], const float x[2], float y[1])
{
    SMALL_MEMORY
    model(theta, x, a);
    y[0] = a[0] * 1.2472191f + 2.3333333f;
}

void small_predict(const float x[2], float y[1])
{
    small_predict_with(small_weights, x, y);
}

void small_predict_batch(size_t n, const float *x, float *y)
{
    for (size_t i = 0; i < n; i++)
        small_predict(x + 2 * i, y + i);
}

void small_begin(float theta[SMALL_PARAMETERS], small_state *state)
{
    for (int i = 0; i < 25; i++)
        theta[i] = small_weights[i];
    for (int i = 0; i < 25; i++)
        state->m[i] = 0.0f;
    for (int i = 0; i < 25; i++)
        state->v[i] = 0.0f;
    state->t = 0;
}

float small_step(float theta[SMALL_PARAMETERS], small_state *state, size_t n, const float *x,
        const float *y, const uint32_t *samples)
{
    float *const a = state->a;
    const float scale = 1.0f / (float)n;
    for (int i = 0; i < 25; i++)
        state->g[i] = 0.0f;
    state->sums[0] = 0.0f;
    penalty_l2(theta, state->common);
    for (size_t s = 0; s < n; s++) {
        const float *const x_s = x + 2 * s;
        const float *const y_s = y + s;
        for (int i = 0; i < 2; i++)
            a[i] = (x_s[i] - x_mean[i]) / x_scale[i];
        a[2] = (y_s[0] - 2.3333333f) / 1.2472191f;
        dense1_2(theta, a, a + 3);
        dropout1(a + 6, samples ? samples[s] : (uint32_t)s, state->t);
        dropout1_2(a + 3, theta + 18, a + 6, a + 9, a + 12); /* z2, dropout1 */
        dense2_2(theta + 6, a + 12, theta + 21, a + 3, a + 15); /* v2, z3 */
        output_2(theta + 15, a + 15, theta[24], a[2], a + 18, a + 19); /* z4 */
        loss_squared_error(a[19], a + 20);
        loss_squared_error_2(a[20], a + 19); /* l */
        loss_squared_error_sum(a[19], state->sums); /* suml */
        loss_squared_error_back(scale, a + 19);
        loss_squared_error_back_2(a[18], a[2], a[19], a + 20); /* delta4 */
        output_sum(a[20], state->g + 24); /* db3 */
        output_sum_2(a[20], a + 15, state->g + 15); /* dW3 */
        output_back(theta + 15, a[20], a + 15, a + 3, a + 21); /* delta3, dv2 */
        dense2_sum(a + 21, state->g + 21); /* db2 */
        dense2_sum_2(a + 21, a + 12, state->g + 6); /* dW2 */
        dense2_back(theta + 6, a + 21, a + 15, a + 6, a + 9, a + 12); /* dv1 */
        dense2_sum(a + 12, state->g + 18); /* db1 */
        dense1_sum(a + 12, a, state->g); /* dW1 */
    }
    penalty_l2_2(scale, state->sums[0], state->common[0], a); /* J */
    penalty_l2_back(theta, state->g); /* dtheta(W1...W3)' */
    const float t = (float)(state->t + 1);
    const float s1 = 0.01f * (1.0f / (1.0f - powf(0.9f, t)));
    const float s2 = 1.0f / (1.0f - powf(0.999f, t));
    adam(s1, state->g, s2, theta, state->m, state->v); /* theta', m', v' */
    state->t++;
    return a[0];
}

#ifdef SMALL_SELF_TEST
#include <stdio.h>

static const float given_x[8] = {
    ...
};

static const float wanted_y[4] = {
    ...
};

/* whether numbers differ by more than the last digits of their largest */
static int differs(const float *found, const float *wanted, int n)
{
    float most = 1.0f;
    for (int i = 0; i < n; i++)
        if (fabsf(wanted[i]) > most)
            most = fabsf(wanted[i]);
    for (int i = 0; i < n; i++) {
        const float d = found[i] - wanted[i];
        if (!((d > 0.0f ? d : -d) <= 0.0001f * most))
            return 1;
    }
    return 0;
}

static float found_y[4];

int main(void)
{
    small_predict_batch(4, given_x, found_y);
    if (differs(found_y, wanted_y, 4)) {
        puts("small: the predictions are not those of deltaplan");
        return 1;
    }
    puts("small: 4 predictions are those of deltaplan");
    return 0;
}

#endif
