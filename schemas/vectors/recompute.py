"""Recomputes the vectors of this folder from their inputs, by the words of README.md and without any code of Enishi.

    python3 recompute.py            compares; exits with 1 when a value differs
    python3 recompute.py --write    writes the files anew

Needs Python 3.10 and `cryptography` 43 or later. The group and the sponge are in ristretto.py.
"""

import base64
import copy
import hashlib
import hmac
import json
import pathlib
import sys

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import ristretto as group

HERE = pathlib.Path(__file__).parent
SUITE = "ristretto255-sha512-1"
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def prefixed(*parts):
    """Each part after its length in four bytes, big-endian."""
    parts = [part if isinstance(part, bytes) else part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def compact(value):
    """JSON as our code writes it: members sorted by name, no spaces, no escapes that are not needed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def hkdf(algorithm, secret, info, length):
    return HKDF(algorithm=algorithm, length=length, salt=None, info=info).derive(secret)


# PPIDs


def ppid_input(iss, sector, acct):
    return b"enishi/ppid/1" + prefixed(iss, sector, acct)


def ppid(k_ppid, iss, sector, acct):
    return b64(hmac.digest(k_ppid, ppid_input(iss, sector, acct), "sha256"))


# Commitments

H = group.from_uniform(hashlib.sha512(b"enishi/link/1/H").digest())


def subject_scalar(k_link, iss, sub):
    wide = hkdf(hashes.SHA512(), k_link, b"enishi/link/1/scalar" + prefixed(iss, sub), 64)
    return int.from_bytes(wide, "little") % group.L


def scalar_bytes(s):
    return s.to_bytes(32, "little")


def commitment(s, r):
    return group.encode(group.add(group.multiply(s, group.GENERATOR), group.multiply(r, H)))


# Same-subject proofs

TEXTS = ["nonce", "aud", "sd_hash_sp", "sd_hash_dp", "terms_hash_sp", "terms_hash_dp", "grant_jkt"]


def sponge(seed, data, length):
    """Init(seed); Absorb(data); Squeeze(length) of draft-irtf-cfrg-fiat-shamir with TurboSHAKE128."""
    return group.turboshake128(seed + bytes(168 - 32) + data, length)


def transcript(case):
    """The tag, the session identifier and the instance of a statement."""
    c_sp, c_dp = unb64(case["c_sp"]), unb64(case["c_dp"])
    tag = prefixed(
        "enishi/link/1/same-subject", "CMPT", "sigma-proofs_TurboShake128_ristretto255", SUITE,
        c_sp, c_dp, *(case[name] for name in TEXTS),
    )
    session = sponge(b"irtf-cfrg-fiat-shamir/session-id", tag, 32)
    one, minus_one = (1).to_bytes(32, "big"), (group.L - 1).to_bytes(32, "big")
    u32 = lambda n: n.to_bytes(4, "little")
    # One equation: 1·C_sp + (-1)·C_dp (elements 3 and 4) is 1·δ·H (scalar 0, element 2).
    instance = u32(1) + u32(2) + u32(3) + one + u32(4) + minus_one + u32(1) + u32(0) + u32(2) + one
    instance += group.encode(H) + c_sp + c_dp
    return tag, session, instance


def challenge(session, instance, announced):
    return int.from_bytes(sponge(session, instance + group.encode(announced), 48), "little") % group.L


def prove(case, r_sp, r_dp, nonce):
    _, session, instance = transcript(case)
    announced = group.multiply(nonce, H)
    c = challenge(session, instance, announced)
    z = (nonce + c * (r_sp - r_dp)) % group.L
    return c.to_bytes(32, "big") + z.to_bytes(32, "big"), announced


def verify(case):
    """The code with which a statement and its proof are refused, or None."""
    for name in ("c_sp", "c_dp"):
        point = group.decode(unb64(case[name]))
        if point is None or group.encode(point) == bytes(32):
            return "commitment_malformed"
    if case["c_sp"] == case["c_dp"]:
        return "commitments_equal"
    proof = unb64(case["proof"])
    if len(proof) != 64:
        return "same_subject_proof_malformed"
    c, z = int.from_bytes(proof[:32], "big"), int.from_bytes(proof[32:], "big")
    _, session, instance = transcript(case)
    difference = group.add(group.decode(unb64(case["c_sp"])), group.negate(group.decode(unb64(case["c_dp"]))))
    announced = group.add(group.multiply(z, H), group.negate(group.multiply(c, difference)))
    good = c < group.L and z < group.L and challenge(session, instance, announced) == c
    return None if good else "same_subject_proof_invalid"


# Keys, DIDs


def p256_private(d):
    return ec.derive_private_key(int.from_bytes(d, "big"), ec.SECP256R1())


def p256_jwk(d):
    numbers = p256_private(d).public_key().public_numbers()
    x, y = (b64(n.to_bytes(32, "big")) for n in (numbers.x, numbers.y))
    return {"crv": "P-256", "kty": "EC", "x": x, "y": y}


def x25519_jwk(d):
    public = x25519.X25519PrivateKey.from_private_bytes(d).public_key()
    return {"crv": "X25519", "kty": "OKP", "x": b64(public.public_bytes(Encoding.Raw, PublicFormat.Raw))}


def thumbprint(jwk):
    required = {name: jwk[name] for name in ("crv", "kty", "x", "y") if name in jwk}
    return b64(hashlib.sha256(compact(required).encode()).digest())


def base58(data):
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = alphabet[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def did_key(d):
    point = p256_private(d).public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return "did:key:z" + base58(bytes([0x80, 0x24]) + point)


def wallet_key(seed, purpose, *context):
    """The P-256 scalar that grows from a wallet's seed."""
    for attempt in range(2**32):
        info = purpose.encode() + prefixed(*context) + attempt.to_bytes(4, "big")
        d = hkdf(hashes.SHA256(), seed, info, 32)
        if 0 < int.from_bytes(d, "big") < P256_ORDER:
            return d


def es256(d, message):
    der = p256_private(d).sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    r, s = utils.decode_dss_signature(der)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


# Sealed identifiers


def agree(curve, private, public_jwk):
    if curve == "P-256":
        x, y = (int.from_bytes(unb64(public_jwk[name]), "big") for name in "xy")
        public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        return p256_private(private).exchange(ec.ECDH(), public)
    public = x25519.X25519PublicKey.from_public_bytes(unb64(public_jwk["x"]))
    return x25519.X25519PrivateKey.from_private_bytes(private).exchange(public)


def jwk_of(curve, d):
    return p256_jwk(d) if curve == "P-256" else x25519_jwk(d)


def sealed_plaintext(it):
    members = {name: it[name] for name in ("iss", "rp", "ppid", "sub", "jkt")} | {"pad": ""}
    short = json.dumps(members, separators=(",", ":"), ensure_ascii=False)
    members["pad"] = "0" * (1024 - len(short.encode()))
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()


def seal(it):
    """Adds header, shared secret, content key and the compact JWE."""
    curve = it["recipient"]["crv"]
    ephemeral, iv = bytes.fromhex(it["ephemeral"]), bytes.fromhex(it["iv"])
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "typ": "enishi-sealed-subject+jwe",
              "epk": jwk_of(curve, ephemeral)}
    header |= {name: it[name] for name in ("iss", "rp", "jkt")} | {"kid": it["recipient"]["kid"]}
    shared = agree(curve, ephemeral, it["recipient"])
    info = prefixed("A256GCM", "", "") + (256).to_bytes(4, "big")
    key = hashlib.sha256((1).to_bytes(4, "big") + shared + info).digest()
    plaintext = sealed_plaintext(it)
    header64 = b64(compact(header).encode())
    sealed = AESGCM(key).encrypt(iv, plaintext, header64.encode())
    jwe = ".".join([header64, "", b64(iv), b64(sealed[:-16]), b64(sealed[-16:])])
    return {"header": header, "shared_secret": shared.hex(), "content_key": key.hex(),
            "plaintext": plaintext.decode(), "jwe": jwe}


# The files: what is fixed here, and what follows from it


def bytes_of(label, length=32):
    """Bytes that nobody chose: SHAKE128 of a label. Inputs of vectors only."""
    return hashlib.shake_128(label.encode()).digest(length)


def ppid_file():
    key = bytes_of("k_ppid")
    inputs = [
        ("the plain case", key, "https://idp.example", "https://health.example", "resident-1"),
        ("another sector", key, "https://idp.example", "https://bank.example", "resident-1"),
        ("another account", key, "https://idp.example", "https://health.example", "resident-2"),
        ("another issuer", key, "https://idp2.example", "https://health.example", "resident-1"),
        ("a character that moved from one part to the next", key, "https://idp.exampl", "ehttps://health.example", "resident-1"),
        ("lengths count bytes, not characters", key, "https://idp.example", "https://健康.example", "縁"),
        ("a sector that is empty", key, "https://idp.example", "", "resident-1"),
        ("another key", bytes_of("another k_ppid"), "https://idp.example", "https://health.example", "resident-1"),
        ("a key longer than a block of SHA-256", bytes_of("long k_ppid", 100), "https://idp.example", "https://health.example", "resident-1"),
    ]
    cases = [
        {"name": name, "k_ppid": k.hex(), "iss": iss, "sector": sector, "acct": acct,
         "input": ppid_input(iss, sector, acct).hex(), "ppid": ppid(k, iss, sector, acct)}
        for name, k, iss, sector, acct in inputs
    ]
    return {"cases": cases}


def commitments_file():
    accounts = [("k_link", "https://idp.example", "resident-1"), ("k_link", "https://idp.example", "resident-2"),
                ("k_link", "https://idp.example", "縁"), ("another k_link", "https://idp.example", "resident-1")]
    cases = []
    for label, iss, sub in accounts:
        key = bytes_of(label)
        s = subject_scalar(key, iss, sub)
        for r in (int.from_bytes(bytes_of(f"r/{label}/{sub}/{n}", 64), "little") % group.L for n in (1, 2)):
            cases.append({"k_link": key.hex(), "iss": iss, "sub": sub, "s": b64(scalar_bytes(s)),
                          "r": b64(scalar_bytes(r)), "commitment": b64(commitment(s, r))})
    s = subject_scalar(bytes_of("k_link"), "https://idp.example", "resident-1")
    for name, r in (("r = 0", 0), ("r = 1", 1), ("r = order - 1", group.L - 1)):
        cases.append({"name": name, "k_link": bytes_of("k_link").hex(), "iss": "https://idp.example", "sub": "resident-1",
                      "s": b64(scalar_bytes(s)), "r": b64(scalar_bytes(r)), "commitment": b64(commitment(s, r))})
    generator = group.encode(group.GENERATOR)
    refused_commitments = [
        ("the identity", bytes(32)),
        ("not below the field's order", (group.P + 4).to_bytes(32, "little")),
        ("the highest bit is set", generator[:31] + bytes([generator[31] | 0x80])),
        ("a negative field element", (1).to_bytes(32, "little")),
        ("no element has this encoding", bytes.fromhex("26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371")),
        ("31 bytes", generator[:31]), ("33 bytes", generator + b"\0"),
    ]
    refused_openings = [("the order of the group", group.L.to_bytes(32, "little")),
                        ("all bits", b"\xff" * 32), ("31 bytes", bytes(31)), ("33 bytes", bytes(33))]
    padded = {"name": "padding", "text": b64(generator) + "="}
    texts = lambda list_: [{"name": name, "text": b64(data)} for name, data in list_]
    return {"suite": SUITE, "G": b64(generator), "H": b64(group.encode(H)), "cases": cases,
            "refused_commitments": texts(refused_commitments) + [padded], "refused_openings": texts(refused_openings)}


def same_subject_file():
    key = bytes_of("k_link")

    def link(sub, label):
        s = subject_scalar(key, "https://idp.example", sub)
        r = int.from_bytes(bytes_of(label, 64), "little") % group.L
        return b64(commitment(s, r)), r

    def statement(sub_sp, sub_dp, label):
        (c_sp, r_sp), (c_dp, r_dp) = link(sub_sp, f"{label}/sp"), link(sub_dp, f"{label}/dp")
        digest = lambda part: b64(bytes_of(f"{label}/{part}"))
        texts = {"nonce": "n-0S6_WzA2Mj", "aud": "x509_san_dns:verifier.example"}
        texts |= {name: digest(name) for name in TEXTS[2:]}
        return {"c_sp": c_sp, "c_dp": c_dp} | texts, r_sp, r_dp

    cases = []
    for label in ("one", "two"):
        case, r_sp, r_dp = statement("resident-1", "resident-1", label)
        seed = bytes_of(f"{label}/nonce")
        nonce = int.from_bytes(sponge(seed, b"", 48), "little") % group.L
        proof, announced = prove(case, r_sp, r_dp, nonce)
        tag, session, instance = transcript(case)
        inside = {"tag": tag.hex(), "session_id": session.hex(), "instance": instance.hex(),
                  "announcement": b64(group.encode(announced))}
        wallet = {"r_sp": b64(scalar_bytes(r_sp)), "r_dp": b64(scalar_bytes(r_dp)), "nonce_seed": seed.hex(),
                  "nonce_scalar": b64(scalar_bytes(nonce))}
        cases.append({"name": f"valid {label}", "statement": case | {"proof": b64(proof)}, "wallet": wallet, "inside": inside})
    good, other = cases[0]["statement"], cases[1]["statement"]

    def refused(name, **changes):
        case = good | changes
        cases.append({"name": name, "statement": case, "code": verify(case)})

    for name in ["c_sp", "c_dp", *TEXTS]:
        value = good[name][:-1] + "x" if name in ("nonce", "aud") else other[name]
        refused(f"another {name}", **{name: value})
    refused("the roles swapped", c_sp=good["c_dp"], c_dp=good["c_sp"])
    refused("the hashes of the presentations swapped", sd_hash_sp=good["sd_hash_dp"], sd_hash_dp=good["sd_hash_sp"])
    refused("the hashes of the terms swapped", terms_hash_sp=good["terms_hash_dp"], terms_hash_dp=good["terms_hash_sp"])
    refused("a character that moved from one part to the next", nonce=good["nonce"][:-1], aud=good["nonce"][-1] + good["aud"])
    refused("the proof of another statement", proof=other["proof"])
    proof = unb64(good["proof"])
    for name, at in (("a bit of the challenge", 31), ("a bit of the response", 63)):
        changed = bytearray(proof)
        changed[at] ^= 1
        refused(f"{name} changed", proof=b64(changed))
    for name, at in (("challenge", 0), ("response", 32)):
        number = int.from_bytes(proof[at : at + 32], "big") + group.L
        refused(f"the {name} plus the order: the same number, not canonical",
                proof=b64(proof[:at] + number.to_bytes(32, "big") + proof[at + 32 :]))
    refused("challenge and response swapped", proof=b64(proof[32:] + proof[:32]))
    refused("all zero", proof=b64(bytes(64)))
    refused("63 bytes", proof=b64(proof[:63]))
    refused("65 bytes", proof=b64(proof + b"\0"))
    refused("equal commitments", c_dp=good["c_sp"])
    refused("equal commitments and the proof of nothing", c_dp=good["c_sp"], proof=b64(bytes(64)))
    refused("the identity as commitment", c_sp=b64(bytes(32)))
    refused("a commitment that is not canonical", c_dp=b64((group.P + 4).to_bytes(32, "little")))
    mixed, r_sp, r_dp = statement("resident-1", "resident-2", "one")
    proof, _ = prove(mixed, r_sp, r_dp, 7)
    mixed["proof"] = b64(proof)
    cases.append({"name": "two people, and what a wallet with both openings would compute", "statement": mixed, "code": verify(mixed)})
    return {"suite": SUITE, "cases": cases}


def sealed_file():
    cases = []
    for curve in ("P-256", "X25519"):
        d = bytes_of(f"sealing key {curve}")
        recipient = jwk_of(curve, d) | {"alg": "ECDH-ES", "kid": f"seal-{curve}", "use": "enc"}
        it = {"recipient": recipient, "recipient_d": b64(d), "ephemeral": bytes_of(f"ephemeral {curve}").hex(),
              "iv": bytes_of(f"iv {curve}", 12).hex(), "iss": "https://issuer.example", "rp": "https://health.example",
              "jkt": thumbprint(p256_jwk(bytes_of("instance key"))),
              "ppid": ppid(bytes_of("k_ppid"), "https://idp.example", "https://health.example", "resident-1"),
              "sub": did_key(wallet_key(bytes_of("wallet seed"), "enishi/wallet/did/1", "https://health.example"))}
        cases.append({"name": f"sealed to {curve}", "subject": it} | seal(it))
    good = cases[0]
    subject, jwe = good["subject"], good["jwe"]
    binding = {name: subject[name] for name in ("iss", "rp", "jkt")}
    refused = []

    def refuse(name, code, jwe=jwe, **changes):
        refused.append({"name": name, "jwe": jwe, "expected": binding | changes, "code": code})

    refuse("of another issuer", "sealed_sub_binding", iss="https://other.example")
    refuse("of another relying party", "sealed_sub_binding", rp="https://bank.example")
    refuse("of another credential", "sealed_sub_binding", jkt=thumbprint(p256_jwk(bytes_of("another key"))))

    def with_header(**changes):
        header = good["header"] | changes
        return ".".join([b64(compact(header).encode()), *jwe.split(".")[1:]])

    refuse("the header rewritten to fit another party", "sealed_sub_not_for_us", with_header(rp="https://bank.example"),
           rp="https://bank.example")
    refuse("another ephemeral key", "sealed_sub_not_for_us", with_header(epk=p256_jwk(bytes_of("another ephemeral"))))
    refuse("another typ", "sealed_sub_malformed", with_header(typ="JWT"))
    refuse("another enc", "sealed_sub_malformed", with_header(enc="A128GCM"))
    refuse("compressed", "sealed_sub_malformed", with_header(zip="DEF"))
    inside = copy.deepcopy(subject)
    inside["rp"] = "https://bank.example"
    ephemeral = {"epk": good["header"]["epk"]}
    contradiction = seal_as(inside, good["header"] | ephemeral, sealed_plaintext(inside))
    refuse("header and plaintext contradict each other", "sealed_sub_binding", contradiction)
    refuse("a plaintext of another length", "sealed_sub_malformed", seal_as(subject, good["header"], good["plaintext"].encode()[:-3] + b'"}'))
    parts = jwe.split(".")
    flip = lambda text: text[:-3] + ("A" if text[-3] != "A" else "B") + text[-2:]
    for name, at in (("the iv", 2), ("the ciphertext", 3), ("the tag", 4)):
        changed = [flip(part) if n == at else part for n, part in enumerate(parts)]
        refuse(f"{name} changed", "sealed_sub_not_for_us", ".".join(changed))
    refuse("an encrypted key where there is none", "sealed_sub_malformed", ".".join([parts[0], "AAAA", *parts[2:]]))
    refuse("four parts", "sealed_sub_malformed", ".".join(parts[:4]))
    refuse("sealed to a key that is not ours", "sealed_sub_not_for_us", to_a_stranger(subject))
    return {"cases": cases, "refused": refused}


def seal_as(it, header, plaintext):
    """Seals what no honest issuer would: this header and this plaintext."""
    key, header64 = bytes.fromhex(seal(it)["content_key"]), b64(compact(header).encode())
    sealed = AESGCM(key).encrypt(bytes.fromhex(it["iv"]), plaintext, header64.encode())
    return ".".join([header64, "", b64(bytes.fromhex(it["iv"])), b64(sealed[:-16]), b64(sealed[-16:])])


def to_a_stranger(subject):
    stranger = copy.deepcopy(subject)
    stranger["recipient"] |= p256_jwk(bytes_of("a stranger's key"))
    return seal(stranger)["jwe"]


def wallet_keys_file():
    seed = bytes_of("wallet seed")
    dids, grants = [], []
    for rp in ("https://health.example", "https://bank.example", "https://健康.example", ""):
        d = wallet_key(seed, "enishi/wallet/did/1", rp)
        dids.append({"rp": rp, "d": b64(d), "did": did_key(d)})
    for verifier, grant in (("x509_san_dns:verifier.example", "g-1"), ("x509_san_dns:verifier.example", "g-2"),
                            ("x509_san_dns:verifier.exampleg", "-1")):
        d = wallet_key(seed, "enishi/wallet/grant/1", verifier, grant)
        grants.append({"verifier": verifier, "grant_id": grant, "d": b64(d), "jkt": thumbprint(p256_jwk(d))})
    return {"seed": seed.hex(), "pairwise_dids": dids, "grant_keys": grants}


def linkage_file():
    issuer, instance = bytes_of("issuer key"), bytes_of("instance key")
    sealed = sealed_file()["cases"][0]
    subject = sealed["subject"]
    s = subject_scalar(bytes_of("k_link"), "https://idp.example", "resident-1")
    r = int.from_bytes(bytes_of("r of a credential", 64), "little") % group.L
    issued_at = 1_795_352_400
    day = issued_at - issued_at % 86_400
    hidden = {"ppid": subject["ppid"], "sealed_sub": sealed["jwe"], "sub": subject["sub"]}
    salts = {name: bytes_of(f"salt of {name}", 16) for name in hidden}
    disclosures = {name: b64(compact([b64(salts[name]), name, hidden[name]]).encode()) for name in hidden}
    digests = sorted(b64(hashlib.sha256(text.encode()).digest()) for text in disclosures.values())
    payload = {
        "iss": subject["iss"], "vct": "urn:enishi:linkage:1", "iat": day, "exp": day + 7 * 86_400, "rp": subject["rp"],
        "acr": "urn:example:high", "cnf": {"jwk": p256_jwk(instance)}, "link": {"suite": SUITE, "commitment": b64(commitment(s, r))},
        "status": {"status_list": {"idx": 7, "uri": "https://issuer.example/status/1"}}, "_sd": digests, "_sd_alg": "sha-256",
    }
    header = {"alg": "ES256", "kid": "issuer-1", "typ": "dc+sd-jwt"}
    signed = b64(compact(header).encode()) + "." + b64(compact(payload).encode())
    jwt = signed + "." + b64(es256(issuer, signed.encode()))
    everything = "~".join([jwt, *(disclosures[name] for name in sorted(hidden)), ""])
    show = lambda *names: "~".join([jwt, *(disclosures[name] for name in sorted(names)), ""])
    shown = {"mediated": show("sealed_sub"), "first_party": show("sub", "ppid")}
    return {
        "issuer": p256_jwk(issuer) | {"kid": "issuer-1"}, "issuer_d": b64(issuer), "instance": p256_jwk(instance),
        "instance_d": b64(instance), "k_link": bytes_of("k_link").hex(), "account": {"iss": "https://idp.example", "sub": "resident-1"},
        "r": b64(scalar_bytes(r)), "issued_at": issued_at, "valid_days": 7,
        "salts": {name: b64(salt) for name, salt in salts.items()}, "concealed": hidden, "header": header, "payload": payload,
        "disclosures": disclosures, "credential": everything,
        "shown": {name: {"text": text, "sd_hash": b64(hashlib.sha256(text.encode()).digest())} for name, text in shown.items()},
    }


FILES = {"ppid": ppid_file, "commitments": commitments_file, "same-subject": same_subject_file,
         "sealed-subjects": sealed_file, "wallet-keys": wallet_keys_file, "linkage-credential": linkage_file}


def main():
    differ = 0
    for name, make in FILES.items():
        path = HERE / f"{name}.json"
        text = json.dumps(make(), indent=1, ensure_ascii=False) + "\n"
        if "--write" in sys.argv:
            path.write_text(text, encoding="utf-8")
        same = path.read_text(encoding="utf-8") == text
        differ += not same
        print(f"{path.name}: {'as recomputed' if same else 'DIFFERS'}")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
