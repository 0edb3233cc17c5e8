/* small of a test.
   See small.c. */

#ifndef SMALL_H
#define SMALL_H

#include <stddef.h>
#include <stdint.h>

#define SMALL_PARAMETERS 25

#ifdef __cplusplus
extern "C" {
#endif

/* The predictions in the data's units. */
void small_predict(const float x[2], float y[1]);

/* The same with other numbers for the parameters. */
void small_predict_with(const float theta[SMALL_PARAMETERS], const float x[2], float y[1]);

/* n samples, one after the other. */
void small_predict_batch(size_t n, const float *x, float *y);

extern const float small_weights[SMALL_PARAMETERS];

/* The state of a training. */
typedef struct {
    float m[25]; /* of the optimizer */
    float v[25]; /* of the optimizer */
    float g[25]; /* the gradient */
    float a[24]; /* for one sample */
    float sums[1]; /* over the samples */
    float common[1]; /* the same for all samples */
    uint32_t t; /* steps done */
} small_state;

/* The parameters that training begins with; nothing done yet. */
void small_begin(float theta[SMALL_PARAMETERS], small_state *state);

/* One step on n samples; gives the objective before it. samples: a number for each sample, the
     same in each epoch; NULL: 0, 1, ... */
float small_step(float theta[SMALL_PARAMETERS], small_state *state, size_t n, const float *x,
        const float *y, const uint32_t *samples);

#ifdef __cplusplus
}
#endif

#endif /* SMALL_H */
