"""Random numbers in C: the same as everywhere else."""

DRAW = """\
/* four uniform numbers of [0, 1): Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011) at a counter */
static void draw(uint32_t step, uint32_t node, uint32_t sample, uint32_t group, real *out)
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
        out[i] = (real)(c[i] >> 8) / (real)16777216;
}
"""
