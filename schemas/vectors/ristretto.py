"""ristretto255 (RFC 9496) and TurboSHAKE128 (RFC 9861) in plain Python: slow, variable in time, for vectors only."""

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
A_MINUS_D = (-1 - D) % P


def negative(x):
    return x % P & 1


def absolute(x):
    return -x % P if negative(x) else x % P


def sqrt_ratio_m1(u, v):
    """RFC 9496 §4.2: (whether u/v is a square, a square root of u/v or of SQRT_M1 * u/v)."""
    r = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    check = v * r * r % P
    if check in (-u % P, -u * SQRT_M1 % P):
        r = r * SQRT_M1 % P
    return check in (u % P, -u % P), absolute(r)


INVSQRT_A_MINUS_D = sqrt_ratio_m1(1, A_MINUS_D)[1]
SQRT_AD_MINUS_ONE = 25063068953384623474111414158702152701244531502492656460079210482610430750235
assert SQRT_AD_MINUS_ONE**2 % P == (-D - 1) % P


def decode(data):
    """RFC 9496 §4.3.1; None for what is not a canonical encoding."""
    s = int.from_bytes(data, "little")
    if len(data) != 32 or s >= P or negative(s):
        return None
    ss = s * s % P
    u1, u2 = (1 - ss) % P, (1 + ss) % P
    v = (-D * u1 * u1 - u2 * u2) % P
    square, invsqrt = sqrt_ratio_m1(1, v * u2 * u2 % P)
    den_x, den_y = invsqrt * u2 % P, invsqrt * invsqrt * u2 * v % P
    x, y = absolute(2 * s * den_x), u1 * den_y % P
    t = x * y % P
    if not square or negative(t) or y == 0:
        return None
    return (x, y, 1, t)


def encode(point):
    """RFC 9496 §4.3.2."""
    x, y, z, t = point
    u1, u2 = (z + y) * (z - y) % P, x * y % P
    invsqrt = sqrt_ratio_m1(1, u1 * u2 * u2 % P)[1]
    den1, den2 = invsqrt * u1 % P, invsqrt * u2 % P
    z_inv = den1 * den2 * t % P
    if negative(t * z_inv):
        x, y, den_inv = y * SQRT_M1 % P, x * SQRT_M1 % P, den1 * INVSQRT_A_MINUS_D % P
    else:
        den_inv = den2
    if negative(x * z_inv):
        y = -y % P
    return absolute(den_inv * (z - y)).to_bytes(32, "little")


def one_way_map(t):
    r = SQRT_M1 * t * t % P
    u = (r + 1) * (1 - D * D) % P
    v = (-1 - r * D) * (r + D) % P
    square, s = sqrt_ratio_m1(u, v)
    s, c = (s, P - 1) if square else (-absolute(s * t) % P, r)
    n = (c * (r - 1) * (D - 1) ** 2 - v) % P
    w0, w1, w2, w3 = 2 * s * v % P, n * SQRT_AD_MINUS_ONE % P, (1 - s * s) % P, (1 + s * s) % P
    return (w0 * w3 % P, w2 * w1 % P, w1 * w3 % P, w0 * w2 % P)


def from_uniform(data):
    """RFC 9496 §4.3.4: the element of 64 uniform bytes."""
    halves = (int.from_bytes(data[at : at + 32], "little") % 2**255 % P for at in (0, 32))
    return add(*map(one_way_map, halves))


def add(p, q):
    (x1, y1, z1, t1), (x2, y2, z2, t2) = p, q
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * D * t1 * t2 % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


IDENTITY = (0, 1, 1, 0)
GENERATOR = decode(bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"))


def negate(p):
    x, y, z, t = p
    return (-x % P, y, z, -t % P)


def multiply(scalar, point):
    out = IDENTITY
    for bit in bin(scalar % L)[2:]:
        out = add(out, out)
        if bit == "1":
            out = add(out, point)
    return out


def keccak_p(state, rounds=12):
    """The last rounds of Keccak-f[1600] on 25 lanes (FIPS 202 §3.2)."""
    rotations = {(0, 0): 0}
    x, y = 1, 0
    for t in range(24):
        rotations[x, y] = (t + 1) * (t + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    rotate = lambda lane, by: (lane << by | lane >> (64 - by)) % 2**64 if by else lane
    constants, register = [], 1
    for _ in range(24):
        constant = 0
        for j in range(7):
            constant |= (register & 1) << (2**j - 1)
            register = register << 1 ^ (0x171 if register >> 7 else 0)
        constants.append(constant)
    a = {(x, y): state[x + 5 * y] for x in range(5) for y in range(5)}
    for constant in constants[24 - rounds :]:
        c = [a[x, 0] ^ a[x, 1] ^ a[x, 2] ^ a[x, 3] ^ a[x, 4] for x in range(5)]
        d = [c[x - 1] ^ rotate(c[(x + 1) % 5], 1) for x in range(5)]
        b = {(y, (2 * x + 3 * y) % 5): rotate(a[x, y] ^ d[x], rotations[x, y]) for x, y in a}
        a = {(x, y): b[x, y] ^ (~b[(x + 1) % 5, y] & b[(x + 2) % 5, y]) % 2**64 for x, y in b}
        a[0, 0] ^= constant
    return [a[i % 5, i // 5] for i in range(25)]


def turboshake128(message, length, domain=0x1F, rate=168):
    """RFC 9861 §2.2."""
    message += bytes([domain])
    message += bytes(-len(message) % rate)
    message = message[:-1] + bytes([message[-1] ^ 0x80])
    state = [0] * 25
    for at in range(0, len(message), rate):
        for lane in range(rate // 8):
            state[lane] ^= int.from_bytes(message[at + 8 * lane : at + 8 * lane + 8], "little")
        state = keccak_p(state)
    out = b""
    while len(out) < length:
        out += b"".join(lane.to_bytes(8, "little") for lane in state)[:rate]
        state = keccak_p(state)
    return out[:length]


# RFC 9861 §5 and RFC 9496 Appendix A.1, A.2: this file tests itself before anybody relies on it.
assert turboshake128(b"", 32).hex() == "1e415f1c5983aff2169217277d17bb538cd945a397ddec541f1ce41af2c1b74c"
assert encode(multiply(2, GENERATOR)).hex() == "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919"
assert encode(from_uniform(bytes.fromhex("5d1be09e3d0c82fc538112490e35701979d99e06ca3e2b5b54bffe8b4dc772c1"
    "4d98b696a1bbfb5ca32c436cc61c16563790306c79eaca7705668b47dffe5bb6"))).hex() == \
    "3066f82a1a747d45120d1740f14358531a8f04bbffe6a819f86dfe50f44a0a46"
