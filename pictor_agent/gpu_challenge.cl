// The challenge of pictor_agent.gpu_challenge on a GPU: exact, in 32 bits without sign, the same on every maker's.
// A block is 64 x 64 numbers mod 251, a byte each. The blocks lie in up to eight buffers, since few drivers give all memory as one.
// Words of hashes are kept as numbers; the host turns them into bytes.

#define SIDE 64u
#define PRIME 251u
#define LEFTS 16u
#define BLOCK_WORDS 1024u

#define BANKS                                                                                                        \
    __global uint *bank0, __global uint *bank1, __global uint *bank2, __global uint *bank3, __global uint *bank4,    \
        __global uint *bank5, __global uint *bank6, __global uint *bank7, uint bank_blocks
#define IN_BANKS bank0, bank1, bank2, bank3, bank4, bank5, bank6, bank7, bank_blocks

__global uint *block_at(uint number, BANKS)
{
    uint bank = number / bank_blocks;
    __global uint *begin = bank == 0   ? bank0
                           : bank == 1 ? bank1
                           : bank == 2 ? bank2
                           : bank == 3 ? bank3
                           : bank == 4 ? bank4
                           : bank == 5 ? bank5
                           : bank == 6 ? bank6
                                       : bank7;
    return begin + (size_t)(number - bank * bank_blocks) * BLOCK_WORDS;
}

uint mix(uint low, uint high, uint counter)
{
    uint x = counter * 0x9E3779B1u + low;
    x ^= x >> 16;
    x *= 0x85EBCA6Bu;
    x ^= x >> 13;
    x *= 0xC2B2AE35u;
    x ^= x >> 16;
    x += high;
    x ^= x >> 16;
    x *= 0x7FEB352Du;
    x ^= x >> 15;
    x *= 0x846CA68Bu;
    return x ^ (x >> 16);
}

// SHA-256 --------------------------------------------------------------------------------------------------------------

__constant uint ROUNDS[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
    0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
    0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

#define RIGHT(x, n) rotate((x), 32u - (n))
#define SWAPPED(x) ((rotate((x), 24u) & 0xFF00FF00u) | (rotate((x), 8u) & 0x00FF00FFu))

void begin_hash(uint *state)
{
    state[0] = 0x6a09e667u;
    state[1] = 0xbb67ae85u;
    state[2] = 0x3c6ef372u;
    state[3] = 0xa54ff53au;
    state[4] = 0x510e527fu;
    state[5] = 0x9b05688cu;
    state[6] = 0x1f83d9abu;
    state[7] = 0x5be0cd19u;
}

// One piece of 64 bytes, as 16 words; they are overwritten.
void hash_piece(uint *state, uint *w)
{
    uint a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
    for (uint round = 0; round < 64; round++) {
        uint word;
        if (round < 16) {
            word = w[round];
        } else {
            uint before = w[(round + 1) & 15], late = w[(round + 14) & 15];
            uint s0 = RIGHT(before, 7u) ^ RIGHT(before, 18u) ^ (before >> 3);
            uint s1 = RIGHT(late, 17u) ^ RIGHT(late, 19u) ^ (late >> 10);
            word = w[round & 15] += s0 + w[(round + 9) & 15] + s1;
        }
        uint one = h + (RIGHT(e, 6u) ^ RIGHT(e, 11u) ^ RIGHT(e, 25u)) + ((e & f) ^ (~e & g)) + ROUNDS[round] + word;
        uint two = (RIGHT(a, 2u) ^ RIGHT(a, 13u) ^ RIGHT(a, 22u)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + one;
        d = c;
        c = b;
        b = a;
        a = one + two;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
}

void end_hash(uint *state, uint size_bits)
{
    uint last[16] = {0x80000000u, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, size_bits};
    hash_piece(state, last);
}

// The hash of two hashes.
void hash_pair(__global const uint *one, __global const uint *other, __global uint *target)
{
    uint state[8], w[16];
    begin_hash(state);
    for (uint at = 0; at < 8; at++) {
        w[at] = one[at];
        w[at + 8] = other[at];
    }
    hash_piece(state, w);
    end_hash(state, 512u);
    for (uint at = 0; at < 8; at++)
        target[at] = state[at];
}

// The kernels, in the order of a layer ---------------------------------------------------------------------------------

// Four numbers of layer 0.
__kernel void first_layer(BANKS, __global const uint *key)
{
    uint word = get_global_id(0), four = 0;
    for (uint at = 0; at < 4; at++)
        four |= (mix(key[0], key[1], word * 4 + at) % PRIME) << (8 * at);
    block_at(word / BLOCK_WORDS, IN_BANKS)[word % BLOCK_WORDS] = four;
}

// The matrix of a layer, a number to a word.
__kernel void layer_matrix(__global const uint *key, __global uint *matrix)
{
    uint at = get_global_id(0);
    matrix[at] = mix(key[0], key[1], at) % PRIME;
}

// A group of 64 makes one block: its sum of earlier ones, then column by column the product.
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void make_layer(
    BANKS, __global const uint *key, __global const uint *matrix, uint layer_begin)
{
    __local uint left[BLOCK_WORDS]; // four numbers to a word, as in the blocks
    __local uint named[LEFTS];
    uint place = get_group_id(0), item = get_local_id(0);
    if (item < LEFTS)
        named[item] = mul_hi(mix(key[2], key[3], place * LEFTS + item), layer_begin);
    barrier(CLK_LOCAL_MEM_FENCE);

    uint even[16], odd[16]; // sums of sixteen bytes: two to a word
    for (uint at = 0; at < 16; at++)
        even[at] = odd[at] = 0;
    for (uint which = 0; which < LEFTS; which++) {
        __global const uint *source = block_at(named[which], IN_BANKS);
#pragma unroll
        for (uint at = 0; at < 16; at++) {
            uint four = source[at * 64 + item];
            even[at] += four & 0x00FF00FFu;
            odd[at] += (four >> 8) & 0x00FF00FFu;
        }
    }
    for (uint at = 0; at < 16; at++) {
        uint low = ((even[at] & 0xFFFFu) % PRIME) | ((even[at] >> 16) % PRIME) << 16;
        uint high = ((odd[at] & 0xFFFFu) % PRIME) | ((odd[at] >> 16) % PRIME) << 16;
        left[at * 64 + item] = low | high << 8;
    }
    barrier(CLK_LOCAL_MEM_FENCE);

    uint column[SIDE];
    for (uint row = 0; row < SIDE; row++)
        column[row] = matrix[row * SIDE + item];
    __global uchar *target = (__global uchar *)block_at(layer_begin + place, IN_BANKS);
    for (uint row = 0; row < SIDE; row++) {
        uint sum = 0; // at most 64 x 250 x 250
#pragma unroll
        for (uint at = 0; at < 16; at++) {
            uint four = left[row * 16 + at];
            sum += (four & 0xFFu) * column[at * 4] + ((four >> 8) & 0xFFu) * column[at * 4 + 1];
            sum += ((four >> 16) & 0xFFu) * column[at * 4 + 2] + (four >> 24) * column[at * 4 + 3];
        }
        target[row * SIDE + item] = sum % PRIME;
    }
}

// The hashes of a layer's blocks, one item each.
__kernel void hash_blocks(BANKS, uint layer_begin, __global uint *digests)
{
    uint place = get_global_id(0), state[8], w[16];
    __global const uint *block = block_at(layer_begin + place, IN_BANKS);
    begin_hash(state);
    for (uint piece = 0; piece < 64; piece++) {
        for (uint at = 0; at < 16; at++) {
            uint word = block[piece * 16 + at];
            w[at] = SWAPPED(word);
        }
        hash_piece(state, w);
    }
    end_hash(state, 32768u);
    for (uint at = 0; at < 8; at++)
        digests[(size_t)(layer_begin + place) * 8 + at] = state[at];
}

// One level of the tree: of 2 n hashes n. Counted in hashes.
__kernel void hash_level(__global const uint *below, uint below_begin, __global uint *above, uint above_begin)
{
    size_t item = get_global_id(0);
    __global const uint *pair = below + (below_begin + 2 * item) * 8;
    hash_pair(pair, pair + 8, above + (above_begin + item) * 8);
}
