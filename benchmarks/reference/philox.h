/* Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3, SC 2011), and the
   order of an epoch's samples from it: that of deltaplan/runtime/random.py. */
#ifndef PHILOX_H
#define PHILOX_H

#include <stdint.h>
#include <string.h>

typedef struct { uint32_t word[4]; } Words;

static inline Words philox(Words c, uint32_t k0, uint32_t k1) {
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c.word[0], p1 = (uint64_t)0xCD9E8D57u * c.word[2];
        c = (Words){{(uint32_t)(p1 >> 32) ^ c.word[1] ^ k0, (uint32_t)p1,
                     (uint32_t)(p0 >> 32) ^ c.word[3] ^ k1, (uint32_t)p0}};
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return c;
}

enum { SHUFFLE = 3, BUCKET_BITS = 11, BUCKETS = 1 << BUCKET_BITS };

/* The numbers 0 … n − 1 sorted by 64-bit keys of their counters (epoch, 0, i, 0), equal keys by i.
   Scratch: keys, sorted [n]. Random keys fill the buckets of their first bits evenly, so that what is left
   to sort is next to its place. */
static void shuffled(int32_t *order, uint64_t *keys, uint64_t *sorted, int n, uint64_t seed, uint32_t epoch) {
    uint32_t begin[BUCKETS] = {0};
    Words key = philox((Words){{SHUFFLE, 0, 0, 0}}, (uint32_t)seed, (uint32_t)(seed >> 32));
    uint32_t k0 = key.word[0], k1 = key.word[1];
    for (int i = 0; i < n; i++) {
        Words w = philox((Words){{epoch, 0, (uint32_t)i, 0}}, k0, k1);
        keys[i] = (uint64_t)w.word[0] << 32 | w.word[1];
    }
    for (int i = 0; i < n; i++) begin[keys[i] >> (64 - BUCKET_BITS)]++;
    for (uint32_t bucket = 0, total = 0; bucket < BUCKETS; bucket++) {
        uint32_t count = begin[bucket];
        begin[bucket] = total;
        total += count;
    }
    for (int i = 0; i < n; i++) {
        uint32_t place = begin[keys[i] >> (64 - BUCKET_BITS)]++;
        order[place] = i;
        sorted[place] = keys[i];
    }
    for (int i = 1; i < n; i++) {
        uint64_t k = sorted[i];
        int32_t sample = order[i];
        int j = i;
        for (; j > 0 && sorted[j - 1] > k; j--) {
            sorted[j] = sorted[j - 1];
            order[j] = order[j - 1];
        }
        sorted[j] = k;
        order[j] = sample;
    }
}

#endif
