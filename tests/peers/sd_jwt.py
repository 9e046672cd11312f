"""SD-JWT by the PyPI package sd-jwt: one job from standard input, its result on standard output."""
import json
import sys

from jwcrypto.jwk import JWK
from sd_jwt.common import SDObj
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

job = json.load(sys.stdin)


def key(name):
    return JWK(**job[name])


def verify():
    verifier = SDJWTVerifier(job["text"], lambda issuer, header: key("issuerJwk"), job.get("aud"), job.get("nonce"))
    return verifier.get_verified_payload()


def issue():
    claims = {k: v for k, v in job["claims"].items() if k not in ("colour", "engine", "seat", "stops", "cnf")}
    seat, stops, engine = (job["claims"][name] for name in ("seat", "stops", "engine"))
    claims[SDObj("colour")] = job["claims"]["colour"]
    claims["seat"] = {"deck": seat["deck"], SDObj("row"): seat["row"]}
    claims["stops"] = [stops[0], SDObj(stops[1])]
    claims[SDObj("engine")] = {"fuel": engine["fuel"], SDObj("power"): engine["power"]}
    issuer = SDJWTIssuer(
        claims, key("issuerJwk"), key("holderJwk"), sign_alg="ES256", add_decoy_claims=True,
        extra_header_parameters={"typ": "dc+sd-jwt"},
    )
    return issuer.sd_jwt_issuance


def present():
    holder = SDJWTHolder(job["text"])
    chosen = {"colour": True, "stops": [None, True], "engine": {"power": True}}
    holder.create_presentation(
        chosen, nonce=job["nonce"], aud=job["aud"], holder_key=key("holderJwk"), sign_alg="ES256"
    )
    return holder.sd_jwt_presentation


print(json.dumps({"verify": verify, "issue": issue, "present": present}[job["do"]]()))
